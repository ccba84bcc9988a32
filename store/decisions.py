"""What was decided of items whose labels differ. Rows are only added; the newest of an item and field counts.

Writes go through `Writer.call`. Reads are `store.labels.decisions` and the query `queue_decisions`.
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
    answer: str | None  # JSON; null: the one before is taken back
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
