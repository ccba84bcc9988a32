"""When a stream changed: the time that splits it best, the interval of that time, and how sure a change is at all.

The best split is where the means before and after differ most, in standard errors (Hinkley 1970, Biometrika 57, 1-17).
Whether there is a change at all is asked of streams drawn with no change and the same memory (`blocks`), so that hours
which are alike are not taken for one. The interval is Bai's (1997, Review of Economics and Statistics 79, 551-563): of
400 values with a shift of half a deviation to one, 95 % intervals hold the time of the change in 88 to 98 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics import blocks
from analytics.columns import Floats
from analytics.relabelling import p_value

DRAWS = 500
LEAST = 20  # values that a stream has at least
EDGE = 5  # values before and after a change, at least
_BAI = 11.0333  # of the argmax of two-sided Brownian motion with a drift: the 97.5 % point (Bai 1997, section II)
_CLEAR = 0.001  # p-value of a change that needs no second thought
_GROWTH = 1.15  # of splits that are tried by `cut`


@dataclass(frozen=True, slots=True)
class Change:
    """The best split of a stream."""

    at: int  # the first value after it
    low: int  # first value of the 95 % interval of `at`
    high: int  # last one
    before: float  # mean
    after: float
    score: float  # the difference over its standard error, memory counted
    p: float  # of there being no change


def change(values: Floats, weights: Floats | None = None, draws: int = DRAWS, seed: int = 0) -> Change | None:
    """The split of a stream that explains it best. Null: fewer than `LEAST` values, or all are the same.

    It is one: of several changes the clearest is told, and the parts before and after can be asked again. `at`, `low`
    and `high` are places in the given values.

    Args:
        values: in order, seasons taken off; NaN is left out.
        weights: what each counts, such as the calls of an hour; null: alike.
        draws: of streams without a change.
        seed: of the draws.
    """
    there = np.flatnonzero(~np.isnan(values))
    own = np.ones(values.size) if weights is None else np.asarray(weights, np.float64)
    there = there[own[there] > 0]
    known, counted = values[there], own[there]
    if known.size < LEAST or float(np.ptp(known)) <= 1e-12 * float(np.abs(known).max()):
        return None
    place = int(_scores(known[:, None], counted)[:, 0].argmax()) + EDGE
    parts = (known[:place], counted[:place]), (known[place:], counted[place:])
    before, after = (float(np.average(*part[:1], weights=part[1])) for part in parts)
    scale = np.sqrt(counted / counted.mean())
    off = np.where(np.arange(known.size) < place, known - before, known - after) * scale
    memory = blocks.remembered(off)
    deviation = _lasting(memory)
    if deviation <= 0:
        return None
    p = _p(known, counted, memory, draws, seed)
    if p >= _CLEAR:
        # What a split leaves has less memory than the stream had, so that of what is not clear the whole is drawn.
        p = _p(known, counted, blocks.remembered((known - np.average(known, weights=counted)) * scale), draws, seed)
    error = deviation * np.sqrt(counted.mean() * (1 / parts[0][1].sum() + 1 / parts[1][1].sum()))
    # The best split's gap is by its choice too large: its square by that of its error.
    gap = max((after - before) ** 2 - error**2, (after - before) ** 2 / 4)
    # Where one side varies more than the other, its own variance, whichever side the true time is on.
    uneven = max(float(off[:place].var()), float(off[place:].var())) / float(off.var())
    reach = int(np.ceil(_BAI * deviation**2 * uneven / gap)) + 1 if gap > 0 else known.size
    low, high = max(place - reach, 0), min(place + reach, known.size - 1)
    return Change(
        int(there[place]), int(there[low]), int(there[high]), before, after, float((after - before) / error), p
    )


def _p(values: Floats, weights: Floats, memory: blocks.Memory, draws: int, seed: int) -> float:
    made = blocks.drawn(memory, values.size, draws, np.random.default_rng(seed))
    made /= np.sqrt(weights / weights.mean())[:, None]
    return p_value(float(_best(values[:, None], weights)[0]), _best(made, weights))


def _lasting(memory: blocks.Memory) -> float:
    """The deviation that a mean of many values has, times the root of their number."""
    return float(memory.new.std() / max(1 - memory.weights.sum(), 0.05))


def _scores(values: Floats, weights: Floats) -> Floats:
    """The squared gap of means at each split that leaves `EDGE` values a side, by the weight on both: [split, draw]."""
    before = np.cumsum(weights)[EDGE - 1 : -EDGE, None]
    whole = float(weights.sum())
    sums = np.cumsum(weights[:, None] * values, axis=0)
    total = sums[-1]
    gaps = sums[EDGE - 1 : -EDGE] - before / whole * total
    return np.asarray(np.square(gaps) * whole / (before * (whole - before)))


def _best(values: Floats, weights: Floats) -> Floats:
    """The best split's score over what values vary by about both of its means: [draw]."""
    found = _scores(values, weights).max(axis=0)
    centre = (weights[:, None] * values).sum(axis=0) / weights.sum()
    whole = (weights[:, None] * np.square(values - centre)).sum(axis=0)
    return np.asarray(len(values) * found / np.maximum(whole - found, 1e-300))


def cut(values: Floats, alpha: float = 0.002, weights: Floats | None = None) -> int | None:
    """How many of the oldest values no longer belong to the newest: an adaptive window's cut. Null: all belong.

    ADWIN's rule (Bifet and Gavalda 2007, SIAM Data Mining, theorem 3.2 and section 4): at splits whose newer part grows
    by a constant factor, the means differ by more than `sqrt(2 v l / m) + 2 l / (3 m)` with v the variance, m one over
    the sum of both parts' reciprocal sizes, and l the logarithm of 2 over alpha shared by the splits. Values must lie
    between 0 and 1 and be independent for alpha to be what it says. With weights, sizes are effective ones.

    Args:
        values: the window, oldest first; no NaN.
        alpha: chance of a cut where nothing changed, at one look.
        weights: what each counts; null: alike.
    """
    own = np.ones(values.size) if weights is None else np.asarray(weights, np.float64)
    n = values.size
    if n < 2 * EDGE:
        return None
    newer = np.unique(np.geomspace(EDGE, n - EDGE, 1 + int(np.log(n) / np.log(_GROWTH))).astype(int))
    splits = n - newer
    total, sums, squares = (np.cumsum(one) for one in (own, own * values, own * np.square(values)))
    a, b = total[splits - 1], total[-1] - total[splits - 1]
    means = sums[splits - 1] / a, (sums[-1] - sums[splits - 1]) / b
    variance = max(float(squares[-1] / total[-1] - (sums[-1] / total[-1]) ** 2), 0.0)
    size = 1 / (1 / a + 1 / b)
    log_of = np.log(2 * splits.size / alpha)
    most = np.sqrt(2 * variance * log_of / size) + 2 * log_of / (3 * size)
    over = np.abs(means[1] - means[0]) - most
    return int(splits[over.argmax()]) if (over > 0).any() else None
