"""Questions about prices: which calls have none, which prices were set, what a repricing changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query


@query(right="read")
def unpriced_models(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, max_rows: int | None = None
) -> pa.Table:
    """Models whose calls have no cost, over calls that started in the window and count; most calls first.

    provider and model may be null: unknown. price_status says why: unknown_model, unknown_usage, invalid_usage; note
    says it of the newest call, whose trace is trace_id. Failed calls that told no usage are left out.
    """
    params = {"project_id": project_id, "since": since, "until": until, "max_rows": max_rows}
    return ask_few(con, "unpriced_models", params)


@query(right="read")
def price_versions(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Every version of the project's own prices, newest first: version, entries, set_at (UTC), author, document."""
    return ask_few(con, "price_versions", {"project_id": project_id, "max_rows": max_rows})


@query(right="read")
def repricings(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Every repricing that found something to change, newest first.

    finished_at is null while it runs, or when it was cut off. since and until bound the starts of the traces (null:
    open). calls were looked at, changed have another cost now; the sums are of the calls that count among those looked
    at, US dollars, null when none had a cost.
    """
    return ask_few(con, "repricings", {"project_id": project_id, "max_rows": max_rows})


@query(right="read")
def replaced_costs(
    con: DuckDBPyConnection,
    project_id: int,
    repricing_id: int | None = None,
    trace_id: UUID | None = None,
    max_rows: int | None = None,
) -> pa.Table:
    """Costs that another price has replaced, as they stood, beside the cost of now; newest first.

    repricing_id is null where a trace was resolved again by itself, as after a late span. Costs are US dollars, null:
    unknown.
    """
    params = {
        "project_id": project_id, "repricing_id": repricing_id, "trace_id": trace_id, "max_rows": max_rows,
    }  # fmt: skip
    return ask(con, "replaced_costs", params)
