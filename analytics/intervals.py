"""Intervals for what is counted and measured: rates, means, quantiles, ratios. Each says how sure the number is.

Samples are independent unless a function takes clusters. A level of 0.95 means that in 95 of 100 such samples the
interval holds the true value; `benchmarks/coverage.py` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics import special

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


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over items and how sure it is, of items that may come in clusters."""

    n: int  # items
    clusters: int
    mean: float
    error: float  # standard error by clusters; 0.0: all agree, or there is one cluster
    freedom: float  # of Student's distribution; clusters less one where they are of one size, and fewer where not
    skew: float  # third moment of what clusters are off by, over the 3/2th power of the second: skewness over root n


def spread(values: ArrayLike, clusters: ArrayLike | None = None) -> Spread:
    """The mean of one value an item, with its cluster-robust error; null clusters: each item is its own.

    The error is sqrt(G/(G-1) * sum over clusters of (sum of (s - mean))^2) / n (Cochran, 2.11; statsmodels' default for
    clusters). Its degrees of freedom are of the clusters as items weigh them, sum(k)^2 / sum(k^2) - 1 for sizes k
    (Kish's size): of 50 items in 10 clusters of very unequal size, Student's 5 % test with G-1 rejects in 10 %.

    Args:
        values: no NaN, at least one.
        clusters: codes from 0 to G-1, each of which is there.
    """
    array = np.asarray(values, np.float64)
    n = int(array.size)
    codes = None if clusters is None else np.asarray(clusters, np.intp)
    sizes = np.ones(n) if codes is None else np.bincount(codes).astype(float)
    middle, least, most = float(array.mean()), float(array.min()), float(array.max())
    # Equal means of repeats differ in their last bits when they came in another order: no error may come of that.
    alike = most - least <= 1e-12 * max(abs(least), abs(most))
    if alike or sizes.size < 2:
        return Spread(n, int(sizes.size), min(max(middle, least), most), 0.0, _freedom(sizes), 0.0)
    off = array - middle if codes is None else np.bincount(codes, array - middle)
    squares = float(np.square(off).sum())
    if squares <= 1e-24 * n * (most - least) ** 2:
        return Spread(n, int(sizes.size), middle, 0.0, _freedom(sizes), 0.0)
    error = float(np.sqrt(sizes.size / (sizes.size - 1) * squares)) / n
    skew = float((off**3).sum() / squares**1.5)
    return Spread(n, int(sizes.size), middle, error, _freedom(sizes), skew)


def _freedom(sizes: NDArray[np.float64]) -> float:
    return float(sizes.sum() ** 2 / np.square(sizes).sum()) - 1


def bounded_mean(
    values: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = LEVEL,
) -> Estimate:
    """A mean of values that lie within bounds, such as shares, by Wilson's interval at the effective sample size.

    So many independent yes-or-no items would have the variance that is seen (Korn and Graubard 1998; Dean and Pagano
    2015), and the quantile is Student's. It stays within the bounds, and is not of no width where all items agree, as
    Student's and the bootstrap's are: then each cluster counts as one. Of four tries of 10 tasks it holds pass^4 in 97
    to 99 % of samples, where theirs do in 69 to 98 % (`benchmarks/coverage.py`).

    Its error is not the same on both sides: for what may be missed on one side only, see `clustered`.

    Args:
        values: one an item. NaN is left out.
        clusters: codes from 0, one an item; null: each item is its own. `n` is of clusters.
        bounds: the least and the greatest value there can be.
        level: of the interval.
    """
    array = np.asarray(values, np.float64)
    kept = ~np.isnan(array)
    if not kept.any():
        return Estimate(None, None, None, 0)
    codes = None if clusters is None else np.unique(np.asarray(clusters)[kept], return_inverse=True)[1]
    found = spread(array[kept], codes)
    if found.clusters < 2:
        return Estimate(found.mean, None, None, found.clusters)
    width = bounds[1] - bounds[0]
    share = (found.mean - bounds[0]) / width
    size = share * (1 - share) * (width / found.error) ** 2 if found.error > 0 else found.clusters
    z = student(found.freedom, level)
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * float(np.sqrt(share * (1 - share) / size + z * z / (4 * size * size)))
    # Rounding puts the bounds of 0 and 1 beyond them by the last bit.
    low, high = min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share)
    return Estimate(found.mean, bounds[0] + width * low, bounds[0] + width * high, found.clusters)


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
