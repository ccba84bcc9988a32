"""Table `call_sums`: what pages over months add up, kept true. Which quarters of an hour are stale, summing them again.

Every writer of `calls` names the starts that it changed to `note_stale`, in its own transaction. So a reader that takes
the sums of the other quarters, and the calls themselves of stale ones, has exactly what all calls add up to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from store.queries import ask, sql
from store.queries.calls import QUARTER, kept
from store.relations import insert

QUARTERS_A_TURN = 96  # of at most a day: what one reading passes over
_QUARTER_US = QUARTER // timedelta(microseconds=1)


def note_stale(con: DuckDBPyConnection, project_id: int, starts: pa.ChunkedArray) -> None:
    """Note that calls which start then were added, changed or taken away; within the caller's transaction."""
    quarters = pc.unique(pc.divide(starts.cast(pa.timestamp("us")).cast(pa.int64()), _QUARTER_US)).to_pylist()
    if quarters:
        con.execute(sql("note_stale"), {"project_id": project_id, "quarters": quarters})


def stale_quarters(con: DuckDBPyConnection, quiet: timedelta) -> tuple[int, list[datetime]] | None:
    """A project and its earliest quarters to sum: within one day, at most 96; null: there is nothing to do.

    A quarter waits until it is over, and so long after the first change: calls that come together are summed once.
    """
    found = con.execute(sql("stale_quarters"), {"quiet_s": quiet / timedelta(seconds=1), "most": QUARTERS_A_TURN})
    rows = found.fetchall()
    return (rows[0][0], [quarter for _, quarter in rows]) if rows else None


def sum_calls(con: DuckDBPyConnection, project_id: int, quarters: Sequence[datetime]) -> pa.Table:
    """The rows of `call_sums` of these quarters, but `project_id`."""
    asked = kept(project_id, min(quarters), max(quarters) + QUARTER, {})
    return ask(con, "sum_calls", asked | {"quarters": list(quarters)})


def write_call_sums(con: DuckDBPyConnection, project_id: int, quarters: Sequence[datetime], sums: pa.Table) -> None:
    """Put the sums of these quarters in place of what was there, inside the caller's transaction.

    No call of theirs may have changed since the sums were read.
    """
    these = "project_id = $project_id and quarter in (select unnest($quarters::timestamp[]))"
    for table in ("call_sums", "stale_call_sums"):
        con.execute(f"delete from {table} where {these}", {"project_id": project_id, "quarters": list(quarters)})
    insert(con, "call_sums", project_id, sums)
