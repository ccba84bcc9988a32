"""What a team reconciles with its provider's bill."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def totals(  # noqa: PLR0917 - each is one parameter of the question
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime | None = None,
    until: datetime | None = None,
    trace_ids: list[UUID] | None = None,
    max_rows: int | None = None,
) -> pa.Table:
    """One row per trace that started in [since, until), in order of start; null bounds are open.

    trace_id is 32 hex digits. A call told by several spans counts once, in the trace of the row that is kept; tokens
    and cost (US dollars) are null when no call of the trace told any; unknown_usage_calls counts those that did not.
    """
    params = {"project_id": project_id, "since": since, "until": until, "trace_ids": trace_ids, "max_rows": max_rows}
    return ask(con, "totals", params)


@query(right="read")
def projects(con: DuckDBPyConnection, project_id: int) -> pa.Table:
    """The project itself: project_id, name, created_at (UTC)."""
    return ask(con, "projects", {"project_id": project_id})
