"""Invoices that a project keeps to hold its costs against. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from duckdb import DuckDBPyConnection

COLUMNS = "name, provider, grain, since, until, lines, invoiced_usd, kept_at, author"


@dataclass(frozen=True, slots=True)
class Kept:
    """What an invoice says of itself."""

    name: str
    provider: str | None  # null: anyone
    grain: str  # day or month
    since: date  # UTC
    until: date  # the day after the last
    lines: int  # periods and models
    invoiced_usd: float
    kept_at: datetime  # UTC
    author: str | None


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice to keep: what it says of itself, and its text."""

    name: str
    document: str
    provider: str | None
    grain: str
    since: date
    until: date
    lines: int
    invoiced_usd: float
    author: str | None = None


def invoices(cursor: DuckDBPyConnection, project_id: int) -> list[Kept]:
    """All of a project's, the last billed first, then by name."""
    rows = cursor.execute(
        f"select {COLUMNS} from invoices where project_id = ? order by until desc, name",
        [project_id],
    ).fetchall()
    return [Kept(*row) for row in rows]


def document(cursor: DuckDBPyConnection, project_id: int, name: str) -> tuple[Kept, str] | None:
    """One invoice and its text; null: there is none of this name."""
    rows = cursor.execute(
        f"select {COLUMNS}, document from invoices where project_id = ? and name = ?",
        [project_id, name],
    ).fetchall()
    return (Kept(*rows[0][:-1]), str(rows[0][-1])) if rows else None


def keep(cursor: DuckDBPyConnection, project_id: int, new: NewInvoice) -> Kept:
    """Keep an invoice, in place of the one of the same name."""
    cursor.execute(
        "insert or replace into invoices (project_id, name, document, provider, grain, since, until, lines, "
        "invoiced_usd, kept_at, author) select ?, ?, ?, ?, ?, ?, ?, ?, ?, now() at time zone 'utc', ?",
        [
            project_id, new.name, new.document, new.provider, new.grain, new.since, new.until, new.lines,
            new.invoiced_usd, new.author,
        ],
    )  # fmt: skip
    found = document(cursor, project_id, new.name)
    if found is None:
        raise AssertionError(new.name)
    return found[0]


def remove(cursor: DuckDBPyConnection, project_id: int, name: str) -> bool:
    """Forget an invoice; false: there was none of this name."""
    rows = cursor.execute(
        "delete from invoices where project_id = ? and name = ? returning name", [project_id, name]
    ).fetchall()
    return bool(rows)
