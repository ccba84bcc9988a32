"""Queues: work for reviewers, as each project has set it. Items stand in `queue_items`, what people say in `labels`.

Reads take any cursor; writes go through `Writer.call`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

_QUEUE = (
    "project_id, queue_id, name, version, fields_version, guidelines_version, document, labels, open, created_at, "
    "set_at, author"
)


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue as it is now."""

    project_id: int
    queue_id: UUID
    name: str
    version: int
    fields_version: int  # the version that made the label schema what it is
    guidelines_version: int  # the version that made the guidelines what they are
    document: str  # JSON
    labels: int  # by different people, of an item that says nothing else
    open: bool  # false: nobody is handed an item
    created_at: datetime  # UTC, as all times
    set_at: datetime
    author: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """A queue as it was set once."""

    version: int
    document: str | None  # JSON; null: it was taken away with this version
    set_at: datetime
    author: str | None


@dataclass(frozen=True, slots=True)
class Wording:
    """A queue as it is set."""

    name: str
    document: str  # JSON
    labels: int
    author: str | None = None
    fields_anew: bool = True  # the label schema is another than before
    guidelines_anew: bool = True


def queues(cursor: DuckDBPyConnection, project_id: int | None = None) -> list[Queue]:
    """The queues of a project, of all if null, by name."""
    rows = cursor.execute(
        f"select {_QUEUE} from queues where ?::integer is null or project_id = ?::integer order by project_id, name",
        [project_id, project_id],
    ).fetchall()
    return [Queue(*row) for row in rows]


def queue(cursor: DuckDBPyConnection, project_id: int, name: str) -> Queue | None:
    """One queue; null: the project has none of this name."""
    rows = cursor.execute(
        f"select {_QUEUE} from queues where project_id = ? and name = ?", [project_id, name]
    ).fetchall()
    return Queue(*rows[0]) if rows else None


def by_id(cursor: DuckDBPyConnection, queue_id: UUID) -> Queue | None:
    """One queue; null: it was taken away."""
    rows = cursor.execute(f"select {_QUEUE} from queues where queue_id = ?", [queue_id]).fetchall()
    return Queue(*rows[0]) if rows else None


def put(cursor: DuckDBPyConnection, project_id: int, told: Wording, known: Queue | None, now: datetime) -> Queue:
    """Set a queue in place of `known` (as read in this transaction); the same again makes no new version."""
    if known is not None and known.document == told.document:
        return known
    made = _new(cursor, project_id, told, now) if known is None else _changed(known, told, now)
    cursor.execute(
        f"insert into queues ({_QUEUE}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set "
        "version = excluded.version, fields_version = excluded.fields_version, guidelines_version = "
        "excluded.guidelines_version, document = excluded.document, labels = excluded.labels, "
        "set_at = excluded.set_at, author = excluded.author",
        [
            made.project_id, made.queue_id, made.name, made.version, made.fields_version, made.guidelines_version,
            made.document, made.labels, made.open, made.created_at, made.set_at, made.author,
        ],
    )  # fmt: skip
    _note(cursor, made, made.version, made.document, now, told.author)
    return made


def _new(cursor: DuckDBPyConnection, project_id: int, told: Wording, now: datetime) -> Queue:
    """Versions go on where a queue of this name that was taken away ended: scores name a form by name and version."""
    rows = cursor.execute(
        "select coalesce(max(version), 0) + 1 from queue_versions where project_id = ? and name = ?",
        [project_id, told.name],
    ).fetchall()
    first = int(rows[0][0])
    return Queue(
        project_id, uuid4(), told.name, first, first, first, told.document, told.labels, open=True, created_at=now,
        set_at=now, author=told.author,
    )  # fmt: skip


def _changed(known: Queue, told: Wording, now: datetime) -> Queue:
    version = known.version + 1
    return replace(
        known, version=version, document=told.document, labels=told.labels, set_at=now, author=told.author,
        fields_version=version if told.fields_anew else known.fields_version,
        guidelines_version=version if told.guidelines_anew else known.guidelines_version,
    )  # fmt: skip


def _note(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, of: Queue, version: int, document: str | None, now: datetime, author: str | None
) -> None:
    cursor.execute(
        "insert into queue_versions values (?, ?, ?, ?, ?, ?, ?)",
        [of.project_id, of.queue_id, of.name, version, document, now, author],
    )


def set_open(cursor: DuckDBPyConnection, queue_id: UUID, *, is_open: bool) -> None:
    """Open or close a queue. What people have in hand of a closed one is theirs no more."""
    cursor.execute("update queues set open = ? where queue_id = ?", [is_open, queue_id])
    if not is_open:
        cursor.execute("delete from queue_leases where queue_id = ?", [queue_id])


def delete(cursor: DuckDBPyConnection, known: Queue, author: str | None, now: datetime) -> None:
    """Take a queue away with its items, leases and drafts; versions and labels stay, and so do scores."""
    for table in ("queues", "queue_items", "queue_leases", "label_drafts"):
        cursor.execute(f"delete from {table} where queue_id = ?", [known.queue_id])
    _note(cursor, known, known.version + 1, None, now, author)


def versions(cursor: DuckDBPyConnection, queue_id: UUID) -> list[Version]:
    """All versions of a queue, the newest first."""
    rows = cursor.execute(
        "select version, document, set_at, author from queue_versions where queue_id = ? order by version desc",
        [queue_id],
    ).fetchall()
    return [Version(*row) for row in rows]
