"""Questions about how long model and embedding calls take, over table `calls`. Windows are half-open, by their start.

A call counts once, in the row of usage role `leaf`; `CallFilters` as in `store.queries.calls`. Failed calls count in
the rates and have no amount. Quantiles are exact and interpolate linearly. Their 95 % intervals are by order
statistics, free of any distribution, and take calls for independent of one another; a bound is null where the sample is
too small to give one (the p95 of 71 calls has no upper bound). See `store.quantiles`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Unpack

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.quantiles import Floats, Groups, Integers, quantiles_of
from store.queries import ask, ask_few, query, within
from store.queries.calls import EPOCH, MAX_VALUES, CallFilters, Dimension, by_trace, kept, summed
from store.queries.home import bucketed

Measure = Literal["duration", "ttft", "time_per_output_token", "tokens_per_second"]
"""Nanoseconds, but for tokens per second. See `latency_measured.sql` for which calls have one."""

Window = tuple[int, datetime, datetime, CallFilters, Dimension | None]
"""Project, since, until, filters and dimension."""

QUANTILES = (0.5, 0.9, 0.95, 0.99)
BEFORE_ALL = datetime(1, 1, 2)  # noqa: DTZ001 - UTC without a zone is what the store holds
MAX_TRACES = 1_000
_Z = 1.959963984540054
_FEW = 1 << 16  # slots
_CALLS_A_TRACE = 50  # traces with more are rare, so that the first slice is wide enough nearly always
_WIDER = 8


@query(right="read")
def latency_rates(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, **filters: Unpack[CallFilters]
) -> pa.Table:
    """One row: calls, failed, error_rate with its 95 % interval (_low, _high; Wilson; null without calls), and caches.

    asked calls are those whose question is known, and retries those among them that asked again what had just failed.
    cache_told calls said what they read from a cache, cache_read_tokens of cache_told_input_tokens.
    """
    return _rated(ask_few(con, "latency_rates", summed(con, project_id, since, until, filters)))


@query(right="read")
def latency_quantiles(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    measure: Measure = "duration",
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Four rows, one per quantile (0.5, 0.9, 0.95, 0.99): value, its 95 % interval (low, high), n calls with an amount.

    Values are null without such calls, in nanoseconds or tokens per second.
    """
    found = ask(con, "latency_quantiles", kept(project_id, since, until, filters) | {"measure": measure})
    amounts = _column(found, "amount")
    n, told = quantiles_of(np.empty(0, dtype=np.int16), amounts, 1, QUANTILES)
    columns = [np.concatenate(side) for side in zip(*told, strict=True)]
    return pa.table(
        {"quantile": pa.array(QUANTILES)}
        | {name: _nulled(values) for name, values in zip(("value", "low", "high"), columns, strict=True)}
        | {"n": pa.array(np.repeat(n, len(QUANTILES)))}
    )


@query(right="read")
def latency_series(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    measure: Measure = "duration",
    dimension: Dimension | None = None,
    offset_us: int = 0,
    top: int = 5,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Per bucket, and value of the dimension if there is one: n, p50 and p95, each with its interval (_low, _high).

    Sorted by bucket and place. The `top` values with most calls have a place, 1 the most; all others together have the
    place after, and no value; neither place nor value: unknown, or no dimension. Buckets as in `home_series`; without
    an amount there is no row. A call counts under each of its tags.

    Raises:
        ValueError: `bucket_us` is not positive, `offset_us` longer than a day, or `top` not between 1 and 1,000.
    """
    within("top", top, MAX_VALUES)
    steps = bucketed(project_id, since, until, bucket_us, offset_us)
    window = (project_id, since, until, filters, dimension)
    values = _values(con, window, top)["value"].drop_null().to_pylist() if dimension else []
    slots = len(values) + 2
    asked = kept(*window) | steps | {"measure": measure, "values": values, "slots": slots, "others": True}
    first, last = ((_micros(at) + offset_us) // bucket_us for at in (since, until))
    return _series(_grouped(con, asked, first * slots, (last - first + 2) * slots), values, bucket_us, offset_us)


@query(right="read")
def latency_by(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    measure: Measure = "duration",
    page_size: int = 100,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per value of the dimension (null: unknown), most calls first; the first `page_size` of `total` values.

    calls, failed, error_rate with its interval (Wilson), n calls with an amount, p50, p95 and p99, each with its
    interval (_low, _high). A call counts under each of its tags.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000.
    """
    within("page_size", page_size, MAX_VALUES)
    window = (project_id, since, until, filters, dimension)
    rows = _values(con, window, page_size)
    values = rows["value"].drop_null().to_pylist()
    slots = len(values) + 2
    whole = {
        "bucket_us": None, "offset_us": 0, "measure": measure, "values": values, "slots": slots,
        "others": rows.num_rows < page_size,  # all values are on the page: there are none, and nothing to leave out
    }  # fmt: skip
    _, groups, amounts = _grouped(con, kept(*window) | whole, 0, slots)
    n, told = quantiles_of(groups, amounts, slots, (0.5, 0.95, 0.99))
    places = {value: place for place, value in enumerate(values)} | {None: slots - 1}
    order = np.array([places[value] for value in rows["value"].to_pylist()], dtype=np.int64)
    rows = _rated(rows).append_column("n", pa.array(n[order]))
    return _with(rows, ("p50", "p95", "p99"), told, order)


@query(right="read")
def latency_heat(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Calls that ended well per bucket and bin of their duration; `[10^(bin/8), 10^((bin+1)/8))` nanoseconds.

    Sorted by bucket and bin; empty ones have no row. Buckets as in `home_series`.

    Raises:
        ValueError: `bucket_us` is not positive, or `offset_us` longer than a day.
    """
    asked = bucketed(project_id, since, until, bucket_us, offset_us)
    return ask_few(con, "latency_heat", kept(project_id, since, until, filters) | asked)


@query(right="read")
def latency_marks(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    max_rows: int | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Releases and prompt versions that replaced another one in the window, by the time of their first call.

    what (release or prompt), name (of the service, null: unknown, or of the prompt), version, first_seen (UTC). The
    first that was ever seen of a service or prompt replaced nothing, and is left out.
    """
    asked = kept(project_id, BEFORE_ALL, until, filters) | {"from": since, "max_rows": max_rows}
    return ask_few(con, "latency_marks", asked)


@query(right="read")
def latency_sample(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    traces: int = 300,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Spans of at most so many traces with a call that the filters keep, drawn by a hash of their ids: always the same.

    trace_id, span_id, parent_span_id (text; null: a root), kind, start_ns (since 1970), duration_ns (null: unknown),
    sampled_of (traces that were drawn from: counted, or where they are many a guess from a part of them, `guessed`). In
    no order.

    Raises:
        ValueError: `traces` is not between 1 and 1,000.
    """
    within("traces", traces, MAX_TRACES)
    calls = ask_few(con, "latency_rates", summed(con, project_id, since, until, filters))["calls"][0].as_py()
    picked, share = _picked(con, kept(project_id, since, until, filters), traces, calls)
    spans = ask(
        con, "latency_sample", {"project_id": project_id, "traces": picked["trace_id"].to_pylist()} | _bounds(picked)
    )
    of = round(picked["found"][0].as_py() / share) if picked.num_rows else 0
    spans = spans.append_column("sampled_of", pa.array([of] * spans.num_rows, pa.int64()))
    return spans.append_column("guessed", pa.array([share < 1] * spans.num_rows, pa.bool_()))


def _picked(con: DuckDBPyConnection, asked: dict[str, object], traces: int, calls: int) -> tuple[pa.Table, float]:
    """The traces of the sample, of so many calls in all, and the share of all hashes among which they were sought.

    To group all traces takes ten times as long as to look at those of a slice that surely holds enough of them.
    """
    share = min(1.0, traces * _CALLS_A_TRACE / max(calls, 1))
    while True:
        picked = latency_picked(con, asked, traces, share)
        if share == 1 or picked.num_rows == traces:
            return picked, share
        share = min(1.0, share * _WIDER)


def latency_picked(con: DuckDBPyConnection, asked: dict[str, object], traces: int, share: float) -> pa.Table:
    """trace_id (text), opened and closed (UTC, between which its spans start), found (traces within the share)."""
    return ask_few(con, "latency_picked", asked | {"traces": traces, "share": share})


def _bounds(picked: pa.Table) -> dict[str, object]:
    opened, closed = (picked[name].to_pylist() for name in ("opened", "closed"))
    return {"opened": min(opened, default=BEFORE_ALL), "closed": max(closed, default=BEFORE_ALL)}


def _values(con: DuckDBPyConnection, window: Window, top: int) -> pa.Table:
    sums = summed(con, *window)
    if sums["summed_since"] != sums["summed_until"]:
        return ask_few(con, "latency_by", sums | {"top": top})
    return latency_by_trace(con, by_trace(con, *window) | {"top": top})


def latency_by_trace(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """The first four columns of the query `latency_by`, from sums by trace; `asked`: all parameters."""
    return ask_few(con, "latency_by_trace", asked)


def _grouped(
    con: DuckDBPyConnection, asked: dict[str, object], first: int, count: int
) -> tuple[Integers, Groups, Floats]:
    """Slots of `latency_series`, sorted; of each call with an amount the place of its slot among them, and the amount.

    All `count` slots from `first` on; if 16 bits do not number them, those that are there.
    """
    if count <= _FEW:
        found = latency_slots(con, asked | {"first": first})
        return np.arange(first, first + count), found["slot"].to_numpy(), _column(found, "amount")
    found = ask(con, "latency_series", asked)
    keys, groups = np.unique(found["slot"].to_numpy(), return_inverse=True)
    return keys, groups, _column(found, "amount")


def latency_slots(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """A row per call with an amount, in no order: slot, counted from `first` on, and amount. `asked`: parameters."""
    return ask(con, "latency_slots", asked)


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _series(grouped: tuple[Integers, Groups, Floats], values: list[str], bucket_us: int, offset_us: int) -> pa.Table:
    (keys, groups, amounts), slots = grouped, len(values) + 2
    n, told = quantiles_of(groups, amounts, len(keys), (0.5, 0.95))
    there = np.flatnonzero(n)
    bucket, place = np.divmod(keys[there], slots)
    table = pa.table(
        {
            "bucket": pa.array(bucket * bucket_us - offset_us, pa.int64()).cast(pa.timestamp("us")),
            "value": pa.array([values[at] if at < len(values) else None for at in place.tolist()], pa.string()),
            "place": pa.array(place + 1, pa.int64(), mask=place == slots - 1),
            "n": pa.array(n[there]),
        }
    )
    return _with(table, ("p50", "p95"), told, there)


def _with(
    table: pa.Table, names: tuple[str, ...], told: list[tuple[Floats, Floats, Floats]], order: Integers
) -> pa.Table:
    for name, sides in zip(names, told, strict=True):
        for suffix, values in zip(("", "_low", "_high"), sides, strict=True):
            table = table.append_column(f"{name}{suffix}", _nulled(values[order]))
    return table


def _rated(table: pa.Table) -> pa.Table:
    """With `error_rate` of `failed` among `calls` and its interval (Wilson 1927)."""
    return rated(table, "failed", "error_rate")


def rated(table: pa.Table, hits_column: str, name: str) -> pa.Table:
    """With `name`, the share of `hits_column` among `calls`, and its 95 % interval (_low, _high; Wilson 1927)."""
    n, hits = (table[column].to_numpy().astype(np.float64) for column in ("calls", hits_column))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / n
        centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    low, high = np.where(hits == 0, share, centre - half), np.where(hits == n, share, centre + half)
    for end, values in (("", share), ("_low", low), ("_high", high)):
        table = table.append_column(f"{name}{end}", _nulled(values))
    return table


def _column(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _nulled(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)  # NaN is null
