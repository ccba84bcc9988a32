"""Streams of values that monitors look at: one value a bucket of time, with what it counts.

A stream is read by one query for all that share its slice. Rates and means are over what the signal is of: calls,
scores, retrievals. Unknown is never 0: a bucket whose calls told nothing has no value. What has to be read text by text
(lengths, refusals, retrievals) is of some calls of each bucket, drawn by their hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics.columns import Floats, divide
from server.aside import Ask
from server.monitors import rulers, texts
from server.monitors.signals import SIGNALS
from store.queries.calls import EPOCH

HOUR = timedelta(hours=1)
READ_AN_HOUR = 40  # calls with their texts
RETRIEVALS_AN_HOUR = 120
PIECE = timedelta(days=7)  # of which texts are read at once
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Buckets of one stream in order, without gaps."""

    since: datetime  # start of the first bucket; UTC without a zone, a whole multiple of `bucket`
    bucket: timedelta
    values: Floats  # in the signal's unit; NaN: the bucket has none
    weights: Floats  # what each counts, such as the hour's calls; 0 where there is no value
    rulers: Sequence[str | None]  # of each bucket: what gave the values (evaluator and version); null: of no importance


class Streamed(Protocol):
    """What names a stream: `Terms`, or `Stream`."""

    @property
    def signal(self) -> str | None:
        """A name of `SIGNALS`."""

    @property
    def score(self) -> str | None:
        """Name of the score, of signals of scores."""

    @property
    def quantile(self) -> float | None:
        """Null: the median."""

    @property
    def where(self) -> Mapping[str, Any]:
        """`CallFilters` of `store.queries.calls`."""

    @property
    def bucket(self) -> timedelta:
        """A quarter of an hour or an hour."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream by itself, for checks that have a signal of their own."""

    signal: str | None
    where: Mapping[str, Any] = field(default_factory=dict)
    score: str | None = None
    quantile: float | None = None
    bucket: timedelta = HOUR


class NoStreamError(Exception):
    """A signal that has no value a bucket; says why."""


def key(one: Streamed) -> str:
    """What the buckets of a stream are kept under: the same for all that have the same values. Hex digits."""
    known = SIGNALS.get(one.signal or "")
    quantile = (one.quantile or 0.5) if known is not None and known.quantile else None
    told = [one.signal, one.score, quantile, _slice(one), one.bucket // _MICROSECOND]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _slice(one: Streamed) -> str:
    return json.dumps({name: value for name, value in one.where.items() if value is not None}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Grid:
    """The buckets that are asked for."""

    since: datetime
    bucket: timedelta
    count: int

    @property
    def until(self) -> datetime:
        """End of the last bucket."""
        return self.since + self.count * self.bucket

    @property
    def bucket_us(self) -> int:
        """Length of a bucket."""
        return self.bucket // _MICROSECOND

    @property
    def window(self) -> dict[str, Any]:
        """The parameters of a query by bucket."""
        return {"since": self.since, "until": self.until, "bucket_us": self.bucket_us}

    def places(self, table: pa.Table) -> NDArray[np.int64]:
        """Of each row of a table with a column `bucket`."""
        starts = table["bucket"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
        return np.asarray((starts - (self.since - EPOCH) // _MICROSECOND) // self.bucket_us, dtype=np.int64)

    def laid(self, table: pa.Table, name: str, empty: float = 0.0) -> Floats:
        """A column with a row a bucket at most; null is NaN, and a bucket without a row `empty`."""
        found = np.full(self.count, empty)
        found[self.places(table)] = floats(table, name)
        return found

    def pieces(self) -> list[Grid]:
        """The same buckets, in stretches of at most `PIECE`."""
        step = max(PIECE // self.bucket, 1)
        return [
            Grid(self.since + first * self.bucket, self.bucket, min(step, self.count - first))
            for first in range(0, self.count, step)
        ]


def floats(table: pa.Table, name: str) -> Floats:
    """A column of numbers; null is NaN."""
    return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def grid(since: datetime, until: datetime, bucket: timedelta) -> Grid:
    """The buckets from the one that `since` is in to the last one that is over at `until`."""
    first = (since - EPOCH) // bucket
    return Grid(EPOCH + first * bucket, bucket, max((until - EPOCH) // bucket - first, 0))


def series(ask: Ask, many: Sequence[Streamed], since: datetime, until: datetime) -> list[Series]:
    """One per stream, over the buckets from the one that `since` is in to the last one that is over at `until`.

    A bucket without a value has the weight 0. Weights are what the values are means of: calls (of a cost those that
    have one, of a quantile those that took a known time, and so on), scores, or what was read of calls; of sums over
    time (volume, spend) 1. Volume and spend have no value before the first call of all.

    Raises:
        NoStreamError: a signal has no value a bucket, or cannot be told of its slice.
    """
    found: dict[int, Series] = {}
    for bucket in {one.bucket for one in many}:
        asked = grid(since, until, bucket)
        for places in _together(many, bucket):
            read = _read(ask, asked, [many[place] for place in places])
            found |= dict(zip(places, read, strict=True))
    return [found[place] for place in range(len(many))]


def _together(many: Sequence[Streamed], bucket: timedelta) -> list[list[int]]:
    """Places of the streams of such buckets, by what one query answers: slice and source."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(many):
        if one.bucket == bucket:
            groups.setdefault((_slice(one), _source(one)), []).append(place)
    return list(groups.values())


def _read(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    """Streams of one slice and source."""
    if not asked.count:
        return [_told(asked, np.empty(0), np.empty(0)) for _ in many]
    return _READERS[_source(many[0])](_asking(ask, many[0].where), asked, many)


def _source(one: Streamed) -> str:
    known = SIGNALS.get(one.signal or "")
    if known is None or not known.stream:
        raise NoStreamError(f"{one.signal} has no value a bucket of time, so that there is no stream of it.")
    return _SOURCES.get(known.name, "calls")


def _asking(ask: Ask, where: Mapping[str, Any]) -> Ask:
    """`ask` with the filters of a slice."""
    filters = {name: value for name, value in where.items() if value is not None}

    def asked(name: str, **params: object) -> pa.Table:
        return ask(name, **filters, **params)

    return asked


Reader = Callable[[Ask, Grid, Sequence[Streamed]], list[Series]]


def _told(asked: Grid, values: Floats, weights: Floats, said: Sequence[str | None] | None = None) -> Series:
    """Values and weights that agree: where there is no value the weight is 0, and the other way round."""
    there = ~np.isnan(values) & (weights > 0)
    return Series(
        asked.since, asked.bucket, np.where(there, values, np.nan), np.where(there, weights, 0.0),
        [None] * asked.count if said is None else said,
    )  # fmt: skip


def _share(asked: Grid, over: Floats, under: Floats, weights: Floats) -> Series:
    return _told(asked, divide(over, under, under > 0), weights)


# Calls.

_RATIOS = {
    "error_rate": ("failed", "calls", "calls"), "unknown_usage_rate": ("unknown_usage", "well", "well"),
    "retry_rate": ("retries", "asked", "asked"), "cost": ("cost_usd", "priced", "priced"),
    "cache_hit_share": ("cache_told_read_tokens", "cache_told_input_tokens", "cache_told"),
}  # fmt: skip
"""Signal -> columns of `monitor_calls`: what is divided by what, and the weight."""


def _calls(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    table = ask("monitor_calls", **asked.window)
    column = {name: asked.laid(table, name) for name in table.column_names if name != "bucket"}
    sums = {"volume", "spend"} & {one.signal for one in many}
    there = _since_opened(ask, asked, column["calls"]) if sums else np.ones(asked.count)
    hours = asked.bucket / HOUR
    found = []
    for one in many:
        if one.signal in _RATIOS:
            over, under, weight = _RATIOS[one.signal]
            found.append(_share(asked, column[over], column[under], column[weight]))
        elif one.signal == "volume":
            found.append(_told(asked, column["calls"] / hours, there))
        else:
            known = (column["priced"] > 0) | (column["unpriced"] == 0)
            spent = np.where(known, np.nan_to_num(column["cost_usd"]), np.nan)
            found.append(_told(asked, spent / hours, there))
    return found


def _since_opened(ask: Ask, asked: Grid, calls: Floats) -> Floats:
    """1 from the bucket of the first call of all on: before, there was nobody who could have called."""
    if not asked.count or calls[0] > 0:
        return np.ones(asked.count)
    opened = ask("monitor_opened", until=asked.until)["opened"][0].as_py()
    if opened is None:
        return np.zeros(asked.count)
    return np.asarray(np.arange(asked.count) >= (opened - asked.since) // asked.bucket, dtype=np.float64)


def _tokens(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    table = ask("monitor_tokens", **asked.window)
    found = []
    for one in many:
        side = str(one.signal).removesuffix("_tokens")
        told = asked.laid(table, f"{side}_told")
        found.append(_share(asked, asked.laid(table, f"{side}_tokens"), told, told))
    return found


def _quantiles(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    tables = {}
    for signal in {str(one.signal) for one in many}:
        wanted = sorted({one.quantile or 0.5 for one in many if one.signal == signal})
        tables[signal] = ask("monitor_quantiles", **asked.window, measure=signal, quantiles=wanted)
    found = []
    for one in many:
        table = tables[str(one.signal)]
        own = table.filter(pc.equal(table["quantile"], one.quantile or 0.5))
        found.append(_told(asked, asked.laid(own, "value", np.nan) / 1e6, asked.laid(own, "n")))
    return found


# Scores.


def _scores(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    names = sorted({str(one.score) for one in many})
    rows = rulers.by_name(ask("monitor_scores", **asked.window, scores=names))
    return [
        (_failures if one.signal == "score_failures" else _mean)(asked, rows.get(str(one.score), [])) for one in many
    ]


def _mean(asked: Grid, rows: Sequence[rulers.Row]) -> Series:
    """Of each bucket what one ruler said: values of two are not one distribution."""
    chosen = rulers.chosen([row for row in rows if row["n"]])
    return _by_bucket(asked, chosen, lambda row: (row["mean"], row["n"]))


def _failures(asked: Grid, rows: Sequence[rulers.Row]) -> Series:
    """Of all that judges give, whatever their version: a new one that fails is what this is for."""
    sums: dict[datetime, list[int]] = {}
    for row in rows:
        if not row["of_person"] and row["ruler"] != rulers.END_USERS:
            own = sums.setdefault(row["bucket"], [0, 0])
            own[0], own[1] = own[0] + row["failed"], own[1] + row["targets"]
    told = [{"bucket": bucket, "ruler": None, "failed": failed, "n": n} for bucket, (failed, n) in sums.items()]
    return _by_bucket(asked, told, lambda row: (row["failed"] / row["n"], row["n"]))


def _agreement(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    names = sorted({str(one.score) for one in many})
    rows = rulers.by_name(ask("monitor_agreement", **asked.window, scores=names))
    return [
        _by_bucket(
            asked, rulers.chosen(rows.get(str(one.score), [])), lambda row: (row["agree"] / row["n"], row["n"])
        )
        for one in many
    ]  # fmt: skip


def _by_bucket(
    asked: Grid, rows: Sequence[rulers.Row], told: Callable[[rulers.Row], tuple[float | None, float]]
) -> Series:
    values, weights = np.full(asked.count, np.nan), np.zeros(asked.count)
    said: list[str | None] = [None] * asked.count
    for row in rows:
        place = (row["bucket"] - asked.since) // asked.bucket
        value, weights[place] = told(row)
        values[place] = np.nan if value is None else value
        said[place] = row["ruler"]
    return _told(asked, values, weights, said)


# What is read of some calls.


_LENGTHS = {"input_length", "output_length"}


def _texts(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    signals = [str(one.signal) for one in many]
    most = max(int(READ_AN_HOUR * (asked.bucket / HOUR)), 1)
    wanted = {"output": "refusal_rate" in signals, "lengths": bool(_LENGTHS & {*signals})}
    tables = [ask("monitor_texts", **piece.window, most=most, **wanted) for piece in asked.pieces()]
    read: dict[str, list[Floats]] = {
        name: [_of_texts(name, table) for table in tables] for name in dict.fromkeys(signals)
    }  # fmt: skip
    places = np.concatenate([asked.places(table) for table in tables])
    versions = [one for table in tables for one in table["normaliser_version"].to_pylist()]
    return [_means(asked, places, np.concatenate(read[name]), versions, name) for name in signals]


def _of_texts(signal: str, table: pa.Table) -> Floats:
    return texts.refused(table) if signal == "refusal_rate" else floats(table, signal)


def _retrievals(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    most = max(int(RETRIEVALS_AN_HOUR * (asked.bucket / HOUR)), 1)
    tables = [ask("monitor_retrievals", **piece.window, most=most) for piece in asked.pieces()]
    places = np.concatenate([asked.places(table) for table in tables])
    versions = [one for table in tables for one in table["normaliser_version"].to_pylist()]
    columns = {"retrieval_score": "amount", "retrieved_documents": "documents"}
    found = []
    for one in many:
        values = np.concatenate([floats(table, columns[str(one.signal)]) for table in tables])
        found.append(_means(asked, places, values, versions, str(one.signal)))
    return found


def _means(asked: Grid, places: NDArray[np.int64], values: Floats, versions: Sequence[int], signal: str) -> Series:
    """Means over what has a value; the ruler is the version of the normaliser that most rows of the bucket have."""
    there = ~np.isnan(values)
    n = np.bincount(places[there], minlength=asked.count).astype(np.float64)
    sums = np.asarray(np.bincount(places[there], values[there], minlength=asked.count), dtype=np.float64)
    said = rulers.of_normaliser(
        places[there], [one for one, told in zip(versions, there, strict=True) if told], asked.count
    )
    if signal == "refusal_rate":
        said = [None if one is None else f"{texts.refusal()}, {one}" for one in said]
    return _told(asked, divide(sums, n, n > 0), n, said)


# The books.


def _ledger(ask: Ask, asked: Grid, many: Sequence[Streamed]) -> list[Series]:
    """Of each hour; a quarter of it has its value, and a quarter of its weight."""
    others = sorted(name for name, value in many[0].where.items() if value is not None and name != "service")
    if others:
        raise NoStreamError(
            f"ledger_losses: the books know what came in by its service, and not by {others[0]}. Leave {others[0]} out."
        )
    hours = grid(asked.since, asked.until - _MICROSECOND + HOUR, HOUR)
    table = ask("monitor_ledger", since=hours.since, until=hours.until)
    received, rejected = (hours.laid(table, name) for name in ("received", "rejected"))
    of = (np.arange(asked.count) * asked.bucket_us + (asked.since - hours.since) // _MICROSECOND) // hours.bucket_us
    part = asked.bucket / HOUR
    return [_share(asked, rejected[of], received[of], received[of] * part) for _ in many]


_SOURCES = {
    "input_tokens": "tokens", "output_tokens": "tokens", "duration": "quantiles", "ttft": "quantiles",
    "score": "scores", "score_failures": "scores", "judge_agreement": "agreement", "refusal_rate": "texts",
    "input_length": "texts", "output_length": "texts", "retrieval_score": "retrievals",
    "retrieved_documents": "retrievals", "ledger_losses": "ledger",
}  # fmt: skip
_READERS: Mapping[str, Reader] = {
    "calls": _calls, "tokens": _tokens, "quantiles": _quantiles, "scores": _scores, "agreement": _agreement,
    "texts": _texts, "retrievals": _retrievals, "ledger": _ledger,
}  # fmt: skip
