"""What monitors keep of what they read, and the windows of a service level."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask, ask_few, query, within
from store.queries.calls import CallFilters, kept


@query(right="read")
def monitor_buckets(
    con: DuckDBPyConnection, project_id: int, since: datetime, until: datetime, series: list[str]
) -> pa.Table:
    """Buckets of streams that start in [since, until), as they were worked out last, by series and time.

    series (its hash), bucket (start), value (the signal's unit; null: none), weight (what it counts), ruler (evaluator
    and version; null: of no importance). Buckets that nobody read have no row.
    """
    return ask(
        con, "monitor_buckets", {"project_id": project_id, "since": since, "until": until, "series": list(series)}
    )


@query(right="read")
def monitor_references(con: DuckDBPyConnection, project_id: int, monitors: list[UUID]) -> pa.Table:
    """What the references of monitors let expect, as fitted last: monitor_id, content (JSON). Not fitted: no row."""
    return ask(con, "monitor_references", {"project_id": project_id, "monitors": list(monitors)})


@query(right="read")
def calls_burned(
    con: DuckDBPyConnection,
    project_id: int,
    until: datetime,
    minutes: list[int],
    slower_than: float | None = None,
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per window of so many minutes that ends at `until`, the shortest first: minutes, calls, bad.

    bad: failed, or longer than `slower_than` milliseconds; null for that: failed alone. A call whose duration is
    unknown is not slow.

    Raises:
        ValueError: no window is asked for, or one is not 1 minute to 92 days.
    """
    if not minutes or not all(1 <= one <= 92 * 1440 for one in minutes):
        raise ValueError(f"windows are of 1 minute to 92 days, and {minutes} are not")
    since = until - timedelta(minutes=max(minutes))
    asked = kept(project_id, since, until, filters) | {"minutes": sorted(set(minutes)), "slower_than": slower_than}
    return ask_few(con, "calls_burned", asked)


@query(right="read")
def monitor_looked(
    con: DuckDBPyConnection, project_id: int, monitor: UUID, until: datetime, most: int = 500
) -> pa.Table:
    """The newest looks of a monitor whose windows ended by `until`, oldest first: as `looks` of a monitor.

    Raises:
        ValueError: `most` is not between 1 and 10,000.
    """
    within("most", most, 10_000)
    return ask_few(con, "monitor_looked", {"project_id": project_id, "monitor": monitor, "until": until, "most": most})
