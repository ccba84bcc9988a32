"""Questions about spend by calendar day, and the budgets that it is held against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.queries import ask_few, query
from store.queries.calls import Dimension, summed

QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNTS = ("calls", "priced", "unpriced")


@query(right="read")
def spend_by_day(  # noqa: PLR0917 - given by name
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    zone: str = "UTC",
    dimension: Dimension | None = None,
    values: list[str] | None = None,
) -> pa.Table:
    """One row per calendar day of the zone and value of the dimension, by day and value; a day without calls has none.

    day, value (null: unknown, or no dimension; all but those in `values`, if they are given, are left out), cost_usd
    (US dollars; null: no call has a price), calls, priced, and unpriced as in `calls_totals`. Days follow the zone's
    changes of the clocks. A call counts under each of its tags.

    Raises:
        ValueError: `zone` is no name of the IANA database.
    """
    place = time_zone(zone)
    asked = summed(con, project_id, since, until, {}, dimension) | {"values": values}
    found = ask_few(con, "spend_by_day", asked)
    days = {at: (EPOCH + at * QUARTER).astimezone(place).date() for at in found["quarter"].unique().to_pylist()}
    told = found.append_column("day", pa.array([days[at] for at in found["quarter"].to_pylist()], pa.date32()))
    added = told.group_by(["day", "value"], use_threads=False).aggregate(
        [(name, "sum") for name in ("cost_usd", *COUNTS)]
    )
    names = {f"{name}_sum": name for name in ("cost_usd", *COUNTS)}
    return added.rename_columns([names.get(name, name) for name in added.column_names])


def time_zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises ValueError, with an example, where the IANA database has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder's name is an OSError
        message = f"there is no time zone {name!r}; name one as the IANA database does, such as Europe/Berlin or UTC"
        raise ValueError(message) from error


@query(right="read")
def budget_versions(con: DuckDBPyConnection, project_id: int, max_rows: int | None = None) -> pa.Table:
    """Every version of the project's budgets, newest first: version, entries, set_at (UTC), author, document."""
    return ask_few(con, "budget_versions", {"project_id": project_id, "max_rows": max_rows})
