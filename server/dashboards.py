"""Dashboards: charts of questions in SQL, kept by project. Whoever changes one names the version that was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID, uuid4

import orjson
from duckdb import DuckDBPyConnection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from server.core import Core
from server.when import utc_now
from store import dashboards as store
from store.dashboards import Dashboard
from store.errors import RefusedSqlError
from store.prompt import check
from store.sqltext import with_times

MOST_CHARTS, MOST_DASHBOARDS = 40, 200
WRITE_S = 60.0
T = TypeVar("T")
Kind = Literal["table", "number", "line", "bar", "scatter", "histogram"]


class DashboardError(Exception):
    """A dashboard cannot be what is asked; says why, and what to do."""


class UnknownDashboardError(DashboardError):
    """The project has no such dashboard."""


class NameTakenError(DashboardError):
    """Another dashboard has the name."""


class StaleDashboardError(DashboardError):
    """Somebody changed it meanwhile."""


def _question(text: str) -> str:
    try:
        check(with_times(text))
    except RefusedSqlError as error:
        raise ValueError(str(error)) from error
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("A name has no control characters or line breaks.")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable),
    Field(description="1 to 100 letters in one line."),
]  # fmt: skip
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class Chart(BaseModel):
    """One question and how its answer is drawn."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    sql: Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(_question)] = Field(
        description="One SELECT. `:since` and `:until` stand for the page's time range."
    )
    kind: Kind = "table"
    x: ColumnName | None = Field(None, description="Column along the axis; null: chosen by the types of the columns.")
    y: list[ColumnName] = Field(
        default_factory=list, max_length=10, description="Columns of values; empty: chosen by the types."
    )
    by: ColumnName | None = Field(None, description="Column whose values get a colour each; null: none.")
    wide: bool = Field(False, description="As wide as the page; otherwise half of it.")
    author: Annotated[str, Field(max_length=200)] | None = Field(None, description="Who pinned it.")


class Content(BaseModel):
    """What a dashboard is."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    charts: list[Chart] = Field(default_factory=list, max_length=MOST_CHARTS, description="In order.")


def every(core: Core, project_id: int) -> list[dict[str, Any]]:
    """The project's dashboards by name, with how many charts each has."""
    with core.readers.read() as cursor:
        found = store.every(cursor, project_id)
    return [told(one) | {"charts": len(orjson.loads(one.charts))} for one in found]


def one(core: Core, project_id: int, dashboard_id: UUID) -> dict[str, Any]:
    """A dashboard with its charts. Raises UnknownDashboardError."""
    with core.readers.read() as cursor:
        return told(_held(cursor, project_id, dashboard_id))


def told(board: Dashboard) -> dict[str, Any]:
    """A dashboard as the API tells it."""
    return {
        "dashboard_id": str(board.dashboard_id), "name": board.name, "version": board.version,
        "charts": orjson.loads(board.charts), "made_at": board.made_at, "made_by": board.made_by,
        "changed_at": board.changed_at, "changed_by": board.changed_by,
    }  # fmt: skip


def add(core: Core, project_id: int, content: Content, author: str | None) -> dict[str, Any]:
    """Make a dashboard.

    Raises:
        NameTakenError: the project has one of this name.
        DashboardError: it has as many as may be.
    """
    now = utc_now()
    made = Dashboard(project_id, uuid4(), content.name, 1, _json(content), now, author, now, author)

    def work(cursor: DuckDBPyConnection) -> Dashboard:
        _free(cursor, project_id, content.name, None)
        if store.count(cursor, project_id) >= MOST_DASHBOARDS:
            message = f"A project has at most {MOST_DASHBOARDS} dashboards. Remove one that nobody needs."
            raise DashboardError(message)
        store.add(cursor, made)
        return made

    return told(_written(core, work))


def change(
    core: Core, project_id: int, dashboard_id: UUID, content: Content, *, version: int, author: str | None
) -> dict[str, Any]:
    """Make a dashboard what is told, whole.

    Raises:
        UnknownDashboardError: there is none of this id.
        StaleDashboardError: `version` is not the newest.
        NameTakenError: another one has the name.
    """

    def work(cursor: DuckDBPyConnection) -> Dashboard:
        held = _seen(cursor, project_id, dashboard_id, version)
        _free(cursor, project_id, content.name, dashboard_id)
        now = replace(
            held, name=content.name, version=version + 1, charts=_json(content), changed_at=utc_now(), changed_by=author
        )
        store.change(cursor, now)
        return now

    return told(_written(core, work))


def remove(core: Core, project_id: int, dashboard_id: UUID, version: int) -> None:
    """Take a dashboard away for good. Raises as `change`."""

    def work(cursor: DuckDBPyConnection) -> None:
        _seen(cursor, project_id, dashboard_id, version)
        store.remove(cursor, dashboard_id)

    _written(core, work)


def _written(core: Core, work: Callable[[DuckDBPyConnection], T]) -> T:
    return core.writer.call(work).result(WRITE_S)


def _json(content: Content) -> str:
    return orjson.dumps([chart.model_dump() for chart in content.charts]).decode()


def _held(cursor: DuckDBPyConnection, project_id: int, dashboard_id: UUID) -> Dashboard:
    found = store.one(cursor, project_id, dashboard_id)
    if found is None:
        message = f"The project has no dashboard {dashboard_id}. The list tells which there are."
        raise UnknownDashboardError(message)
    return found


def _seen(cursor: DuckDBPyConnection, project_id: int, dashboard_id: UUID, version: int) -> Dashboard:
    held = _held(cursor, project_id, dashboard_id)
    if held.version != version:
        by = f" by {held.changed_by}" if held.changed_by else ""
        message = (
            f"Dashboard {held.name!r} was changed{by} since you read it: you saw version {version}, and it is at "
            f"{held.version}. Read it again, then make your change."
        )
        raise StaleDashboardError(message)
    return held


def _free(cursor: DuckDBPyConnection, project_id: int, name: str, but: UUID | None) -> None:
    found = store.named(cursor, project_id, name)
    if found is not None and found.dashboard_id != but:
        message = f"The project has a dashboard {name!r} already. Choose another name."
        raise NameTakenError(message)
