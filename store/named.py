"""Documents that a project has by name and version: suites that are edited in the app, and live A/B tests.

Reads take any cursor; writes go through `Writer.call`. Rows are added and never changed, so versions stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from duckdb import DuckDBPyConnection

Table = Literal["suites", "ab_tests"]
_COLUMNS = "name, version, document, set_at, author"


@dataclass(frozen=True, slots=True)
class Named:
    """One version of a document."""

    name: str
    version: int
    document: str  # YAML of a suite, JSON of a test; empty: it was taken away with this version
    set_at: datetime  # UTC
    author: str | None


def every(cursor: DuckDBPyConnection, table: Table, project_id: int) -> list[Named]:
    """The newest version of each name that is not taken away, by name."""
    rows = cursor.execute(
        f"select {_COLUMNS} from {table} s where project_id = $project_id and document <> '' and version = "
        f"(select max(version) from {table} o where o.project_id = $project_id and o.name = s.name) order by name",
        {"project_id": project_id},
    ).fetchall()
    return [Named(*row) for row in rows]


def one(
    cursor: DuckDBPyConnection, table: Table, project_id: int, name: str, version: int | None = None
) -> Named | None:
    """A version; null for `version`: the newest. Null: there is none, or it was taken away."""
    rows = cursor.execute(
        f"select {_COLUMNS} from {table} where project_id = $project_id and name = $name "
        "and ($version::integer is null or version = $version::integer) order by version desc limit 1",
        {"project_id": project_id, "name": name, "version": version},
    ).fetchall()
    found = Named(*rows[0]) if rows else None
    return found if found is not None and found.document else None


def versions(cursor: DuckDBPyConnection, table: Table, project_id: int, name: str) -> list[Named]:
    """All versions of a name, the newest first; those that took it away have no document."""
    rows = cursor.execute(
        f"select {_COLUMNS} from {table} where project_id = ? and name = ? order by version desc", [project_id, name]
    ).fetchall()
    return [Named(*row) for row in rows]


def put(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, table: Table, project_id: int, name: str, document: str, author: str | None,
    upon: int | None = None,
) -> int | None:  # fmt: skip
    """Make a document the newest version; the one that is newest already is left as it is.

    An empty document takes the name away; its versions stay. `upon` is the version that it follows, 0 for none; null:
    whichever is newest.

    The newest version's number (0: there is none yet); null: another one than `upon` is newest, and nothing is done.
    """
    held = versions(cursor, table, project_id, name)
    last, document_now = (held[0].version, held[0].document) if held else (0, "")
    if upon is not None and last != upon:
        return None
    if document_now == document:
        return last
    cursor.execute(
        f"insert into {table} (project_id, name, version, document, set_at, author) "
        "select ?, ?, ?, ?, now() at time zone 'utc', ?",
        [project_id, name, last + 1, document, author],
    )
    return last + 1
