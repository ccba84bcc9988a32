"""How the items of queues stand: worked out from labels and leases whenever it is asked for, and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

SKIPS = 3  # by different people: then an item without a label is handed out no more

Columns = dict[str, NDArray[Any]]


def standing(cursor: DuckDBPyConnection, queue_id: UUID, labels: int, labeller: str, now: datetime) -> Columns:
    """How each item that is not removed stands for one labeller, a place an item, by number.

    number; gold; priority; needed (labels by different people); labels (that count); skips (by different people, since
    it was put back); held (live leases of others), mine (labelled by this person), passed (skipped by them), leased
    (before them now), drafted (begun by them). Who saves gives the item back in the same transaction, so whoever has
    one has not labelled it.

    Five plain scans, put together here: one question with as many joins took 30 ms at 100,000 labels, half of that to
    plan it, and these take 12.
    """
    found = _items(cursor, queue_id, labels)
    numbers = found["number"]
    size = int(numbers[-1]) + 1 if len(numbers) else 1
    said = _fetched(
        cursor, "select number, labelled, passed <> 0 as passed, author = $labeller as me from labels "
        "where queue_id = $queue_id and number < $size", {"queue_id": queue_id, "labeller": labeller, "size": size},
    )  # fmt: skip
    mine = said["me"]
    found["labels"] = np.bincount(said["number"], said["labelled"], size)[numbers].astype(np.int64)
    found["mine"] = np.bincount(said["number"][mine], said["labelled"][mine], size)[numbers] > 0
    skips = _skips(cursor, queue_id) if said["passed"].any() else {}
    live = _live(cursor, queue_id, now)
    counted: dict[str, Mapping[int, int]] = {
        "skips": {number: len(people) for number, people in skips.items()},
        "passed": {number: labeller in people for number, people in skips.items()},
        "held": {number: len(people - {labeller}) for number, people in live.items()},
        "leased": {number: labeller in people for number, people in live.items()},
        "drafted": dict.fromkeys(_drafted(cursor, queue_id, labeller), True),
    }
    for name, told in counted.items():
        found[name] = _spread(told, size, np.int64 if name in {"skips", "held"} else np.bool_)[numbers]
    return found


def _items(cursor: DuckDBPyConnection, queue_id: UUID, labels: int) -> Columns:
    found = _fetched(
        cursor, "select number, gold is not null as gold, priority, coalesce(needed, $labels)::integer as needed "
        "from queue_items where queue_id = $queue_id and removed_at is null",
        {"queue_id": queue_id, "labels": labels},
    )  # fmt: skip
    order = np.argsort(found["number"], kind="stable")
    return {name: column[order] for name, column in found.items()}


def _skips(cursor: DuckDBPyConnection, queue_id: UUID) -> dict[int, set[str]]:
    """Who skipped items and did not take it back, since each was put back."""
    rows = cursor.execute(
        "select l.number, l.author from labels l join queue_items i on i.queue_id = $queue_id and i.number = l.number "
        "where l.queue_id = $queue_id and l.passed <> 0 and (i.back_at is null or l.saved_at > i.back_at) "
        "group by l.number, l.author having arg_max(l.passed, l.edit) > 0",
        {"queue_id": queue_id},
    ).fetchall()
    return _gathered(rows)


def _live(cursor: DuckDBPyConnection, queue_id: UUID, now: datetime) -> dict[int, set[str]]:
    """Who has which item before them."""
    rows = cursor.execute(
        "select number, labeller from queue_leases where queue_id = ? and expires_at > ?", [queue_id, now]
    ).fetchall()
    return _gathered(rows)


def _drafted(cursor: DuckDBPyConnection, queue_id: UUID, labeller: str) -> list[int]:
    rows = cursor.execute(
        "select number from label_drafts where queue_id = ? and author = ?", [queue_id, labeller]
    ).fetchall()
    return [row[0] for row in rows]


def _gathered(rows: Iterable[tuple[int, str]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for number, author in rows:
        found.setdefault(number, set()).add(author)
    return found


def _spread(told: Mapping[int, int], size: int, kind: type) -> NDArray[Any]:
    """Values by number, nought elsewhere; numbers from `size` on are left out."""
    found: NDArray[Any] = np.zeros(size, dtype=kind)
    for number, value in told.items():
        if number < size:
            found[number] = value
    return found


def _fetched(cursor: DuckDBPyConnection, text: str, params: Mapping[str, object]) -> Columns:
    """Columns without nulls: half the time of a relation in Arrow, which is planned twice."""
    return {name: np.asarray(column) for name, column in cursor.execute(text, dict(params)).fetchnumpy().items()}


_OVERVIEW = """
with asked as (
    select unnest($queues::uuid[]) as queue_id, unnest($labels::integer[]) as k, unnest($enough::integer[]) as enough
), saved as (
    select queue_id, number, sum(labelled) as labels from labels where project_id = $project_id
    group by queue_id, number
), skipping as (
    select l.queue_id, l.number, l.author from labels l join queue_items i using (queue_id, number)
    where l.project_id = $project_id and l.passed <> 0 and (i.back_at is null or l.saved_at > i.back_at)
    group by all having arg_max(l.passed, l.edit) > 0
), skipped as (
    select queue_id, number, count(*) as skips from skipping group by queue_id, number
), stands as (
    select i.queue_id, i.gold is not null as gold, coalesce(i.needed, a.k) as needed,
           coalesce(saved.labels, 0) as labels, coalesce(skipped.skips, 0) >= a.enough as skipped
    from queue_items i join asked a using (queue_id)
    left join saved using (queue_id, number) left join skipped using (queue_id, number)
    where i.removed_at is null
), counted as (
    select queue_id, count(*) filter (where not gold) as items, count(*) filter (where gold) as gold_items,
           count(*) filter (where not gold and labels >= needed) as done,
           count(*) filter (where not gold and labels > 0 and labels < needed) as started,
           count(*) filter (where not gold and labels = 0 and skipped) as skipped,
           coalesce(sum(labels) filter (where not gold), 0) as labels,
           coalesce(sum(greatest(needed, labels)) filter (where not gold and (labels > 0 or not skipped)), 0) as wanted
    from stands group by queue_id
), people as (
    select queue_id, count(*) filter (where labels > 0) as labellers, sum(newly) as newly, min(since) as since
    from (
        select queue_id, author, sum(labelled) as labels,
               sum(labelled) filter (where source <> 'import' and saved_at > $now::timestamp - interval 1 day) as newly,
               min(saved_at) filter (where source <> 'import' and saved_at > $now::timestamp - interval 1 day) as since
        from labels where project_id = $project_id group by queue_id, author
    ) group by queue_id
), lent as (
    select queue_id, count(*) as leased from queue_leases where expires_at > $now group by queue_id
)
select a.queue_id, coalesce(c.items, 0)::integer, coalesce(c.done, 0)::integer, coalesce(c.started, 0)::integer,
       coalesce(c.skipped, 0)::integer, coalesce(c.gold_items, 0)::integer, coalesce(c.labels, 0)::integer,
       coalesce(c.wanted, 0)::integer, coalesce(p.labellers, 0)::integer, coalesce(lent.leased, 0)::integer,
       coalesce(p.newly, 0)::integer, p.since
from asked a left join counted c using (queue_id) left join people p using (queue_id) left join lent using (queue_id)
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """How far one queue is; items are those that are not removed, and gold ones count in `gold_items` alone."""

    queue_id: UUID
    items: int
    done: int
    started: int  # have a label, and need more
    skipped: int  # out of the turn
    gold_items: int
    labels: int
    labels_needed: int  # in all, of items that are not out of the turn
    labellers: int  # people with a label
    leased: int  # items in hand now
    newly: int  # labels of the last 24 hours, those that were brought from elsewhere left out
    since: datetime | None  # the first of these


def overview(
    cursor: DuckDBPyConnection, project_id: int, asked: Sequence[tuple[UUID, int, int]], now: datetime
) -> dict[UUID, Overview]:
    """How far queues of a project are, by id. `asked`: of each its id, labels an item, how many skips are enough."""
    if not asked:
        return {}
    queues, labels, enough = zip(*asked, strict=True)
    params = {
        "project_id": project_id, "queues": list(queues), "labels": list(labels), "enough": list(enough), "now": now,
    }  # fmt: skip
    rows = cursor.execute(_OVERVIEW, params).fetchall()
    return {row[0]: Overview(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class Labeller:
    """What one person did in a queue; gold items count in `gold_items` alone."""

    author: str
    labels: int
    gold_items: int
    skipped: int
    seconds_median: float | None
    last_at: datetime


_LABELLERS = """
select l.author, coalesce(sum(l.labelled) filter (where i.gold is null), 0)::integer,
       coalesce(sum(l.labelled) filter (where i.gold is not null), 0)::integer, sum(l.passed)::integer,
       median(l.seconds) filter (where l.labelled = 1), max(l.saved_at)
from labels l join queue_items i on i.queue_id = $queue_id and i.number = l.number and i.removed_at is null
where l.queue_id = $queue_id group by l.author order by l.author
"""


def labellers(cursor: DuckDBPyConnection, queue_id: UUID) -> list[Labeller]:
    """What each person did in a queue, by name."""
    return [Labeller(*row) for row in cursor.execute(_LABELLERS, {"queue_id": queue_id}).fetchall()]
