"""What changed between two independent samples: differences of rates, means and quantiles, with their intervals.

Bounds of a difference are made of the bounds of its two sides ("square and add", or MOVER: Newcombe 1998, Statistics
in Medicine 17, 873-890; Zou and Donner 2008, Statistics in Medicine 27, 1693-1702):
`d - sqrt((b - b_low)^2 + (a_high - a)^2)` and `d + sqrt((b_high - b)^2 + (a - a_low)^2)` for `d = b - a`. So a
difference asks nothing of the data that its sides do not ask: one of quantiles is distribution-free as they are.
`benchmarks/coverage.py` measures how often the bounds hold.

A difference is always the second sample less the first: after less before, candidate less baseline.
"""

from __future__ import annotations

from math import exp, hypot, log

import numpy as np
from numpy.typing import ArrayLike

from analytics import intervals
from analytics.intervals import LEVEL, Estimate


def rate_difference(hits_a: int, n_a: int, hits_b: int, n_b: int, level: float = LEVEL) -> Estimate:
    """`hits_b / n_b - hits_a / n_a` with Newcombe's interval (1998, method 10: Wilson's, squared and added).

    `n` is the smaller of both. Null where a sample is empty.

    Raises:
        ValueError: hits are not between 0 and n.
    """
    return of_estimates(intervals.rate(hits_a, n_a, level), intervals.rate(hits_b, n_b, level))


def mean_difference(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """`mean(b) - mean(a)` with Welch's interval (Welch 1947; unequal variances). NaN is left out.

    `n` is the smaller of both. Without two values a side there are no bounds, without one there is no value.
    """
    x, y = intervals.known(a), intervals.known(b)
    n = int(min(x.size, y.size))
    if n == 0:
        return Estimate(None, None, None, 0)
    value = float(y.mean() - x.mean())
    if n == 1:
        return Estimate(value, None, None, 1)
    errors = np.array([x.var(ddof=1) / x.size, y.var(ddof=1) / y.size])
    total = float(errors.sum())
    if total == 0:
        return Estimate(value, value, value, n)
    freedom = total**2 / float((errors**2 / (np.array([x.size, y.size]) - 1)).sum())
    half = intervals.student(freedom, level) * total**0.5
    return Estimate(value, value - half, value + half, n)


def quantile_difference(a: ArrayLike, b: ArrayLike, q: float, level: float = LEVEL) -> Estimate:
    """The q-quantile of `b` less that of `a`, both as `intervals.quantile`, in the unit of the values. NaN is left out.

    `n` is the smaller of both. A bound is null where a side lacks the bound that it is made of: a p95 of fewer than
    72 values has no upper bound, so a difference to it has no lower one, and of it no upper one. Values must be
    independent; of calls that come in clumps (one session, one batch) the interval is too narrow.

    Raises:
        ValueError: q is not between 0 and 1.
    """
    return of_estimates(intervals.quantile(a, q, level), intervals.quantile(b, q, level))


def quantile_ratio(a: ArrayLike, b: ArrayLike, q: float, level: float = LEVEL) -> Estimate:
    """The q-quantile of `b` over that of `a`: `quantile_difference` of the logarithms, taken back. 1.0 is no change.

    Null unless both quantiles are above 0; a bound is null where a side's bound is, or is not above 0.

    Raises:
        ValueError: q is not between 0 and 1.
    """
    sides = [_logarithm(intervals.quantile(values, q, level)) for values in (a, b)]
    found = of_estimates(*sides)
    value, low, high = (None if bound is None else exp(bound) for bound in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.n)


def clear(difference: Estimate, nothing: float = 0.0) -> bool | None:
    """Whether the interval leaves `nothing` (no change) out. Null: there are no bounds to tell."""
    if difference.low is None and difference.high is None:
        return None
    above = difference.low is not None and difference.low > nothing
    below = difference.high is not None and difference.high < nothing
    if above or below:
        return True
    return None if difference.low is None or difference.high is None else False


def of_estimates(a: Estimate, b: Estimate) -> Estimate:
    """`b` less `a` from what is known of each: two samples that were measured apart. `n` is the smaller of both.

    A bound is null where a side lacks the bound that it is made of.
    """
    n = min(a.n, b.n)
    if a.value is None or b.value is None:
        return Estimate(None, None, None, n)
    value = b.value - a.value
    down, up = _reach(b.value, b.low, a.high, a.value), _reach(b.high, b.value, a.value, a.low)
    return Estimate(value, None if down is None else value - down, None if up is None else value + up, n)


def _reach(high_b: float | None, low_b: float | None, high_a: float | None, low_a: float | None) -> float | None:
    if high_b is None or low_b is None or high_a is None or low_a is None:
        return None
    return hypot(high_b - low_b, high_a - low_a)


def _logarithm(estimate: Estimate) -> Estimate:
    value, low, high = (
        None if bound is None or bound <= 0 else log(bound) for bound in (estimate.value, estimate.low, estimate.high)
    )
    return Estimate(value, low, high, estimate.n)
