"""How the items of queues stand: worked out from labels and leases whenever it is asked for, and stored nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

SKIPS = 3  # by different people: then an item without a label is handed out no more

# max_by of text takes three times what a comparison of numbers does: nearly all labels have one edit.
_STANDING = """
with newest as (
    select l.number, l.author, l.state, l.saved_at
    from labels l
    left join (select number, author, max(edit) as edit from labels where queue_id = $queue_id and edit > 1
               group by number, author) again using (number, author)
    where l.queue_id = $queue_id and l.edit = coalesce(again.edit, 1)
), saved as (
    select number, count(*) as labels, bool_or(author = $labeller) as mine
    from newest where state = 'saved' group by number
), skipped as (
    select n.number, count(*) as skips, bool_or(n.author = $labeller) as passed
    from newest n join queue_items i on i.queue_id = $queue_id and i.number = n.number
    where n.state = 'skipped' and (i.back_at is null or n.saved_at > i.back_at) group by n.number
), held as (
    select e.number, count(*) filter (where e.labeller <> $labeller) as held, bool_or(e.labeller = $labeller) as leased
    from queue_leases e left join newest n on n.number = e.number and n.author = e.labeller and n.state = 'saved'
    where e.queue_id = $queue_id and e.expires_at > $now and n.number is null group by e.number
), drafted as (
    select number from label_drafts where queue_id = $queue_id and author = $labeller
)
select i.number, i.gold is not null as gold, i.priority, coalesce(i.needed, $labels)::integer as needed,
       coalesce(saved.labels, 0)::integer as labels, coalesce(skipped.skips, 0)::integer as skips,
       coalesce(held.held, 0)::integer as held, coalesce(saved.mine, false) as mine,
       coalesce(skipped.passed, false) as passed, coalesce(held.leased, false) as leased,
       drafted.number is not null as drafted
from queue_items i
left join saved using (number) left join skipped using (number) left join held using (number)
left join drafted using (number)
where i.queue_id = $queue_id and i.removed_at is null
order by i.number
"""


def standing(cursor: DuckDBPyConnection, queue_id: UUID, labels: int, labeller: str, now: datetime) -> pa.Table:
    """One row an item that is not removed, by number, as it stands for one labeller.

    number; gold; priority; needed (labels by different people); labels (that count); skips (by different people, since
    it was put back); held (live leases of others who have not labelled it); mine (labelled by this person), passed
    (skipped by them), leased (before them now), drafted (begun by them).
    """
    found = cursor.sql(_STANDING, params={"queue_id": queue_id, "labels": labels, "labeller": labeller, "now": now})
    return found.to_arrow_table()


_OVERVIEW = """
with asked as (
    select unnest($queues::uuid[]) as queue_id, unnest($labels::integer[]) as k, unnest($enough::integer[]) as enough
), newest as (
    select l.queue_id, l.number, l.author, l.state, l.saved_at
    from labels l
    left join (select queue_id, number, author, max(edit) as edit from labels
               where project_id = $project_id and edit > 1 group by all) again
           using (queue_id, number, author)
    where l.project_id = $project_id and l.edit = coalesce(again.edit, 1)
), saved as (
    select queue_id, number, count(*) as labels from newest where state = 'saved' group by queue_id, number
), skipped as (
    select n.queue_id, n.number, count(*) as skips
    from newest n join queue_items i using (queue_id, number)
    where n.state = 'skipped' and (i.back_at is null or n.saved_at > i.back_at) group by n.queue_id, n.number
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
    select queue_id, count(distinct author) as labellers,
           count(*) filter (where saved_at > $now::timestamp - interval 1 day) as newly,
           min(saved_at) filter (where saved_at > $now::timestamp - interval 1 day) as since
    from newest where state = 'saved' group by queue_id
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
    newly: int  # labels of the last 24 hours
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
with newest as (
    select l.number, l.author, arg_max(l.state, l.edit) as state, arg_max_null(l.seconds, l.edit) as seconds,
           arg_max(l.saved_at, l.edit) as saved_at
    from labels l where l.queue_id = $queue_id group by l.number, l.author
)
select n.author, count(*) filter (where n.state = 'saved' and i.gold is null),
       count(*) filter (where n.state = 'saved' and i.gold is not null), count(*) filter (where n.state = 'skipped'),
       median(n.seconds) filter (where n.state = 'saved'), max(n.saved_at)
from newest n join queue_items i on i.queue_id = $queue_id and i.number = n.number and i.removed_at is null
group by n.author order by n.author
"""


def labellers(cursor: DuckDBPyConnection, queue_id: UUID) -> list[Labeller]:
    """What each person did in a queue, by name."""
    return [Labeller(*row) for row in cursor.execute(_LABELLERS, {"queue_id": queue_id}).fetchall()]
