"""Means over items in clusters, tested on one side at a time: p-values and bounds that say the same.

An interval of level 1 - 2a leaves a bound out on one side just when the p-value of that side is below a. That is asked
of a gate, which fails a build for one side only: Wilson's interval is fair to both sides together, and not to each. Of
20 answers with a true share of 0.99 it puts 18 % of samples below 0.99 where 5 % were promised
(`benchmarks/gates.py` measures the ones below).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from analytics import special
from analytics.intervals import LEVEL, Estimate, Spread, spread

_FARTHEST = -37.0
"""A quantile of the normal distribution whose error is still a number: of two clusters, it is not yet a small p."""


class Sided(Protocol):
    """A mean that can be bounded and tested on either side."""

    def low(self, tail: float) -> float | None:
        """The greatest bound that the mean lies above but for an error of `tail`. Null: there is none."""

    def above(self, bound: float) -> float:
        """The p-value of the mean being above the bound: the chance of as much if it were not."""

    def mirrored(self) -> Sided:
        """The same of the values with their signs turned."""


def high(mean: Sided, tail: float) -> float | None:
    """The upper end of an interval of level 1 - 2 `tail`; null: there is none."""
    found = mean.mirrored().low(tail)
    return None if found is None else -found


def below(mean: Sided, bound: float) -> float:
    """How likely so low a mean is where the truth is not below the bound."""
    return mean.mirrored().above(-bound)


def estimate(mean: Share | Mean, level: float = LEVEL) -> Estimate:
    """The mean with both ends; `n` is of clusters. One cluster has no ends."""
    tail = (1 - level) / 2
    return Estimate(mean.spread.mean, mean.low(tail), high(mean, tail), mean.spread.clusters)


def mean_of(
    values: ArrayLike, clusters: ArrayLike | None = None, bounds: tuple[float, float] | None = None
) -> Share | Mean:
    """What `spread` takes, to be tested: by `share_of` where values have bounds, else as `Mean`."""
    return Mean(spread(values, clusters)) if bounds is None else share_of(values, clusters, bounds)


def share_of(values: ArrayLike, clusters: ArrayLike | None = None, bounds: tuple[float, float] = (0.0, 1.0)) -> Share:
    """What `spread` takes, to be tested as values within bounds.

    Raises:
        ValueError: a value lies outside of the bounds.
    """
    array = np.asarray(values, np.float64)
    if array.min() < bounds[0] or array.max() > bounds[1]:
        raise ValueError(f"Values from {array.min():g} to {array.max():g} are not all from {bounds[0]} to {bounds[1]}.")
    return Share(spread(array, clusters), bounds, bool(((array == bounds[0]) | (array == bounds[1])).all()))


@dataclass(frozen=True, slots=True)
class Share:
    """A mean of values within bounds, by Clopper and Pearson's bounds at the effective size (Korn and Graubard 1998).

    The size is that of yes-or-no items with the variance that is seen; where all agree, each cluster counts as one.
    Items that are themselves yes or no, and each its own cluster, are tested exactly, by the binomial distribution. For
    all others the error is estimated, and the normal distribution's quantiles give way to Student's. Scores, whose
    variance says nothing of their tails, are tested as `Mean` too, and the more careful of both holds.

    Scores near the end of their scale are not as sure as they seem: a low one is rare, and few items may have none. Of
    50 with a true mean of 0.95, the test of being above it rejects in 6 % in place of 5, and of 20 in 8 %; in clusters
    of very unequal size in 20 % and more. The test of being below it, which fails builds, in fewer than 3 %.
    """

    spread: Spread
    bounds: tuple[float, float]
    binary: bool  # each item lies at one of the bounds

    def low(self, tail: float) -> float | None:
        if self.spread.clusters < 2:
            return None
        size, share = self.size(), self._share()
        if share == 0:
            return float(self.bounds[0])
        at = _beta_quantile(share * size, size - share * size + 1, self.inner(tail))
        # The exact bound lies below the mean; with a large size the function's last digits may not.
        found = self.bounds[0] + (self.bounds[1] - self.bounds[0]) * min(at, share)
        skewed = None if self.binary or self._exact() else Mean(self.spread).low(tail)
        # Something lies above the least there can be, so that the mean does: however little is seen of it.
        return max(found if skewed is None else min(found, skewed), float(np.nextafter(self.bounds[0], np.inf)))

    def above(self, bound: float) -> float:
        if self.spread.clusters < 2:
            return 1.0
        size, share = self.size(), self._share()
        at = (bound - self.bounds[0]) / (self.bounds[1] - self.bounds[0])
        if at < 0 or (at == 0 and share > 0):
            return 0.0  # whatever the spread: no mean is lower, and one item is above
        if at >= 1 or share == 0:
            return 1.0
        found = self._outer(float(special.betainc(share * size, size - share * size + 1, at)))
        return found if self.binary or self._exact() else max(found, Mean(self.spread).above(bound))

    def mirrored(self) -> Share:
        return Share(_turned(self.spread), (-self.bounds[1], -self.bounds[0]), self.binary)

    def _exact(self) -> bool:
        """Whether no error is estimated: of yes-or-no items that are their own clusters, and where all agree."""
        return self.spread.error == 0 or (self.binary and self.spread.clusters == self.spread.n)

    def _share(self) -> float:
        return min(max((self.spread.mean - self.bounds[0]) / (self.bounds[1] - self.bounds[0]), 0.0), 1.0)

    def size(self) -> float:
        """So many independent yes-or-no items would be as sure."""
        found, share = self.spread, self._share()
        if found.error == 0:
            return found.freedom + 1
        if self._exact():
            return float(found.n)
        size = share * (1 - share) * ((self.bounds[1] - self.bounds[0]) / found.error) ** 2
        return min(float(found.n), size * found.n / (found.n - 1)) if self.binary else size

    def inner(self, tail: float) -> float:
        """The error of the binomial distribution at this size that stands for an error of `tail`."""
        found = self.spread
        if self._exact():
            return tail
        quantile = float(special.stdtrit(found.freedom, tail))
        if quantile < _FARTHEST:
            return 0.0
        return float(special.stdtr(found.n - 1, quantile) if self.binary else special.ndtr(quantile))

    def _outer(self, p: float) -> float:
        found = self.spread
        if p >= 1 or self._exact():
            return min(max(p, 0.0), 1.0)
        kept = max(p, 1e-300)
        quantile = special.stdtrit(found.n - 1, kept) if self.binary else special.ndtri(kept)
        return float(special.stdtr(found.freedom, max(float(quantile), _FARTHEST)))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of values without bounds, such as latencies: Student's, corrected for skew by Hall's transformation.

    Hall (1992, J. R. Stat. Soc. B 54(1), 221-228) takes t to t + g t^2/3 + g^2 t^3/27 + g/6, where g is the skewness
    over the root of the sample size. Of values whose logarithms are normal with a deviation of 1, a 5 % test of being
    below the true mean rejects in 17.5 % by Student's t and 10.6 % by this for 20 items, 8.9 and 6.3 % for 200; of
    being above, which fails builds, in 1 and 3 %, 2 and 5 %. A mean of logarithms would be another thing than the mean.

    Where clusters are of unequal size, one large cluster makes the skew: a test that promises 5 % rejects in 8 % of
    samples without any. There the more careful of both holds. Of items that all agree, a value of either side is as
    likely: p is 2^-G.
    """

    spread: Spread

    def low(self, tail: float) -> float | None:
        found = self.spread
        if found.clusters < 2 or (found.error == 0 and self._agreed() >= tail):
            return None
        if found.error == 0:
            return found.mean
        t = -float(special.stdtrit(found.freedom, tail))
        return found.mean - found.error * max(_unskewed(t, found.skew), t if self._uneven() else -np.inf)

    def above(self, bound: float) -> float:
        found = self.spread
        if found.clusters < 2 or (found.error == 0 and found.mean <= bound):
            return 1.0
        if found.error == 0:
            return self._agreed()
        t = (found.mean - bound) / found.error
        least = min(_skewed(t, found.skew), t if self._uneven() else np.inf)
        return float(special.stdtr(found.freedom, -least))

    def mirrored(self) -> Mean:
        return Mean(_turned(self.spread))

    def _uneven(self) -> bool:
        return self.spread.freedom < self.spread.clusters - 1.001

    def _agreed(self) -> float:
        return 0.5**self.spread.clusters


def _beta_quantile(a: float, b: float, chance: float) -> float:
    """As `betaincinv`, which finds none for some chances below 1e-100, as of two clusters: there by halving."""
    found = float(special.betaincinv(a, b, chance))
    if not np.isnan(found):
        return found
    least, most = -700.0, 0.0
    for _ in range(60):
        middle = (least + most) / 2
        least, most = (least, middle) if special.betainc(a, b, np.exp(middle)) > chance else (middle, most)
    return float(np.exp(least))


def _turned(found: Spread) -> Spread:
    return replace(found, mean=-found.mean, skew=-found.skew)


def _skewed(t: float, g: float) -> float:
    return t + g * t * t / 3 + g * g * t**3 / 27 + g / 6


def _unskewed(t: float, g: float) -> float:
    """The inverse of `_skewed`."""
    if abs(g) < 1e-6:
        return t - g / 6 - g * t * t / 3
    return float(3 / g * (np.cbrt(1 + g * (t - g / 6)) - 1))
