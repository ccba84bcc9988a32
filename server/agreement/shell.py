"""What `assay agreement` says, as objects and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from analytics import intervals
from analytics.agreement import Agreement, agreement
from analytics.intervals import Estimate
from analytics.ratings import Ratings
from server.agreement.asking import Asked, Told
from server.compare.reading import ComparisonError
from server.evals.figures import counted, number

Row = dict[str, Any]
MOST_PAIRS = 500
NAMES = {
    "percent_agreement": "Percent agreement",
    "cohen_kappa": "Cohen's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha_nominal": "Krippendorff's alpha (nominal)",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha (ordinal)",
    "krippendorff_alpha_interval": "Krippendorff's alpha (interval)",
    "gwet_ac1": "Gwet's AC1",
    "gold_accuracy": "Accuracy by the gold labels",
    "dawid_skene_accuracy": "Accuracy by the consensus",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One coefficient of some of the labels."""

    of: Agreement
    slice: str | None  # null: of all
    labellers: tuple[str, ...] | None  # two, or the one that it is of; null: of all


def found(told: Told, asked: Asked) -> list[Found]:
    """All labels, then slices, then pairs of labellers, then each labeller by the gold labels.

    Raises:
        ComparisonError: there are too many pairs of labellers.
    """
    rows = [Found(one, None, None) for one in _agreement(told, told.ratings, asked)]
    for name, part in told.slices.items():
        rows += [Found(one, name, None) for one in _agreement(told, part, asked)]
    if asked.pairs:
        rows += _pairs(told, asked)
    return [*rows, *_golds(told, asked)]


def _agreement(told: Told, part: Ratings, asked: Asked) -> list[Agreement]:
    return agreement(part, asked.options, told.clusters_of(part))


def _pairs(told: Told, asked: Asked) -> Iterator[Found]:
    whole = told.ratings
    many = whole.names.size * (whole.names.size - 1) // 2
    if many > MOST_PAIRS:
        raise ComparisonError(
            f"--pairs: {counted(whole.names.size, 'labeller')} make {many:,} pairs, and {MOST_PAIRS} are the most. "
            "Take rows of fewer labellers."
        )
    for one, other in combinations(range(whole.names.size), 2):
        part = whole.of((whole.labellers == one) | (whole.labellers == other))
        names = (str(whole.names[one]), str(whole.names[other]))
        yield from (Found(told_of, None, names) for told_of in _agreement(told, part, asked))


def _golds(told: Told, asked: Asked) -> Iterator[Found]:
    """How often labels are the gold ones: of all labels, whose interval is by item, and of each labeller."""
    if told.gold is None:
        return
    whole = told.ratings
    gold = told.gold[whole.items]
    there = gold >= 0
    if not there.any():
        raise ComparisonError("No item has both a gold label and another one: there is nothing to compare.")
    right = (whole.labels == gold).astype(float)
    items = told.clusters_of(whole)
    codes = whole.items if items is None else items[whole.items]
    level = asked.options.level
    yield Found(_gold(whole, there, intervals.bounded_mean(right[there], codes[there], level=level)), None, None)
    for at, name in enumerate(whole.names):
        own = there & (whole.labellers == at)
        if own.any():
            share = intervals.rate(int(right[own].sum()), int(own.sum()), level)
            yield Found(_gold(whole, own, share), None, (str(name),))


def _gold(whole: Ratings, rows: np.ndarray, share: Estimate) -> Agreement:
    return Agreement(
        "gold_accuracy", share.value, share.low, share.high, int(np.unique(whole.items[rows]).size),
        int(np.unique(whole.labellers[rows]).size), int(rows.sum()), 0, len(whole.categories), "wilson", 0, 0, None,
    )  # fmt: skip


def json_rows(rows: Sequence[Found], asked: Asked) -> list[Row]:
    """The issue's fields first, then of what, then how, then the sentence."""
    return [
        asdict(one.of)
        | {
            "slice": one.slice,
            "labellers": None if one.labellers is None else list(one.labellers),
            "weights": asked.options.weights,
            "level": asked.options.level,
            "sentence": sentence(one, asked.options.level),
        }
        for one in rows
    ]


def sentence(one: Found, level: float) -> str:
    """What a coefficient is, how sure, of how much."""
    told = one.of
    head = _head(one)
    if told.value is None:
        return f"{head}: not defined, as {told.why}."
    ends = "" if told.ci_low is None else f" ({level:.0%} CI {number(told.ci_low)} to {number(told.ci_high)})"
    also = "" if told.why is None else f" ({told.why})"
    return (
        f"{head}: {number(told.value)}{ends}, over {counted(told.n_items, 'item')} and "
        f"{counted(told.n_labellers, 'labeller')}{also}."
    )


def _head(one: Found) -> str:
    name = NAMES[one.of.coefficient]
    if one.labellers is not None:
        name = f"{name}, {' and '.join(one.labellers)}"
    return name if one.slice is None else f"{name}, {one.slice}"
