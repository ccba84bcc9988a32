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
from scipy import special  # not `stats`, for the reason in `intervals`

from analytics.intervals import LEVEL, Estimate, Spread, spread


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

    The size is that of yes-or-no items with the variance that is seen; where all items agree it is of clusters. Items
    that are themselves yes or no, and each its own cluster, are tested exactly, by the binomial distribution. For all
    others the error is estimated, and the normal distribution's quantiles give way to Student's.
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
        at = float(special.betaincinv(share * size, size - share * size + 1, self.inner(tail)))
        # The exact bound lies below the mean; with a large size the function's last digits may not.
        return self.bounds[0] + (self.bounds[1] - self.bounds[0]) * min(at, share)

    def above(self, bound: float) -> float:
        if self.spread.clusters < 2:
            return 1.0
        size, share = self.size(), self._share()
        at = (bound - self.bounds[0]) / (self.bounds[1] - self.bounds[0])
        if at < 0:
            return 0.0
        if at >= 1 or share == 0:
            return 1.0
        return self._outer(float(special.betainc(share * size, size - share * size + 1, at)))

    def mirrored(self) -> Share:
        return Share(_turned(self.spread), (-self.bounds[1], -self.bounds[0]), self.binary)

    def _share(self) -> float:
        return min(max((self.spread.mean - self.bounds[0]) / (self.bounds[1] - self.bounds[0]), 0.0), 1.0)

    def size(self) -> float:
        """So many independent yes-or-no items would be as sure."""
        found, share = self.spread, self._share()
        if found.error == 0:
            return float(found.clusters)
        if self.binary and found.clusters == found.n:
            return float(found.n)
        size = share * (1 - share) * ((self.bounds[1] - self.bounds[0]) / found.error) ** 2
        return min(float(found.n), size * found.n / (found.n - 1)) if self.binary else size

    def inner(self, tail: float) -> float:
        """The error of the binomial distribution at this size that stands for an error of `tail`."""
        found = self.spread
        if self.binary and found.clusters == found.n:
            return tail
        quantile = special.stdtrit(found.freedom, tail)
        return float(special.stdtr(found.n - 1, quantile) if self.binary else special.ndtr(quantile))

    def _outer(self, p: float) -> float:
        found = self.spread
        if p <= 0 or p >= 1 or (self.binary and found.clusters == found.n):
            return min(max(p, 0.0), 1.0)
        quantile = special.stdtrit(found.n - 1, p) if self.binary else special.ndtri(p)
        return float(special.stdtr(found.freedom, quantile))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of values without bounds, such as latencies: Student's, corrected for skew by Hall's transformation.

    Hall (1992, J. R. Stat. Soc. B 54(1), 221-228) takes t to t + g t^2/3 + g^2 t^3/27 + g/6, where g is the skewness
    over the root of the sample size. Of values whose logarithms are normal with a deviation of 1, a 5 % test of being
    below the true mean rejects in 17.5 % by Student's t and 10.6 % by this for 20 items, 8.9 and 6.3 % for 200; of being
    above in 1 and 3 %, 2 and 5 %. A mean of logarithms would be another thing than the mean. Of items that all agree, a
    value of either side is as likely: p is 2^-G.
    """

    spread: Spread

    def low(self, tail: float) -> float | None:
        found = self.spread
        if found.clusters < 2 or (found.error == 0 and self._agreed() >= tail):
            return None
        if found.error == 0:
            return found.mean
        return found.mean - found.error * _unskewed(-float(special.stdtrit(found.freedom, tail)), found.skew)

    def above(self, bound: float) -> float:
        found = self.spread
        if found.clusters < 2 or (found.error == 0 and found.mean <= bound):
            return 1.0
        if found.error == 0:
            return self._agreed()
        t = (found.mean - bound) / found.error
        return float(special.stdtr(found.freedom, -_skewed(t, found.skew)))

    def mirrored(self) -> Mean:
        return Mean(_turned(self.spread))

    def _agreed(self) -> float:
        return 0.5**self.spread.clusters


def _turned(found: Spread) -> Spread:
    return replace(found, mean=-found.mean, skew=-found.skew)


def _skewed(t: float, g: float) -> float:
    return t + g * t * t / 3 + g * g * t**3 / 27 + g / 6


def _unskewed(t: float, g: float) -> float:
    """The inverse of `_skewed`."""
    if abs(g) < 1e-6:
        return t - g / 6 - g * t * t / 3
    return float(3 / g * (np.cbrt(1 + g * (t - g / 6)) - 1))
