"""Means that people's labels would have, from few labels and many scores of a judge (PPI++).

Angelopoulos and others 2023 (arXiv 2301.09633, 2311.01453): with labels Y and scores f of n rows and scores of N more,
the estimate is lam mean(f of the N) + mean(Y - lam f of the n). It is right whatever the judge does, if the labelled
rows are a random sample of all; the better the judge, the narrower the interval. Strata: Fisch and others 2024 (arXiv
2406.04291). An estimate is kept as what each row moves it by, so that strata, differences and clusters add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from analytics import intervals, special
from analytics.columns import Bools, Floats
from analytics.contrast import effective
from analytics.intervals import LEVEL, Estimate
from analytics.ratings import Codes

LEAST_LABELS = 2
LEAST_IN_STRATUM = 10  # labels, below which a stratum's variance is a guess: it is put together with others


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One row an answer: what a judge says of it, and what a person does where one was asked."""

    human: Floats  # NaN: no person was asked
    judge: Floats  # no NaN
    clusters: Codes  # of each row; rows of one are not independent. Codes mean the same in all rows that are compared

    @property
    def labelled(self) -> Bools:
        return ~np.isnan(self.human)

    def of(self, kept: Bools) -> Rows:
        """The rows where `kept` is true."""
        return Rows(self.human[kept], self.judge[kept], self.clusters[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of one kind, and by how much each moves an estimate."""

    moves: Floats
    clusters: Codes
    pull: Floats | None = None  # of each row on the judge's weight, from 0 to 1 (leverage); null: none was fitted

    def careful(self) -> Floats:
        """Moves as they would be had the weight been fitted without the row (HC3; MacKinnon and White 1985)."""
        return self.moves if self.pull is None else self.moves / (1 - np.minimum(self.pull, 0.5))


@dataclass(frozen=True, slots=True, eq=False)
class Powered:
    """An estimate and what it is made of."""

    value: float
    parts: tuple[Part, ...]
    labelled: int
    tuned: float | None  # lam: the weight of the judge, from 0 (labels alone) to 1; null: of several

    def times(self, factor: float) -> Powered:
        """The estimate and its moves, times a number."""
        scaled = tuple(Part(part.moves * factor, part.clusters, part.pull) for part in self.parts)
        return Powered(self.value * factor, scaled, self.labelled, self.tuned)

    def plus(self, other: Powered) -> Powered:
        """The sum of two estimates, whose rows may share clusters."""
        return Powered(self.value + other.value, (*self.parts, *other.parts), self.labelled + other.labelled, None)

    def estimate(self, level: float = LEVEL, *, share: bool = False, normal: bool = False) -> Estimate:
        """Student's interval by clusters; `n` is of labels.

        Its degrees of freedom are Satterthwaite's over the parts.

        Args:
            level: of the interval.
            share: people's labels are 0 and 1, so that the interval is Wilson's at the effective size (as
                `intervals.bounded_mean`): it stays within 0 and 1, and holds where nearly all labels are one.
            normal: normal quantiles and variances by n, as the papers and their library ppi_py have them; of few labels
                these intervals are too narrow.
        """
        parts = [part for part in self.parts if part.moves.size]
        if not parts or min(np.unique(part.clusters).size for part in parts) < LEAST_LABELS:
            return Estimate(self.value, None, None, self.labelled)
        scaled, own, freedoms = [], [], []
        for part in parts:
            groups, codes = np.unique(part.clusters, return_inverse=True)
            moves = part.moves if normal else part.careful() * sqrt(groups.size / (groups.size - 1))
            scaled.append(moves)
            own.append(float(np.square(np.bincount(codes, moves)).sum()))
            freedoms.append(max(effective(np.bincount(codes)) - 1, 1.0))
        codes = np.unique(np.concatenate([part.clusters for part in parts]), return_inverse=True)[1]
        variance = float(np.square(np.bincount(codes, np.concatenate(scaled))).sum())
        total = sum(own)
        freedom = total**2 / sum(one**2 / of for one, of in zip(own, freedoms, strict=True)) if total else min(freedoms)
        quantile = float(special.ndtri((1 + level) / 2)) if normal else intervals.student(freedom, level)
        half = quantile * sqrt(variance)
        if share and not normal:
            value = min(max(self.value, 0.0), 1.0)
            # Where nothing varies, so many rows say the same: those that were labelled, or judged.
            size = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else freedom + 1
            return Estimate(value, *_wilson(value, size, quantile), self.labelled)
        return Estimate(self.value, self.value - half, self.value + half, self.labelled)


def _wilson(value: float, size: float, quantile: float) -> tuple[float, float]:
    """Bounds of a share of so many yes-or-no rows, which need be no whole number."""
    square = quantile * quantile
    centre = (value + square / (2 * size)) / (1 + square / size)
    half = quantile / (1 + square / size) * sqrt(value * (1 - value) / size + square / (4 * size * size))
    return min(max(centre - half, 0.0), value), max(min(centre + half, 1.0), value)


def judged(rows: Rows) -> Powered:
    """The judge's mean over all rows, as if it were people's: the naive estimate."""
    return Powered(float(rows.judge.mean()), (_mean(rows.judge, rows.clusters),), 0, 1.0)


def labelled(rows: Rows) -> Powered:
    """The labels' mean, without the judge. The rows have a label."""
    there = rows.labelled
    told = rows.human[there]
    return Powered(float(told.mean()), (_mean(told, rows.clusters[there]),), int(told.size), 0.0)


def powered(rows: Rows, tuned: float | None = None) -> Powered:
    """PPI++ of rows of which some have a label. Without two others, or a judge that tells something, the labels' mean.

    Args:
        rows: at least one has a label.
        tuned: lam; null: the one with the least variance, Cov(Y, f) / ((1 + n/N) Var(f)), in 0 to 1.
    """
    there = rows.labelled
    human, score, rest = rows.human[there], rows.judge[there], rows.judge[~there]
    # One row more tells no variance, and a judge without weight nothing at all.
    lam = 0.0 if rest.size < LEAST_LABELS else tuning(human, score, rest) if tuned is None else tuned
    if lam == 0:
        return labelled(rows)
    right = human - lam * score
    residuals = replace(_mean(right, rows.clusters[there]), pull=_pull(score) if tuned is None and lam > 0 else None)
    value = lam * float(rest.mean()) + float(right.mean())
    return Powered(value, (residuals, _mean(lam * rest, rows.clusters[~there])), int(human.size), lam)


def tuning(human: Floats, score: Floats, rest: Floats) -> float:
    """The judge's weight with the least variance, in 0 to 1: covariance by n, variance by n - 1 of all scores."""
    spread = float(np.concatenate([score, rest]).var(ddof=1))
    together = float(((human - human.mean()) * (score - score.mean())).mean())
    return float(np.clip(together / ((1 + human.size / rest.size) * spread), 0, 1)) if spread > 0 else 0.0


def stratified(rows: Rows, strata: Codes, tuned: float | None = None) -> Powered:
    """PPI++ within strata, each with its own weight of the judge, by the strata's shares of all rows.

    How many rows of each stratum came is chance too, and is in the interval. Labels may be more in some strata than in
    others; within one they are a random sample. The strata come as `pooled` gives them.
    """
    sizes = np.bincount(strata)
    shares = sizes / sizes.sum()
    found = [powered(rows.of(strata == at), tuned) for at in range(sizes.size)]
    value = float(sum(share * one.value for share, one in zip(shares.tolist(), found, strict=True)))
    parts = tuple(part for share, one in zip(shares.tolist(), found, strict=True) for part in one.times(share).parts)
    off = (np.array([one.value for one in found]) - value)[strata] / strata.size
    return Powered(value, (*parts, Part(off, rows.clusters)), sum(one.labelled for one in found), None)


def pooled(rows: Rows, strata: Codes) -> Codes:
    """Strata with fewer than `LEAST_IN_STRATUM` labels as one, with the next smallest where these are too few still."""
    labels = np.bincount(strata, rows.labelled, int(strata.max(initial=0)) + 1)
    order = np.argsort(labels, kind="stable")
    totals = np.cumsum(labels[order])
    few = int((labels < LEAST_IN_STRATUM).sum())
    if few:
        few = max(few, int(np.searchsorted(totals, LEAST_IN_STRATUM)) + 1)
    places = np.empty(labels.size, np.intp)
    places[order] = np.maximum(np.arange(labels.size) - max(few - 1, 0), 0)
    return places[strata]


def _pull(score: Floats) -> Floats | None:
    squares = np.square(score - score.mean())
    total = float(squares.sum())
    return np.asarray(squares / total) if total > 0 else None


def _mean(values: Floats, clusters: Codes) -> Part:
    return Part((values - values.mean()) / values.size, clusters)


@dataclass(frozen=True, slots=True)
class Plan:
    """Labels that an interval of some width takes."""

    width: float  # from end to end
    labels: int | None  # in all, with the judge; null: even all rows labelled give a wider one
    more: int | None  # than there are
    without_judge: int  # labels that would be needed without the judge's scores


def plan(rows: Rows, width: float, level: float = LEVEL) -> Plan | None:
    """How many labels PPI++ takes for a width, by the variances of what is labelled so far.

    Null: fewer than two are labelled, or all labels are one, which tells no variance.
    Rows are taken as independent. Labels are of these rows: with each, one less has a score alone.
    """
    there = rows.labelled
    human, score = rows.human[there], rows.judge[there]
    if human.size < LEAST_LABELS or human.min() == human.max():
        return None
    total = int(there.size)

    def wide(labels: int) -> float:
        return 2 * intervals.student(max(labels - 1, 1), level) * sqrt(_variance(human, score, rows.judge, labels))

    alone = float(human.var(ddof=1)) * (2 * float(special.ndtri((1 + level) / 2)) / width) ** 2
    if wide(total) > width:
        return Plan(width, None, None, max(int(np.ceil(alone)), LEAST_LABELS))
    low, high = 1, total
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if wide(middle) <= width else (middle, high)
    return Plan(width, high, max(high - int(human.size), 0), max(int(np.ceil(alone)), LEAST_LABELS))


def _variance(human: Floats, score: Floats, every: Floats, labels: int) -> float:
    """Of PPI++ with so many labels among all rows, with the judge's best weight for them."""
    rest = every.size - labels
    if rest <= 0:
        return float(human.var(ddof=1)) / labels
    spread = float(every.var(ddof=1))
    together = float(((human - human.mean()) * (score - score.mean())).mean())
    lam = float(np.clip(together / ((1 + labels / rest) * spread), 0, 1)) if spread > 0 else 0.0
    return lam**2 * spread / rest + float((human - lam * score).var(ddof=1)) / labels


def allocation(rows: Rows, strata: Codes, more: int) -> Sequence[int]:
    """Which strata the next labels tell most in: by their share times the deviation of what the judge gets wrong.

    Neyman 1934 (J. R. Stat. Soc. 97, 558-625). A stratum with fewer than two labels is taken to be as wrong as all.
    """
    off = rows.human - rows.judge
    whole = float(np.nanstd(off)) if rows.labelled.any() else 1.0
    weights = []
    for at in range(int(strata.max(initial=0)) + 1):
        own = off[(strata == at) & rows.labelled]
        weights.append((strata == at).sum() * (float(own.std(ddof=1)) if own.size >= LEAST_LABELS else whole))
    total = float(sum(weights))
    exact = np.array(weights) / total * more if total > 0 else np.full(len(weights), more / len(weights))
    whole_labels = np.floor(exact).astype(int)
    for at in np.argsort(-(exact - whole_labels), kind="stable")[: more - int(whole_labels.sum())]:
        whole_labels[at] += 1
    return [int(one) for one in whole_labels]
