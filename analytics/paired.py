"""Two measurements of the same things: whether they differ, by how much, and what could have been seen.

The test flips the signs of the differences (Fisher 1935): under no difference either sign is as likely, whatever their
distribution. It is exact for few differences, and by drawing for more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analytics import intervals
from analytics.intervals import LEVEL, Estimate

ENOUGH = 30  # things that were measured twice
POWER = 0.8
EXACT = 15  # differences that are not 0, up to which all flips are counted: 32,768
DRAWS = 10_000

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
    kept = differences[differences != 0]
    if kept.size == 0:
        return 1.0
    seen = abs(float(kept.sum())) * (1 - 1e-12)  # equal sums may differ in their last bits
    if kept.size <= EXACT:
        bits = np.arange(1 << kept.size)[:, None] >> np.arange(kept.size) & 1
        return float((np.abs((2 * bits - 1) @ kept) >= seen).mean())
    signs = np.random.default_rng(seed).integers(0, 2, (DRAWS, kept.size), dtype=np.int8) * 2 - 1
    # The flip that is seen is one of them (Phipson and Smyth 2010).
    return float(((np.abs(signs @ kept) >= seen).sum() + 1) / (DRAWS + 1))


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
