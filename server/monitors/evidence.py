"""What an alert carries beside its verdict: the series, slices and attributes, example traces, and how values lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal, cast

import numpy as np

from analytics.explained import Part
from server.aside import Ask
from server.monitors import saying, slice_sentences, sums
from server.monitors.facts import Facts, Json
from server.monitors.marks import ATTRIBUTES, Mark
from server.monitors.onset import expected
from server.monitors.shapes import shapes
from server.monitors.slicing import Side, Why, in_slice, rows_of, slice_name
from server.monitors.terms import DAY

SHOWN = 12  # slices
TRACES = 5
LONGEST = 28 * DAY  # of the series that an alert carries
_RATES = {
    "error_rate": ("ended well", "failed"), "refusal_rate": ("answered", "refused"),
    "retry_rate": ("no retry", "a retry"), "unknown_usage_rate": ("told its usage", "told no usage"),
    "score_failures": ("scored", "the score failed"),
    "judge_agreement": ("judge and person differ", "judge and person agree"),
}  # fmt: skip
"""What an item of a rate is, where its value is 0 and 1."""


def document(facts: Facts, slices: Sequence[Json]) -> Json:
    """The evidence, as JSON has it but for times; `slices`: of `slices_of`."""
    return {
        "series": _series(facts), "change": None if facts.change is None else asdict(facts.change),
        "slices": list(slices), "attributes": _attributes(facts),
        "markers": [asdict(one) for one in facts.happened], "traces": _traces(facts),
        "distributions": _distributions(facts),
        "sentences": slice_sentences.sentences(
            facts.timed, facts.why, facts.rulers, _notes(facts)
        ),
    }  # fmt: skip


def slices_of(ask: Ask, facts: Facts) -> list[Json]:
    """Slices that explain the change, the most telling first; none where nothing is clear."""
    signal, reference = facts.terms.watched, facts.reference
    if facts.why is not None:
        return _merged(facts.why)[:SHOWN] if facts.why.clear else []
    if signal is None or signal.name not in {"volume", "spend"} or reference.window is None:
        return []
    of = cast("Literal['volume', 'spend']", signal.name)
    like = sums.like(reference.window, facts.current, reference.season)
    return sums.slices(ask, of, facts.terms.where, like, facts.current, facts.up)


def _merged(found: Why) -> list[Json]:
    """Slices that are told; of those that have the same rows the first, which names the others."""
    rows: dict[tuple[object, ...], Json] = {}
    for one in found.parts():
        own = rows.setdefault(rows_of(one), _slice(one, found))
        if (own["attribute"], own["slice"]) != (one.attribute, one.slice):
            own["same"].append(slice_name(one))
    for own in rows.values():
        own["text"] += f" The same rows are of {' and '.join(own['same'])}." if own["same"] else ""
    return list(rows.values())


def _slice(part: Part, found: Why) -> Json:
    told = asdict(part)
    names = (
        "attribute", "slice", "n_reference", "n_current", "share_reference", "share_current", "mean_reference",
        "mean_current", "within", "mix", "apart", "ci_low", "ci_high", "p", "p_share",
    )  # fmt: skip
    return {name: told[name] for name in names} | {
        "part": part.part,
        "p_adjusted": min((p for p in (part.p_adjusted, part.p_share_adjusted) if p is not None), default=None),
        "share_of_change": found.share(part),
        "text": slice_sentences.slice_text(part, found),
        "same": [],
    }


def _attributes(facts: Facts) -> list[Json]:
    if facts.why is None or not facts.why.clear:
        return []
    return [
        {
            "name": one.name, "within": one.within, "mix": one.mix, "told": one.told,
            "text": slice_sentences.attribute_text(one, facts.why.change),
        }
        for one in facts.why.explanation.attributes
    ]  # fmt: skip


def _series(facts: Facts) -> list[Json]:
    """Buckets about the alert, with what each was expected to be and within what 95 % of the reference's lie."""
    if facts.stream is None:
        return []
    level = None if facts.reference.window is None else expected(
        facts.stream, facts.reference.window, facts.reference.season
    )  # fmt: skip
    share = facts.unit == "share"
    least, most = (0.0, 1.0) if share else (-np.inf, np.inf)
    first = facts.about[0] - LONGEST
    return [
        {
            "at": one, "value": float(facts.stream.values[place]), "n": float(facts.stream.weights[place]),
            "expected": None if level is None else float(level[0][place]),
            "low": None if level is None else max(float(level[1][place]), least),
            "high": None if level is None else min(float(level[2][place]), most),
        }
        for place, one in enumerate(facts.stream.times) if one >= first
    ]  # fmt: skip


def _distributions(facts: Facts) -> Json | None:
    if facts.drawn is None or facts.why is None or facts.signal is None:
        return None
    if facts.signal.kind == "embedding":
        return shapes("embedding", *facts.why.numbers.values)
    known = [side.values[side.known()] for side in facts.drawn]
    return shapes(facts.signal.kind, known[0], known[1])


def _traces(facts: Facts) -> list[Json]:
    """Of the current rows those that show the change most, one a trace: in the slice that changed most itself."""
    if facts.why is None or not facts.why.clear:
        return []
    side, values = facts.why.numbers.sides[1], facts.why.numbers.values[1]
    sign = 1 if facts.why.change > 0 else -1
    rows = [at for at in _within(facts.why, side, facts.mark) if side.trace_ids[at] is not None]
    order = sorted(rows, key=lambda at: (-sign * values[at], -_newness(side, at)))
    found: dict[str, Json] = {}
    for at in order:
        if len(found) == TRACES:
            break
        found.setdefault(str(side.trace_ids[at]), _trace(facts, side, at))
    return list(found.values())


def _newness(side: Side, at: int) -> float:
    told = side.times[at]
    return 0.0 if told is None else told.timestamp()


def _within(found: Why, side: Side, mark: Mark | None) -> list[int]:
    """Rows of the slice that the verdict names; of all where it names none."""
    best = found.best(None if mark is None else ATTRIBUTES.get(mark.what)) or found.best()
    every = list(range(len(side.trace_ids)))
    return every if best is None else in_slice(side, best) or every


def _trace(facts: Facts, side: Side, at: int) -> Json:
    """`value` is a number; null: the signal has none."""
    value, text = _value(facts, side, at)
    labels = [f"{name} {column[at]}" for name, column in side.labels.items() if column[at] is not None]
    return {
        "trace_id": str(side.trace_ids[at]).replace("-", ""), "at": side.times[at], "value": value,
        "text": "; ".join(filter(None, [text, ", ".join(labels)])),
    }  # fmt: skip


def _value(facts: Facts, side: Side, at: int) -> tuple[float | None, str]:
    """What an item has, as a number and in words."""
    signal, value = facts.signal, side.values[at]
    if signal is None or signal.kind == "embedding":
        return None, ""
    if signal.kind == "categorical":
        return None, f"{signal.label}: {value}"
    if signal.kind == "rate":
        return float(value), _RATES.get(signal.name, ("no", "yes"))[int(value)]
    return float(value), f"{signal.label}: {saying.amount(float(value), signal.unit)}"


def _notes(facts: Facts) -> list[str]:
    """What the samples were, and what was not asked."""
    if facts.terms.signal == "ledger_losses":
        return ["What was rejected, from whom and why, stands in the ledger."]
    if facts.drawn is None:
        return [facts.refused] if facts.refused else []
    told = []
    for name, side in zip(("reference", "current"), facts.drawn, strict=True):
        if len(side.trace_ids) < side.total:
            told.append(f"Of the {name} {len(side.trace_ids):,} of {side.total:,} rows were drawn.")
    if facts.drawn[0].alike:
        told.append("Of the reference only the same hours are compared, so that a night is not taken for a change.")
    if facts.why is None:
        told.append("A sample has too few rows with a value, so that no slice can be named.")
    return told
