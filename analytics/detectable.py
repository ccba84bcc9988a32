"""How large a difference a comparison would have found: the words for what was not found."""

from __future__ import annotations

from functools import lru_cache
from math import floor, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from analytics import intervals, shares, special
from analytics.paired import POWER
from analytics.samples import Side
from analytics.tested import Tested

EXACT = 200  # pairs of yes and no up to which McNemar's power is summed; normal above: 0.78 of 0.8 at 400 pairs
_SEARCHED = 60  # items that one variant alone gets right, of which as many are tried


def detectable(found: Tested, a: Side, b: Side, level: float) -> float | None:
    """The size of a difference that this test alone finds in 80 % of such samples, as far as the sample tells.

    Of McNemar's test by the binomial, with as many pairs that differ as were seen, or all of them on one side; of two
    samples that all agree by Fisher's test, where the other one stays as it is; of others by Student's distribution at
    the level that an exact test attains. Null: no outcome of so few could be told from chance, no difference that
    there can be is large enough, or nothing varies.
    """
    alpha = 1 - level
    if found.p is None or found.least >= alpha:
        return None
    if found.test == "exact McNemar test":
        size = _of_pairs(a, b, found, level)
    elif found.fewest:
        size = _of_agreeing(a, b, alpha) if found.test == "Fisher's exact test" else None
    else:
        size = _of_spread(found, level)
    return None if size is None or (found.reach is not None and size > found.reach) else size


def _of_spread(found: Tested, level: float) -> float | None:
    """Of six pairs the exact test finds only that all are on one side: Student's figure was found in 60 % there."""
    if not found.error:
        return None
    if found.least and 2 * found.least > 1 - level and found.test.startswith("exact sign-flip"):
        clusters = round(1 - log2(found.least))
        return float(special.ndtri(POWER ** (1 / clusters))) * sqrt(clusters) * found.error
    attained = 1 - max(floor((1 - level) / found.least * (1 - 1e-9)), 1) * found.least if found.least else level
    return (intervals.student(found.freedom, attained) + float(special.ndtri(POWER))) * found.error


def _of_pairs(a: Side, b: Side, found: Tested, level: float) -> float | None:
    n = a.ids.size
    fewest = next(many for many in range(1, 64) if shares.mcnemar(0, many) < 1 - level)
    if n < fewest:
        return None
    one_sided = float(special.betaincinv(fewest, n - fewest + 1, POWER))
    seen = float(np.abs(b.means - a.means).mean())
    if one_sided >= seen:
        return one_sided
    return _of_spread(found, level) if n > EXACT else _of_discordant(n, seen, 1 - level)


def _of_discordant(n: int, discordant: float, alpha: float) -> float:
    """By halving the gap between 0 and where all pairs that differ are on one side, which is found more often."""
    many = np.arange(1, n + 1)
    chance = np.exp(
        special.xlogy(many, discordant) + special.xlog1py(n - many, -discordant)
        + special.gammaln(n + 1) - special.gammaln(many + 1) - special.gammaln(n - many + 1)
    )  # fmt: skip
    critical = _critical(n, alpha)[1:]
    some = (critical >= 0) & (chance > 1e-9)
    chance, critical, many = chance[some], critical[some], many[some]

    def power(gap: float) -> float:
        against = (1 - gap / discordant) / 2
        return float(
            (chance * (special.bdtr(critical, many, against) + special.bdtr(critical, many, 1 - against))).sum()
        )

    low, high = 0.0, discordant
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


@lru_cache(maxsize=64)
def _critical(n: int, alpha: float) -> NDArray[np.int64]:
    """Of 0 to n pairs that differ, the most against at which the exact test finds a difference; -1: none."""
    found, most = [], -1
    for many in range(n + 1):
        if shares.mcnemar(most + 1, many - most - 1) < alpha and most + 1 <= many:
            most += 1
        found.append(most)
    return np.array(found)


def _of_agreeing(a: Side, b: Side, alpha: float) -> float | None:
    """The larger of what either variant would have to change by, while the other stays as it is."""
    n_a, n_b = a.ids.size, b.ids.size
    sizes = [_one_moves(*sizes, alpha) for sizes in ((n_a, n_b), (n_b, n_a))]
    return None if None in sizes else max(size for size in sizes if size is not None)


def _one_moves(stays: int, moves: int, alpha: float) -> float | None:
    for hits in range(1, min(moves, _SEARCHED) + 1):
        if shares.difference_p(0, stays, hits, moves)[0] < alpha:
            return float(special.betaincinv(hits, moves - hits + 1, POWER))
    return None
