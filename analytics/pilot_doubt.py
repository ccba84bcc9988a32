"""How sure a pilot's variance is, and with it the number of items that a plan makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics import intervals, resampling
from analytics.columns import Floats
from analytics.intervals import LEVEL
from analytics.items import coded
from analytics.samples import Side, common

DRAWS = 1_000
FEW = 5  # clusters below which nothing is said
_OWN, _REPEATED = 6, 3  # columns of a set, and of each side's repeats


class _Set(NamedTuple):
    """Values of items with their clusters; of each side that they come of what its repeats say, an item a row."""

    values: Floats
    clusters: NDArray[np.intp]
    repeats: Sequence[Floats]  # squares about the item's mean, degrees of freedom, one over the answers


def factors(
    sides: Sequence[Side], *, paired: bool, repeats: int = 1, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float] | None:
    """By how much the variance that a plan rests on may be lower and higher than the pilot's: two factors about 1.

    Whole clusters are drawn anew; the variance's logarithm is taken for Student distributed with its deviation over the
    draws, one degree of freedom less than clusters. A plan's items are a multiple of the variance.

    Args:
        sides: one variant, or two of which pairs share items.
        paired: differences of shared items count, else the values of either side.
        repeats: answers an item that are planned.
        level: of the interval.
        draws: how many.
        seed: of the draws.

    Returns:
        Null: there are fewer than five clusters, or no variance.
    """
    sets = _sets(sides, paired=paired)
    every, codes = coded(np.concatenate([one.clusters for one in sets]))
    if every.size < FEW:
        return None
    ends = np.cumsum([one.values.size for one in sets])[:-1]
    table = np.column_stack(
        [_columns(one, place, every.size) for one, place in zip(sets, np.split(codes, ends), strict=True)]
    )
    drawn = resampling.summed(every.size, table, draws, np.random.default_rng(seed))
    sizes = [_OWN + _REPEATED * len(one.repeats) for one in sets]
    alone = [bool(np.unique(one.clusters).size == one.values.size) for one in sets]
    found = sum(
        _variance(part, repeats, alone=own)
        for part, own in zip(np.split(drawn, np.cumsum(sizes)[:-1], axis=1), alone, strict=True)
    )
    kept = np.asarray(found)[np.asarray(found) > 0]
    if kept.size < 0.95 * draws:
        return None
    reach = intervals.student(every.size - 1, level) * float(np.log(kept).std(ddof=1))
    return float(np.exp(-reach)), float(np.exp(reach))


def _sets(sides: Sequence[Side], *, paired: bool) -> list[_Set]:
    if not paired or len(sides) == 1:
        return [_Set(one.means, one.clusters, [_repeated(one)]) for one in sides]
    first, second = sides
    first = first.of(np.isin(first.ids, common(first.ids, second.ids)))
    second = second.of(np.isin(second.ids, first.ids))
    return [_Set(second.means - first.means, first.clusters, [_repeated(first), _repeated(second)])]


def _repeated(one: Side) -> Floats:
    answers = np.bincount(one.place, minlength=one.ids.size)
    squares = np.bincount(one.place, np.square(one.known - one.means[one.place]), one.ids.size)
    return np.column_stack([squares, answers - 1, 1 / answers])


def _columns(one: _Set, place: NDArray[np.intp], groups: int) -> Floats:
    """What each cluster adds up to: items, values, squares; and of its own sums the products."""
    told = np.column_stack([np.ones_like(one.values), one.values, np.square(one.values), *one.repeats])
    summed = np.column_stack([np.bincount(place, column, groups) for column in told.T])
    n, total = summed[:, 0], summed[:, 1]
    return np.column_stack([summed[:, :3], total**2, n * total, n**2, summed[:, 3:]])


def _variance(sums: Floats, repeats: int, *, alone: bool) -> Floats:
    """Of an item with so many answers, in each draw; times what clusters make of it. NaN: a draw without items."""
    n, total, squares, own, mixed, sizes = sums[:, :_OWN].T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        seen = (squares - n * mean**2) / (n - 1)
        error = (own - 2 * mean * mixed + mean**2 * sizes) / n**2
        inflation = np.ones_like(n) if alone else np.fmax(error / (seen / n), 1.0)
        parts = [sums[:, at : at + _REPEATED].T for at in range(_OWN, sums.shape[1], _REPEATED)]
        noise = [np.where(freedom > 0, off / freedom, 0.0) for off, freedom, _ in parts]
        explained = sum(one * inverse / n for one, (_, _, inverse) in zip(noise, parts, strict=True))
        between = np.fmax(seen - explained, 0.0)
        found: Floats = (between + sum(one / repeats for one in noise)) * inflation
    return found
