"""Dashboards of a project, one table. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from datetime import datetime
from uuid import UUID

from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard as it is."""

    project_id: int
    dashboard_id: UUID
    name: str
    version: int  # 1, 2, ...
    charts: str  # JSON: list of charts in order
    made_at: datetime  # UTC without a zone, as is changed_at
    made_by: str | None
    changed_at: datetime
    changed_by: str | None


_COLUMNS = ", ".join(field.name for field in fields(Dashboard))


def every(cursor: DuckDBPyConnection, project_id: int) -> list[Dashboard]:
    """Those of a project, by name."""
    return _read(cursor, "where project_id = ? order by name", project_id)


def one(cursor: DuckDBPyConnection, project_id: int, dashboard_id: UUID) -> Dashboard | None:
    return next(iter(_read(cursor, "where project_id = ? and dashboard_id = ?", project_id, dashboard_id)), None)


def named(cursor: DuckDBPyConnection, project_id: int, name: str) -> Dashboard | None:
    return next(iter(_read(cursor, "where project_id = ? and name = ?", project_id, name)), None)


def count(cursor: DuckDBPyConnection, project_id: int) -> int:
    ((found,),) = cursor.execute("select count(*) from dashboards where project_id = ?", [project_id]).fetchall()
    return int(found)


def add(cursor: DuckDBPyConnection, made: Dashboard) -> None:
    row = list(astuple(made))
    cursor.execute(f"insert into dashboards ({_COLUMNS}) values ({', '.join('?' * len(row))})", row)


def change(cursor: DuckDBPyConnection, now: Dashboard) -> None:
    """Make the dashboard of this id what is told."""
    cursor.execute(
        "update dashboards set name = ?, version = ?, charts = ?, changed_at = ?, changed_by = ? "
        "where dashboard_id = ?",
        [now.name, now.version, now.charts, now.changed_at, now.changed_by, now.dashboard_id],
    )


def remove(cursor: DuckDBPyConnection, dashboard_id: UUID) -> None:
    cursor.execute("delete from dashboards where dashboard_id = ?", [dashboard_id])


def _read(cursor: DuckDBPyConnection, where: str, *params: object) -> list[Dashboard]:
    rows = cursor.execute(f"select {_COLUMNS} from dashboards {where}", list(params)).fetchall()
    return [Dashboard(*row) for row in rows]
