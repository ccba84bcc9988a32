"""When a stream changed, its season taken off; and what each of its buckets was expected to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from analytics import changes
from analytics.columns import Bools, Floats
from server.monitors.terms import DAY, Season

CLEAR = 0.05  # p-value of a change below which its time is told
BEFORE = 7 * DAY  # looked back at before the first look that counted ...
LONGEST = 28 * DAY  # ... or as far, where fewer buckets have a value
_ENOUGH = 2 * changes.LEAST
_TRIES = 3
_REACH = 1.959963984540054
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a zone is what the store holds

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Buckets with a value, in order of time; those of another ruler than the newest are left out."""

    times: Sequence[datetime]  # their starts; UTC without a zone
    values: Floats
    weights: Floats
    bucket: timedelta

    def within(self, window: Window) -> Bools:
        """Which of them start in [since, until)."""
        return np.array([window[0] <= one < window[1] for one in self.times], bool)

    def kept(self, there: Bools) -> Stream:
        """Only those."""
        times = [one for one, stays in zip(self.times, there, strict=True) if stays]
        return Stream(times, self.values[there], self.weights[there], self.bucket)


@dataclass(frozen=True, slots=True)
class Onset:
    """The change that explains a stream best."""

    at: datetime  # start of the first bucket after it
    low: datetime  # 95 % interval of its time
    high: datetime
    before: float  # mean, the season taken off
    after: float
    p: float  # of there being no change

    @property
    def clear(self) -> bool:
        """Whether there was a change at all."""
        return self.p < CLEAR


def stream_of(points: Sequence[Mapping[str, Any]]) -> Stream | None:
    """The points of a series (`at`, `value`, `n`, `ruler`), of the newest ruler. Null: none has a value."""
    starts = [one["at"] for one in points]
    told = [one for one in points if one["value"] is not None and one["value"] == one["value"] and (one["n"] or 0) > 0]
    if not told:
        return None
    newest = next((one.get("ruler") for one in reversed(told) if one.get("ruler") is not None), None)
    told = [one for one in told if newest is None or one.get("ruler") in {newest, None}]
    bucket = min((b - a for a, b in pairwise(starts)), default=timedelta(hours=1))
    values, weights = (np.array([float(one[name]) for one in told]) for name in ("value", "n"))
    return Stream([one["at"] for one in told], values, weights, bucket)


def by_bucket(
    times: Sequence[datetime | None], values: Floats, bucket: timedelta = timedelta(hours=1)
) -> Stream | None:
    """Rows as a stream of their means; those of an unknown time are left out. Null: there are none."""
    told = [(one - _EPOCH) // bucket for one in times if one is not None]
    if not told:
        return None
    there, places = np.unique(np.array(told, np.int64), return_inverse=True)
    weights = np.bincount(places).astype(float)
    sums = np.bincount(places, values[np.array([one is not None for one in times])])
    return Stream([_EPOCH + int(cell) * bucket for cell in there], sums / weights, weights, bucket)


def cells(times: Sequence[datetime], season: Season) -> np.ndarray:
    """Of each time the hour of the day, or of the week, that is compared with its like; 0 where nothing is."""
    if season == "weekday":
        return np.array([24 * one.weekday() + one.hour for one in times], np.int64)
    return np.array([one.hour if season == "hour" else 0 for one in times], np.int64)


def expected(stream: Stream, reference: Window, season: Season) -> tuple[Floats, Floats, Floats] | None:
    """What each bucket was expected to be, and within what 95 % of the reference's lie. Null: the reference has none.

    The mean of the reference's buckets of the same cell of the season, by their weights; of a cell that it has not its
    overall mean. What a bucket varies by goes with one over its weight.
    """
    known = stream.within(reference)
    if not known.any():
        return None
    places = cells(stream.times, season)
    size = int(places.max()) + 1
    total = np.bincount(places[known], stream.weights[known], size)
    sums = np.bincount(places[known], stream.weights[known] * stream.values[known], size)
    whole = float(sums.sum() / total.sum())
    profile = np.divide(sums, total, out=np.full(size, whole), where=total > 0)[places]
    off = stream.values[known] - profile[known]
    spread = np.sqrt(float((stream.weights[known] * np.square(off)).mean()) / stream.weights)
    return profile, profile - _REACH * spread, profile + _REACH * spread


def onset(
    stream: Stream, reference: Window | None, season: Season | None, about: Window, *, up: bool | None = None
) -> Onset | None:
    """The change that explains the stream best about the looks that counted. Null: too few buckets, or all alike.

    A change within the reference, or to the other side, is not what looks saw: the buckets after it are asked again.

    Args:
        stream: with as much of the reference as there is.
        reference: what the season is taken from; null: there is none.
        season: which; null: nothing is taken off.
        about: from the first window that counted to the newest look.
        up: to which side it changed; null: either.
    """
    level = None if reference is None or season is None else expected(stream, reference, season)
    flat = stream.values if level is None else stream.values - level[0] + _mean(level[0], stream.weights)
    flattened = Stream(stream.times, flat, stream.weights, stream.bucket)
    near = next(
        (one for one in (flattened.kept(flattened.within((about[0] - back, about[1]))) for back in (BEFORE, LONGEST))
         if len(one.times) >= _ENOUGH), flattened.kept(flattened.within((about[0] - LONGEST, about[1]))),
    )  # fmt: skip
    since, found = None if reference is None else reference[1], None
    for _ in range(_TRIES):
        told = _change(near)
        if told is None:
            break
        if (since is None or told.high > since) and (up is None or (told.after > told.before) == up):
            return told
        found, near = found or told, near.kept(near.within((told.at, about[1])))
    return None if found is None else replace(found, p=1.0)


def _change(near: Stream) -> Onset | None:
    found = changes.change(near.values, near.weights)
    if found is None:
        return None
    return Onset(
        near.times[found.at], near.times[found.low], near.times[found.high] + near.bucket, found.before, found.after,
        found.p,
    )  # fmt: skip


def _mean(values: Floats, weights: Floats) -> float:
    return float(np.average(values, weights=weights))
