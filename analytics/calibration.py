"""The calibration card of a judge: how far it can be trusted, from the rows that people labelled too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analytics import contrast, intervals, item_bootstrap, judging
from analytics.agreement import Agreement, Options, agreement
from analytics.columns import Bools, Floats
from analytics.intervals import LEVEL, Estimate
from analytics.ratings import Codes, Ratings

Trust = Literal["high", "moderate", "low", "unsure"]
LEAST = 30  # labelled rows below which nothing is said of trust
HIGH, MODERATE = 0.6, 0.4
"""Bounds of kappa for trust: Landis and Koch 1977 call what lies above substantial, and moderate."""
BINS = 10
GRID = 1_000  # thresholds that are tried at most
_NONE = Estimate(None, None, None, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Labelled rows as yes or no: what the judge says, and what people do."""

    judge: Bools
    human: Bools
    clusters: Codes | None  # null: each row is its own


@dataclass(frozen=True, slots=True)
class Card:
    """How often a judge says what people do."""

    n: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    sensitivity: Estimate  # of what people say yes to, the share that the judge does
    specificity: Estimate  # of what people say no to, the share that the judge does
    precision: Estimate  # of what the judge says yes to, the share that people do
    agreement: Estimate
    kappa: Agreement
    ac1: Agreement
    trust: Trust


def card(rows: Decided, level: float = LEVEL, seed: int = 0) -> Card:
    """Shares by Wilson's interval, of clusters at their effective size; kappa and AC1 by drawing rows or clusters."""
    judge, human = rows.judge, rows.human
    told = {one.coefficient: one for one in agreement(_two(rows), Options(level=level, seed=seed), _codes(rows))}
    kappa = told["cohen_kappa"]
    return Card(
        int(judge.size), int((judge & human).sum()), int((judge & ~human).sum()), int((~judge & human).sum()),
        int((~judge & ~human).sum()), _share(judge, human, rows.clusters, level),
        _share(~judge, ~human, rows.clusters, level), _share(human, judge, rows.clusters, level),
        _share(judge == human, np.ones_like(judge), rows.clusters, level), kappa, told["gwet_ac1"], trust(kappa),
    )  # fmt: skip


def trust(kappa: Agreement) -> Trust:
    """By where the whole interval of kappa lies; `unsure` where it reaches over a bound, or rows are few."""
    if kappa.n_items < LEAST or kappa.ci_low is None or kappa.ci_high is None:
        return "unsure"
    if kappa.ci_low >= HIGH:
        return "high"
    if kappa.ci_low >= MODERATE:
        return "moderate"
    return "low" if kappa.ci_high < MODERATE else "unsure"


def _two(rows: Decided) -> Ratings:
    """The judge and people as two labellers of each row."""
    n = int(rows.judge.size)
    labels = np.column_stack([rows.human, rows.judge]).ravel().astype(np.intp)
    items, labellers = np.repeat(np.arange(n), 2), np.tile(np.arange(2), n)
    names = np.array(["human", "judge"], object)
    return Ratings(items, labellers, labels, np.arange(n), names, ("no", "yes"), None, False)


def _codes(rows: Decided) -> Codes | None:
    return None if rows.clusters is None else np.unique(rows.clusters, return_inverse=True)[1].astype(np.intp)


def _share(hits: Bools, of: Bools, clusters: Codes | None, level: float) -> Estimate:
    if not of.any():
        return _NONE
    if clusters is None:
        return intervals.rate(int((hits & of).sum()), int(of.sum()), level)
    return intervals.bounded_mean(hits[of].astype(float), clusters[of], level=level)


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows to which a judge gave about the same score."""

    low: float  # the least score
    high: float  # the greatest
    judge: float  # their mean
    human: Estimate  # what people say: a share where they say yes or no, else a mean


def reliability(judge: Floats, human: Floats, clusters: Codes | None, level: float = LEVEL) -> list[Bin]:
    """What people say of rows of each score, or of each tenth of the rows where scores are more than ten."""
    if not judge.size:
        return []
    values = np.unique(judge)
    edges = values if values.size <= BINS else np.unique(np.sort(judge)[judge.size * np.arange(BINS) // BINS])
    places = np.searchsorted(edges, judge, side="right") - 1
    share = bool(np.isin(human, (0.0, 1.0)).all())
    found = []
    for at in np.unique(places):
        own = places == at
        codes = None if clusters is None else clusters[own]
        told = human[own]
        every = np.ones(told.size, np.bool_)
        says = _share(told == 1, every, codes, level) if share else _mean(told, codes, level)
        found.append(Bin(float(judge[own].min()), float(judge[own].max()), float(judge[own].mean()), says))
    return found


def _mean(values: Floats, clusters: Codes | None, level: float) -> Estimate:
    codes = np.arange(values.size) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    told = intervals.spread(values, codes)
    if told.clusters < 2 or told.error == 0:
        return Estimate(told.mean, None, None, told.clusters)
    half = intervals.student(max(told.freedom, 1.0), level) * told.error
    return Estimate(told.mean, told.mean - half, told.mean + half, told.clusters)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score from which yes fits best what people say."""

    value: float
    low: float  # of resamples
    high: float
    youden: float  # sensitivity + specificity - 1 at the value, less what the choice flatters it by
    flattery: float  # by how much resamples look better than the rows that they are of
    draws: int


def threshold(
    judge: Floats, human: Bools, clusters: Codes | None, level: float = LEVEL, seed: int = 0
) -> Threshold | str:
    """The threshold of greatest sensitivity + specificity (Youden 1950), or in words why there is none.

    It lies halfway between two scores. The share of yes among the labelled rows does not move it. What a best threshold
    reaches on the rows that it was chosen by flatters it: Efron's optimism (1983) is taken off.
    """
    values, places = np.unique(judge, return_inverse=True)
    if values.size < 3:
        return "the judge says fewer than three scores"
    if human.all() or not human.any():
        return "people said one thing alone"
    # Among very many scores, thresholds are tried after each thousandth of them.
    groups = np.arange(values.size) * min(values.size, GRID) // values.size
    last = np.flatnonzero(np.diff(groups))
    between = (values[last] + values[last + 1]) / 2
    many = between.size + 1
    table = _cells(groups[places], human, many)
    whole = _reached(np.asarray(table.sum(axis=0))[None, :], many)
    drawn = _reached(item_bootstrap.sums(table, clusters, seed), many)
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if not drawn.size:
        return "no resample has both a yes and a no"
    best, chosen = _best(whole)[0], _best(drawn)
    flattery = float((drawn[np.arange(chosen.size), chosen] - whole[0, chosen]).mean())
    low, high = np.quantile(between[chosen], [(1 - level) / 2, (1 + level) / 2]).tolist()
    at = float(between[best])
    return Threshold(
        at, min(low, at), max(high, at), float(whole[0, best]) - flattery, flattery, int(chosen.size)
    )  # fmt: skip


def _cells(places: Codes, human: Bools, values: int) -> Any:
    from scipy.sparse import coo_array  # noqa: PLC0415

    rows = np.arange(places.size)
    return coo_array((np.ones(rows.size), (rows, places + values * human)), shape=(rows.size, 2 * values)).tocsr()


def _reached(sums: Floats, values: int) -> Floats:
    """Sensitivity + specificity - 1 of each threshold between two scores: [draw, threshold]. NaN: a side is empty."""
    no, yes = sums[:, :values], sums[:, values:]
    below = [np.cumsum(part, axis=1)[:, :-1] for part in (no, yes)]
    totals = [part.sum(axis=1, keepdims=True) for part in (no, yes)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(below[0] / totals[0] - below[1] / totals[1])


def _best(reached: Floats) -> Codes:
    """The middle one of the thresholds that reach most."""
    most = reached >= reached.max(axis=1, keepdims=True) - 1e-12
    middle = (most.sum(axis=1, keepdims=True) + 1) // 2
    return np.asarray((np.cumsum(most, axis=1) >= middle).argmax(axis=1), np.intp)


@dataclass(frozen=True, slots=True)
class Lean:
    """How much more a judge says yes than people do, where rows have one value of a column."""

    value: str
    error: Estimate  # mean of judge less human


@dataclass(frozen=True, slots=True)
class Leaning:
    """Whether a judge leans to one value of a column, such as a place in which an answer stood."""

    leans: Sequence[Lean]  # by value, sorted
    difference: Estimate | None  # of the second less the first; null: there are not two values
    p_value: float | None


def leaning(
    judge: Floats, human: Floats, names: Sequence[str], clusters: Codes | None, level: float = LEVEL
) -> Leaning:
    """The judge's error by the value of a column, which is 0 everywhere for a judge that leans nowhere."""
    off, told = judge - human, np.asarray(names, object)
    codes = np.arange(off.size) if clusters is None else np.asarray(clusters)
    every = sorted(set(told.tolist()))
    leans = [Lean(one, _mean(off[told == one], codes[told == one], level)) for one in every]
    if len(every) != 2:
        return Leaning(leans, None, None)
    sides = [contrast.mean(off[told == one], codes[told == one]) for one in every]
    apart = contrast.contrast(*sides)
    low, high = apart.ends((1 - level) / 2)
    return Leaning(leans, Estimate(apart.value, low, high, min(apart.clusters)), apart.p())


def length_lean(rows: Decided, lengths: Floats, level: float = LEVEL) -> Estimate:
    """By how much the log odds of the judge's yes grow with each doubling of length, beside what people say.

    A logistic regression; rows are taken as independent. Null where the judge's yes follows from people's and length.
    """
    there = ~np.isnan(lengths) & (lengths > 0)
    found = judging.verbosity_bias(
        lengths[there],
        np.ones(int(there.sum())),
        rows.judge[there].astype(float),
        rows.human[there].astype(float),
        level,
    )
    return found.slope
