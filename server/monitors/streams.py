"""Streams of a monitor: which one it reads, and pieces of one put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from analytics.columns import Bools, Floats
from server.monitors.series import Series, Stream
from server.monitors.terms import DAY, Terms

ORIGIN = datetime(1970, 1, 5)  # noqa: DTZ001 - a Monday; UTC without a zone, as the store holds times
SIGNALS_OF = {"no_data": "volume", "error_burst": "error_rate"}
"""Of checks that name no signal, the one whose stream they read."""
_COLUMNS = ("series", "bucket", "value", "weight", "ruler")


def floored(at: datetime, step: timedelta) -> datetime:
    """The last whole multiple of a length of time; weeks begin on Mondays, days at midnight UTC."""
    return at - (at - ORIGIN) % step


def source(terms: Terms) -> Stream | None:
    """What stream is read; null: the check reads none."""
    if terms.signal is not None:
        if terms.watched is None or not terms.watched.stream:
            return None
        return Stream(terms.signal, terms.where, terms.score, terms.quantile, terms.bucket)
    signal = SIGNALS_OF.get(terms.alert.kind)
    return None if signal is None else Stream(signal, terms.where, bucket=terms.bucket)


def watching(terms: Terms, source: Stream) -> Terms:
    """The terms, with the signal of the stream that they read where they name none."""
    return terms if terms.signal is not None else terms.model_copy(update={"signal": source.signal})


@dataclass(frozen=True, slots=True)
class Steps:
    """Lengths of a monitor's looks, in buckets."""

    bucket: timedelta
    window: int
    every: int

    @property
    def day(self) -> int:
        return DAY // self.bucket


def blank(since: datetime, until: datetime, bucket: timedelta) -> Series:
    """A stream without any value."""
    size = (until - since) // bucket
    return Series(since, bucket, np.full(size, np.nan), np.zeros(size), [None] * size)


def end(of: Series) -> datetime:
    return of.since + len(of.values) * of.bucket


def cut(of: Series, since: datetime, until: datetime) -> Series:
    """The buckets of [since, until); those that the stream does not reach have no value."""
    return laid(blank(since, until, of.bucket), of)


def laid(under: Series, over: Series) -> Series:
    """The buckets of `under`, with those of `over` in the place of its own where both have them."""
    first = (over.since - under.since) // under.bucket
    low, high = max(first, 0), min(first + len(over.values), len(under.values))
    if low >= high:
        return under
    values, weights, rulers = under.values.copy(), under.weights.copy(), list(under.rulers)
    here, there = slice(low, high), slice(low - first, high - first)
    values[here], weights[here] = over.values[there], over.weights[there]
    rulers[here] = list(over.rulers)[there]
    return Series(under.since, under.bucket, values, weights, rulers)


def weighed(of: Series, allowed: Bools) -> Series:
    """The same, in which buckets that are not allowed have no value."""
    return Series(
        of.since, of.bucket, np.where(allowed, of.values, np.nan), np.where(allowed, of.weights, 0.0), of.rulers
    )


def without(of: Series, since: datetime, until: datetime) -> Series:
    """The same, in which the buckets that touch [since, until) have no value."""
    first, last = ((end - of.since) / of.bucket for end in (since, until))
    places = np.arange(len(of.values))
    return weighed(of, (places + 1 <= first) | (places >= last))


def newest_ruler(of: Series) -> str | None:
    """What gave the newest value that names one; null: none does."""
    return next((one for one in reversed(of.rulers) if one is not None), None)


def of_ruler(of: Series, ruler: str | None) -> Bools:
    """Which buckets are of this ruler, or of none."""
    return np.array([one is None or one == ruler for one in of.rulers], bool)


def mean(values: Floats, weights: Floats) -> float | None:
    """By weight; null: nothing has any."""
    there = weights > 0
    whole = float(weights[there].sum())
    return float(values[there] @ weights[there]) / whole if whole > 0 else None


# As they are kept.


def tabled(many: Sequence[tuple[str, Series]]) -> pa.Table:
    """Buckets as the store keeps them; the streams by their keys."""
    parts = [_rows(series, name) for name, series in many]
    empty = pa.table({
        "series": pa.array([], pa.string()), "bucket": pa.array([], pa.timestamp("us")),
        "value": pa.array([], pa.float64()), "weight": pa.array([], pa.float64()), "ruler": pa.array([], pa.string()),
    })  # fmt: skip
    return pa.concat_tables([empty, *parts])


def _rows(of: Series, name: str) -> pa.Table:
    size = len(of.values)
    starts = np.datetime64(of.since, "us") + np.arange(size) * np.timedelta64(
        of.bucket // timedelta(microseconds=1), "us"
    )
    return pa.table({
        "series": pa.array([name] * size, pa.string()), "bucket": pa.array(starts, pa.timestamp("us")),
        "value": pa.array(of.values, pa.float64(), mask=np.isnan(of.values)),
        "weight": pa.array(of.weights, pa.float64()), "ruler": pa.array(list(of.rulers), pa.string()),
    })  # fmt: skip


def untabled(rows: pa.Table, since: datetime, until: datetime, bucket: timedelta) -> dict[str, Series]:
    """The streams of kept buckets, by their keys; buckets that are not kept have no value."""
    keys = rows["series"].to_numpy()
    starts = rows["bucket"].cast(pa.timestamp("us")).to_numpy()
    places = (starts - np.datetime64(since, "us")) // np.timedelta64(bucket // timedelta(microseconds=1), "us")
    values = rows["value"].to_numpy().astype(np.float64)
    weights, rulers = rows["weight"].to_numpy(), np.asarray(rows["ruler"].to_pylist(), object)
    found = {}
    size = (until - since) // bucket
    for name in dict.fromkeys(keys.tolist()):
        mine = (keys == name) & (places >= 0) & (places < size)
        one = blank(since, until, bucket)
        at = places[mine]
        one.values[at], one.weights[at] = values[mine], weights[mine]
        known = np.asarray(one.rulers, object)
        known[at] = rulers[mine]
        found[name] = Series(since, bucket, one.values, one.weights, known.tolist())
    return found
