"""Questions about what model and embedding calls cost, over table `calls`. Windows are half-open, by the call's start.

A call counts once, in the row of usage role `leaf`. `CallFilters` are exact, null filters nothing. The cluster of every
interval is the trace: calls of one trace are not independent of one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, TypedDict, Unpack

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import special
from store.queries import ask_few, query, score_named, within
from store.queries.home import bucketed

MAX_VALUES = 1_000
QUARTER = timedelta(minutes=15)  # what `call_sums` are of
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a zone is what the store holds

Dimension = Literal[
    "model", "provider", "service", "environment", "release", "user", "session", "prompt", "variant", "tool", "tag"
]
"""What calls are told apart by: `value` of the part `calls_kept`. A prompt is its name and version, `answer@3`."""


class CallFilters(TypedDict, total=False):
    """What narrows the calls down; null: any."""

    kind: Literal["llm", "embedding"] | None
    service: str | None
    environment: str | None
    model: str | None  # that answered, else that was asked for
    provider: str | None
    release: str | None
    session_id: str | None
    user_id: str | None
    variant: str | None
    prompt: str | None  # name and version, `answer@3`; the name alone where there is no version
    tag: str | None  # one of the trace
    tool: str | None  # within which the call was made
    with_score: str | None  # name of a score of the call's trace, of one of the trace's spans, or of its session
    with_score_at_least: float | None  # the bounds are of the newest of each target
    with_score_at_most: float | None
    with_score_label: str | None
    with_score_failed: bool | None  # true: its evaluator failed


def kept(
    project_id: int, since: datetime, until: datetime, filters: CallFilters, dimension: Dimension | None = None
) -> dict[str, object]:
    """The parameters of the part `calls_kept`; `dimension` null: its `value` is null.

    Raises:
        ValueError: a bound of a score, and no score is named.
    """
    score_named(filters, "with_score")
    window = {"project_id": project_id, "since": since, "until": until, "dimension": dimension}
    return {**window, **dict.fromkeys(CallFilters.__annotations__), **filters}


def summed(  # noqa: PLR0917 - as `kept`
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    filters: CallFilters,
    dimension: Dimension | None = None,
    steps: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, object]:
    """The parameters of the part `calls_summed`: `kept`, and which quarters of an hour have true sums.

    `steps`: the parameters `bucket_us` and `offset_us` of a query by bucket. Sums serve where its buckets are made of
    quarters, and nothing is asked of sessions, users, tags or scores.
    """
    asked = kept(project_id, since, until, filters, dimension)
    unknown = dimension in _UNSUMMED or any(asked[name] is not None for name in _UNSUMMED_FILTERS)
    cut = any(int(str(steps[name])) * _MICROSECOND % QUARTER for name in ("bucket_us", "offset_us") if name in steps)
    closed = until - (until - EPOCH) % QUARTER
    opened = closed if closed - since < QUARTER else since + (EPOCH - since) % QUARTER
    if unknown or cut or opened >= closed:
        return asked | _summed(since, since, [])
    stale = stale_in(con, project_id, opened, closed)
    while stale and stale[-1] == closed - QUARTER:  # those of now: more time that is read call by call, in one piece
        closed = stale.pop()
    if len(stale) > (closed - opened) / QUARTER / 2:  # as after a renormalisation: one scan is faster than many pieces
        return asked | _summed(since, since, [])
    return asked | _summed(opened, closed, stale)


def by_trace(  # noqa: PLR0917 - as `kept`
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    filters: CallFilters,
    dimension: Dimension | None = None,
) -> dict[str, object]:
    """The parameters of the part `calls_by_trace`: `kept`, and where the edges of the window cut traces."""
    head_last, tail_first = cut_traces(con, project_id, since, until)
    head = since if head_last is None else min(until, head_last + _MICROSECOND)
    tail = until if tail_first is None else tail_first
    if tail < head:  # one piece: no call may be in both
        head = tail = until
    return kept(project_id, since, until, filters, dimension) | {"head_until": head, "tail_since": tail}


def cut_traces(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime
) -> tuple[datetime | None, datetime | None]:
    """Start of the last call of traces that the window's beginning cuts, and of the first of those its end cuts."""
    (row,) = ask_few(con, "cut_traces", {"project_id": project_id, "since": since, "until": until}).to_pylist()
    return row["head_last"], row["tail_first"]


def stale_in(con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime) -> list[datetime]:
    """The quarters of an hour of the window whose sums are not there or not true, in order of time."""
    found: list[datetime] = ask_few(con, "stale_in", {"project_id": project_id, "since": since, "until": until})[
        "quarter"
    ].to_pylist()
    return found


def _summed(since: datetime, until: datetime, stale: list[datetime]) -> dict[str, object]:
    apart = (stale[0], stale[-1] + QUARTER) if stale else (since, since)
    return {
        "summed_since": since, "summed_until": until, "stale": stale, "stale_since": apart[0], "stale_until": apart[1],
    }  # fmt: skip


_MICROSECOND = timedelta(microseconds=1)
_UNSUMMED = ("session", "user", "tag")
_UNSUMMED_FILTERS = ("session_id", "user_id", "tag", "with_score")


@query(right="read")
def calls_totals(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, **filters: Unpack[CallFilters]
) -> pa.Table:
    """One row of sums over the calls; counts are 0 and sums null where there is none, or none told.

    calls = failed ones included; failed; priced (of them estimated: a class of tokens was not told); unpriced: without
    a cost, but for failed ones that told no usage, which are silent_failures; untold: those of the unpriced whose
    model has a price, but not their usage; unknown_usage: ended well and told no tokens. Costs are US dollars, by class
    of tokens too (other_usd: searches, requests, hardware), reported_usd is what senders computed; tokens are those of
    all calls, input with cache, output with reasoning.

    cache_told calls said what they read from a cache, of cache_told_input_tokens. cached_calls are priced and read from
    a cache or wrote into one; saved_usd is what they would have paid more at their own price of plain input (negative:
    writing cost more than reading saved), over the saved_calls among them whose row tells that price.
    """
    return ask_few(con, "calls_totals", summed(con, project_id, since, until, filters))


@query(right="read")
def calls_filters(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    most: int = 200,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Values that filters can offer: field, value, calls, newest (start of the newest), total (values of the field).

    Fields: service environment model provider release variant prompt tool tag; those of many values (session, user) are
    left out. The first `most` of each: releases and prompts newest first, others by their calls.

    Raises:
        ValueError: `most` is not between 1 and 1,000.
    """
    within("most", most, MAX_VALUES)
    return ask_few(con, "calls_filters", by_trace(con, project_id, since, until, filters) | {"most": most})


@query(right="read")
def calls_cost_per(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    unit: Literal["trace", "session"] = "trace",
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row: mean cost of a trace, or of a session, in US dollars, over those with a priced call of the window.

    n counts them; low and high are Student's 95 % interval of the mean, low at least 0; null with fewer than two.
    Calls without a cost add nothing, so that the mean is a least while some are unpriced. Costs are skewed: with some
    dozens of traces the interval holds the mean less often than it says.
    """
    found = ask_few(con, "calls_cost_per", by_trace(con, project_id, since, until, filters) | {"unit": unit})
    return bounded(found, "mean", "", found["n"])


@query(right="read")
def calls_cost_series(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    dimension: Dimension,
    offset_us: int = 0,
    top: int = 10,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Cost (US dollars, null: none known), calls and unpriced calls per bucket and value of the dimension.

    The `top` values of the highest cost have a place, 1 the dearest; all others together have the place after, and no
    value; neither place nor value: unknown. Buckets as in `home_series`; empty ones have no row. A call counts under
    each of its tags.

    Raises:
        ValueError: `bucket_us` is not positive, `offset_us` longer than a day, or `top` not between 1 and 1,000.
    """
    within("top", top, MAX_VALUES)
    steps = bucketed(project_id, since, until, bucket_us, offset_us)
    asked = summed(con, project_id, since, until, filters, dimension, steps) | steps | {"top": top}
    if asked["summed_since"] != asked["summed_until"]:
        return ask_few(con, "calls_cost_series", asked)
    return calls_cost_series_by_trace(con, asked | {"reach_us": cut_reach(con, asked)})


def calls_cost_series_by_trace(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """`calls_cost_series` from sums by trace; `asked`: all parameters."""
    return ask_few(con, "calls_cost_series_by_trace", asked)


def cut_reach(con: DuckDBPyConnection, asked: dict[str, object]) -> int:
    """Microseconds of the longest trace that an edge of the window or of a bucket cuts."""
    return int(ask_few(con, "cut_reach", asked)["reach_us"][0].as_py())


@query(right="read")
def calls_cost_classes(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """Cost per bucket by class of tokens, as in `calls_totals`. Buckets as in `home_series`; empty ones have no row.

    Raises:
        ValueError: `bucket_us` is not positive, or `offset_us` longer than a day.
    """
    steps = bucketed(project_id, since, until, bucket_us, offset_us)
    return ask_few(con, "calls_cost_classes", summed(con, project_id, since, until, filters, None, steps) | steps)


@query(right="read")
def calls_cost_by(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    dimension: Dimension,
    page_size: int = 100,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per value of the dimension (null: unknown), dearest first; the first `page_size` of `total` values.

    calls, failed, traces, tokens and cost as in `calls_totals`, of this value. per_call and per_trace are mean costs
    over priced_calls and priced_traces, with Student's 95 % interval (_low at least 0, _high); the trace is the
    cluster of both, and bounds are null where one trace alone was priced. A call counts under each of its tags.

    Raises:
        ValueError: `page_size` is not between 1 and 1,000.
    """
    within("page_size", page_size, MAX_VALUES)
    window = (con, project_id, since, until, filters, dimension)
    traces, sums = by_trace(*window) | {"page_size": page_size}, summed(*window)
    known = sums["summed_since"] != sums["summed_until"]
    found = ask_few(con, "calls_cost_by", sums | traces) if known else calls_cost_by_trace(con, traces)
    for name in ("per_call", "per_trace"):
        found = bounded(found, name, f"{name}_", found["priced_traces"])
    return found


def calls_cost_by_trace(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """`calls_cost_by` from sums by trace alone, with standard errors in place of intervals; `asked`: all parameters."""
    return ask_few(con, "calls_cost_by_trace", asked)


def bounded(found: pa.Table, mean: str, prefix: str, clusters: pa.ChunkedArray, least: float = 0.0) -> pa.Table:
    """With Student's 95 % interval of `mean` in place of its standard error, over so many clusters.

    `least`: below which the mean cannot lie.
    """
    error = f"{prefix}error"
    values, errors = (found[name].to_numpy().astype(float) for name in (mean, error))
    reach = special.stdtrit(np.maximum(clusters.to_numpy().astype(float) - 1, 1), 0.975) * errors
    for name, bound in (("low", np.maximum(values - reach, least)), ("high", values + reach)):
        found = found.append_column(f"{prefix}{name}", pa.array(bound, from_pandas=True))  # NaN is null
    return found.drop_columns([error])
