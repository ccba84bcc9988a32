"""Lists of traces that a project keeps under a name. Writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

MOST = 200  # views of a project


@dataclass(frozen=True, slots=True)
class View:
    """One view as it is now."""

    name: str
    version: int
    document: str  # JSON
    set_at: datetime  # UTC
    author: str | None


class OtherVersionError(Exception):
    """Somebody else changed the view meanwhile."""

    def __init__(self, name: str, upon: int, version: int) -> None:
        now = f"is version {version} now" if version else "is not there any more"
        super().__init__(f"View {name!r} {now}, and this changes version {upon}. Look at it, and change that one.")


class TooManyViewsError(Exception):
    """The project has as many views as it may have."""

    def __init__(self) -> None:
        super().__init__(f"The project has {MOST} views, the most there may be. Delete one first.")


def views(cursor: DuckDBPyConnection, project_id: int) -> list[View]:
    """All of a project, by name."""
    rows = cursor.execute(
        "select name, version, document, set_at, author from trace_views where project_id = ? "
        "order by lower(name), name",
        [project_id],
    ).fetchall()
    return [View(*row) for row in rows]


def put(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, name: str, document: str, upon: int, author: str | None
) -> View:
    """Set a view; `upon`: the version that it changes, 0 where it is to be a new one.

    Raises:
        OtherVersionError: it has another version, or none.
        TooManyViewsError: it would be one too many.
    """
    held = {one.name: one for one in views(cursor, project_id)}
    _expect(held, name, upon)
    if name not in held and len(held) >= MOST:
        raise TooManyViewsError
    cursor.execute(
        "insert or replace into trace_views values (?, ?, ?, ?, now() at time zone 'utc', ?)",
        [project_id, name, upon + 1, document, author],
    )
    return next(one for one in views(cursor, project_id) if one.name == name)


def delete(cursor: DuckDBPyConnection, project_id: int, name: str, upon: int) -> None:
    """Take a view away. Raises OtherVersionError as `put`."""
    _expect({one.name: one for one in views(cursor, project_id)}, name, upon)
    cursor.execute("delete from trace_views where project_id = ? and name = ?", [project_id, name])


def _expect(held: dict[str, View], name: str, upon: int) -> None:
    version = held[name].version if name in held else 0
    if version != upon:
        raise OtherVersionError(name, upon, version)
