"""The calibration card of rows: how far the judge is to be trusted there, and what people would say of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics import calibration, contrast
from analytics import prediction_powered as ppi
from analytics.calibration import Card, Decided
from analytics.intervals import Estimate
from server.calibration import words
from server.calibration.asking import Asked, Pairs
from server.calibration.estimates import Estimated, estimates

Row = dict[str, Any]
_DIFFERENT = 0.01  # p-value below which labelled rows are said to be no random sample


def parts(pairs: Pairs, column: str) -> Iterator[tuple[str, Pairs]]:
    """The rows of each value of a column, by value; none where there is no such column."""
    names = pairs.columns.get(column)
    if names is not None:
        for name in sorted(set(names.tolist())):
            yield str(name), pairs.of(names == name)


def card(pairs: Pairs, asked: Asked, slice_: str | None = None, variant: str | None = None) -> Row:
    """The card as `assay calibrate` prints it, with its sentence."""
    there = pairs.rows.labelled
    n, total = int(there.sum()), int(there.size)
    row: Row = {
        "kind": "card", "slice": slice_, "variant": variant, "n": n, "n_rows": total, "n_labelled": n,
        "n_unlabelled": total - n, "measure": measure(pairs),
    }  # fmt: skip
    if not n:
        estimated: list[Estimated] = []
        row |= {"estimates": [], "why": "no row has a label"}
    else:
        estimated = estimates(pairs, asked)
        row |= _agreeing(pairs, asked) | _leaning(pairs, asked)
        row |= {"estimates": [estimate(one) for one in estimated], "plan": plan(pairs, asked)}
    row |= {"labelled_differ": _differ(pairs, asked), "level": asked.level}
    return row | {"sentence": " ".join(words.of_card(row))}


def _agreeing(pairs: Pairs, asked: Asked) -> Row:
    """Sensitivity and the like, where judge and people say yes or no; the reliability curve; the best threshold."""
    told = pairs.rows.labelled
    judge, human = pairs.rows.judge[told], pairs.rows.human[told]
    clusters = pairs.rows.clusters[told] if pairs.grouped else None
    curve = [
        {"low": one.low, "high": one.high, "judge": one.judge, "human": ends(one.human)}
        for one in calibration.reliability(judge, human, clusters, asked.level)
    ]
    row: Row = {"reliability": curve, "threshold": None, "trust": "unsure"}
    sides = decided(pairs)
    if sides is not None:
        row |= of_card(calibration.card(sides, asked.level, asked.seed))
    if pairs.human_yes is not None:
        best = calibration.threshold(judge, human == 1, clusters, asked.level, asked.seed)
        row["threshold"] = {"value": None, "why": best} if isinstance(best, str) else {
            "value": best.value, "ci_low": best.low, "ci_high": best.high, "youden": best.youden,
            "flattery": best.flattery, "draws": best.draws, "why": None,
        }  # fmt: skip
    return row


def decided(pairs: Pairs) -> Decided | None:
    """The labelled rows as yes and no; null: the judge or people say neither."""
    if pairs.judge_yes is None or pairs.human_yes is None:
        return None
    told = pairs.rows.labelled
    clusters = pairs.rows.clusters[told] if pairs.grouped else None
    return Decided(pairs.judge_yes[told] == 1, pairs.human_yes[told] == 1, clusters)


def of_card(card: Card) -> Row:
    """Shares, kappas and counts as JSON has them."""
    shares = {name: getattr(card, name) for name in ("sensitivity", "specificity", "precision", "agreement")}
    kappas = {"kappa": card.kappa, "gwet_ac1": card.ac1}
    return {
        **{name: ends(one) for name, one in shares.items()},
        **{
            name: {"value": one.value, "ci_low": one.ci_low, "ci_high": one.ci_high, "n": one.n_items, "why": one.why}
            for name, one in kappas.items()
        },
        "true_positives": card.true_positives, "false_positives": card.false_positives,
        "false_negatives": card.false_negatives, "true_negatives": card.true_negatives, "trust": card.trust,
    }  # fmt: skip


def _leaning(pairs: Pairs, asked: Asked) -> Row:
    told, sides = pairs.rows.labelled, decided(pairs)
    row: Row = {}
    if pairs.lengths is not None:
        found = None if sides is None else calibration.length_lean(sides, pairs.lengths[told], asked.level)
        row["length_bias"] = None if found is None else ends(found)
    position = pairs.columns.get("position")
    if position is not None:
        judge = pairs.rows.judge if pairs.judge_yes is None or pairs.human_yes is None else pairs.judge_yes
        clusters = pairs.rows.clusters[told] if pairs.grouped else None
        lean = calibration.leaning(judge[told], pairs.rows.human[told], position[told].tolist(), clusters, asked.level)
        row["position_bias"] = {
            "errors": [{"position": one.value, **ends(one.error)} for one in lean.leans],
            "difference": None if lean.difference is None else ends(lean.difference), "p_value": lean.p_value,
        }  # fmt: skip
    return row


def _differ(pairs: Pairs, asked: Asked) -> Row | None:
    """Whether the judge scores labelled rows as it does the others: else these are no random sample of all."""
    told, judge, clusters = pairs.rows.labelled, pairs.rows.judge, pairs.rows.clusters
    if min(int(told.sum()), int((~told).sum())) < 2:
        return None
    found = contrast.contrast(*(contrast.mean(judge[side], clusters[side]) for side in (~told, told)))
    low, high = found.ends((1 - asked.level) / 2)
    p = found.p() if found.error > 0 else None
    return {"value": found.value, "ci_low": low, "ci_high": high, "p": p, "differ": p is not None and p < _DIFFERENT}


def plan(pairs: Pairs, asked: Asked) -> Row | None:
    """Labels that an interval of the asked width takes, and in which strata; null: no width is asked for."""
    if asked.width is None:
        return None
    found = ppi.plan(pairs.rows, asked.width, asked.level)
    if found is None:
        return {
            "width": asked.width,
            "labels": None,
            "more": None,
            "why": "fewer than two rows have a label, or all labels are one",
        }
    row: Row = {
        "width": found.width, "labels": found.labels, "more": found.more, "without_judge": found.without_judge,
        "why": None if found.labels is not None else "even with a label on every row the interval is wider",
    }  # fmt: skip
    if pairs.strata is not None and found.more:
        counts = ppi.allocation(pairs.rows, pairs.strata, found.more)
        row["strata"] = [
            {"stratum": name, "labels": count} for name, count in zip(pairs.strata_names, counts, strict=False)
        ]
    return row


def estimate(one: Estimated) -> Row:
    """As JSON has it."""
    return {"method": one.method, **ends(one.of), "lambda": one.tuned, "why": one.why}


def measure(pairs: Pairs) -> str:
    """What is estimated: how often people say yes, or the mean of their scores."""
    return "mean" if pairs.human_yes is None else "rate"


def ends(one: Estimate) -> Row:
    """A value with its interval."""
    return {"value": one.value, "ci_low": one.low, "ci_high": one.high, "n": one.n}
