"""Keys of end users' feedback, one table. Reads take any cursor; writes go through `Writer.call`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from uuid import UUID

from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class FeedbackKey:
    """One key, without itself."""

    project_id: int
    key_id: UUID
    name: str
    hash: str  # SHA-256, hex
    shown: str  # its first letters
    origins: Sequence[str]
    per_minute: int
    created_at: datetime  # UTC, as all times
    author: str | None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


_COLUMNS = ", ".join(field.name for field in fields(FeedbackKey))


def keys(cursor: DuckDBPyConnection, project_id: int) -> list[FeedbackKey]:
    """Those of a project, the newest first, revoked ones too."""
    return _read(cursor, "where project_id = ? order by created_at desc, name", [project_id])


def of_hash(cursor: DuckDBPyConnection, told: str) -> FeedbackKey | None:
    """The key that has this hash; null: there is none, or it is revoked."""
    return next(iter(_read(cursor, "where hash = ? and revoked_at is null", [told])), None)


def add(cursor: DuckDBPyConnection, key: FeedbackKey) -> bool:
    """Add a key; false: a key of this name is in use."""
    if _read(cursor, "where project_id = ? and name = ? and revoked_at is null", [key.project_id, key.name]):
        return False
    row = list(astuple(key))
    cursor.execute(f"insert into feedback_keys ({_COLUMNS}) values ({', '.join('?' * len(row))})", row)
    return True


def revoke(cursor: DuckDBPyConnection, project_id: int, key_id: UUID, now: datetime, author: str | None) -> bool:
    """Let a key open nothing any more; false: there is none that does."""
    changed = cursor.execute(
        "update feedback_keys set revoked_at = ?, revoked_by = ? "
        "where project_id = ? and key_id = ? and revoked_at is null returning key_id",
        [now, author, project_id, key_id],
    )
    return bool(changed.fetchall())


def _read(cursor: DuckDBPyConnection, where: str, params: Sequence[object]) -> list[FeedbackKey]:
    rows = cursor.execute(f"select {_COLUMNS} from feedback_keys {where}", list(params)).fetchall()
    return [FeedbackKey(*row) for row in rows]
