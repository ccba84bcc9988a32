"""A run against a baseline run of the same items: whether it is worse by more than is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics import clustered_quantiles, intervals, special
from analytics.clustered_quantiles import Quantile, quantile_of
from analytics.intervals import LEVEL, Estimate, Spread, spread
from analytics.items import Items, Rows, by_item, coded
from analytics.paired import KEPT, POWER, flip_tests

FEW = 8  # clusters below which flips of signs cannot say anything to several gates: 2^-7 is above 0.05 / 8

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure of both runs over the items that both have."""

    run: float | None
    baseline: float | None
    effect: Estimate  # the run less the baseline; n is of clusters
    p_worse: float | None  # one-sided, of being worse by more than is allowed; null: fewer than two clusters
    p_not_worse: float | None  # of not being so
    detectable: float | None  # the size of a drop that this gate alone finds in 80 % of such runs; null: unknown
    items: int
    only_run: int  # items left out, as only this run has a value of them
    only_baseline: int


def compared(
    run: Rows,
    baseline: Rows,
    *,
    better: Better,
    margin: float = 0.0,
    bounds: tuple[float, float] | None = None,
    q: float | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> Comparison:
    """Compares means (or q-quantiles) over the items in both runs; clusters are those of the run.

    Means: repeats are averaged within the item, and items count alike. The interval of the effect is Student's over
    clusters. The test flips the signs of clusters' sums of differences, plus what is allowed: exact under no
    difference, where runs may change places. With a margin they may not, and p is the greater of that and of
    Student's t. Where flips do not serve, with fewer than 8 clusters or over 1,000, it is Student's t alone. For
    yes-or-no items, each its own cluster, flips without a margin are the exact test of McNemar, which is computed from
    the binomial distribution; with one, p is the greater of Student's t and of the score test for paired shares
    (Tango 1998, Statistics in Medicine 17, 891-908), as t says too soon that rare losses are none, and the score test
    rejects in up to 7 % at a level of 5 %.

    Quantiles: by `clustered_quantiles.Difference`.

    Args:
        run: the run to be judged.
        baseline: the run that it may not be worse than.
        better: which values are.
        margin: how much worse the run may be, in the unit of the values.
        bounds: the least and the greatest value there can be; null: there are none.
        q: of a quantile; null: means.
        seed: of drawn flips, where clusters with a difference are more than 15.
        level: of the interval of the effect; one-sided, of what is detectable.

    Raises:
        ValueError: the margin is below 0.
    """
    if margin < 0:
        raise ValueError(f"A margin of {margin:g} is below 0: it is how much worse the run may be.")
    ours, theirs = by_item(run), by_item(baseline)
    shared, at_ours, at_theirs = np.intersect1d(ours.ids, theirs.ids, assume_unique=True, return_indices=True)
    left = int(ours.ids.size - shared.size), int(theirs.ids.size - shared.size)
    if shared.size == 0:
        return Comparison(None, None, Estimate(None, None, None, 0), None, None, None, 0, *left)
    if q is not None:
        ours, theirs = _only(run, shared), _only(Rows(baseline.values, baseline.items, None), shared)
        theirs = replace(theirs, clusters=ours.clusters)
        quantiles = quantile_of(ours, q), quantile_of(theirs, q)
        return _quantiles(*quantiles, int(shared.size), better=better, margin=margin, level=level, left=left)
    clusters = None if ours.clusters is None else coded(ours.clusters[at_ours])[1]
    means, base = ours.means[at_ours], theirs.means[at_theirs]
    # Of the same repeats in another order, means differ in their last bits: that is no difference.
    means = np.where(np.abs(means - base) <= 1e-12 * np.abs(base), base, means)
    pairs = Pairs(means, base, clusters, bounds)
    p_worse, p_not_worse = pairs.tested(better, margin, seed)
    return Comparison(
        float(pairs.run.mean()), float(pairs.baseline.mean()), pairs.effect(level), p_worse, p_not_worse,
        pairs.detectable(level), int(shared.size), *left,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """An item's mean in both runs, a pair an item."""

    run: NDArray[np.float64]
    baseline: NDArray[np.float64]
    clusters: NDArray[np.intp] | None
    bounds: tuple[float, float] | None

    @property
    def reach(self) -> float | None:
        """The largest difference that can be; null: there is none."""
        return None if self.bounds is None else self.bounds[1] - self.bounds[0]

    def effect(self, level: float) -> Estimate:
        """The mean difference with Student's interval over clusters, within what a difference can be.

        Where all differences are 0, it says what they leave possible: a cluster differs with a chance of at most
        1 - (1 - level)^(1/G), by the whole reach at most.
        """
        found = spread(self.run - self.baseline, self.clusters)
        if found.clusters < 2:
            return Estimate(found.mean, None, None, found.clusters)
        if found.error == 0:
            half = self._unseen(found.clusters, level)
            return Estimate(
                found.mean,
                None if half is None else self._within(found.mean - half),
                None if half is None else self._within(found.mean + half),
                found.clusters,
            )
        half = intervals.student(found.freedom, level) * found.error
        return Estimate(found.mean, self._within(found.mean - half), self._within(found.mean + half), found.clusters)

    def detectable(self, level: float) -> float | None:
        """The drop that a one-sided test without a margin finds in 80 % of such runs."""
        found = spread(self.run - self.baseline, self.clusters)
        if found.clusters < 2:
            return None
        if found.error == 0:
            return self._unseen(found.clusters, level)
        return (intervals.student(found.freedom, 2 * level - 1) + float(special.ndtri(POWER))) * found.error

    def tested(self, better: Better, margin: float, seed: int) -> tuple[float | None, float | None]:
        """One-sided p-values of being worse by more than the margin, and of not being so; null: one cluster."""
        gains = (self.run - self.baseline) * (1 if better == "higher" else -1)
        clusters = np.arange(gains.size) if self.clusters is None else self.clusters
        sizes = np.bincount(clusters).astype(float)
        if sizes.size < 2:
            return None, None
        if self._binary() and sizes.size == gains.size:
            return _binary(gains / (self.reach or 1.0), margin / (self.reach or 1.0))
        sums = np.bincount(clusters, gains).astype(float)
        order = np.lexsort((sizes, sums))  # so that neither the order of rows nor the margin changes what is drawn
        found = spread(gains, self.clusters)
        return _sums(sums[order], sizes[order], found, margin=margin, reach=self.reach, seed=seed)

    def _binary(self) -> bool:
        return self.bounds is not None and bool(np.isin((self.run, self.baseline), self.bounds).all())

    def _unseen(self, clusters: int, level: float) -> float | None:
        return None if self.reach is None else float(1 - (1 - level) ** (1 / clusters)) * self.reach

    def _within(self, end: float) -> float:
        return end if self.reach is None else max(-self.reach, min(self.reach, end))


def _binary(gains: NDArray[np.float64], margin: float) -> tuple[float, float]:
    """Of gains of -1, 0 and 1, of items that are their own clusters."""
    n, losses, wins = gains.size, int((gains < 0).sum()), int((gains > 0).sum())
    worse, better = (float(special.bdtrc(least - 1, losses + wins, 0.5)) if least else 1.0 for least in (losses, wins))
    if margin == 0:
        return worse, better
    if margin >= 1:
        return 1.0, 0.0
    z = _score(losses, wins, n, margin)
    found = spread(gains)
    if found.error == 0:
        return max(worse, float(special.stdtr(n - 1, -z))), min(better, float(special.ndtr(z)))
    t = _t(found, margin)
    return max(worse, t, float(special.stdtr(n - 1, -z))), min(better, max(1 - t, float(special.ndtr(z))))


def _score(losses: int, wins: int, n: int, margin: float) -> float:
    """Tango's statistic of a drop of more than the margin, with the variance where the drop is the margin."""
    b = margin * (2 * n - losses + wins) - losses - wins
    root = sqrt(b * b + 8 * n * wins * margin * (1 - margin))
    share = (root - b) / (4 * n)  # of wins, most likely among those with such a drop
    return float(losses - wins - n * margin) / sqrt(n * (2 * share + margin * (1 - margin)))


def _sums(
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    found: Spread,
    *,
    margin: float,
    reach: float | None,
    seed: int,
) -> tuple[float, float]:
    """By flips and Student's t, each where it serves."""
    if found.error == 0:
        return _agreed(found, margin, reach)
    t = _t(found, margin)
    if not FEW <= sums.size <= KEPT:
        return t, 1 - t
    worse, better = flip_tests(sums, seed)
    if margin == 0:
        return worse, better
    moved_worse, moved_better = flip_tests(sums + margin * sizes, seed)
    return max(moved_worse, t), min(better, max(moved_better, 1 - t))


def _agreed(found: Spread, margin: float, reach: float | None) -> tuple[float, float]:
    """Where all clusters differ alike: one flip in 2^G leaves all on one side; of no difference, all do."""
    gain = found.mean + margin
    if gain <= 0:
        return (0.5**found.clusters if gain < 0 else 1.0), 1.0
    unseen = 0.0
    if found.mean == 0 and reach is not None and margin < reach:
        unseen = (1 - margin / reach) ** found.clusters  # the chance that none shows a drop of so much on average
    return 1.0, max(0.5**found.clusters, unseen)


def _t(found: Spread, margin: float) -> float:
    """The p-value of a gain below the negative margin, by Student's t."""
    return float(special.stdtr(found.freedom, (found.mean + margin) / found.error))


def _quantiles(
    ours: Quantile, theirs: Quantile, items: int, *, better: Better, margin: float, level: float, left: tuple[int, int]
) -> Comparison:
    found = clustered_quantiles.Difference(theirs, ours)
    effect = found.estimate(level)
    p_worse = p_not_worse = detectable = None
    if effect.n >= 2:
        below, above = found.below, found.above
        p_worse, p_not_worse = (
            (below(-margin), above(-margin)) if better == "higher" else (above(margin), below(margin))
        )
        end = found.low(1 - level) if better == "higher" else found.high(1 - level)
        # A bound lies 1.64 standard errors off, were it normal.
        errors = float(special.ndtri(level))
        detectable = None if end is None else abs(end - found.value) * (1 + float(special.ndtri(POWER)) / errors)
    return Comparison(ours.value, theirs.value, effect, p_worse, p_not_worse, detectable, items, *left)


def _only(found: Rows, ids: NDArray[np.generic]) -> Items:
    return by_item(found.of(np.isin(found.items, ids)))
