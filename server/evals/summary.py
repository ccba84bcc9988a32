"""What a run says in numbers: of each evaluator and measure, of its gates, and whether the build may go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.flaky import flaky
from analytics.items import rows
from evaluators.suites.engine import Scorer
from evaluators.suites.suite import MEASURED, Suite
from server.evals.columns import Columns, Said, numbers
from server.evals.figures import counted, verb
from server.evals.gating import Baseline, Judged, estimate_row, judged_gates, mean_over, shared_with
from server.evals.preparing import Prepared

BINS = 20
FLAKY_SHOWN = 50
REASON = 200  # letters of the reason that a sentence tells

Summary = dict[str, Any]
"""As `summary.json` has it."""


def summary_of(prepared: Prepared, columns: Columns, baseline: Baseline | None, *, skip: bool = False) -> Summary:
    """The summary of a run whose rows are the columns, against a baseline if there is one.

    `skip`: gates against a baseline are left undecided where there is none.
    """
    gates = judged_gates(prepared, columns, baseline, skip=skip)
    return summed(prepared.read.suite, prepared.scorers, columns, gates, baseline)


def summed(
    suite: Suite, scorers: Sequence[Scorer], columns: Columns, gates: Sequence[Judged] = (),
    baseline: Baseline | None = None,
) -> Summary:  # fmt: skip
    """The summary of rows that stand as columns, with what came of the gates."""
    completeness = _completeness(suite, columns)
    outcome = "failed" if completeness["fails"] or any(one.fails for one in gates) else "passed"
    clustered = suite.dataset.cluster is not None
    flips = _flaky_items(columns) if suite.repeats > 1 else []
    return {
        "suite": suite.name, "description": suite.description, "outcome": outcome,
        "sentences": _sentences(columns, gates, completeness),
        "items": len(columns.items.names), "answers": columns.rows, "repeats": suite.repeats,
        "clusters": len(columns.clusters.names), "failed_answers": dict(columns.errors), "cut": columns.cut,
        "held_back": columns.held_back, "cost": _cost(columns),
        "evaluators": [_evaluator(one, columns, suite) for one in scorers],
        "measured": [
            found for name in MEASURED if (found := _measured(name, columns, clustered=clustered)) is not None
        ],
        "gates": [one.row() for one in gates], "completeness": completeness,
        "flaky_items": flips[:FLAKY_SHOWN], "flaky_count": len(flips),
        "baseline": None if baseline is None else asdict(shared_with(baseline, columns)),
        "limits": {one.use.called: list(one.evaluator.card.limits) for one in scorers},
    }  # fmt: skip


def _evaluator(scorer: Scorer, columns: Columns, suite: Suite) -> dict[str, Any]:
    card, said = scorer.evaluator.card, columns.evaluators.get(scorer.use.called, Said())
    value, passed = numbers(said.value), numbers(said.passed)
    scale, clustered = card.scale, suite.dataset.cluster is not None
    bounds = None if scale.low is None or scale.high is None else (scale.low, scale.high)
    return {
        "name": scorer.use.called, "evaluator": card.name, "version": scorer.ruler, "cost": card.cost,
        "measures": card.measures, "scale": asdict(scale), "limits": list(card.limits),
        "ok": said.statuses["ok"], "not_applicable": said.statuses["not_applicable"], "errors": said.statuses["error"],
        "error_types": dict(said.errors), "mean": mean_over(value, columns, bounds, clustered=clustered),
        "pass_rate": mean_over(passed, columns, (0.0, 1.0), clustered=clustered), "labels": _labels(said),
        "histogram": _histogram(value, bounds),
        "flaky": _flaky(said, columns, clustered=clustered) if suite.repeats > 1 else None,
    }  # fmt: skip


def _decides(said: Said) -> NDArray[np.float64]:
    """What flips: whether it passes, else its label."""
    passed = numbers(said.passed)
    return numbers(said.label) if np.isnan(passed).all() else passed


def _flaky(said: Said, columns: Columns, *, clustered: bool) -> dict[str, Any] | None:
    """How many items' verdicts flip between repeats; null: nothing of it can."""
    decides = _decides(said)
    if not decides.size or np.isnan(decides).all():
        return None
    found = flaky(rows(decides, columns.item_codes(), columns.cluster_codes() if clustered else None))
    return {
        "items": len(found.flips), "of": found.share.n, "share": estimate_row(found.share),
        "another": estimate_row(found.another),
    }  # fmt: skip


def _flaky_items(columns: Columns) -> list[dict[str, Any]]:
    """Each item and evaluator whose verdict flips, with how often it passed or said the same; worst first."""
    found = []
    for name, said in columns.evaluators.items():
        decides = _decides(said)
        if not decides.size or np.isnan(decides).all():
            continue
        found += [
            (flip.differing / flip.repeats, int(str(flip.item)), name, flip)
            for flip in flaky(rows(decides, columns.item_codes())).flips
        ]
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [_flip(columns, code, name, flip.repeats) for _, code, name, flip in found]


def _flip(columns: Columns, code: int, name: str, repeats: int) -> dict[str, Any]:
    said, mine = columns.evaluators[name], columns.item_codes() == code
    passed = numbers(said.passed)[mine]
    labels = [said.labels.names[int(one)] for one in numbers(said.label)[mine] if not np.isnan(one)]
    known = passed[~np.isnan(passed)]
    return {
        "item": columns.items.names[code], "evaluator": name, "of": repeats,
        "passed": int(known.sum()) if known.size else None, "labels": labels,
    }  # fmt: skip


def _labels(said: Said) -> dict[str, int]:
    codes = numbers(said.label)
    counts = np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(said.labels.names))
    return {name: int(count) for name, count in zip(said.labels.names, counts, strict=True)}


def _histogram(values: NDArray[np.float64], bounds: tuple[float, float] | None) -> dict[str, Any] | None:
    """Counts in equal bins over the scale, or where it has no ends over what was said. Null: no number was."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = bounds or (float(known.min()), float(known.max()))
    counts, edges = np.histogram(known, BINS, (low, high if high > low else low + 1))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _measured(name: str, columns: Columns, *, clustered: bool) -> dict[str, Any] | None:
    values = numbers(columns.measured[name])
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    p50, p95 = np.quantile(known, [0.5, 0.95])
    return {
        "name": name, "mean": mean_over(values, columns, None, clustered=clustered), "p50": float(p50),
        "p95": float(p95),
        "known": int(known.size),
    }  # fmt: skip


def _cost(columns: Columns) -> dict[str, Any]:
    asked, judges = numbers(columns.measured["cost_usd"]), columns.judges_usd
    known = asked[~np.isnan(asked)]
    return {
        "target_usd": float(known.sum()) if known.size else None, "judges_usd": judges,
        "unknown": int(np.isnan(asked).sum()),
    }  # fmt: skip


def _completeness(suite: Suite, columns: Columns) -> dict[str, Any]:
    """Whether so few answers and verdicts failed that the rest stands for all; it says, too, what hardly applies."""
    most = suite.failures_at_most
    faults = []
    lost = int(numbers(columns.failed).sum())
    if lost > most * columns.rows:
        faults.append(_failed(lost, columns.rows, "answer", columns.errors, columns.reasons))
    for name, said in columns.evaluators.items():
        failed = said.statuses["error"] - said.errors["no_answer"]
        if failed > most * columns.rows:
            kinds = {kind: count for kind, count in said.errors.items() if kind != "no_answer"}
            faults.append(_failed(failed, columns.rows, "verdict", kinds, said.reasons, f" of {name}"))
    return {
        "text": f"failures <= {most:g}", "state": "missed" if faults else "met", "fails": bool(faults),
        "sentence": " ".join([*(faults or [_few(lost, columns)]), *_idle(columns)]),
    }  # fmt: skip


def _few(lost: int, columns: Columns) -> str:
    if lost:
        return _failed(lost, columns.rows, "answer", columns.errors, columns.reasons)
    return "The one answer came." if columns.rows == 1 else f"All {columns.rows:,} answers came."


def _failed(count: int, rows: int, what: str, kinds: dict[str, int], reasons: dict[str, str], of: str = "") -> str:  # noqa: PLR0917 - words of one sentence
    """How many failed, of which kinds, and what the first of the most frequent kind said."""
    often = max(kinds, key=lambda kind: kinds[kind])
    reason = _line(reasons.get(often, ""))
    first = f" The first {often.replace('_', ' ')}: {reason}" if reason else ""
    return f"{count:,} of {counted(rows, what)}{of} failed ({_kinds(kinds)}).{first}"


def _line(text: str) -> str:
    """A text of somebody else as one short line, without letters that a terminal would obey; it ends a sentence."""
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * REASON]).split())
    flat = flat if len(flat) <= REASON else f"{flat[: REASON - 1]}…"
    return flat if not flat or flat[-1] in ".!?…" else f"{flat}."


def _idle(columns: Columns) -> list[str]:
    """A sentence for each evaluator that says of more than half of the answers that it does not apply."""
    return [
        f"{name} does not apply to {said.statuses['not_applicable']:,} of {counted(columns.rows, 'answer')}: "
        "see in results.jsonl what it lacks."
        for name, said in columns.evaluators.items()
        if 2 * said.statuses["not_applicable"] > columns.rows
    ]


def _kinds(errors: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(errors.items(), key=lambda one: -one[1]))


def _sentences(columns: Columns, gates: Sequence[Judged], completeness: dict[str, Any]) -> list[str]:
    """What a person has to know, the first thing first."""
    failed = [f"{one.gate.text}: {one.sentence}" for one in gates if one.fails]
    failed += [str(completeness["sentence"])] if completeness["fails"] else []
    size = f"{counted(len(columns.items.names), 'item')}, {counted(columns.rows, 'answer')}."
    return [*failed, f"{_gates_sentence(gates)} {size}"]


def outcome_line(summary: Summary) -> str:
    """Whether the run passed; where gates are undecided, that it passes as nothing was shown, not as it was refuted."""
    states = [one["state"] for one in summary["gates"]]
    count = states.count("undecided")
    if summary["outcome"] != "passed" or not count:
        return str(summary["outcome"])
    return (
        f"passed; nothing was shown to be worse; {count:,} of {counted(len(states), 'gate')} "
        f"{verb(count, 'is', 'are')} undecided"
    )


def _gates_sentence(gates: Sequence[Judged]) -> str:
    if not gates:
        return "The suite has no gates."
    states = Counter(one.state for one in gates)
    told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()))
    return f"Of {counted(len(gates), 'gate')}: {told}."
