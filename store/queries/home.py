"""Questions of the Home page. Windows are half-open, [since, until), by the start of the trace or span."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.quantiles import quantiles_of
from store.queries import ask, ask_few, query


@query(right="read")
def home_totals(con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime) -> pa.Table:
    """One row of sums over the traces that started in the window.

    error_rate is the share of traces whose root failed, error_rate_low and _high its 95 % interval (Wilson); null
    without traces. Token and cost sums are null when no call told any. Of the model calls that ended well,
    unknown_usage_calls told no tokens, half_told_calls either input or output. newest is the latest start (UTC), null
    without traces.
    """
    return ask_few(con, "home_totals", {"project_id": project_id, "since": since, "until": until})


@query(right="read")
def home_series(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
) -> pa.Table:
    """The sums of `home_totals` per bucket of `bucket_us` microseconds; empty buckets have no row.

    Buckets are counted from 1970 on in a zone `offset_us` ahead of UTC, so that days begin at its midnight; `bucket` is
    the start in UTC. The offset is one for the whole window: across a change of the clocks days begin an hour off.

    Raises:
        ValueError: `bucket_us` is not positive, or `offset_us` longer than a day.
    """
    return ask_few(con, "home_series", bucketed(project_id, since, until, bucket_us, offset_us))


@query(right="read")
def home_latency(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    bucket_us: int,
    offset_us: int = 0,
) -> pa.Table:
    """Exact quantiles of the duration (ns) of model calls that ended well, per bucket; empty buckets have no row.

    A call told by several spans counts once. Buckets as in `home_series`.

    Raises:
        ValueError: `bucket_us` is not positive, or `offset_us` longer than a day.
    """
    return ask_few(con, "home_latency", bucketed(project_id, since, until, bucket_us, offset_us))


@query(right="read")
def home_latency_total(con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime) -> pa.Table:
    """One row: calls, p50_ns and p95_ns of `home_latency` over the whole window; quantiles are null without calls."""
    found = ask(con, "home_latency_total", {"project_id": project_id, "since": since, "until": until})
    amounts = np.asarray(found["amount"].to_numpy(), dtype=np.float64)
    n, ((p50, _, _), (p95, _, _)) = quantiles_of(np.empty(0, dtype=np.int16), amounts, 1, (0.5, 0.95))
    told = {name: pa.array(value, from_pandas=True) for name, value in (("p50_ns", p50), ("p95_ns", p95))}
    return pa.table({"calls": pa.array(n)} | told)


@query(right="read")
def home_problems(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, max_rows: int | None = None
) -> pa.Table:
    """Failures grouped by type and message (300 letters) of the deepest failed span, most recently seen first.

    traces counts traces; trace_id, root_name and service are of the newest of them. error_type and error_message may
    be null.
    """
    params = {"project_id": project_id, "since": since, "until": until, "max_rows": max_rows}
    return ask_few(con, "home_problems", params)


@query(right="read")
def home_newest(con: DuckDBPyConnection, project_id: int) -> pa.Table:
    """One row: traces (count of all), oldest and newest start (UTC, null over an empty store), sample.

    sample: the newest trace carries the resource attribute `assayline.sample`; null over an empty store.
    """
    return ask_few(con, "home_newest", {"project_id": project_id})


def bucketed(project_id: int, since: datetime, until: datetime, bucket_us: int, offset_us: int) -> dict[str, object]:
    """The parameters of queries by bucket, checked; raises ValueError."""
    if bucket_us < 1:
        message = f"bucket_us must be at least 1, not {bucket_us}"
        raise ValueError(message)
    if abs(offset_us) > _DAY_US:
        message = f"offset_us must be within a day, not {offset_us}"
        raise ValueError(message)
    return {
        "project_id": project_id, "since": since, "until": until, "bucket_us": bucket_us, "offset_us": offset_us,
    }  # fmt: skip


_DAY_US = 24 * 3600 * 1_000_000
