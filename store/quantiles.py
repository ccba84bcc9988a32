"""Exact quantiles of groups of amounts, with their 95 % intervals by order statistics, free of any distribution.

Here and not in SQL: each group has ranks of its own, and DuckDB takes the same ones for all. Values are those of numpy,
interpolated linearly. A few ranks of millions of amounts need no sort of all: amounts are counted by the leading bits
of their floating-point form, which order them coarsely, and only the bins in which a rank lies are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store import special

_TAIL = 0.025
_FEW_ROWS = 1 << 15  # that are sorted whole
_ROWS_A_BIN = 4  # at least, on average: else counting them takes longer than to sort them
_FINEST = 43  # bits left out: 512 bins from any power of two to the next

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Groups = NDArray[np.integer[Any]]


def quantiles_of(
    groups: Groups, amounts: Floats, count: int, quantiles: tuple[float, ...]
) -> tuple[Integers, list[tuple[Floats, Floats, Floats]]]:
    """Of each group, numbered from 0, how many amounts it has, and for each quantile its value and both bounds.

    NaN: there is none. Of one group alone nothing need be said in `groups`.
    """
    rows = Rows(groups, amounts, count)
    n = rows.sizes()
    sought = np.concatenate([_indexes(q, n) for q in quantiles])
    found = iter(_at(rows, n, sought))
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


def _at(rows: Rows, n: Integers, index: Floats) -> Floats:
    """The amounts at fractional indexes (rows; a column per group), interpolated linearly; NaN where the index is."""
    there = ~np.isnan(index)
    below = np.floor(index[there]).astype(np.int64)
    part = index[there] - below
    of = np.broadcast_to(np.arange(len(n)), index.shape)[there]
    first = (np.cumsum(n) - n)[of]
    low, high = rows.at(np.stack([first + below, first + np.minimum(below + 1, n[of] - 1)]))
    found = np.full(index.shape, np.nan)
    # As numpy does: from the nearer end, so that a whole index gives its amount exactly.
    found[there] = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return found


class Rows:
    """Rows of a group, numbered from 0, and an amount. `few`: so many are sorted whole."""

    def __init__(self, groups: Groups, amounts: Floats, count: int, few: int = _FEW_ROWS) -> None:
        """Of one group alone nothing need be said in `groups`."""
        self._groups, self._amounts, self._count = groups, amounts, count
        self._bins = _bins(groups, amounts, count) if len(amounts) > few else None
        self._held = None if self._bins is None else self._bins.held()

    def sizes(self) -> Integers:
        """How many rows each group has."""
        if self._held is not None:
            return np.asarray(self._held.reshape(self._count, -1).sum(axis=1))
        return _sizes(self._groups, len(self._amounts), self._count)

    def at(self, places: Integers) -> Floats:
        """The amounts at these places, from 0, of all rows sorted by group and then by amount; any shape of `places`.

        Only the bins in which a place lies are sorted.
        """
        if self._bins is None or self._held is None:
            return _sorted(self._groups, self._amounts, self._count)[places]
        upto = np.cumsum(self._held)
        sought, which = np.unique(np.searchsorted(upto, places, side="right"), return_inverse=True)
        numbers = np.full(len(upto), -1, dtype=np.int32)
        numbers[sought] = np.arange(len(sought))
        skipped = upto[sought] - np.cumsum(self._held[sought])  # rows before each that are not among the chosen
        ordered = _sorted(*self._bins.numbered(numbers), len(sought))
        found: Floats = ordered[places - skipped[which].reshape(places.shape)]
        return found


def _sizes(groups: Groups, rows: int, count: int) -> Integers:
    return np.bincount(groups, minlength=count).astype(np.int64) if count != 1 else np.array([rows])


@dataclass(frozen=True, slots=True)
class _Bins:
    """Bins of the leading bits of amounts, by group: `width` a group, of which the first is of `least`.

    Floating-point numbers that are not negative have the order of their bits as integers. Rows are looked at in steps
    that stay in the processor's cache: to work their bins out twice takes less time than to keep them.
    """

    groups: Groups
    amounts: Floats
    count: int  # of groups
    shift: int  # bits left out
    least: int
    width: int

    def held(self) -> Integers:
        """How many rows each bin has."""
        held = np.zeros(self.count * self.width, dtype=np.int64)
        for _, bins in self._steps():
            held += np.bincount(bins, minlength=len(held))
        return held

    def numbered(self, numbers: NDArray[np.int32]) -> tuple[Integers, Floats]:
        """The numbers and amounts of the rows whose bins have one of 0 or more, in order of the rows."""
        found, amounts = [], []
        for rows, bins in self._steps():
            of = numbers[bins]
            chosen = np.flatnonzero(of >= 0)
            found.append(of[chosen])
            amounts.append(self.amounts[rows][chosen])
        return np.concatenate(found).astype(smallest(len(numbers))), np.concatenate(amounts)

    def _steps(self) -> Iterator[tuple[slice, Integers]]:
        """Rows, and the bin of each; the bins are overwritten by the next step."""
        bits, step = self.amounts.view(np.int64), max(_STEP, self.count * self.width)
        bins, before = (np.empty(step, dtype=np.int64) for _ in range(2))
        for start in range(0, len(bits), step):
            rows = slice(start, min(start + step, len(bits)))
            some = np.right_shift(bits[rows], self.shift, out=bins[: rows.stop - start])
            some -= self.least
            if self.count > 1:
                some += np.multiply(self.groups[rows], self.width, out=before[: len(some)], dtype=np.int64)
            yield rows, some


def _bins(groups: Groups, amounts: Floats, count: int) -> _Bins | None:
    """Bins for these amounts. Null: to sort them is faster, or one is negative."""
    bits = amounts.view(np.int64)
    least, most = int(bits.min()), int(bits.max())
    room = min(len(amounts) // _ROWS_A_BIN, _MOST_BINS) // count
    shift = max(_FINEST, (max(most - least, 1) // max(room - 1, 1)).bit_length())
    if least < 0 or shift > _COARSEST:
        return None
    least >>= shift
    return _Bins(groups, amounts, count, shift, least, (most >> shift) - least + 1)


_STEP = 1 << 15
_MOST_BINS = 1 << 16
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
