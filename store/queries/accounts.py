"""Questions about the ledger: what came in, and what became of it."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, query


@query(right="read")
def ledger(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, max_rows: int | None = None
) -> pa.Table:
    """Per hour of receipt, source, service and signal: received = stored + duplicate + rejected.

    Columns: hour (UTC), source, service ('' when unset), signal, received, stored, duplicate, rejected (counts),
    reasons (map of reason to count). Newest hour first. Hours without requests have no rows. Hours are told whole, all
    that [since, until) touches: the ledger knows no smaller unit.
    """
    params = {"project_id": project_id, "since": since, "until": until, "max_rows": max_rows}
    return ask(con, "ledger", params)


@query(right="read")
def ledger_total(con: DuckDBPyConnection, project_id: int) -> pa.Table:
    """The ledger of all time: one row per signal and a last one over all, whose signal is null.

    `rows` is what the tables hold now; `balanced` is true when received = stored + duplicate + rejected and
    stored = rows. An empty store gives the last row alone, with zeros; a signal of which nothing came has no row, and
    scores from outside are not counted. `refused_requests` counts requests that could not be read, so that their items
    could not be counted.
    """
    return ask(con, "ledger_total", {"project_id": project_id})


@query(right="read")
def rejections(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Rejected items with their reason and a sample (shortened), newest first; a row per commit, account and reason."""
    return ask(con, "rejections", {"project_id": project_id, "max_rows": max_rows})


@query(right="read")
def refused_requests(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Requests that could not be read at all, newest first.

    Those of no known project are in every answer, without their sample: it may be a text of another project.
    """
    return ask(con, "refused_requests", {"project_id": project_id, "max_rows": max_rows})
