"""What the traces of a search are like: counts by field, courses over time, values that fields have."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.explore import TraceFilters, filtered
from store.queries.search import search_candidates

SAMPLED = 50_000  # traces that facets are counted over, the newest
MOST_VALUES = 200
_DAY_US = 86_400_000_000
_NEAR_TRACES = 2_000  # whose spans tell what values fields of spans have


@query(right="read")
def trace_facets(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    values: int = 10,
    field: str | None = None,
    part: str | None = None,
    traces: list[UUID] | None = None,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """How many of the traces have a value: field, value, traces; at most `values` a field, of `total`, frequent first.

    Fields: status service environment release name model provider prompt variant tag error user session. Counted are
    the newest 50,000 traces that started in [since, until) and match, `looked` of them, of `matching` in all. `part`
    keeps values with that text, `traces` are the only ones to count. A value is cut after 500 letters.

    Raises:
        ValueError: `values` is not between 1 and 200.
    """
    within("values", values, MOST_VALUES)
    asked = {"project_id": project_id, "since": since, "until": until, **filtered(filters)}
    asked["traces"] = traces
    matching, reach = trace_reach(con, asked, SAMPLED)
    asked |= {"since": max(since, reach or since), "values": values, "field": field, "part": part}
    found = ask_few(con, "trace_facets", asked)
    return found.append_column("matching", pa.array([matching] * found.num_rows, pa.int64()))


def trace_reach(con: DuckDBPyConnection, asked: dict[str, object], most: int) -> tuple[int, datetime | None]:
    """How many match, and when the `most`-th of them started, from the newest; null: there are fewer."""
    row = ask_few(con, "trace_reach", asked | {"most": most}).to_pylist()[0]
    return row["traces"], row["reach"]


@query(right="read")
def trace_histogram(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
    traces: list[UUID] | None = None,
    **filters: Unpack[TraceFilters],
) -> pa.Table:
    """The course of the traces: bucket (its start), traces, errors (failed traces), p50_ns and p95_ns of durations.

    In order of time. Of all traces that started in [since, until) and match; buckets without one have no row.
    `offset_us`: the zone of buckets of a day, within a day of UTC. `traces` are the only ones to count. Percentiles
    interpolate linearly.

    Raises:
        ValueError: `bucket_us` is not positive, or there would be more than 1,000 buckets.
    """
    if bucket_us <= 0 or (until - since) / timedelta(microseconds=bucket_us) > 1_000:
        raise ValueError(f"bucket_us must be positive and give 1,000 buckets at most, not {bucket_us}")
    within("offset_us", offset_us + _DAY_US + 1, 2 * _DAY_US + 1)
    asked = {"project_id": project_id, "since": since, "until": until, **filtered(filters)}
    return ask(con, "trace_histogram", asked | {"bucket_us": bucket_us, "offset_us": offset_us, "traces": traces})


@query(right="read")
def span_values(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    field: str,
    key: str | None = None,
    part: str | None = None,
    values: int = 20,
) -> pa.Table:
    """Values of a field of spans (value, spans), of the newest 2,000 traces that started in [since, until).

    `field`: kind tool agent finish_reason operation name status service provider model error; attr with `key`, or
    `attr.` for the names of attributes. `part` keeps values with that text. The frequent first.

    Raises:
        ValueError: `values` is not between 1 and 200.
    """
    within("values", values, MOST_VALUES)
    asked: dict[str, object] = {"project_id": project_id, "since": since, "until": until, **filtered({})}
    rows = search_candidates(con, asked | {"after_us": None, "after_trace": None, "most": _NEAR_TRACES})
    starts, lengths = rows["start_us"].to_pylist(), rows["duration_ns"].to_pylist()
    lasts = [start + min(length // 1000, _DAY_US) for start, length in zip(starts, lengths, strict=True)]
    bounds = {"since_us": min(starts, default=0), "until_us": max(lasts, default=0)}
    told = {"project_id": project_id, "field": field, "key": key, "part": part, "values": values}
    return ask_few(con, "span_values", told | bounds)
