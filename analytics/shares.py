"""Two shares: of the same items, or of others."""

from __future__ import annotations

from typing import Literal

import numpy as np

from analytics import intervals, special
from analytics.columns import Floats
from analytics.intervals import LEVEL, Estimate

Form = Literal["exact", "mid-p", "chi-squared", "corrected"]


def mcnemar(only_a: int, only_b: int, form: Form = "exact") -> float:
    """The two-sided p-value of McNemar's test (1947), from the items that only one of two variants gets right.

    `exact` is the binomial test of one half (scipy's `binomtest`), `mid-p` counts half of what is as likely as the data
    (Fagerland, Lydersen and Laake 2013), the others are of chi-squared, the last with Edwards' correction. Without such
    items p is 1.
    """
    least, n = min(only_a, only_b), only_a + only_b
    if n == 0:
        return 1.0
    if form in {"exact", "mid-p"}:
        tail = float(special.bdtr(least, n, 0.5))
        if form == "mid-p":
            tail -= float(special.bdtr(least, n, 0.5) - (special.bdtr(least - 1, n, 0.5) if least else 0.0)) / 2
        return min(1.0, 2 * tail)
    gap = max(abs(only_a - only_b) - (1 if form == "corrected" else 0), 0)
    return float(special.chdtrc(1, gap**2 / n))


def counts(a: Floats, b: Floats) -> tuple[int, int, int, int]:
    """Items that both get right, only `a`, only `b`, and neither."""
    both, only_a = int((a * b).sum()), int((a * (1 - b)).sum())
    only_b = int((b * (1 - a)).sum())
    return both, only_a, only_b, int(a.size) - both - only_a - only_b


def paired_difference(both: int, only_a: int, only_b: int, neither: int, level: float = LEVEL) -> Estimate:
    """The share of `b` less that of `a` over the same items, by Newcombe's interval (1998, method 10).

    Statistics in Medicine 17, 2635-2650. Wilson's bounds of both shares, squared and added with the correlation of
    the answers, which is corrected for continuity where it is above 0. Null without items.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return Estimate(None, None, None, 0)
    a, b = intervals.rate(both + only_a, n, level), intervals.rate(both + only_b, n, level)
    excess = float(both * neither - only_a * only_b)
    sides = float((both + only_a) * (only_b + neither)) * float((both + only_b) * (only_a + neither))
    excess = max(excess - n / 2, 0.0) if excess > 0 else excess
    return correlated(a, b, excess / float(np.sqrt(sides)) if sides else 0.0)


def correlated(a: Estimate, b: Estimate, correlation: float) -> Estimate:
    """`b` less `a` from the bounds of each (MOVER), whose errors are correlated: Zou 2007, Psychol. Methods 12, 399.

    With a correlation of 0 it is `differences.of_estimates`. A bound is null where a side lacks what it is made of.
    """
    n = min(a.n, b.n)
    if a.value is None or b.value is None:
        return Estimate(None, None, None, n)
    value = b.value - a.value
    down = _reach(b.value, b.low, a.high, a.value, correlation)
    up = _reach(b.high, b.value, a.value, a.low, correlation)
    return Estimate(value, None if down is None else value - down, None if up is None else value + up, n)


def _reach(
    high_b: float | None, low_b: float | None, high_a: float | None, low_a: float | None, correlation: float
) -> float | None:
    if high_b is None or low_b is None or high_a is None or low_a is None:
        return None
    first, second = max(high_b - low_b, 0.0), max(high_a - low_a, 0.0)
    return float(np.sqrt(max(first * first + second * second - 2 * correlation * first * second, 0.0)))


def difference_p(hits_a: int, n_a: int, hits_b: int, n_b: int) -> tuple[float, str]:
    """The two-sided p-value of two shares being different, and the test's name.

    The pooled score test, which is Pearson's chi-squared without a correction; Fisher's exact test (two-sided by the
    chance of tables, as scipy's and R's) where an expected count is below 5 (Cochran 1954).
    """
    hits, n = hits_a + hits_b, n_a + n_b
    expected = min(n_a, n_b) * min(hits, n - hits) / n
    if expected < 5:
        return _fisher(hits_a, n_a, hits_b, n_b), "Fisher's exact test"
    share = hits / n
    error = float(np.sqrt(share * (1 - share) * (1 / n_a + 1 / n_b)))
    return float(2 * special.ndtr(-abs(hits_b / n_b - hits_a / n_a) / error)), "two-proportion z test (pooled)"


def _fisher(hits_a: int, n_a: int, hits_b: int, n_b: int) -> float:
    hits = hits_a + hits_b
    possible = np.arange(max(0, hits - n_b), min(hits, n_a) + 1)
    logs = _log_choose(n_a, possible) + _log_choose(n_b, hits - possible)
    chances = np.exp(logs - special.logsumexp(logs))
    seen = float(chances[hits_a - int(possible[0])])
    return min(1.0, float(chances[chances <= seen * (1 + 1e-7)].sum()))


def _log_choose(n: int, k: np.ndarray) -> np.ndarray:
    found: np.ndarray = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return found
