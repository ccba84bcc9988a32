"""A project's own prices by version, and the runs that priced stored calls anew. Writes go through `Writer.call`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from store.database import one_row


@dataclass(frozen=True, slots=True)
class PriceList:
    """One version of a project's own prices."""

    version: int  # 0: none were ever set
    document: str  # YAML
    set_at: datetime | None = None  # UTC
    author: str | None = None


NO_PRICES = PriceList(0, "")


def own_prices(cursor: DuckDBPyConnection, project_id: int, version: int | None = None) -> PriceList | None:
    """A version of a project's own prices; null for `version`: the current one. Null: there is no such version."""
    rows = cursor.execute(
        "select version, document, set_at, author from own_prices "
        "where project_id = $project_id and ($version::integer is null or version = $version::integer) "
        "order by version desc limit 1",
        {"project_id": project_id, "version": version},
    ).fetchall()
    if rows:
        return PriceList(*rows[0])
    return NO_PRICES if version in (None, 0) else None


def add_own_prices(
    cursor: DuckDBPyConnection, project_id: int, document: str, entries: int, author: str | None
) -> PriceList:
    """Make a document the current version; the one that is current already is returned as it is."""
    current = own_prices(cursor, project_id) or NO_PRICES
    if current.document == document:
        return current
    cursor.execute(
        "insert into own_prices select $project_id, $version, $document, $entries, now() at time zone 'utc', $author",
        {
            "project_id": project_id, "version": current.version + 1, "document": document, "entries": entries,
            "author": author,
        },
    )  # fmt: skip
    return own_prices(cursor, project_id) or NO_PRICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """One run over the traces that started in [since, until); null: open."""

    since: datetime | None
    until: datetime | None
    reason: str | None
    author: str | None
    own_version: int | None
    list_version: str
    calls: int
    changed: int
    sum_before: float | None
    sum_after: float | None


def start_repricing(cursor: DuckDBPyConnection, project_id: int, run: Repricing) -> int:
    """Book a run that begins now; returns its number in the project."""
    (number,) = one_row(
        cursor, "select coalesce(max(repricing_id), 0) + 1 from repricings where project_id = ?", [project_id]
    )
    cursor.execute(
        "insert into repricings select ?, ?, now() at time zone 'utc', null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
        [
            project_id, number, run.since, run.until, run.reason, run.author, run.own_version, run.list_version,
            run.calls, run.changed, run.sum_before, run.sum_after,
        ],
    )  # fmt: skip
    return int(number)


def finish_repricing(cursor: DuckDBPyConnection, project_id: int, repricing_id: int) -> None:
    """Note that a run has come to its end."""
    cursor.execute(
        "update repricings set finished_at = now() at time zone 'utc' where project_id = ? and repricing_id = ?",
        [project_id, repricing_id],
    )
