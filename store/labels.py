"""What people said of items of queues. Rows are added and never changed; the newest edit of an item and author counts.

Reads take any cursor; writes go through `Writer.call`, with the scores that a label makes in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from store.relations import among, registered

State = Literal["saved", "skipped", "withdrawn"]
_LABEL = (
    "project_id, queue_id, number, label_id, author, edit, state, queue_version, fields_version, answers, numbers, "
    "comment, reason, seconds, source, saved_at, labelled, passed"
)


@dataclass(frozen=True, slots=True)
class Label:
    """What one person said of one item at one time."""

    project_id: int
    queue_id: UUID
    number: int
    label_id: UUID  # chosen by the sender
    author: str
    edit: int  # 1, 2, ... of this author on this item
    state: State
    queue_version: int
    fields_version: int
    answers: str | None  # JSON, by field; null unless saved
    numbers: Mapping[str, float]  # by field, as its score has it
    comment: str | None
    reason: str | None
    seconds: float | None
    source: str  # page api import
    saved_at: datetime
    labelled: int = 0  # 1: the author has a label now and had none before, -1: the reverse; `counted` says it
    passed: int = 0  # the same of skips


def counted(told: Label, before: State | None) -> Label:
    """The label, as it changes counts: `before` is the state of its author's newest edit of the item, null: none."""
    changes = {state: (told.state == state) - (before == state) for state in ("saved", "skipped")}
    return replace(told, labelled=changes["saved"], passed=changes["skipped"])


def add(cursor: DuckDBPyConnection, told: Label) -> None:
    """Add one label."""
    cursor.execute(
        f"insert into labels ({_LABEL}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, map(?::varchar[], ?::double[]), ?, ?, "
        "?, ?, ?, ?, ?)",
        [
            told.project_id, told.queue_id, told.number, told.label_id, told.author, told.edit, told.state,
            told.queue_version, told.fields_version, told.answers, list(told.numbers), list(told.numbers.values()),
            told.comment, told.reason, told.seconds, told.source, told.saved_at, told.labelled, told.passed,
        ],
    )  # fmt: skip


_MANY = pa.schema(
    [
        ("number", pa.int32()), ("label_id", pa.string()), ("author", pa.string()), ("edit", pa.int32()),
        ("state", pa.string()), ("queue_version", pa.int32()), ("fields_version", pa.int32()),
        ("answers", pa.string()), ("numbers", pa.map_(pa.string(), pa.float64())), ("comment", pa.string()),
        ("reason", pa.string()), ("seconds", pa.float64()), ("source", pa.string()), ("saved_at", pa.timestamp("us")),
        ("labelled", pa.int8()), ("passed", pa.int8()),
    ]
)  # fmt: skip


def add_many(cursor: DuckDBPyConnection, told: Sequence[Label]) -> None:
    """Add labels of one queue; who had one of the items before them has it no more."""
    if not told:
        return
    rows = [{name: getattr(one, name) for name in _MANY.names} for one in told]
    rows = [row | {"label_id": str(row["label_id"]), "numbers": list(row["numbers"].items())} for row in rows]
    columns = ", ".join(name for name in _MANY.names if name != "label_id")
    with registered(cursor, pa.Table.from_pylist(rows, _MANY)) as name:
        cursor.execute(
            f"insert into labels (project_id, queue_id, label_id, {columns}) "
            f"select ?, ?, label_id::uuid, {columns} from {name}",
            [told[0].project_id, told[0].queue_id],
        )
        cursor.execute(
            f"delete from queue_leases l using {name} r "
            "where l.queue_id = ? and l.number = r.number and l.labeller = r.author",
            [told[0].queue_id],
        )


def of_items(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> list[Label]:
    """All that was said of items, by item and author, the newest edit first."""
    which, told = among("number", numbers)
    rows = cursor.execute(f"select {_LABEL} from labels where queue_id = ? and {which}", [queue_id, *told]).fetchall()
    return sorted((Label(*row) for row in rows), key=lambda one: (one.number, one.author, -one.edit))


@dataclass(frozen=True, slots=True)
class Said:
    """That somebody said something of an item, without what."""

    number: int
    author: str
    edit: int
    state: State
    saved_at: datetime


def said(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, dict[str, Said]]:
    """Who said something of each of these items: their newest edit, by number and author."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select number, author, edit, state, saved_at from labels where queue_id = ? and {which}", [queue_id, *told]
    ).fetchall()
    found: dict[int, dict[str, Said]] = {number: {} for number in numbers}
    for one in sorted((Said(*row) for row in rows), key=lambda one: one.edit):
        found[one.number][one.author] = one
    return found


def met(cursor: DuckDBPyConnection, queue_id: UUID, number: int, label_id: UUID) -> tuple[Said | None, dict[str, Said]]:
    """`by_id` of a label, and `said` of its item, by one question."""
    rows = cursor.execute(
        "select label_id = ?, number, author, edit, state, saved_at from labels "
        "where queue_id = ? and (number = ? or label_id = ?)",
        [label_id, queue_id, number, label_id],
    ).fetchall()
    told = sorted(((same, Said(*row)) for same, *row in rows), key=lambda one: one[1].edit)
    known = next((one for same, one in told if same), None)
    return known, {one.author: one for _, one in told if one.number == number}


def by_id(cursor: DuckDBPyConnection, queue_id: UUID, label_id: UUID) -> Said | None:
    """What is known of a label by its id; null: none has it."""
    rows = cursor.execute(
        "select number, author, edit, state, saved_at from labels where queue_id = ? and label_id = ?",
        [queue_id, label_id],
    ).fetchall()
    return Said(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody whom a queue knows."""

    name: str
    labelled: bool  # false: perhaps they only have an item before them


def alike(cursor: DuckDBPyConnection, queue_id: UUID, name: str) -> Alike | None:
    """Who has labelled in a queue, or has an item before them, under this name, else under one that differs by case.

    Null: nobody. Of several the one who was there first.
    """
    rows = cursor.execute(
        "select author, labelled from (select author, saved_at as met, true as labelled from labels "
        "where queue_id = $queue_id and lower(author) = lower($name) union all "
        "select labeller, taken_at, false from queue_leases "
        "where queue_id = $queue_id and lower(labeller) = lower($name)) "
        "order by author <> $name, author = $name and not labelled, met limit 1",
        {"queue_id": queue_id, "name": name},
    ).fetchall()
    return Alike(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody says of an item now."""

    answers: str  # JSON, by field
    comment: str | None


def own(cursor: DuckDBPyConnection, queue_id: UUID, author: str, numbers: Sequence[int]) -> dict[int, Own]:
    """The labels of one person that count, of these items, by number."""
    which, told = among("number", numbers)
    rows = cursor.execute(
        f"select number, edit, state, answers, comment from labels where queue_id = ? and author = ? and {which}",
        [queue_id, author, *told],
    ).fetchall()
    newest = {row[0]: row for row in sorted(rows, key=lambda row: row[:2])}
    return {number: Own(answers, comment) for number, _, state, answers, comment in newest.values() if state == "saved"}


def last_said(cursor: DuckDBPyConnection, queue_id: UUID, number: int, author: str) -> Label | None:
    """The newest edit of one person on one item; null: they said nothing."""
    rows = cursor.execute(
        f"select {_LABEL} from labels where queue_id = ? and number = ? and author = ?", [queue_id, number, author]
    ).fetchall()
    return max((Label(*row) for row in rows), key=lambda one: one.edit, default=None)


def newest(told: Sequence[Label]) -> dict[tuple[int, str], Label]:
    """What counts of the rows of `of_items`: of each item and author the newest edit."""
    found: dict[tuple[int, str], Label] = {}
    for one in told:
        found.setdefault((one.number, one.author), one)
    return found


def last_of(cursor: DuckDBPyConnection, queue_id: UUID, author: str) -> Label | None:
    """What somebody saved or skipped last and did not take back, on a page or by the API; null: nothing.

    Of items that were removed nothing is: they are handed out no more.
    """
    rows = cursor.execute(
        f"select {_LABEL} from labels where queue_id = $queue_id and author = $author and source <> 'import' and "
        "state <> 'withdrawn' and (number, edit) in (select (number, max(edit)) from labels where queue_id = $queue_id "
        "and author = $author group by number) and number not in (select number from queue_items "
        "where queue_id = $queue_id and removed_at is not null) order by saved_at desc, number desc limit 1",
        {"queue_id": queue_id, "author": author},
    ).fetchall()
    return Label(*rows[0]) if rows else None


_CURRENT = """
select number, author, max(edit) as edit, arg_max(label_id, edit) as label_id, arg_max(answers, edit) as answers,
       arg_max(comment, edit) as comment, arg_max(seconds, edit) as seconds, arg_max(saved_at, edit) as saved_at,
       arg_max(fields_version, edit) as fields_version, arg_max(queue_version, edit) as queue_version
from labels where queue_id = $queue_id and ($numbers is null or number in (select unnest($numbers::integer[])))
group by number, author having arg_max(state, edit) = 'saved' order by number, author
"""


def current(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int] | None = None) -> pa.Table:
    """The labels that count, one row an item and author: number, author, edit, label_id, answers (JSON by field),
    comment, seconds, saved_at, fields_version, queue_version; by item and author. `numbers`: of these items alone.
    Items that are removed are among them.
    """  # noqa: D205 - one thought
    told = None if numbers is None else list(numbers)
    found = cursor.sql(_CURRENT, params={"queue_id": queue_id, "numbers": told})
    return found.to_arrow_table()


@dataclass(frozen=True, slots=True)
class Mine:
    """What one person did in a queue; of an item only their newest edit counts."""

    labels: int
    skipped: int
    seconds_median: float | None  # of a label; null: none says
    today: int  # labels of the day of UTC
    last_hour: int  # labels
    can_undo: bool  # whether `last_of` has something


_MINE = """
select number, edit, labelled, passed, coalesce(seconds, 'nan') as seconds,
       source <> 'import' and state <> 'withdrawn' as told, saved_at >= $day as today, saved_at > $hour as late
from labels where queue_id = $queue_id and author = $author
"""


def mine_of(cursor: DuckDBPyConnection, queue_id: UUID, author: str, now: datetime, there: NDArray[np.int64]) -> Mine:
    """What somebody did in a queue. `there`: numbers of the items that are not removed."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    params = {"queue_id": queue_id, "author": author, "day": day, "hour": now - timedelta(hours=1)}
    columns = cursor.execute(_MINE, params).fetchnumpy().values()
    number, edit, labelled, passed, seconds, told, today, late = (np.asarray(one) for one in columns)
    known = seconds[(labelled == 1) & ~np.isnan(seconds)]
    newest_first = np.lexsort((-edit, number))
    newest = newest_first[np.unique(number[newest_first], return_index=True)[1]]
    standing = bool((told & np.isin(number, there))[newest].any())
    return Mine(
        int(labelled.sum()), int(passed.sum()), float(np.median(known)) if len(known) else None,
        int(labelled[today].sum()), int(labelled[late].sum()), standing,
    )  # fmt: skip


def decided(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> set[int]:
    """Which of these items have a decision that was not taken back."""
    return {one["number"] for one in decisions(cursor, queue_id, numbers) if one["answer"] is not None}


def decisions(cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """What was decided of items, the newest of each field: number, field, answer (null: taken back), why, author,
    decided_at.
    """  # noqa: D205 - one thought
    rows = cursor.execute(
        "select number, field, arg_max_null(answer, decided_at), arg_max_null(why, decided_at), "
        "arg_max(author, decided_at), max(decided_at) from label_decisions where queue_id = ? "
        "and number in (select unnest(?::integer[])) group by number, field order by number, field",
        [queue_id, list(numbers)],
    ).fetchall()
    names = ("number", "field", "answer", "why", "author", "decided_at")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [one | {"answer": None if one["answer"] is None else json.loads(one["answer"])} for one in found]
