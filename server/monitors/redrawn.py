"""The sample of a reference drawn anew: parts of it that differ by chance alone, and windows of it after a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics import drifted, special
from analytics.categories import jensen_shannon
from analytics.columns import Floats
from analytics.drift import Column, Labels
from analytics.relabelling import Codes
from server.monitors.sampled import Rows, column_of

SPLITS = 200  # of a reference, for false alarms
CHANGED = 100  # windows, for the delay: their share is known to a tenth
NEW = "(a new one)"  # category that rows change to

Hit = Callable[[Column, tuple[Labels, Labels]], bool | None]
"""Whether two samples count as different; null: too little to test."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A reference. Texts are points or topics already: two samples have them found in both together, so parts too."""

    column: Column  # of which the second sample is empty
    codes: Codes  # of each row's cluster, from 0
    groups: int

    def of(self, places: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values of some rows, which are known, and which failed."""
        column = self.column
        return column.values[0][places], column.known[0][places], column.failed[0][places]

    @property
    def rows(self) -> int:
        return self.codes.size


def sample(rows: Rows, signal: str) -> Sample:
    """Raises OtherRulerError."""
    names, codes = np.unique(np.array([str(name) for name in rows.clusters]), return_inverse=True)
    none = rows.of(np.zeros(len(rows), bool))
    return Sample(column_of(rows, none, signal), codes.astype(np.intp), int(names.size))


def splits(whole: Sample, size: int, hit: Hit) -> list[bool]:
    """Whole clusters dealt into a window of so many rows and the rest, again and again; empty: there are too few."""
    part = min(size, whole.rows // 2) / max(whole.rows, 1)
    if whole.groups < 2 * drifted.LEAST_CLUSTERS or not part:
        return []
    rng, found = np.random.default_rng(0), []
    for _ in range(SPLITS):
        chosen = (rng.random(whole.groups) < part)[whole.codes]
        if chosen.any() and not chosen.all():
            both = [np.flatnonzero(~chosen), np.flatnonzero(chosen)]
            found.append(
                hit(_two(whole, *(whole.of(places) for places in both)), (whole.codes[both[0]], whole.codes[both[1]]))
            )
    return [one for one in found if one is not None]


def changed(whole: Sample, size: int, effect: float, hit: Hit) -> list[bool]:
    """References and windows drawn of its clusters with replacement, the windows changed by an effect.

    Empty: there are too few clusters, or it cannot change so much. See `_changed`.
    """
    if whole.groups < 2 * drifted.LEAST_CLUSTERS or not size:
        return []
    rng, found = np.random.default_rng(2), []
    order = np.argsort(whole.codes, kind="stable")
    starts = np.searchsorted(whole.codes[order], np.arange(whole.groups + 1))
    for _ in range(CHANGED):
        reference, first = _drawn(order, starts, whole.rows, rng)
        current, second = _drawn(order, starts, min(size, whole.rows), rng)
        values, known, failed = whole.of(current)
        moved = _changed(whole, values, effect, rng)
        if moved is None:
            return []
        column = _two(whole, whole.of(reference), (moved, known, failed))
        found.append(hit(column, (first, second + whole.rows)))
    return [one for one in found if one is not None]


def _drawn(order: Codes, starts: Codes, size: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Places of about so many rows, of whole clusters, and to which draw of a cluster each belongs."""
    lengths = np.diff(starts)
    chosen = rng.integers(0, lengths.size, max(round(size / lengths.mean()), 1))
    own = lengths[chosen]
    draws = np.repeat(np.arange(chosen.size), own)
    within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
    return order[starts[:-1][chosen][draws] + within], draws


def _two(whole: Sample, first: tuple[np.ndarray, ...], second: tuple[np.ndarray, ...]) -> Column:
    pairs = zip(first, second, strict=True)
    values, known, failed = pairs
    return Column(whole.column.kind, values, known, failed)


def _changed(whole: Sample, values: np.ndarray, effect: float, rng: np.random.Generator) -> np.ndarray | None:
    """Values after a change. Null: no change of them is so large.

    Numbers are higher by it. Of a rate so many rows change that the share does. Of categories a share of rows take one
    that was not there, by which the Jensen-Shannon distance is the effect. Points move along the direction in which
    they vary most, until a current row is beyond a reference row with a chance that is half and the effect.
    """
    if whole.column.kind == "numeric":
        return np.asarray(values + effect)
    if whole.column.kind == "rate":
        return _flipped(values, float(np.nanmean(np.asarray(whole.column.values[0], np.float64))), effect, rng)
    if whole.column.kind == "categorical":
        return np.where(rng.random(len(values)) < new_share(abs(effect)), NEW, values)
    chance = 0.5 + abs(effect)
    if chance >= 1:
        return None
    points = np.asarray(whole.column.values[0], np.float64)
    direction = np.zeros(points.shape[1])
    direction[0] = np.sqrt(2) * float(special.ndtri(chance)) * float(np.nanstd(points[:, 0]))
    return np.asarray(values + direction)


def _flipped(values: Floats, share: float, effect: float, rng: np.random.Generator) -> Floats | None:
    room = 1 - share if effect > 0 else share
    if room < abs(effect) or room <= 0:
        return None
    turns = (values == (0 if effect > 0 else 1)) & (rng.random(values.size) < abs(effect) / room)
    return np.where(turns, 1 - values, values)


def new_share(distance: float) -> float:
    """The share of rows in a new category, of which all others lose in proportion, that is so far from before."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        near = jensen_shannon(np.array([1.0, 0.0]), np.array([1 - share, share])) < distance
        low, high = (share, high) if near else (low, share)
    return high
