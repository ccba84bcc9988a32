"""The difference of two estimates over the same clusters, over others, or over some of both.

An estimate is told by what each unit moves it: of a mean, (x - mean) / n. Moves are summed by cluster, so that rows of
one cluster are no independent evidence, and a cluster that both sides have moves them together. Of units that are their
own clusters this is Welch's test where the sides share none (Welch 1947), and the paired t test where they share all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics import intervals, special
from analytics.columns import Floats
from analytics.items import coded

Codes = NDArray[np.intp]

SKEWED = 0.2
"""Skewness of a difference as an estimate, from which Student's interval is off: n < 25 G^2 for a sample's skewness G
(Cochran 1977, Sampling Techniques, 2.15)."""
DOMINANT = 0.7
"""Share of a side's units in one cluster from which its clusters tell no error: at 1 / 0.7^2 = 2.04, all of them count
as two (see `effective`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """An estimate, and by how much each unit moves it."""

    value: float
    moves: Floats
    clusters: Codes  # one a unit; the same codes on both sides


def mean(values: Floats, clusters: Codes) -> Moved:
    """An arithmetic mean of at least one value."""
    centre = float(values.mean())
    return Moved(centre, (values - centre) / values.size, clusters)


def ratio(numerators: Floats, denominators: Floats, clusters: Codes) -> Moved | None:
    """The ratio of two sums, by the delta method (Cochran 1977, Sampling Techniques, 2.11). Null: it divides by 0."""
    total = float(denominators.sum())
    if total == 0:
        return None
    value = float(numerators.sum()) / total
    return Moved(value, (numerators - value * denominators) / total, clusters)


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """The second estimate less the first."""

    value: float
    error: float  # standard error by clusters; 0.0: nothing varies, or a side has one cluster
    freedom: float  # of Student's distribution; at least 1
    correlation: float  # of the two sides' errors: 0 where they share no cluster
    moves: Floats  # of the difference, one a cluster of either side, each side's scaled for its degrees of freedom
    clusters: tuple[int, int]
    shared: int  # clusters that both sides have
    largest: float  # share of a side's units in its largest cluster, of the side where it is greater

    @property
    def tells(self) -> bool:
        """Whether clusters tell an error: each side has two or more, and none holds over `DOMINANT` of the units."""
        return min(self.clusters) >= 2 and self.largest <= DOMINANT

    def ends(self, tail: float) -> tuple[float | None, float | None]:
        """Bounds with an error of `tail` each (Student). Null: clusters tell no error (`tells`)."""
        if not self.tells:
            return None, None
        half = intervals.student(self.freedom, 1 - 2 * tail) * self.error if self.error else 0.0
        return self.value - half, self.value + half

    def above(self, bound: float) -> float:
        """The p-value of the difference being above the bound."""
        if self.error == 0:
            return self._agreed() if self.value > bound else 1.0
        return float(special.stdtr(self.freedom, -(self.value - bound) / self.error))

    def below(self, bound: float) -> float:
        """The p-value of the difference being below the bound."""
        return self.mirrored().above(-bound)

    def p(self) -> float | None:
        """Two-sided, of there being a difference. Null: as `ends`. Where nothing varies, see `_agreed`."""
        if not self.tells:
            return None
        return min(1.0, 2 * self.above(0.0)) if self.value > 0 else min(1.0, 2 * self.below(0.0))

    def mirrored(self) -> Contrast:
        """The first estimate less the second."""
        return replace(self, value=-self.value, moves=-self.moves)

    def skew(self) -> float:
        """The skewness of the difference as an estimate; a sample's is this times the root of its size."""
        squares = np.square(self.moves)
        total = float(squares.sum())
        return float((squares * self.moves).sum()) / total**1.5 if total else 0.0

    def skewed(self) -> bool:
        """Whether Student's interval is off, by more than chance brings it.

        The skewness is above `SKEWED`, and the sample's is above two of its own standard errors under normality, the
        root of 6 (n - 2) / ((n + 1) (n + 3)) for n clusters (Fisher 1930). The first alone takes 10 % of normal samples
        of 16 for skewed.
        """
        n = self.moves.size
        own = np.sqrt(6 * max(n - 2, 0) / ((n + 1) * (n + 3) * max(n, 1)))
        return self.error > 0 and abs(self.skew()) > max(SKEWED, 2 * float(own))

    def _agreed(self) -> float:
        """How likely so clear a result is where labels say nothing: one relabelling of all, on one side."""
        a, b = self.clusters
        if self.shared == max(a, b):
            return float(0.5**a)
        return float(np.exp(special.gammaln(a + 1) + special.gammaln(b + 1) - special.gammaln(a + b + 1)))


def contrast(a: Moved, b: Moved) -> Contrast:
    """`b` less `a`.

    The error is the root of the sum over clusters of (sqrt(cb) mb - sqrt(ca) ma)^2, with c = G/(G-1) of a side's own G
    clusters: that of statsmodels' `cov_type="cluster"` for a mean of differences, and Welch's for units on their own.
    Degrees of freedom are Satterthwaite's (1946) over the clusters of one side, of the other, and of both; those
    of a side as `intervals.spread` has them (`effective`), at least 1, and the fewer of both where clusters are shared.
    """
    size, places = _places(a.clusters, b.clusters)
    moves, counts = [], []
    for one, place in zip((a, b), places, strict=True):
        count = np.bincount(place, minlength=size)
        groups = int((count > 0).sum())
        summed = np.bincount(place, one.moves, size)
        moves.append(summed * np.sqrt(groups / (groups - 1)) if groups > 1 else summed)
        counts.append(count)
    both = (counts[0] > 0) & (counts[1] > 0)
    apart = moves[1] - moves[0]
    whole = [float(np.square(one).sum()) for one in moves]
    parts = [float(np.square(apart[at]).sum()) for at in (both, (counts[0] > 0) & ~both, (counts[1] > 0) & ~both)]
    groups_a, groups_b = (int((count > 0).sum()) for count in counts)
    variance, seen = sum(parts), sum(whole)
    # What rounding leaves of a difference that is the same everywhere is no error.
    error = 0.0 if min(groups_a, groups_b) < 2 or variance <= 1e-24 * _scale(a, b, seen) else float(np.sqrt(variance))
    inner = float((moves[0][both] * moves[1][both]).sum())
    correlation = inner / float(np.sqrt(whole[0] * whole[1])) if min(whole) > 0 else 0.0
    found = Contrast(
        b.value - a.value, error, _freedom(parts, counts), float(np.clip(correlation, -1, 1)),
        apart[(counts[0] > 0) | (counts[1] > 0)], (groups_a, groups_b), int(both.sum()),
        max(float(count.max(initial=0)) / max(int(count.sum()), 1) for count in counts),
    )  # fmt: skip
    alike = abs(found.value) <= 1e-12 * max(abs(a.value), abs(b.value))  # means of equal values differ in last bits
    return replace(found, value=0.0) if alike and error == 0 else found


def _scale(a: Moved, b: Moved, seen: float) -> float:
    return max(seen, float(a.value**2 / max(a.moves.size, 1)), float(b.value**2 / max(b.moves.size, 1)))


def _places(a: Codes, b: Codes) -> tuple[int, tuple[Codes, Codes]]:
    """Clusters of both sides, numbered together."""
    labels, codes = coded(np.concatenate([a, b]))
    return int(labels.size), (codes[: a.size], codes[a.size :])


def _freedom(parts: list[float], counts: list[Codes]) -> float:
    own = [max(effective(count) - 1, 1.0) for count in counts]
    total = sum(parts)
    if total == 0:
        return min(own)
    freedoms = (min(own), own[0], own[1])
    return total**2 / sum(part**2 / one for part, one in zip(parts, freedoms, strict=True))


def effective(sizes: Codes) -> float:
    """As how many clusters of one size those of these sizes count: sum(k)^2 / sum(k^2) (Kish 1965); of none 0."""
    found = sizes[sizes > 0].astype(float)
    return float(found.sum() ** 2 / np.square(found).sum()) if found.size else 0.0
