"""What a pilot says of the variance that a plan needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics import contrast
from analytics.comparison import shares_items
from analytics.planning import Spread
from analytics.samples import Samples, Side, common, side


@dataclass(frozen=True, slots=True)
class Pilot:
    """One metric of two variants of a pilot."""

    paired: bool
    items: int  # of the smaller variant; of pairs, those that both have
    difference: float
    spread: Spread  # per item; unpaired: of both variants' items together
    repeats: tuple[float, float]  # answers an item, on average
    size: float  # of clusters, in items
    correlation: float | None  # within clusters, of items' differences (or values); null: items are their own clusters
    inflation: float  # of the variance by clusters, as it is in the pilot: 1 without


def pilot(found: Samples, metric: str, a: int, b: int, *, paired: bool | None = None) -> Pilot:
    """The variance within and between items, of variants by their places (Miller 2024, section 3).

    The variance between items is that of their means, less what repeats explain; without repeats the two cannot be told
    apart, and all is of items.

    Raises:
        ValueError: there are fewer than two items to compare.
    """
    first, second = side(found, a, metric), side(found, b, metric)
    pairs = shares_items(first, second) if paired is None else paired
    if pairs:
        first, second = (
            first.of(np.isin(first.ids, common(first.ids, second.ids))),
            second.of(np.isin(second.ids, common(second.ids, first.ids))),
        )
    least = min(first.ids.size, second.ids.size)
    _check(least)
    noise = _noise(first), _noise(second)
    repeats = first.known.size / first.ids.size, second.known.size / second.ids.size
    gaps = second.means - first.means if pairs else None
    seen = float(gaps.var(ddof=1)) if gaps is not None else first.means.var(ddof=1) + second.means.var(ddof=1)
    explained = sum(one * _inverse(where) for one, where in zip(noise, (first, second), strict=True))
    spread = Spread(max(float(seen) - explained, 0.0), *noise)
    error = contrast.contrast(*(contrast.mean(one.means, one.clusters) for one in (first, second)))
    plain = (
        float(seen) / least
        if pairs
        else float(first.means.var(ddof=1) / first.ids.size + second.means.var(ddof=1) / second.ids.size)
    )
    inflation = error.error**2 / plain if plain > 0 and not (first.alone and second.alone) else 1.0
    size = least / min(first.groups, second.groups)
    return Pilot(
        pairs, least, error.value, spread, repeats, size, (inflation - 1) / (size - 1) if size > 1 else None, inflation
    )


def alone(found: Samples, metric: str, at: int, *, paired: bool, correlation: float = 0.0) -> Pilot:
    """The same from one variant, where the other is taken to be like it.

    `correlation`: assumed, of what both variants have of an item; of pairs alone. Clusters are taken to inflate the
    variance of differences as they do that of the values.

    Raises:
        ValueError: there are fewer than two items.
    """
    one = side(found, at, metric)
    _check(one.ids.size)
    noise, seen = _noise(one), float(one.means.var(ddof=1))
    between = max(seen - noise * _inverse(one), 0.0) * 2 * (1 - correlation if paired else 1)
    moved = contrast.mean(one.means, one.clusters)
    error = contrast.contrast(replace(moved, moves=np.zeros_like(moved.moves)), moved).error
    plain = seen / one.ids.size
    inflation = error**2 / plain if plain > 0 and not one.alone else 1.0
    size = one.ids.size / one.groups
    repeats = one.known.size / one.ids.size
    return Pilot(
        paired, one.ids.size, 0.0, Spread(between, noise, noise), (repeats, repeats), size,
        (inflation - 1) / (size - 1) if size > 1 else None, inflation,
    )  # fmt: skip


def _check(items: int) -> None:
    if items < 2:
        raise ValueError(f"A pilot of {items} items has no variance: it takes two, and 20 or more to tell much.")


def _noise(found: Side) -> float:
    """The variance of one answer about its item's mean, pooled over items; 0 without repeats."""
    off = found.known - found.means[found.place]
    freedom = found.known.size - found.ids.size
    return float(np.square(off).sum() / freedom) if freedom else 0.0


def _inverse(found: Side) -> float:
    """The mean of one over the number of answers."""
    return float((1 / np.bincount(found.place, minlength=found.ids.size)).mean())
