"""Variants of a comparison as people would say: rates and differences corrected by labels, beside the judge's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from analytics import prediction_powered as ppi
from server.aside import Ask
from server.calibration.asking import Asked, Pairs
from server.calibration.cards import ends
from server.calibration.estimates import Estimated, apart, estimates, naive
from server.compare import rulers
from server.compare.directions import guessed
from server.compare.measures import scale_better
from server.compare.runs import Variant, scale_told
from server.compare.traffic import SCORES, Window
from server.evals.figures import counted, number
from server.judges.asking import Fields
from server.judges.pairing import joined, labels_for
from server.judges.people import Said, said, scale_of

Row = dict[str, Any]
Better = Literal["higher", "lower"] | None
LEAST = 10  # labelled items of each variant, below which an interval says next to nothing
LEVEL = 0.95
_BOTH, _STRATA, _ALONE = "ppi", "ppi_stratified", "judge_only"


def runs(ask: Ask, variants: Sequence[Variant], baseline: str, fields: Fields) -> Row:
    """Evaluators of runs; see `GET /api/compare/runs/people`."""
    people = said(ask("judge_labels"))
    names = list(dict.fromkeys(name for one in variants for name in one.manifest["evaluators"]))
    found = []
    for name in names:
        labels = _labels(name, variants, list(people), fields)
        if labels is None:
            continue
        rows, scale = _of_runs(ask, variants, name), scale_told(name, variants)
        measure = f"{name}.passed" if rows["passed"].notna().any() else name
        if rows["passed"].notna().any():
            rows["value"], scale = rows["passed"], {"low": 0, "high": 1, "better": "higher"}
        order = [one.name for one in variants]
        found.append(_measure(rows, people[labels], scale, measure, name, (order, baseline)))
    return {"source": "runs", "baseline": baseline, "measures": found, "labels": sorted(people)}


def _labels(name: str, variants: Sequence[Variant], known: Sequence[str], fields: Fields) -> str | None:
    """Of the evaluator as the suite calls it, else as it is called."""
    used = [one.manifest["evaluators"][name] for one in variants if name in one.manifest["evaluators"]]
    names = list(dict.fromkeys([name, *(str(one["evaluator"]) for one in used)]))
    return next((labels[0] for one in names if (labels := labels_for(one, known, fields))), None)


def _of_runs(ask: Ask, variants: Sequence[Variant], name: str) -> pd.DataFrame:
    """Rows with a trace can have labels; items are the same in all runs by id and by what they hold."""
    table = ask("judge_run_rows", runs=[one.run_id for one in variants], measure=name)
    rows: pd.DataFrame = table.to_pandas()
    keys = rows["item"].astype(str) + "\0" + rows["content"].astype(str)
    rows["cluster"] = pd.factorize(keys)[0].astype(np.uint64)
    rows["whole"], rows["label"] = True, None
    rows["variant"] = np.array([one.name for one in variants], object)[rows["run"].to_numpy() - 1]
    lost = ~rows["traced"].to_numpy(bool)
    rows.loc[lost, "target"] = np.arange(lost.sum(), dtype=np.uint64)  # the hash of no trace would be one target
    return rows


def traffic(ask: Ask, window: Window, baseline: str, fields: Fields) -> Row:
    """Scores of live traffic; see `GET /api/compare/traffic/people`."""
    people = said(ask("judge_labels"))
    shared = {
        "dimension": window.by, "values": list(window.values), "since": window.since, "until": window.until,
        **window.filters,
    }  # fmt: skip
    found, names = [], list(window.values)
    for told in ask("compare_names", since=window.since, max_rows=SCORES).to_pylist()[:SCORES]:
        name = str(told["name"])
        labels = labels_for(name, list(people), fields)
        if not labels:
            continue
        rows = ask("judge_traffic", **shared, score=name).to_pandas()
        if not len(rows):
            continue
        asked = rows[["variant", "ruler", "value"]].rename(columns={"variant": "value", "value": "amount"})
        kept = rulers.alike(asked, name, window.values, baseline)
        rows = rows if kept.ruler is None else rows[rows["ruler"] == kept.ruler].reset_index(drop=True)
        scale = scale_of(rows["scale"].dropna().iloc[-1] if rows["scale"].notna().any() else None)
        found.append(_measure(rows, people[labels[0]], scale, f"score.{name}", name, (names, baseline)))
    return {"source": "traffic", "baseline": baseline, "measures": found, "labels": sorted(people)}


def _measure(  # noqa: PLR0917 - one measure
    rows: pd.DataFrame, people: Said, scale: Mapping[str, Any], key: str, name: str,
    variants: tuple[Sequence[str], str],
) -> Row:  # fmt: skip
    """One measure of all variants; `why` where no correction is told."""
    order, baseline = variants
    made = joined(rows, people, scale)
    pairs, column = made.pairs, rows["variant"].to_numpy(object)[made.kept]
    parts = {one: pairs.of(column == one) for one in order}
    share = pairs.human_yes is not None
    better = scale_better(name, scale) or guessed(name)
    lines = {"judge_from": made.lines.judge_from, "people_from": made.lines.people_from}
    own = [_own(one, part) for one, part in parts.items()]
    pairs_ = [_pair(baseline, other, parts, better, name) for other in order if other != baseline]
    return {
        "measure": key, "of": name, "label": people.name, "statistic": "share" if share else "mean", "better": better,
        "own": own, "pairs": pairs_, "notes": list(made.notes), "lines": lines, "why": _refusal(own, people.name),
    }  # fmt: skip


def _refusal(own: Sequence[Row], label: str) -> str | None:
    short = [one for one in own if one["labels"] < LEAST]
    if not short:
        return None
    said_ = ", ".join(f"{one['variant']} has {counted(one['labels'], 'item')} labelled" for one in short)
    return f"{said_} ({label}); each variant needs {LEAST}. Label more of them at random."


def _own(name: str, part: Pairs) -> Row:
    """Of one variant the judge's own estimate, and the corrected ones."""
    labels = int(part.rows.labelled.sum())
    told: Row = {"variant": name, "rows": int(part.rows.judge.size), "labels": labels}
    if not part.rows.judge.size:
        return told | {"judge": None, "corrected": None, "rogan_gladen": None, "method": None}
    if labels < LEAST:
        return told | {"judge": _alone(part), "corrected": None, "rogan_gladen": None, "method": None}
    return told | _told({one.method: one for one in estimates(part, Asked(level=LEVEL))})


def _alone(part: Pairs) -> Row:
    """What the judge says alone, which needs no label."""
    return ends(ppi.judged(naive(part)).estimate(LEVEL, share=part.judge_yes is not None))


def _told(found: Mapping[str, Estimated]) -> Row:
    method = _STRATA if _STRATA in found else _BOTH
    rogan = found.get("rogan_gladen")
    return {
        "judge": ends(found[_ALONE].of), "corrected": ends(found[method].of), "method": method,
        "rogan_gladen": None if rogan is None or rogan.of.value is None else ends(rogan.of) | {"why": rogan.why},
    }  # fmt: skip


def _pair(baseline: str, other: str, parts: Mapping[str, Pairs], better: Better, name: str) -> Row:
    """The second less the baseline, with a verdict on what people would say."""
    sides = parts[baseline], parts[other]
    labels = [int(one.rows.labelled.sum()) for one in sides]
    told: Row = {"a": baseline, "b": other, "labels": labels}
    if min(labels) < LEAST:
        return told | {"judge": None, "corrected": None, "rogan_gladen": None, "verdict": "not enough labels",
                       "sentence": None}  # fmt: skip
    found = _told({one.method: one for one in apart(*sides, Asked(level=LEVEL))})
    share = sides[0].human_yes is not None
    verdict = _verdict(found["corrected"], better)
    return told | found | {"verdict": verdict, "sentence": _sentence(told | found, verdict, name, share=share)}


def _verdict(one: Row, better: Better) -> str:
    low, high = one["ci_low"], one["ci_high"]
    if low is None or high is None or low <= 0 <= high:
        return "no difference found"
    up = low > 0
    if better is None:
        return "higher" if up else "lower"
    return "better" if up == (better == "higher") else "worse"


def _sentence(told: Row, verdict: str, name: str, *, share: bool) -> str:
    words = {"better": "is better than", "worse": "is worse than", "higher": "is higher than", "lower": "is lower than"}
    both = counted(sum(told["labels"]), "labelled item")
    start = f"As people would say, corrected by {both}: "
    gap = _gap(told["corrected"], share=share)
    if verdict in words:
        head = f"{told['b']} {words[verdict]} {told['a']} in {name}, by {gap}"
    else:
        head = f"no difference between {told['b']} and {told['a']} in {name} is found ({gap})"
    return f"{start}{head}. The judge alone says {_gap(told['judge'], share=share)}."


def _gap(one: Row, *, share: bool) -> str:
    scale, unit = (100.0, " points") if share else (1.0, "")

    def said_(value: float) -> str:
        return f"{'+' if value > 0 else ''}{number(scale * value)}"

    if one["value"] is None:
        return "nothing"
    if one["ci_low"] is None:
        return f"{said_(one['value'])}{unit}"
    return f"{said_(one['value'])}{unit} ({said_(one['ci_low'])} to {said_(one['ci_high'])})"
