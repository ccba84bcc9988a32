"""Items of queues, who has which at the moment, and what somebody filled in and did not save.

Reads take any cursor; writes go through `Writer.call`. What is shown of an item is read for single items alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.relations import among, registered

FORGOTTEN = timedelta(days=1)  # after which a lease that is over is taken away
TIDIED = 32  # one in so many leases looks for such: each costs the writer a millisecond
_ITEM = (
    "queue_id, number, key, unit, trace_id, span_id, session_id, title, gold is not null, priority, needed, origin, "
    "why, attributes, added_at, added_by, removed_at, back_at"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item, without what is shown of it."""

    queue_id: UUID
    number: int
    key: str | None
    unit: str  # call trace session pair ranking own
    trace_id: UUID | None
    span_id: int | None
    session_id: str | None
    title: str
    gold: bool
    priority: float
    needed: int | None  # null: as the queue says
    origin: str
    why: str | None
    attributes: Mapping[str, str]
    added_at: datetime
    added_by: str | None
    removed_at: datetime | None
    back_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of one item, and its right answers."""

    number: int
    content: str  # JSON
    gold: str | None  # JSON


@dataclass(frozen=True, slots=True)
class Targeted:
    """What one item is about, and what is shown of it; none of it ever changes."""

    number: int
    unit: str
    trace_id: UUID | None
    span_id: int | None
    session_id: str | None
    content: str  # JSON


@dataclass(frozen=True, slots=True)
class Lease:
    """One item that somebody has before them."""

    number: int
    labeller: str
    lease_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has filled in of one item and not saved."""

    number: int
    author: str
    answers: str  # JSON
    comment: str | None
    seconds: float | None
    saved_at: datetime


NEW = pa.schema(
    [
        ("key", pa.string()), ("unit", pa.string()), ("trace_id", pa.string()), ("span_id", pa.uint64()),
        ("session_id", pa.string()), ("target", pa.string()), ("content", pa.string()), ("same", pa.uint64()),
        ("title", pa.string()), ("gold", pa.string()), ("priority", pa.float64()), ("needed", pa.int32()),
        ("origin", pa.string()), ("why", pa.string()), ("attributes", pa.map_(pa.string(), pa.string())),
    ]
)  # fmt: skip
"""What `add` takes, a row an item; ids of traces as 32 hex digits."""


def known(
    cursor: DuckDBPyConnection, queue_id: UUID, keys: Sequence[str], targets: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of the items that are not removed, by key and by target, of these keys and targets."""
    rows = cursor.execute(
        "select number, key, target from queue_items where queue_id = $queue_id and removed_at is null "
        "and (key in (select unnest($keys::varchar[])) or target in (select unnest($targets::varchar[])))",
        {"queue_id": queue_id, "keys": list(keys), "targets": list(targets)},
    ).fetchall()
    return (
        {key: number for number, key, _ in rows if key is not None},
        {target: number for number, _, target in rows if target is not None},
    )


def add(  # noqa: PLR0917 - of each row
    cursor: DuckDBPyConnection, project_id: int, queue_id: UUID, rows: pa.Table, now: datetime, author: str | None
) -> list[int]:
    """Add items, columns as `NEW`; their numbers, in order."""
    found = cursor.execute("select coalesce(max(number), 0) from queue_items where queue_id = ?", [queue_id]).fetchall()
    first = int(found[0][0]) + 1
    numbers = list(range(first, first + rows.num_rows))
    columns = ", ".join(name for name in NEW.names if name != "trace_id")
    with registered(cursor, rows.append_column("number", pa.array(numbers, pa.int32()))) as name:
        cursor.execute(
            f"insert into queue_items (project_id, queue_id, number, trace_id, {columns}, added_at, added_by) "
            f"select $project_id, $queue_id, number, trace_id::uuid, {columns}, $now, $author from {name}",
            {"project_id": project_id, "queue_id": queue_id, "now": now, "author": author},
        )
    return numbers


def items(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, Item]:
    """Items by number; those that there are not are left out."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select {_ITEM} from queue_items where queue_id = ? and {which}", [queue_id, *told]
    ).fetchall()
    return {row[1]: Item(*row) for row in rows}


def item(cursor: DuckDBPyConnection, queue_id: UUID, number: int) -> Item | None:
    """One item; null: there is none."""
    return items(cursor, queue_id, [number]).get(number)


def numbers_of_keys(cursor: DuckDBPyConnection, queue_id: UUID, keys: Sequence[str]) -> dict[str, int]:
    """Numbers of items that are not removed, by key."""
    return known(cursor, queue_id, keys, [])[0]


@dataclass(frozen=True, slots=True)
class Place:
    """What decides whether an item may be handed to somebody, or a label of it kept."""

    number: int
    needed: int  # labels by different people
    gold: bool
    removed: bool
    open: bool  # the queue
    version: int  # of the queue
    fields_version: int


def places(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, Place]:
    """Of these items, with their queue; empty: there is no such queue or item."""
    which, told = among("i.number", numbers)
    rows = cursor.execute(
        "select i.number, coalesce(i.needed, q.labels), i.gold is not null, i.removed_at is not null, q.open, "
        f"q.version, q.fields_version from queue_items i, queues q where i.queue_id = ? and q.queue_id = ? and {which}",
        [queue_id, queue_id, *told],
    ).fetchall()
    return {row[0]: Place(*row) for row in rows}


def targets(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> list[Targeted]:
    """What items are about, and what is shown of them."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select number, unit, trace_id, span_id, session_id, content from queue_items where queue_id = ? and {which}",
        [queue_id, *told],
    ).fetchall()
    return [Targeted(*row) for row in rows]


def whole(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, tuple[Item, Shown]]:
    """Items with what is shown of them, by number; those that there are not are left out."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select {_ITEM}, content, gold from queue_items where queue_id = ? and {which}", [queue_id, *told]
    ).fetchall()
    return {row[1]: (Item(*row[:-2]), Shown(row[1], *row[-2:])) for row in rows}


def change(cursor: DuckDBPyConnection, queue_id: UUID, number: int, told: Mapping[str, Any]) -> None:
    """Set columns of one item: priority, needed, gold, removed_at, back_at."""
    chosen = [name for name in ("priority", "needed", "gold", "removed_at", "back_at") if name in told]
    if not chosen:
        return
    text = ", ".join(f"{name} = ?" for name in chosen)
    cursor.execute(
        f"update queue_items set {text} where queue_id = ? and number = ?",
        [*(told[name] for name in chosen), queue_id, number],
    )
    if told.get("removed_at") is not None:
        cursor.execute("delete from queue_leases where queue_id = ? and number = ?", [queue_id, number])


def leases(
    cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int], labeller: str, now: datetime
) -> list[Lease]:
    """Live leases of these items by anybody, and all live ones of one labeller."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        "select number, labeller, lease_id, expires_at from queue_leases where queue_id = ? and expires_at > ? "
        f"and (labeller = ? or {which}) order by taken_at, number",
        [queue_id, now, labeller, *told],
    ).fetchall()
    return [Lease(*row) for row in rows]


def lend(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, queue_id: UUID, labeller: str, numbers: Sequence[int], now: datetime,
    expires_at: datetime,
) -> list[Lease]:  # fmt: skip
    """Hand items to a labeller until a time, anew where the lease is over."""
    made = [Lease(number, labeller, uuid4(), expires_at) for number in numbers]
    if any(one.lease_id.int % TIDIED == 0 for one in made):
        cursor.execute("delete from queue_leases where queue_id = ? and expires_at < ?", [queue_id, now - FORGOTTEN])
    over = _leased(cursor, queue_id, labeller, numbers)
    for one in made:  # looked up and inserted, since an upsert takes the writer twice as long
        if one.number in over:
            cursor.execute(
                "update queue_leases set lease_id = ?, taken_at = ?, expires_at = ? "
                "where queue_id = ? and number = ? and labeller = ?",
                [one.lease_id, now, expires_at, queue_id, one.number, labeller],
            )
        else:
            cursor.execute(
                "insert into queue_leases values (?, ?, ?, ?, ?, ?)",
                [queue_id, one.number, labeller, one.lease_id, now, expires_at],
            )
    return made


def _leased(cursor: DuckDBPyConnection, queue_id: UUID, labeller: str, numbers: Sequence[int]) -> set[int]:
    """Which of these items a labeller has, or had."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select number from queue_leases where queue_id = ? and labeller = ? and {which}",
        [queue_id, labeller, *told],
    ).fetchall()
    return {row[0] for row in rows}


def extend(cursor: DuckDBPyConnection, lease_ids: Sequence[UUID], expires_at: datetime) -> None:
    """Let leases last until a time."""
    cursor.execute(
        "update queue_leases set expires_at = ? where lease_id in (select unnest(?::uuid[]))",
        [expires_at, list(lease_ids)],
    )


def told_leases(cursor: DuckDBPyConnection, queue_id: UUID, labeller: str, lease_ids: Sequence[UUID]) -> list[Lease]:
    """Leases of a labeller by id, also such as are over."""
    rows = cursor.execute(
        "select number, labeller, lease_id, expires_at from queue_leases where queue_id = ? and labeller = ? "
        "and lease_id in (select unnest(?::uuid[])) order by number",
        [queue_id, labeller, list(lease_ids)],
    ).fetchall()
    return [Lease(*row) for row in rows]


def release(cursor: DuckDBPyConnection, queue_id: UUID, labeller: str, numbers: Sequence[int]) -> None:
    """Give items back."""
    which, told = among("number", numbers)
    cursor.execute(
        f"delete from queue_leases where queue_id = ? and labeller = ? and {which}", [queue_id, labeller, *told]
    )


def drafts(cursor: DuckDBPyConnection, queue_id: UUID, author: str, numbers: Sequence[int]) -> dict[int, Draft]:
    """What somebody filled in of these items and did not save, by number."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        "select number, author, answers, comment, seconds, saved_at from label_drafts where queue_id = ? "
        f"and author = ? and {which}",
        [queue_id, author, *told],
    ).fetchall()
    return {row[0]: Draft(*row) for row in rows}


def keep_draft(cursor: DuckDBPyConnection, queue_id: UUID, told: Draft) -> None:
    """Keep what somebody filled in, in place of what was kept before."""
    cursor.execute(
        "insert into label_drafts values (?, ?, ?, ?, ?, ?, ?) on conflict do update set answers = excluded.answers, "
        "comment = excluded.comment, seconds = excluded.seconds, saved_at = excluded.saved_at",
        [queue_id, told.number, told.author, told.answers, told.comment, told.seconds, told.saved_at],
    )


def drop_draft(cursor: DuckDBPyConnection, queue_id: UUID, author: str, number: int) -> None:
    """Forget what somebody filled in."""
    cursor.execute(
        "delete from label_drafts where queue_id = ? and number = ? and author = ?", [queue_id, number, author]
    )


def right_answers(told: str | None) -> dict[str, Any] | None:
    """Gold as it is stored, by field; null: nobody knows them."""
    return None if told is None else json.loads(told)


def gold(cursor: DuckDBPyConnection, queue_id: UUID) -> dict[int, dict[str, Any]]:
    """Right answers by number of the gold items that are not removed."""
    rows = cursor.execute(
        "select number, gold from queue_items where queue_id = ? and gold is not null and removed_at is null",
        [queue_id],
    ).fetchall()
    return {number: json.loads(told) for number, told in rows}


def removed(cursor: DuckDBPyConnection, queue_id: UUID) -> list[int]:
    """Numbers of the items that were taken out, in order."""
    rows = cursor.execute(
        "select number from queue_items where queue_id = ? and removed_at is not null order by number", [queue_id]
    ).fetchall()
    return [row[0] for row in rows]


def search(cursor: DuckDBPyConnection, queue_id: UUID, words: str) -> list[int]:
    """Numbers of items whose title or key has these words, or whose trace, span or session is this one."""
    rows = cursor.execute(
        "select number from queue_items where queue_id = $queue_id and (contains(lower(title), $words) "
        "or contains(lower(coalesce(key, '')), $words) or lower(session_id) = $words "
        "or replace(trace_id::varchar, '-', '') = $words or printf('%016x', span_id) = $words "
        "or number::varchar = $words) order by number",
        {"queue_id": queue_id, "words": words.lower()},
    ).fetchall()
    return [row[0] for row in rows]
