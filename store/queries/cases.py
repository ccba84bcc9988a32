"""What evaluators look at."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within

MAX_TRACES = 1_000


@query(right="read")
def case_spans(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    traces: list[UUID],
    since_us: int,
    until_us: int,
    max_rows: int | None = None,
) -> pa.Table:
    """The spans of these traces that start within [since_us, until_us] (since 1970), by trace and start, with texts.

    Ids are hex digits without dashes. `input`, `output` with their keys as in `spans`, or what logs told; `system`,
    `documents` and `tools` are JSON lists. Null: nobody told it.

    Raises:
        ValueError: more than 1,000 traces, or none.
    """
    within("the number of traces", len(traces), MAX_TRACES)
    params = {"project_id": project_id, "traces": traces, "since_us": since_us, "until_us": until_us}
    return ask(con, "case_spans", params | {"max_rows": max_rows})


@query(right="read")
def case_calls(con: DuckDBPyConnection, project_id: int, traces: list[UUID], since_us: int, until_us: int) -> pa.Table:
    """The model calls of these traces that count, started within [since_us, until_us]: trace_id, span_id (hex digits).

    In order of start. A call that is told several times is there once.

    Raises:
        ValueError: more than 1,000 traces, or none.
    """
    within("the number of traces", len(traces), MAX_TRACES)
    params = {"project_id": project_id, "traces": traces, "since_us": since_us, "until_us": until_us}
    return ask(con, "case_calls", params)


@query(right="read")
def case_traces(con: DuckDBPyConnection, project_id: int, traces: list[UUID]) -> pa.Table:
    """trace_id (text), start_us (since 1970), duration_ns of those among these traces that are known, newest first.

    Raises:
        ValueError: more than 1,000 traces, or none.
    """
    within("the number of traces", len(traces), MAX_TRACES)
    return ask(con, "case_traces", {"project_id": project_id, "traces": traces})
