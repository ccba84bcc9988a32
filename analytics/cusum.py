"""Cumulative sums: what each value says for a shift against none, added up, and set back to 0 when it falls below.

Page 1954, Biometrika 41, 100-115. Of all rules with the same time between false alarms it finds the shift that it was
made for soonest in the worst case (Lorden 1971; Moustakides 1986). Its limit is set by the average run length, the mean
number of values between two false alarms, worked out by a Markov chain (Brook and Evans 1972, Biometrika 59, 539-549;
of yes-or-no values Reynolds and Stoumbos 1999, Journal of Quality Technology 31, 87-108). Values must be independent:
of those with a memory or a season, `watching` and `false_alarms` are to be asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np

from analytics import special
from analytics.columns import Bools, Floats

STATES = 301
_HIGHEST = 1e3


@dataclass(frozen=True, slots=True)
class Cusum:
    """One side: it watches for `after` in place of `before`. Its sums are log odds of the one against the other."""

    before: float  # mean, or share of yes
    after: float
    limit: float  # of the sum, above which it is an alarm
    deviation: float | None = None  # of the values; null: they are yes or no

    def steps(self, values: Floats) -> Floats:
        """What each value adds."""
        if self.deviation is None:
            yes, no = log(self.after / self.before), log((1 - self.after) / (1 - self.before))
            return np.asarray(np.where(values > 0.5, yes, no))
        gap = self.after - self.before
        return np.asarray(gap / self.deviation**2 * (values - self.before - gap / 2))

    def sums(self, values: Floats) -> Floats:
        """The sum after each value, along the first axis; it goes on after an alarm. NaN adds nothing."""
        steps = np.nan_to_num(self.steps(values))
        whole = np.cumsum(steps, axis=0)
        return np.asarray(whole - np.minimum(np.minimum.accumulate(whole, axis=0), 0.0))

    def alarms(self, values: Floats) -> Bools:
        """Where the sum is above the limit."""
        return np.asarray(self.sums(values) > self.limit)

    def since(self, values: Floats, at: int) -> int:
        """Where the shift began that the alarm at this place is of: the place after the sum was last 0 (Page 1954)."""
        low = np.flatnonzero(self.sums(values[: at + 1]) <= 0)
        return int(low[-1]) + 1 if low.size else 0


def of_shares(before: float, after: float, run_length: float) -> Cusum:
    """A rule for yes-or-no values, with so many values between false alarms on average.

    Raises:
        ValueError: a share is not between 0 and 1, both are the same, or the run length is below 1.
    """
    if not 0 < min(before, after) <= max(before, after) < 1 or before == after:
        raise ValueError(f"Shares of {before:g} and {after:g} must be two, both above 0 and below 1.")
    return Cusum(before, after, _limit(lambda limit: share_run_length(before, after, limit, before), run_length))


def of_means(before: float, after: float, deviation: float, run_length: float) -> Cusum:
    """A rule for normally distributed values, with so many values between false alarms on average.

    Raises:
        ValueError: the deviation is not above 0, both means are the same, or the run length is below 1.
    """
    if deviation <= 0 or before == after:
        raise ValueError(f"Means of {before:g} and {after:g} with a deviation of {deviation:g}: there is no shift.")
    shift = abs(after - before) / deviation
    limit = _limit(lambda height: mean_run_length(shift / 2, height / shift, 0.0), run_length)
    return Cusum(before, after, limit, deviation)


def _limit(run_length: Callable[[float], float], wanted: float) -> float:
    if wanted < 1:
        raise ValueError(f"A run length of {wanted:g} is below 1: there is no alarm before the first value.")
    low, high = 0.0, 1.0
    while run_length(high) < wanted and high < _HIGHEST:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle) < wanted else (low, middle)
    return high


@lru_cache(maxsize=512)
def mean_run_length(allowance: float, height: float, shift: float) -> float:
    """Values until the one-sided sum of (z - allowance) is above the height, z normal about `shift` with deviation 1.

    With an allowance of 0.5 and a height of 5 it is 930.9 of no shift and 10.4 of a shift of 1.
    """
    width = 2 * height / (2 * STATES - 1)
    middles = width * np.arange(STATES)
    ends = middles[None, :] - middles[:, None] + allowance - shift
    chance = special.ndtr(ends + width / 2) - special.ndtr(ends - width / 2)
    chance[:, 0] = special.ndtr(ends[:, 0] + width / 2)
    return float(np.linalg.solve(np.eye(STATES) - chance, np.ones(STATES))[0])


@lru_cache(maxsize=512)
def share_run_length(before: float, after: float, limit: float, truth: float) -> float:
    """Values until the sum for `after` against `before` is above the limit, of yes-or-no values with this true share.

    Sums between two states of the chain count for both, in proportion.
    """
    steps = log(after / before), log((1 - after) / (1 - before))
    heights = np.linspace(0.0, limit, STATES)
    chance = np.zeros((STATES, STATES + 1))
    for step, share in zip(steps, (truth, 1 - truth), strict=True):
        to = np.maximum(heights + step, 0.0) * (STATES - 1) / limit
        over = heights + step > limit
        low = np.minimum(to.astype(int), STATES - 1)
        part = np.where(over, 0.0, to - low)
        chance[np.arange(STATES), np.where(over, STATES, low)] += share * (1 - part)
        chance[np.arange(STATES), np.where(over, STATES, np.minimum(low + 1, STATES - 1))] += share * part
    return float(np.linalg.solve(np.eye(STATES) - chance[:, :STATES], np.ones(STATES))[0])
