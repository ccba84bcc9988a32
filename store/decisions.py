"""What was decided of items whose labels differ. Rows are only added; the newest of an item and field counts.

Writes go through `Writer.call`; reads are the query `queue_decisions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision."""

    project_id: int
    queue_id: UUID
    number: int  # of the item
    field: str
    answer: str | None  # text; JSON for lists and numbers; null: the one before is taken back
    why: str | None
    author: str
    decided_at: datetime  # UTC


def add(cursor: DuckDBPyConnection, told: Decision) -> None:
    """Add one decision."""
    cursor.execute(
        "insert into label_decisions (project_id, queue_id, number, field, answer, why, author, decided_at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            told.project_id, told.queue_id, told.number, told.field, told.answer, told.why, told.author,
            told.decided_at,
        ],
    )  # fmt: skip


def of_item(cursor: DuckDBPyConnection, queue_id: UUID, number: int, field: str | None = None) -> list[Decision]:
    """All that was decided of an item, the newest first; `field` null: of all its fields."""
    rows = cursor.execute(
        "select project_id, queue_id, number, field, answer, why, author, decided_at from label_decisions "
        "where queue_id = ? and number = ? and (?::varchar is null or field = ?::varchar) "
        "order by decided_at desc, rowid desc",
        [queue_id, number, field, field],
    ).fetchall()
    return [Decision(*row) for row in rows]
