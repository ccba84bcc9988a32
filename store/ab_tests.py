"""Live A/B tests as registered, by version. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

_COLUMNS = "name, version, document, set_at, author"


@dataclass(frozen=True, slots=True)
class AbTest:
    """One version of a test."""

    name: str
    version: int
    document: str  # JSON; empty: the test was taken away with this version
    set_at: datetime  # UTC
    author: str | None


def ab_tests(cursor: DuckDBPyConnection, project_id: int) -> list[AbTest]:
    """The newest version of each test that is not taken away, by name."""
    rows = cursor.execute(
        f"select {_COLUMNS} from ab_tests t where project_id = $project_id and document <> '' and version = "
        "(select max(version) from ab_tests o where o.project_id = $project_id and o.name = t.name) order by name",
        {"project_id": project_id},
    ).fetchall()
    return [AbTest(*row) for row in rows]


def ab_test(cursor: DuckDBPyConnection, project_id: int, name: str) -> AbTest | None:
    """The newest version of a test. Null: there is none, or it was taken away."""
    held = versions(cursor, project_id, name)
    return held[0] if held and held[0].document else None


def versions(cursor: DuckDBPyConnection, project_id: int, name: str) -> list[AbTest]:
    """All versions of a test, the newest first; those that took it away have no document."""
    rows = cursor.execute(
        f"select {_COLUMNS} from ab_tests where project_id = ? and name = ? order by version desc", [project_id, name]
    ).fetchall()
    return [AbTest(*row) for row in rows]


def set_ab_test(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, name: str, document: str, author: str | None, upon: int
) -> bool:
    """Make a document the newest version after version `upon` (0: none); the same document is no new version.

    An empty document takes the test away. False: another version came meanwhile, and nothing is done.
    """
    held = versions(cursor, project_id, name)
    last = held[0] if held else None
    if (last.version if last else 0) != upon:
        return False
    if (last.document if last else "") != document:
        cursor.execute(
            "insert into ab_tests (project_id, name, version, document, set_at, author) "
            "select ?, ?, ?, ?, now() at time zone 'utc', ?",
            [project_id, name, upon + 1, document, author],
        )
    return True
