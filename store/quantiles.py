"""Exact quantiles of groups of amounts, with their 95 % intervals by order statistics, free of any distribution.

Here and not in SQL: each group has ranks of its own, and DuckDB takes the same ones for all. Values are those of numpy,
interpolated linearly. A few ranks of millions of amounts need no sort of all: amounts are counted by the leading bits
of their floating-point form, which order them coarsely, and only the bins in which a rank lies are sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from store import special

_TAIL = 0.025
_FEW_ROWS = 1 << 15  # that are sorted whole
_ROWS_A_BIN = 4  # at least, on average: else counting them takes longer than to sort them
_FINEST = 45  # bits left out: 128 bins from any power of two to the next

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Groups = NDArray[np.integer[Any]]


def quantiles_of(
    groups: Groups, amounts: Floats, count: int, quantiles: tuple[float, ...]
) -> tuple[Integers, list[tuple[Floats, Floats, Floats]]]:
    """Of each group, numbered from 0, how many amounts it has, and for each quantile its value and both bounds.

    NaN: there is none. Of one group alone nothing need be said in `groups`.
    """
    n = np.bincount(groups, minlength=count).astype(np.int64) if count != 1 else np.array([len(amounts)])
    sought = np.concatenate([_indexes(q, n) for q in quantiles])
    found = iter(_at(groups, amounts, n, sought))
    return n, [(next(found), next(found), next(found)) for _ in quantiles]


def _indexes(q: float, n: Integers) -> Floats:
    """Three rows: where within each sorted group the quantile and its bounds lie, from 0; NaN: nowhere."""
    low, high = ranks(q, n)
    middle: Floats = np.asarray(q * (n - 1), dtype=np.float64)
    middle[n == 0] = np.nan
    return np.stack([middle, low - 1, high - 1])


def ranks(q: float, n: Integers) -> tuple[Floats, Floats]:
    """Fractional ranks, from 1, of the bounds of the q-quantile of samples of `n`; NaN: the sample has no such bound.

    The k-th of n uniform values is Beta(k, n+1-k) distributed, also for a fraction k, and the bounds have half of the
    error each (Hutson 1999): that value lies below q with a chance of 0.975 (low) and 0.025 (high). The chance is one
    less the binomial distribution's at k-1, which `bdtrik` inverts.
    """
    sizes: Floats = np.maximum(n, 1).astype(np.float64)
    lone, most = 1 - (1 - q) ** sizes, q**sizes  # chance at the ranks 1 and n, between which it falls
    found = []
    for chance in (1 - _TAIL, _TAIL):
        there = (n > 0) & (most <= chance) & (chance <= lone)
        rank = np.full(len(sizes), np.nan)
        rank[there] = np.clip(special.bdtrik(1 - chance, sizes[there], q) + 1, 1, sizes[there])
        found.append(rank)
    return found[0], found[1]


def _at(groups: Groups, amounts: Floats, n: Integers, index: Floats) -> Floats:
    """The amounts at fractional indexes (rows; a column per group), interpolated linearly; NaN where the index is."""
    there = ~np.isnan(index)
    below = np.floor(index[there]).astype(np.int64)
    part = index[there] - below
    of = np.broadcast_to(np.arange(len(n)), index.shape)[there]
    first = (np.cumsum(n) - n)[of]
    low, high = in_order(groups, amounts, len(n), np.stack([first + below, first + np.minimum(below + 1, n[of] - 1)]))
    found = np.full(index.shape, np.nan)
    # As numpy does: from the nearer end, so that a whole index gives its amount exactly.
    found[there] = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return found


def in_order(groups: Groups, amounts: Floats, count: int, places: Integers, few: int = _FEW_ROWS) -> Floats:
    """The amounts at these places, from 0, of all rows sorted by their group and then by amount; any shape of `places`.

    `few`: so many rows are sorted whole.
    """
    made = _binned(groups, amounts, count) if len(amounts) > few else None
    if made is None:
        return _sorted(groups, amounts, count)[places]
    bins, held = made
    upto = np.cumsum(held)
    sought, which = np.unique(np.searchsorted(upto, places, side="right"), return_inverse=True)
    wanted = np.zeros(len(held), dtype=bool)
    wanted[sought] = True
    chosen = np.flatnonzero(wanted[bins])
    numbers = np.zeros(len(held), dtype=smallest(len(sought)))
    numbers[sought] = np.arange(len(sought))
    skipped = upto[sought] - np.cumsum(held[sought])  # rows before each that are not among the chosen
    ordered = _sorted(numbers[bins[chosen]], amounts[chosen], len(sought))
    found: Floats = ordered[places - skipped[which].reshape(places.shape)]
    return found


def _binned(groups: Groups, amounts: Floats, count: int) -> tuple[NDArray[np.int32], Integers] | None:
    """For each row the number of a bin, which orders rows by group, and coarsely by amount; how many rows each has.

    Floating-point numbers that are not negative have the order of their bits as integers. Null: to sort is faster.
    """
    bits = amounts.view(np.int64)
    least, most = int(bits.min()), int(bits.max())
    room = len(amounts) // _ROWS_A_BIN // count
    shift = max(_FINEST, (max(most - least, 1) // max(room - 1, 1)).bit_length())
    if least < 0 or shift > _COARSEST:
        return None
    least >>= shift
    width = (most >> shift) - least + 1
    found, held = np.empty(len(bits), dtype=np.int32), np.zeros(count * width, dtype=np.int64)
    step = max(_STEP, len(held))
    for start in range(0, len(bits), step):  # what is worked on stays in the cache
        part = bits[start : start + step] >> shift
        part -= least
        if count > 1:
            part += groups[start : start + step].astype(np.int64) * width
        found[start : start + step] = part
        held += np.bincount(part, minlength=len(held))
    return found, held


_STEP = 1 << 17
_COARSEST = 50  # bits left out: 4 bins from any power of two to the next


def _sorted(groups: Groups, amounts: Floats, count: int) -> Floats:
    """All amounts by group, and within it by size: a stable sort by group (radix, for small integers), then of each."""
    ordered = amounts[np.argsort(groups, kind="stable")] if count > 1 else amounts.copy()
    ends = np.cumsum(np.bincount(groups, minlength=count)) if count > 1 else np.array([len(amounts)])
    start = 0
    for end in ends.tolist():
        ordered[start:end].sort()
        start = end
    return ordered


def smallest(count: int) -> type[np.integer[Any]]:
    """A type for so many groups: numpy sorts integers of 8 and 16 bits by radix."""
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.int64
