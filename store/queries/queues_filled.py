"""What queues are filled from: traces, calls and sessions that are drawn, and what evaluators said of them."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query, within

MOST_TRACES = 1_000


@query(right="read")
def queue_traces(con: DuckDBPyConnection, project_id: int, traces: list[UUID]) -> pa.Table:
    """trace_id (text), start_us, duration_ns, session_id, service, environment, release of those that are known.

    models, prompts and variants are lists. Newest first.

    Raises:
        ValueError: more than 1,000 traces, or none.
    """
    within("the number of traces", len(traces), MOST_TRACES)
    return ask(con, "queue_traces", {"project_id": project_id, "traces": traces})
