"""Intervals for what is counted and measured: rates, means, quantiles, ratios. Each says how sure the number is.

Samples are independent unless a function takes clusters. A level of 0.95 means that in 95 of 100 such samples the
interval holds the true value; `benchmarks/coverage.py` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # not `stats` nor `optimize`: 0.4 s and 50 MB in every process that counts

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval. Null bounds: the data cannot bound it; null value: there is no data."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # observations, or clusters where a function takes clusters


def rate(hits: int, n: int, level: float = LEVEL) -> Estimate:
    """A share of `n`, with Wilson's score interval (Wilson 1927; Newcombe 1998, method 3).

    Raises:
        ValueError: hits are not between 0 and n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}: hits must be between 0 and n.")
    if n == 0:
        return Estimate(None, None, None, 0)
    z = _z(level)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    # At the ends the formula is exact, and floating point must not say otherwise.
    return Estimate(share, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half, n)


def mean(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """An arithmetic mean with Student's interval. NaN is left out; one value has no interval."""
    kept = known(values)
    if kept.size == 0:
        return Estimate(None, None, None, 0)
    value = float(kept.mean())
    if kept.size == 1:
        return Estimate(value, None, None, 1)
    half = student(kept.size - 1, level) * float(kept.std(ddof=1) / np.sqrt(kept.size))
    return Estimate(value, value - half, value + half, int(kept.size))


@lru_cache(maxsize=1 << 14)
def quantile_ranks(q: float, n: int, level: float = LEVEL) -> tuple[float | None, float | None]:
    """Ranks (from 1) within the sorted sample that bound the q-quantile of a continuous distribution; null: none does.

    Ranks are fractional: rank 3.25 is a quarter of the way from the third to the fourth value. Whole ranks hold the
    quantile too often (98 % in place of 95 % for the p95 of 100 values). The k-th of n uniform values is Beta(k, n+1-k)
    distributed, also for a fraction k; the bounds have half of the error each (Hutson 1999, J. Appl. Stat. 26(3)).

    Raises:
        ValueError: q is not between 0 and 1.
    """
    if not 0 < q < 1:
        raise ValueError(f"A quantile lies between 0 and 1, and {q} does not.")
    tail = (1 - level) / 2
    return _rank(q, n, 1 - tail), _rank(q, n, tail)


def _rank(q: float, n: int, chance: float) -> float | None:
    """The rank k at which the k-th of n uniform values lies below q with this chance; null: not from 1 to n.

    The chance falls with the rank, and is one less the binomial distribution's at k-1.
    """
    if not q**n <= chance <= 1 - (1 - q) ** n:
        return None
    return min(max(float(special.bdtrik(1 - chance, n, q)) + 1, 1.0), float(n))


def quantile(values: ArrayLike, q: float, level: float = LEVEL) -> Estimate:
    """The q-quantile with its order-statistics interval, both interpolated linearly. NaN is left out.

    A bound is null where the sample is too small to give one: the p99 of 50 calls has no upper bound, and that of two
    calls no lower one either: with a chance of 0.99^2, above 0.975, it lies above both.
    """
    kept = known(values)
    if kept.size == 0:
        return Estimate(None, None, None, 0)
    low, high = (_at_rank(kept, rank) for rank in quantile_ranks(q, int(kept.size), level))
    return Estimate(float(np.quantile(kept, q)), low, high, int(kept.size))


def _at_rank(values: NDArray[np.float64], rank: float | None) -> float | None:
    if rank is None or values.size == 1:
        return None
    return float(np.quantile(values, (rank - 1) / (values.size - 1)))


def ratio(numerators: ArrayLike, denominators: ArrayLike, level: float = LEVEL) -> Estimate:
    """The ratio of two sums over the same units, such as cost over successes: delta method, clusters are the units.

    With r = sum(x) / sum(y), the variance is n/(n-1) * sum((x - r*y)^2) / sum(y)^2 (Cochran, Sampling Techniques,
    2.11), and the interval Student's with n-1 degrees of freedom. Null where the denominators sum to 0.
    """
    x, y = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if x.shape != y.shape:
        raise ValueError(f"{x.size} numerators and {y.size} denominators: there must be one of each a unit.")
    kept = ~(np.isnan(x) | np.isnan(y))
    x, y = x[kept], y[kept]
    total = float(y.sum())
    if x.size == 0 or total == 0:
        return Estimate(None, None, None, int(x.size))
    value = float(x.sum()) / total
    if x.size == 1:
        return Estimate(value, None, None, 1)
    error = float(np.sqrt(x.size / (x.size - 1) * np.square(x - value * y).sum())) / abs(total)
    half = student(x.size - 1, level) * error
    return Estimate(value, value - half, value + half, int(x.size))


def student(freedom: float, level: float) -> float:
    """Standard errors from the middle to the ends of Student's interval with so many degrees of freedom."""
    return float(special.stdtrit(freedom, (1 + level) / 2))


def _z(level: float) -> float:
    return float(special.ndtri((1 + level) / 2))


def known(values: ArrayLike) -> NDArray[np.float64]:
    """The values that are not NaN, as floats."""
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    kept: NDArray[np.float64] = array[~np.isnan(array)]
    return kept
