"""Feeds of queues: how far each has looked, and what it put in. Times are UTC without a zone.

Reads take any cursor; writes go through `Writer.call`, with the items that they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from duckdb import DuckDBPyConnection

_COLUMNS = "project_id, queue_id, feed, looked_seq, looked_at, day, added, left_out, added_ever, left_out_ever, fault"


@dataclass(frozen=True, slots=True)
class Position:
    """One feed as it stands; the columns are told in the migration."""

    project_id: int
    queue_id: UUID
    feed: str
    looked_seq: int
    looked_at: datetime
    day: date
    added: int
    left_out: int
    added_ever: int
    left_out_ever: int
    fault: str | None

    def added_on(self, day: date) -> int:
        """Items that it put in on a day, which is its newest or later."""
        return self.added if day == self.day else 0


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to."""

    upto: int
    at: datetime
    added: int = 0
    left_out: int = 0


def positions(cursor: DuckDBPyConnection, queue_id: UUID | None = None) -> dict[tuple[UUID, str], Position]:
    """The feeds of a queue, of all if null, by queue and feed."""
    rows = cursor.execute(
        f"select {_COLUMNS} from queue_feeds where ?::uuid is null or queue_id = ?::uuid", [queue_id, queue_id]
    ).fetchall()
    return {(row[1], row[2]): Position(*row) for row in rows}


def before(cursor: DuckDBPyConnection, at: datetime) -> int:
    """The newest commit of before a time: spans and scores of after it came with later ones."""
    row = cursor.execute(
        "select coalesce((select min(commit_seq) - 1 from spans where received_at > $at), "
        "(select max(commit_seq) from ledger_entries), 0)::ubigint",
        {"at": at},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return int(row[0])


def begin(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, queue_id: UUID, feed: str, looked_seq: int, now: datetime
) -> None:
    """A feed that is new; it looks at what comes after this commit."""
    cursor.execute(
        "insert into queue_feeds (project_id, queue_id, feed, looked_seq, looked_at, day, added, left_out, added_ever, "
        "left_out_ever) values (?, ?, ?, ?, ?, ?, 0, 0, 0, 0) on conflict do nothing",
        [project_id, queue_id, feed, looked_seq, now, now.date()],
    )


def note(cursor: DuckDBPyConnection, known: Position, told: Looked) -> bool:
    """How far a look went and what it put in; false: somebody else has looked since, and nothing is noted."""
    day = told.at.date()
    rows = cursor.execute(
        "update queue_feeds set looked_seq = $upto, looked_at = $at, "
        "added = case when day = $day then added else 0 end + $added, "
        "left_out = case when day = $day then left_out else 0 end + $left_out, day = $day, "
        "added_ever = added_ever + $added, left_out_ever = left_out_ever + $left_out, fault = null "
        "where queue_id = $queue_id and feed = $feed and looked_seq = $seen returning 1",
        {
            "upto": told.upto, "at": told.at, "day": day, "added": told.added, "left_out": told.left_out,
            "queue_id": known.queue_id, "feed": known.feed, "seen": known.looked_seq,
        },
    ).fetchall()  # fmt: skip
    return bool(rows)


def fail(cursor: DuckDBPyConnection, known: Position, fault: str) -> None:
    """Why a feed cannot look."""
    cursor.execute(
        "update queue_feeds set fault = ? where queue_id = ? and feed = ?", [fault, known.queue_id, known.feed]
    )


def forget(cursor: DuckDBPyConnection, gone: Sequence[Position]) -> None:
    """Take feeds away that no queue has any more; one that is set again looks from then on."""
    for one in gone:
        cursor.execute("delete from queue_feeds where queue_id = ? and feed = ?", [one.queue_id, one.feed])


def ever(cursor: DuckDBPyConnection, queue_id: UUID, targets: Sequence[str]) -> set[str]:
    """Those of these targets that are in a queue, or were once: what somebody took out is not put back."""
    rows = cursor.execute(
        "select target from queue_items where queue_id = $queue_id and target in (select unnest($targets::varchar[]))",
        {"queue_id": queue_id, "targets": list(targets)},
    ).fetchall()
    return {str(target) for (target,) in rows}
