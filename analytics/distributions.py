"""Numbers, such as latencies, lengths or scores: whether they are distributed as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics import special
from analytics.columns import Floats
from analytics.relabelling import Clusters, Relabelled, Two, relabelled

CLASSES = 512  # of pooled values, at whose ends distributions are compared by relabelling
HEAVY = 3.0
"""Times the standard deviation that quartiles tell of normal values, above which tails are heavy: lognormal ones of
deviation 1 have 2.0, of 1.5 have 5.1, and Cauchy's, whose standard deviation is anything, hundreds."""
_NORMAL_QUARTILES = 1.349
_EXACT = 10_000  # values of a sample, up to which scipy counts KS's distribution exactly
_TIES = 0.5  # share of pooled values that differ, below which KS's own distribution is too careful


@dataclass(frozen=True, slots=True)
class Move:
    """Two samples of numbers."""

    statistic: float  # Kolmogorov and Smirnov's D: the largest gap of both distribution functions, 0 to 1
    p: float
    test: str
    distance: float | None  # Wasserstein's over the reference's standard deviation; null: no value varies in either
    heavy: bool  # the reference's tails are heavy, so that its standard deviation says little of most values
    drawn: Relabelled | None = None  # by classes; null: p is of KS's own distribution

    @property
    def by_ranks(self) -> float:
        """The shift of normal values, in standard deviations, that has this D. Tails do not move it."""
        return 2 * float(special.ndtri((1 + min(self.statistic, 1 - 1e-9)) / 2))

    @property
    def effect(self) -> float:
        """The distance; of heavy tails, the shift by ranks where it is larger."""
        return max(self.distance or 0.0, self.by_ranks) if self.heavy else self.distance or 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Two samples of numbers by classes, at whose ends they are compared by relabelling."""

    two: Two
    ends: Floats  # a class has the values up to its end, of which the last is the largest value

    def binned(self, counts: Floats, edges: Floats) -> Floats:
        """Counts by class along the last axis, as counts of the bins between edges, each of which ends a class."""
        firsts = np.r_[0, np.searchsorted(self.ends, edges, side="left") + 1]
        return np.asarray(np.add.reduceat(counts, firsts, axis=-1))


def classes(reference: Floats, current: Floats, clusters: Clusters, edges: Floats | None = None) -> Classes:
    """Values as classes between quantiles of all of them: each value its own where there are few.

    Args:
        reference: no NaN, at least one value.
        current: likewise.
        clusters: of the rows of each; the same codes on both sides; null: each row is its own.
        edges: values at which a class is to end as well.
    """
    values = np.concatenate([reference, current])
    ends = np.unique(values)
    if ends.size > CLASSES:
        ends = np.unique(np.quantile(values, np.linspace(0, 1, CLASSES), method="inverted_cdf"))
    if edges is not None:
        ends = np.union1d(ends, edges)
    first, second = (np.searchsorted(ends, side, side="left").astype(np.intp) for side in (reference, current))
    return Classes(Two(first, second, int(ends.size), clusters), ends)


def move(  # noqa: PLR0917 - two samples, and how they are drawn
    reference: Floats,
    current: Floats,
    clusters: Clusters,
    seed: int = 0,
    by: Classes | None = None,
    settled: float | None = None,
) -> Move:
    """The two-sample Kolmogorov-Smirnov test, and how far values moved on average, in standard deviations.

    With clusters, or where fewer than half of the values differ from one another, p is of relabelled samples, and else
    of KS's own distribution (scipy's `ks_2samp`). KS says whether distributions differ at all, and of 100,000 values
    it finds a twentieth of a standard deviation: so the distance beside it is what an effect's floor is laid on.

    Args:
        reference: no NaN, at least two values.
        current: likewise.
        clusters: of the rows of each; the same codes on both sides; null: each row is its own.
        seed: of the draws.
        by: classes of both, for whoever takes what is drawn of them for more than this.
        settled: see `relabelling.relabelled`.
    """
    both = pooled(reference, current)
    statistic, heavy = both.gap(), heavy_tailed(reference)
    distance = _in_deviations(both.area(), reference, current)
    if clusters is None and both.distinct() > _TIES * both.at.size:
        p = _ks_p(statistic, reference, current)
        return Move(statistic, p, "Kolmogorov-Smirnov test", distance, heavy)
    two = (by or classes(reference, current, clusters)).two
    size = reference.size * current.size / both.at.size

    def squared(first: Floats, second: Floats) -> Floats:
        return np.asarray(size * np.square(_gap_of_counts(first, second)))

    drawn = relabelled(two, float(squared(*two.counts())), squared, seed, settled)
    test = "Kolmogorov-Smirnov permutation test" + ("" if clusters is None else " by clusters")
    return Move(statistic, drawn.p, test, distance, heavy, drawn)


def _ks_p(statistic: float, reference: Floats, current: Floats) -> float:
    """As `ks_2samp` has it, which of many values would count D once more to look it up in the same law."""
    from scipy import stats  # noqa: PLC0415 - 0.4 s, and only here

    n, m = reference.size, current.size
    if max(n, m) <= _EXACT:
        return float(stats.ks_2samp(reference, current).pvalue)
    return float(np.clip(stats.kstwo.sf(statistic, np.round(n * m / (n + m))), 0, 1))


def heavy_tailed(values: Floats) -> bool:
    """Whether few values make most of the standard deviation: it is more than `HEAVY` times that of the quartiles."""
    low, high = np.quantile(values, [0.25, 0.75])
    return bool(values.std(ddof=1) * _NORMAL_QUARTILES > HEAVY * (high - low))


def _gap_of_counts(reference: Floats, current: Floats) -> Floats:
    """KS's D of counts by class along the last axis."""
    # Class by class: over all draws at once that is one pass over each, in a third of the time of two sums and a gap.
    shares = [np.moveaxis(side / side.sum(axis=-1, keepdims=True), -1, 0) for side in (reference, current)]
    gap = np.cumsum(shares[0] - shares[1], axis=0)
    return np.asarray(np.abs(gap, out=gap).max(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Two samples in one order: each is sorted once, as sorting is most of what large ones cost."""

    at: Floats  # the values of both, in order
    reference: Floats  # share of the reference that is at or below each
    current: Floats

    def gap(self) -> float:
        """KS's D."""
        return float(np.abs(self.reference - self.current).max())

    def area(self) -> float:
        """Between both distribution functions, in the unit of the values (scipy's `wasserstein_distance`)."""
        return float((np.abs(self.reference - self.current)[:-1] * np.diff(self.at)).sum())

    def distinct(self) -> int:
        """How many values differ from one another."""
        return int((np.diff(self.at) > 0).sum()) + 1


def pooled(reference: Floats, current: Floats) -> Pooled:
    """Both samples, of at least one value and no NaN."""
    first, second = np.sort(reference), np.sort(current)
    at = np.concatenate([first, second])
    at.sort(kind="stable")  # merges the two, in a third of the time of sorting anew
    shares = (np.searchsorted(side, at, side="right") / side.size for side in (first, second))
    return Pooled(at, *shares)


def standardised(reference: Floats, current: Floats) -> float | None:
    """Wasserstein's distance over the reference's standard deviation; of a reference that does not vary, over both's.

    A shift of half a standard deviation is 0.5. Null: all values are the same.
    """
    return _in_deviations(pooled(reference, current).area(), reference, current)


def _in_deviations(distance: float, reference: Floats, current: Floats) -> float | None:
    spread = float(reference.std(ddof=1))
    if spread <= 1e-12 * float(np.abs(reference).max()):
        spread = float(np.concatenate([reference, current]).std(ddof=1))
    return distance / spread if spread > 0 else None
