"""What repeats of the same items say: verdicts that flip, and how much of the scatter is noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics import special
from analytics.intervals import LEVEL, Estimate, bounded_mean
from analytics.items import Items, Rows, by_item


@dataclass(frozen=True, slots=True)
class Flip:
    """An item whose repeats do not agree."""

    item: object  # as in the rows
    repeats: int  # that have a verdict
    differing: int  # repeats with another verdict than the item's most frequent one


@dataclass(frozen=True, slots=True)
class Flaky:
    """How steady verdicts are, over items with two repeats or more."""

    flips: tuple[Flip, ...]  # those that differ most first, then by item
    share: Estimate  # of items whose verdict flips; n is of clusters
    another: Estimate  # the chance that two repeats of an item disagree, on average: that a single run says otherwise


def flaky(rows: Rows, level: float = LEVEL) -> Flaky:
    """Items whose verdict flips between repeats.

    The share of them grows with the number of repeats; `another` does not. Of pass and fail it is the mean of
    2 p (1-p), estimated without bias from all pairs of an item's repeats.

    Args:
        rows: a number a verdict, 1 where it passed and 0 where not, or a code of its label; NaN: missing.
        level: of both intervals.
    """
    items = by_item(rows)
    most, squares = _counts(items)
    tried = items.repeats >= 2
    n, most = items.repeats[tried], most[tried]
    disagree = (n * n - squares[tried]) / (n * (n - 1))
    clusters = None if items.clusters is None else items.clusters[tried]
    flips = [
        Flip(item, repeats, repeats - same)
        for item, repeats, same in zip(items.ids[tried].tolist(), n.tolist(), most.tolist(), strict=True)
        if repeats > same
    ]
    flips.sort(key=lambda one: -one.differing / one.repeats)
    return Flaky(
        tuple(flips),
        bounded_mean((most < n).astype(float), clusters, level=level),
        bounded_mean(disagree, clusters, level=level),
    )


def _counts(items: Items) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each item, how often it got its most frequent verdict, and the sum of squares of how often it got each."""
    verdicts, codes = np.unique(items.known, return_inverse=True)
    cells, counts = np.unique(items.place * max(verdicts.size, 1) + codes, return_counts=True)
    place = cells // max(verdicts.size, 1)
    most = np.zeros(items.ids.size, np.intp)
    np.maximum.at(most, place, counts)
    return most, np.bincount(place, counts * counts, items.ids.size).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Noise:
    """What scatters between repeats of an item, and what between items. Null: there are too few of either."""

    within: float | None  # standard deviation between repeats of one item, in the unit of the values
    between: float | None  # of items' true means
    alike: Estimate  # intraclass correlation: the share of a single value's variance that is of the item; n is of items


def noise(rows: Rows, level: float = LEVEL) -> Noise:
    """Tells the noise of a target or judge from differences between items, by a one-way analysis of variance.

    The interval is that of the F distribution, exact for normal values and as many repeats each (Searle 1971; with
    unequal ones by their mean size n0). Clusters do not count. Items with one value tell of items, not of noise.
    """
    items = by_item(rows)
    n, groups = items.known.size, items.ids.size
    unknown = Estimate(None, None, None, int(groups))
    if groups < 1 or n == groups:
        return Noise(None, None, unknown)
    inside = float(np.square(items.known - items.means[items.place]).sum()) / (n - groups)
    if groups < 2:
        return Noise(inside**0.5, None, unknown)
    middle = float(items.known.mean())
    outside = float((items.repeats * np.square(items.means - middle)).sum()) / (groups - 1)
    size = float(n - np.square(items.repeats).sum() / n) / (groups - 1)
    between = max((outside - inside) / size, 0.0) ** 0.5
    return Noise(inside**0.5, between, _alike(outside, inside, size, (groups, n), level))


def _alike(outside: float, inside: float, size: float, counted: tuple[int, int], level: float) -> Estimate:
    groups, n = counted
    if inside == 0:
        return Estimate(1.0 if outside > 0 else None, None, None, groups)
    ratio, tail = outside / inside, (1 - level) / 2
    freedom = groups - 1, n - groups
    low, high = (ratio / float(special.fdtri(*freedom, chance)) for chance in (1 - tail, tail))
    value, least, most = (max((f - 1) / (f + size - 1), 0.0) for f in (ratio, low, high))
    return Estimate(value, least, most, groups)
