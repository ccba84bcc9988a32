"""Two measurements of the same things: whether they differ, by how much, and what could have been seen.

The test flips the signs of the differences (Fisher 1935): under no difference either sign is as likely, whatever their
distribution. It is exact for few differences, and by drawing for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics import intervals, special
from analytics.intervals import LEVEL, Estimate

ENOUGH = 30  # things that were measured twice
POWER = 0.8
EXACT = 15  # differences that are not 0, up to which all flips are counted: 32,768
DRAWS = 10_000
KEPT = 1_000  # differences up to which the signs that were drawn are kept: 10 MB

Finding = Literal["differs", "no difference found", "not enough"]


@dataclass(frozen=True, slots=True)
class Paired:
    """What a paired test found."""

    effect: Estimate  # the mean of second less first; n is of things
    p: float | None  # two-sided; null: not enough
    detectable: float | None  # the size of a difference that is found in 80 % of such samples; null: unknown
    finding: Finding


def paired(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Iterable[object] | None = None,
    *,
    enough: int = ENOUGH,
    reach: float | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> Paired:
    """Compares two measurements of the same things. A pair with a NaN is left out.

    The interval is Student's over things. Where all differences are 0 it says what they leave possible: a thing differs
    with a chance of at most 1 - (1 - level)^(1/n), by `reach` at most.

    Args:
        first: one number a row.
        second: the same rows, measured again.
        clusters: the thing that each row is of, such as the question; null: each row is one. A thing's rows count as
            one, by their mean.
        enough: with fewer things there is no finding.
        reach: the largest difference that can be, such as 1 for shares; null: there is none.
        level: of the interval; one less it is what p must be below.
        seed: of the drawn flips.

    Raises:
        ValueError: there is not one second measurement a first, nor one cluster.
    """
    differences = _by_thing(np.asarray(second, float) - np.asarray(first, float), clusters)
    n = int(differences.size)
    effect = _effect(differences, reach, level)
    if n < enough:
        return Paired(effect, None, None, "not enough")
    p = flip_test(differences, seed)
    return Paired(effect, p, _detectable(differences, reach, level), finding(p, level))


def finding(p: float | None, level: float = LEVEL) -> Finding:
    """What a p-value says, adjusted or not."""
    if p is None:
        return "not enough"
    return "differs" if p < 1 - level else "no difference found"


def _by_thing(differences: NDArray[np.float64], clusters: Iterable[object] | None) -> NDArray[np.float64]:
    if clusters is None:
        return intervals.known(differences)
    sums: dict[object, list[float]] = {}
    for name, value in zip(clusters, differences.tolist(), strict=True):
        if not np.isnan(value):
            sums.setdefault(name, []).append(value)
    return np.array([np.mean(values) for values in sums.values()], float)


def flip_test(differences: NDArray[np.float64], seed: int = 0) -> float:
    """The share of flips of signs with a sum as far from 0 as the one that is seen; of no difference 1."""
    kept = np.sort(differences[differences != 0])
    if kept.size == 0:
        return 1.0
    seen = abs(float(kept.sum())) * (1 - 1e-12)  # equal sums may differ in their last bits
    return _share(np.abs(_flipped(kept, seed)) >= seen, kept.size)


def flip_tests(differences: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """The shares of flips of signs with a sum as low as the one that is seen, and as high: of no difference 1 and 1.

    Drawn flips are the same for the same seed and number of differences, so that of differences that all grow the
    first share grows too.
    """
    some = differences[differences != 0]
    if some.size == 0:
        return 1.0, 1.0
    sums = _flipped(some if some.size <= EXACT else differences, seed)
    seen, slack = float(some.sum()), 1e-12 * float(np.abs(some).sum())  # equal sums may differ in their last bits
    return _share(sums <= seen + slack, some.size), _share(sums >= seen - slack, some.size)


def _share(found: NDArray[np.bool_], differences: int) -> float:
    if differences <= EXACT:
        return float(found.mean())
    # The flip that is seen is one of them (Phipson and Smyth 2010).
    return float((found.sum() + 1) / (found.size + 1))


def _flipped(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The sums of all flips, or of as many as are drawn."""
    if values.size > EXACT:
        return np.concatenate([signs @ values for signs in _blocks(values.size, seed)])
    sums = np.zeros(1)
    for value in values.tolist():
        sums = np.concatenate((sums - value, sums + value))
    return sums


def _blocks(n: int, seed: int) -> Iterator[NDArray[np.int8]]:
    """Drawn signs, a tenth at a time, as they become floats eight times the size."""
    if n <= KEPT:
        yield from np.array_split(_signs(n, seed), 10)
        return
    rng = np.random.default_rng(seed)
    for _ in range(10):
        yield rng.integers(0, 2, (DRAWS // 10, n), dtype=np.int8) * 2 - 1


@lru_cache(maxsize=2)  # gates of one suite are of the same items
def _signs(n: int, seed: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(0, 2, (DRAWS, n), dtype=np.int8) * 2 - 1


def _effect(differences: NDArray[np.float64], reach: float | None, level: float) -> Estimate:
    found = intervals.mean(differences, level)
    if found.n == 0 or differences.any():
        return found if reach is None else _within(found, reach)
    bound = _unseen(found.n, reach, level)
    return Estimate(0.0, None if bound is None else -bound, bound, found.n)


def _within(found: Estimate, reach: float) -> Estimate:
    """With no bound beyond what a difference can be, which Student's has for few things."""
    low, high = (None if end is None else max(-reach, min(reach, end)) for end in (found.low, found.high))
    return Estimate(found.value, low, high, found.n)


def _unseen(n: int, reach: float | None, level: float) -> float | None:
    """The mean difference that n things without any leave possible."""
    return None if reach is None else float(1 - (1 - level) ** (1 / n)) * reach


def _detectable(differences: NDArray[np.float64], reach: float | None, level: float) -> float | None:
    n = int(differences.size)
    if not differences.any():
        return _unseen(n, reach, level)
    error = float(differences.std(ddof=1) / np.sqrt(n))
    return (intervals.student(n - 1, level) + float(special.ndtri(POWER))) * error
