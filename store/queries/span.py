"""One span, whole."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def span_detail(
    con: DuckDBPyConnection, project_id: int, trace_id: UUID, span_id: str, since: datetime | None = None
) -> pa.Table:
    """All of one span in one row; no row: unknown. `span_id` is 16 hex digits; `since`: start of its trace.

    Unknown facts are null. `GET /api/spans/{trace_id}/{span_id}` gives the same with messages read, attributes whole.
    """
    number = int(span_id, 16) if len(span_id) == 16 and set(span_id) <= _HEX_DIGITS else None
    params = {"project_id": project_id, "trace_id": trace_id, "span_id": number, "since": since}
    return ask(con, "span_detail", params)


_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
