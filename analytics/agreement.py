"""How far labellers agree: percent agreement and six coefficients that take chance out, each with its interval."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from analytics import coefficients, intervals, item_bootstrap
from analytics.coefficients import Weights
from analytics.intervals import LEVEL
from analytics.item_bootstrap import Drawn
from analytics.ratings import Codes, Ratings

COEFFICIENTS = (
    "percent_agreement", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha_nominal", "krippendorff_alpha_ordinal",
    "krippendorff_alpha_interval", "gwet_ac1",
)  # fmt: skip
FEW_LABELLERS = 30  # up to which Cohen's kappas of all pairs are drawn; of more, errors are by moves
NO_PAIR = "no item has labels of two labellers"
WORDS = {
    "krippendorff_alpha_ordinal": "the labels have no order: name one from least to most",
    "krippendorff_alpha_interval": "the labels are no numbers, whose differences mean something",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One coefficient of one set of labels."""

    coefficient: str
    value: float | None  # at most 1, of few items even below -1; null: see `why`
    ci_low: float | None
    ci_high: float | None
    n_items: int  # with labels of two labellers or more, which alone tell agreement
    n_labellers: int  # of these items
    n_labels: int  # of these items
    n_single: int  # items with one label, which tell how common a category is, and no agreement
    categories: int
    method: (
        str  # of the interval: wilson, bootstrap, jackknife (few items), delta (many pairs), exact (all agree) or none
    )
    draws: int
    undefined_draws: int
    why: str | None  # why there is no value, or no interval; what is left out of it


@dataclass(frozen=True, slots=True)
class Options:
    """How agreement is reckoned."""

    level: float = LEVEL
    weights: Weights = "none"  # of percent agreement, Cohen, Fleiss and Gwet: how near miss counts
    seed: int = 0
    draws: bool = True  # false: the error of Cohen's kappa is by moves, as of many labellers


@dataclass(frozen=True, slots=True)
class _Facts:
    """What all coefficients say of the labels they are of."""

    n_items: int
    n_labellers: int
    n_labels: int
    n_single: int
    categories: int
    only: str | None = field(default=None)  # the one label that all are


def agreement(
    found: Ratings, options: Options | None = None, clusters: Codes | None = None, only: Collection[str] = COEFFICIENTS
) -> list[Agreement]:
    """Every coefficient, in the order of `COEFFICIENTS`. What is undefined has no value, and says why.

    Args:
        found: the labels.
        options: level, weights and seed.
        clusters: of each item, such as its session, whose items are not independent; null: each is its own.
        only: these; each takes draws of its own.
    """
    options = options or Options()
    facts = _facts(found)
    wanted = [name for name in COEFFICIENTS if name in only]
    if not facts.n_items:
        return [_nothing(name, facts, NO_PAIR) for name in wanted]
    told = {}
    if "percent_agreement" in wanted:
        told["percent_agreement"] = _percent(found, facts, options, clusters)
    if "cohen_kappa" in wanted:
        told["cohen_kappa"] = _cohen(found, facts, options, clusters)
    families = []
    if {"fleiss_kappa", "gwet_ac1"} & set(wanted):
        families.append(coefficients.by_count(found, options.weights))
    if any(name.startswith("krippendorff") for name in wanted):
        families.append(coefficients.alphas(found, ordinal="krippendorff_alpha_ordinal" in wanted))
    for columns in families:
        family = item_bootstrap.drawn(columns, clusters, options.level, options.seed)
        told |= {name: _told(name, one, facts) for name, one in family.items()}
    return [told.get(name) or _nothing(name, facts, WORDS[name]) for name in wanted]


def _cohen(found: Ratings, facts: _Facts, options: Options, clusters: Codes | None) -> Agreement:
    """Drawn, or by moves where so many pairs of labellers share items that draws would take long."""
    told = coefficients.pairwise(found, options.weights)
    if (facts.n_labellers > FEW_LABELLERS or not options.draws) and told.value < 1:
        one = item_bootstrap.moved(told.value, told.moves, clusters, options.level)
    else:
        columns = coefficients.cohen(found, options.weights)
        one = item_bootstrap.drawn(columns, clusters, options.level, options.seed)["cohen_kappa"]
    made = _told("cohen_kappa", one, facts)
    if not told.undefined or made.value is None:
        return made
    who = "1 pair of labellers, who" if told.undefined == 1 else f"{told.undefined:,} pairs of labellers, who"
    note = f"left out: {who} gave all shared items one label"
    return replace(made, why=note if made.why is None else f"{made.why}; {note}")


def _facts(found: Ratings) -> _Facts:
    counts = found.counts()
    rows = (counts > 1)[found.items]
    labels = np.unique(found.labels[rows])
    return _Facts(
        int((counts > 1).sum()), int(np.unique(found.labellers[rows]).size), int(rows.sum()), int((counts == 1).sum()),
        len(found.categories), found.categories[labels[0]] if labels.size == 1 else None,
    )  # fmt: skip


def _nothing(name: str, facts: _Facts, why: str) -> Agreement:
    return Agreement(name, None, None, None, *_numbers(facts), "none", 0, 0, why)


def _numbers(facts: _Facts) -> tuple[int, int, int, int, int]:
    return facts.n_items, facts.n_labellers, facts.n_labels, facts.n_single, facts.categories


def _told(name: str, one: Drawn, facts: _Facts) -> Agreement:
    why = one.why
    if one.value is None:
        why = "chance alone would agree always"
        if facts.only is not None:
            why = f"all labels are {facts.only!r}: by chance they would agree as well, so that nothing is told"
    return Agreement(
        name, one.value, one.low, one.high, *_numbers(facts), one.method, one.draws, one.undefined, why
    )  # fmt: skip


def _percent(found: Ratings, facts: _Facts, options: Options, clusters: Codes | None) -> Agreement:
    """The mean over items of the share of their pairs of labels that agree; Wilson's interval at its effective size."""
    agreed = coefficients.agreeing(found, options.weights)
    one = intervals.bounded_mean(agreed, clusters, level=options.level)
    if one.value is None or one.low is None or one.high is None:
        return Agreement(
            "percent_agreement", one.value, None, None, *_numbers(facts), "none", 0, 0, "there is one item or cluster"
        )
    return Agreement("percent_agreement", one.value, one.low, one.high, *_numbers(facts), "wilson", 0, 0, None)
