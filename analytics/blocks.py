"""A stream drawn anew from itself: what else it could have been, with the memory that it has.

Hours next to one another are alike, so that drawing single ones would tell too few false alarms. An autoregression
takes the memory out, blocks of what it leaves are drawn with replacement, and it puts the memory back: the
post-blackened block bootstrap (Davison and Hinkley 1997, Bootstrap Methods and their Application, section 8.2). Blocks
begin at the same hour as the place they are put in (Dudek, Leskow, Paparoditis and Politis 2014, J. Time Ser. Anal.
35(2), 89-114), so that hours which vary more than others go on doing so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.columns import Floats

WARM = 100  # steps that are drawn before the first that counts
_MOST = 24  # steps that are remembered


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """An autoregression: a value is what `weights` make of those before it, the last one first, and something new."""

    weights: Floats
    new: Floats  # what came new at each step; mean 0


def remembered(values: Floats) -> Memory:
    """The autoregression of a stream about its mean, by Yule and Walker, as long as Akaike's criterion asks for.

    Args:
        values: in order, no NaN; 10 or more.
    """
    off = values - values.mean()
    n = off.size
    most = min(_MOST, n // 10)
    lags = np.array([float(off[: n - lag] @ off[lag:]) / n for lag in range(most + 1)])
    weights = _longest(lags, n)
    new = off[weights.size :].copy()
    for lag, weight in enumerate(weights, 1):
        new -= weight * off[weights.size - lag : n - lag]
    # As many values were fitted as weights, and the mean: what is left varies less than what comes.
    new = (new - new.mean()) * np.sqrt(n / max(n - weights.size - 1, 1))
    return Memory(weights, np.concatenate([new[: weights.size], new]) if weights.size else new)


def _longest(lags: Floats, n: int) -> Floats:
    """Levinson and Durbin's recursion up to the order with the least n ln(variance) + 2 order."""
    weights, variance = np.empty(0), float(lags[0])
    best, least = weights, n * np.log(variance) if variance > 0 else -np.inf
    for order in range(1, lags.size):
        if variance <= 1e-12 * lags[0]:
            break
        step = float(lags[order] - weights @ lags[1:order][::-1]) / variance
        weights = np.append(weights - step * weights[::-1], step)
        variance *= 1 - step * step
        if variance <= 0:
            break
        score = n * np.log(variance) + 2 * order
        if score < least:
            best, least = weights, score
    return best


def drawn(
    memory: Memory, steps: int, draws: int, rng: np.random.Generator, *, phase: int = 1, longest: int | None = None
) -> Floats:
    """So many streams of so many steps: [step, draw], mean 0.

    Args:
        memory: of the stream.
        steps: of each stream drawn.
        draws: how many.
        rng: which ones.
        phase: steps after which the hour of day comes again; the first step drawn has the hour of the first step that
            was remembered. 1: all hours are alike.
        longest: steps of a block at most; null: as the number of values allows.
    """
    warm = -(-WARM // phase) * phase
    new = _in_blocks(memory.new, warm + steps, draws, rng, phase, longest)
    for at, weights in ((at, memory.weights[:at][::-1]) for at in range(len(new)) if memory.weights.size):
        new[at] += weights @ new[at - weights.size : at] if at else 0.0
    return new[warm:]


def _in_blocks(  # noqa: PLR0917 - one drawing
    new: Floats, steps: int, draws: int, rng: np.random.Generator, phase: int, longest: int | None
) -> Floats:
    # Of so many places that a block can come from.
    length = max(1, round((new.size / phase) ** (1 / 3)))
    length = length if longest is None else min(length, longest)
    count = -(-steps // length)
    begins = length * np.arange(count)
    if phase > 1 and new.size >= 2 * phase:
        turns = new.size // phase
        starts = (begins % phase)[:, None] + phase * rng.integers(0, turns, (count, draws))
    else:
        starts = rng.integers(0, new.size, (count, draws))
    places = (starts[:, None, :] + np.arange(length)[None, :, None]) % new.size
    return np.asarray(new[places.reshape(count * length, draws)[:steps]])
