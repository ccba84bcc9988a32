"""Documents that a project sets as a whole, by version: own prices and budgets. Writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from duckdb import DuckDBPyConnection

Table = Literal["own_prices", "budgets"]


@dataclass(frozen=True, slots=True)
class Document:
    """One version of what a project has set."""

    version: int  # 0: none was ever set
    document: str  # YAML
    set_at: datetime | None = None  # UTC
    author: str | None = None


NOTHING = Document(0, "")


def read(cursor: DuckDBPyConnection, table: Table, project_id: int, version: int | None = None) -> Document | None:
    """A version of a project's document; null for `version`: the current one. Null: there is no such version."""
    rows = cursor.execute(
        f"select version, document, set_at, author from {table} "
        "where project_id = $project_id and ($version::integer is null or version = $version::integer) "
        "order by version desc limit 1",
        {"project_id": project_id, "version": version},
    ).fetchall()
    if rows:
        return Document(*rows[0])
    return NOTHING if version in (None, 0) else None


def add(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, table: Table, project_id: int, document: str, entries: int, author: str | None
) -> Document:
    """Make a document the current version; the one that is current already is returned as it is."""
    current = read(cursor, table, project_id) or NOTHING
    if current.document == document:
        return current
    cursor.execute(
        f"insert into {table} (project_id, version, document, entries, set_at, author) "
        "select $project_id, $version, $document, $entries, now() at time zone 'utc', $author",
        {
            "project_id": project_id, "version": current.version + 1, "document": document, "entries": entries,
            "author": author,
        },
    )  # fmt: skip
    return read(cursor, table, project_id) or NOTHING
