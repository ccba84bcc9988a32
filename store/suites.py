"""Evaluation suites that are edited in the app, by version. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

_COLUMNS = "name, version, document, set_at, author"


@dataclass(frozen=True, slots=True)
class StoredSuite:
    """One version of a suite."""

    name: str
    version: int
    document: str  # YAML; empty: the suite was taken away with this version
    set_at: datetime  # UTC
    author: str | None


def suites(cursor: DuckDBPyConnection, project_id: int) -> list[StoredSuite]:
    """The newest version of each suite that is not taken away, by name."""
    rows = cursor.execute(
        f"select {_COLUMNS} from suites s where project_id = $project_id and document <> '' and version = "
        "(select max(version) from suites o where o.project_id = $project_id and o.name = s.name) order by name",
        {"project_id": project_id},
    ).fetchall()
    return [StoredSuite(*row) for row in rows]


def suite(cursor: DuckDBPyConnection, project_id: int, name: str, version: int | None = None) -> StoredSuite | None:
    """A version of a suite; null for `version`: the newest. Null: there is none, or it was taken away."""
    rows = cursor.execute(
        f"select {_COLUMNS} from suites where project_id = $project_id and name = $name "
        "and ($version::integer is null or version = $version::integer) order by version desc limit 1",
        {"project_id": project_id, "name": name, "version": version},
    ).fetchall()
    found = StoredSuite(*rows[0]) if rows else None
    return found if found is not None and found.document else None


def versions(cursor: DuckDBPyConnection, project_id: int, name: str) -> list[StoredSuite]:
    """All versions of a suite, the newest first; those that took it away have no document."""
    rows = cursor.execute(
        f"select {_COLUMNS} from suites where project_id = ? and name = ? order by version desc", [project_id, name]
    ).fetchall()
    return [StoredSuite(*row) for row in rows]


def set_suite(
    cursor: DuckDBPyConnection, project_id: int, name: str, document: str, author: str | None
) -> StoredSuite | None:
    """Make a document the newest version; the one that is newest already is left as it is.

    An empty document takes the suite away; its versions stay. Null: it is away.
    """
    held = versions(cursor, project_id, name)
    last = held[0] if held else None
    if (last.document if last else "") != document:
        cursor.execute(
            "insert into suites (project_id, name, version, document, set_at, author) "
            "select ?, ?, ?, ?, now() at time zone 'utc', ?",
            [project_id, name, (last.version if last else 0) + 1, document, author],
        )
    return suite(cursor, project_id, name)
