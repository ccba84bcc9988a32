"""Rows of a run brought to its items: one row is a repeat of an item, and items may belong to clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One value a row, which is a repeat of an item. NaN: missing."""

    values: NDArray[np.float64]
    items: NDArray[np.generic]  # names or codes; the same in every run that is compared. Whole numbers are fastest
    clusters: NDArray[np.generic] | None  # of each row's item; null: each item is its own

    def of(self, kept: NDArray[np.bool_]) -> Rows:
        """The rows where `kept` is true."""
        return Rows(self.values[kept], self.items[kept], None if self.clusters is None else self.clusters[kept])


def rows(values: ArrayLike, items: ArrayLike, clusters: ArrayLike | None = None) -> Rows:
    """Rows from columns; null values are missing.

    Raises:
        ValueError: the columns are not of one length, or a value is infinite.
    """
    found = Rows(np.asarray(values, np.float64), np.asarray(items), None if clusters is None else np.asarray(clusters))
    lengths = [len(column) for column in (found.values, found.items, found.clusters) if column is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"Columns of {', '.join(map(str, lengths))} rows: each must have one a row.")
    if np.isinf(found.values).any():
        raise ValueError("A value is infinite, and has no mean: leave it missing.")
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """What rows come to by item. Items without any value are left out of all but `without`."""

    ids: NDArray[np.generic]  # sorted
    means: NDArray[np.float64]  # of an item's known repeats
    clusters: NDArray[np.intp] | None  # codes from 0, one an item
    repeats: NDArray[np.intp]  # how many of its values are known
    known: NDArray[np.float64]  # values of rows that are known
    place: NDArray[np.intp]  # of such a row, where its item stands in `ids`
    missing: int  # rows without a value
    without: int  # items without a value

    @property
    def groups(self) -> int:
        """How many clusters there are, or items where each is its own."""
        return int(self.ids.size if self.clusters is None else (self.clusters.max(initial=-1) + 1))

    def mirrored(self) -> Items:
        """The same of values with their signs turned."""
        return replace(self, means=-self.means, known=-self.known)

    def shares(self, hits: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The share of each item's known rows that are hit."""
        share: NDArray[np.float64] = np.bincount(self.place, hits, self.ids.size) / self.repeats
        return share


def by_item(found: Rows) -> Items:
    """Repeats averaged within the item.

    Raises:
        ValueError: an item's rows belong to several clusters.
    """
    there = ~np.isnan(found.values)
    ids, codes = coded(found.items)
    repeats = np.bincount(codes[there], minlength=ids.size)
    some = repeats > 0
    place = (np.cumsum(some) - 1)[codes[there]]
    known = found.values[there]
    sums = np.bincount(place, known, int(some.sum()))
    clusters = None if found.clusters is None else _clusters(codes, found.clusters, ids)[some]
    return Items(
        ids[some], _within(sums / repeats[some], known, place), None if clusters is None else coded(clusters)[1],
        repeats[some], known, place, int(there.size - known.size), int((~some).sum()),
    )  # fmt: skip


def _within(means: NDArray[np.float64], known: NDArray[np.float64], place: NDArray[np.intp]) -> NDArray[np.float64]:
    """Means of equal values are the value itself, which their sum over their number misses by its last bits."""
    least, most = np.full(means.size, np.inf), np.full(means.size, -np.inf)
    np.minimum.at(least, place, known)
    np.maximum.at(most, place, known)
    clipped: NDArray[np.float64] = np.clip(means, least, most)
    return clipped


def _clusters(codes: NDArray[np.intp], clusters: NDArray[np.generic], ids: NDArray[np.generic]) -> NDArray[np.intp]:
    told = coded(clusters)[1]
    of_item = np.zeros(ids.size, np.intp)
    of_item[codes] = told
    torn = of_item[codes] != told
    if torn.any():
        raise ValueError(f"Rows of item {ids[codes[torn][0]]} belong to several clusters: an item has one.")
    return of_item


def coded(labels: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    """The labels that are there, sorted, and each row's place among them."""
    if labels.size and labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < 4 * labels.size + 1024:
        there = np.bincount(labels) > 0  # a fifth of the time of sorting
        return np.flatnonzero(there), (np.cumsum(there) - 1)[labels]
    ids, places = np.unique(labels, return_inverse=True)
    return ids, places.astype(np.intp)
