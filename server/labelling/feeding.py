"""The loop that puts new traces into queues, as their feeds say.

As with standing rules, a look takes what went on between two commits and not since, and how far it looked is written in
the transaction that adds its items. So after a crash a look is repeated whole or not at all. What was an item once,
also one that somebody took out, is not put in again by a late span or another score. A closed queue takes nothing in,
and once it is open again it takes what comes from then on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection

from server import jobs
from server.aside import asking
from server.core import Core
from server.labelling import adding, feeds, queues, showing
from server.labelling.adding import NewItem
from server.labelling.showing import Target
from server.labelling.terms import Feed
from server.loops import PASSING, Loop
from server.quiet import Commits
from server.when import utc_now
from store import queue_feeds as store
from store import queues as store_queues
from store.queue_feeds import Looked, Position
from store.queues import Queue
from store.resolved import resolved_seq

LOG = logging.getLogger(__name__)
LOOK_S = 2.0  # between two looks
REST_FACTOR = 10.0  # times as long as a look took, so that all feeds take a tenth of a core at most
LONGEST_REST_S = 30.0
NOTE_S = 30.0  # looks that found nothing are written so often: repeated after a crash they find nothing again
FAULT_S = 30.0
KEPT = 5_000  # targets of a feed that were left out, in memory: after a start some may be counted again
NOTHING = "Nothing was recorded of it."


@dataclass(frozen=True, slots=True)
class Task:
    """A feed of a queue, and how far it is."""

    queue: Queue
    feed: Feed
    position: Position

    @property
    def key(self) -> tuple[UUID, str]:
        return self.position.queue_id, self.position.feed


class Feeding(Loop):
    """Looks, in a thread of its own."""

    def __init__(self, core: Core) -> None:
        """Does nothing until `start`; `turn` works without it."""
        super().__init__("queue-feeds", "a look of the queues' feeds", LOOK_S)
        self._core, self._seen = core, Commits()
        self._looked: dict[tuple[UUID, str], int] = {}  # how far, where that is not written yet
        self._waits: dict[tuple[UUID, str], float] = {}  # feeds that a fault is known of, and when they are tried again
        self._left: dict[tuple[UUID, str], dict[Target, None]] = {}  # the newest that were left out, not to count twice
        self._noted = time.monotonic()

    def take(self) -> bool:
        self.turn(time.monotonic())
        return False

    def rest(self, took_s: float, *, more: bool) -> float:  # noqa: ARG002 - a look leaves nothing
        return min(max(LOOK_S, REST_FACTOR * took_s), LONGEST_REST_S)

    def turn(self, now: float) -> int:
        """Look for all feeds; how many items were put in. `now` by the monotonic clock.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._core.readers.read() as con:
            resolved = resolved_seq(con)
            known, positions = store_queues.queues(con), store.positions(con)
        self._seen.remember(now, resolved)
        tasks = self._tasks(known, positions)
        write = now - self._noted > NOTE_S
        if write:
            self._noted = now
        return sum(self._safely(one, now, resolved, write=write) for one in tasks)

    def _tasks(self, known: Sequence[Queue], positions: dict[tuple[UUID, str], Position]) -> list[Task]:
        """Feeds whose position is known; one that is new gets its own, and what no queue has any more is forgotten."""
        told = {(queue.queue_id, feeds.key_of(feed)): (queue, feed) for queue, feed in _feeds(known)}
        gone = [one for key, one in positions.items() if key not in told]
        fresh = [key for key in told if key not in positions]
        if gone or fresh:
            self._core.writer.call(lambda cursor: _set(cursor, [(*key, told[key][0]) for key in fresh], gone)).result(
                jobs.WRITE_S
            )
        return [Task(*told[key], positions[key]) for key in told if key in positions]

    def _safely(self, task: Task, now: float, resolved: int, *, write: bool) -> int:
        """Look for one feed; what it cannot take is told of it, and keeps the others from nothing."""
        try:
            return self._look(task, now, resolved, write=write)
        except PASSING:
            raise
        except Exception as error:
            LOG.exception("a look of a feed of queue %s failed and is repeated", task.queue.name)
            return self._fault(task, now, f"{type(error).__name__}: {error}"[:1_000])

    def _look(self, task: Task, now: float, resolved: int, *, write: bool) -> int:
        after = max(task.position.looked_seq, self._looked.get(task.key, 0))
        upto = min(self._seen.before(now - feeds.quiet_s(task.feed)), resolved)
        if upto <= after or now < self._waits.get(task.key, 0):
            return 0
        if not task.queue.open:
            return self._nothing(task, upto, write=write)
        if (fault := feeds.fault(task.feed)) is not None:
            return self._fault(task, now, fault)
        with self._core.readers.read() as con:
            found = feeds.look(con, task.queue.project_id, task.feed, after, upto)
        if not found.targets:
            return self._nothing(task, found.upto, write=write)
        return self._put(task, found)

    def _nothing(self, task: Task, upto: int, *, write: bool) -> int:
        if write:
            told = Looked(upto, utc_now())
            self._core.writer.call(lambda cursor: store.note(cursor, task.position, told)).result(jobs.WRITE_S)
        self._looked[task.key] = upto
        return 0

    def _fault(self, task: Task, now: float, fault: str) -> int:
        LOG.error("a feed of queue %s cannot look: %s", task.queue.name, fault)
        self._waits[task.key] = now + FAULT_S
        self._core.writer.call(lambda cursor: store.fail(cursor, task.position, fault)).result(jobs.WRITE_S)
        return 0

    def _put(self, task: Task, found: feeds.Found) -> int:
        """Texts are read of what may still be put in that day, and no more."""
        now = utc_now()
        room = _room(task, now)
        fresh = self._unknown(task, found.targets)
        items = self._items(task, fresh if room is None else fresh[:room])
        left_out = 0 if room is None else max(len(fresh) - room, 0)
        rows = [adding.row_of(one) for one in items]

        def write(cursor: DuckDBPyConnection) -> int:
            if not store.note(cursor, task.position, Looked(found.upto, now, len(rows), left_out)):
                return 0
            adding.write(cursor, task.queue, rows, now, None)
            return len(rows)

        added = self._core.writer.call(write).result(jobs.WRITE_S)
        self._looked[task.key] = found.upto
        if room is not None:
            self._leave(task, fresh[room:])
        return added

    def _leave(self, task: Task, targets: Sequence[Target]) -> None:
        """A trace and its score may come with two looks; it is left out once."""
        known = self._left.setdefault(task.key, {})
        known |= dict.fromkeys(targets)
        for one in list(known)[:-KEPT]:
            del known[one]

    def _unknown(self, task: Task, targets: Sequence[Target]) -> list[Target]:
        """Those that never were items."""
        texts = (
            (adding.target_text(task.feed.unit, one.trace_id, one.span_id, one.session_id), one) for one in targets
        )
        named = {text: one for text, one in texts if text is not None}
        with self._core.readers.read() as con:
            known = store.ever(con, task.queue.queue_id, list(named))
        left = self._left.get(task.key, {})
        return [one for text, one in named.items() if text not in known and one not in left]

    def _items(self, task: Task, targets: Sequence[Target]) -> list[NewItem]:
        """What shows nothing is left out, as nobody could label it."""
        if not targets:
            return []
        with self._core.readers.read() as con:
            shown = showing.shown(asking(con, task.queue.project_id), targets)
        terms = queues.terms_of(task.queue)
        items = [_item(task.feed, one, shown[one]) for one in targets if one in shown]
        return [one for one in items if one.content.says and adding.refusal(one, terms) is None]


def _feeds(known: Sequence[Queue]) -> list[tuple[Queue, Feed]]:
    return [(queue, feed) for queue in known for feed in queues.terms_of(queue).feeds]


def _set(cursor: DuckDBPyConnection, fresh: Sequence[tuple[UUID, str, Queue]], gone: Sequence[Position]) -> None:
    store.forget(cursor, gone)
    for queue_id, feed, queue in fresh:
        store.begin(cursor, queue.project_id, queue_id, feed, store.before(cursor, queue.set_at), utc_now())


def _room(task: Task, now: datetime) -> int | None:
    """Items that may be put in today; null: any number."""
    if task.feed.per_day is None:
        return None
    return max(task.feed.per_day - task.position.added_on(now.date()), 0)


def _item(feed: Feed, target: Target, shown: showing.Shown) -> NewItem:
    return NewItem(
        content=shown.content, unit=feed.unit, trace_id=target.trace_id, span_id=target.span_id,
        session_id=target.session_id, priority=feed.priority, origin="feed", why=f"One of the {feeds.words(feed)}.",
        attributes={**shown.attributes, **feeds.attributes(feed)},
    )  # fmt: skip


def told(core: Core, queue: Queue) -> list[dict[str, Any]]:
    """The feeds of a queue: what each looks for, how far it is, what it put in, and a `sentence`."""
    with core.readers.read() as con:
        positions = store.positions(con, queue.queue_id)
    today = utc_now().date()
    found = []
    for feed in queues.terms_of(queue).feeds:
        one = positions.get((queue.queue_id, feeds.key_of(feed)))
        now = one is not None and one.day == today
        row = {
            "feed": feed.model_dump(mode="json"), "looks_for": feeds.words(feed), "per_day": feed.per_day,
            "looked_at": one.looked_at if one else None, "added_today": one.added if one and now else 0,
            "left_out_today": one.left_out if one and now else 0, "added": one.added_ever if one else 0,
            "left_out": one.left_out_ever if one else 0, "fault": one.fault if one else feeds.fault(feed),
        }  # fmt: skip
        found.append(row | {"sentence": _sentence(row, is_open=queue.open)})
    return found


def _sentence(row: dict[str, Any], *, is_open: bool) -> str:
    looks_for = str(row["looks_for"])
    head = f"{looks_for[:1].upper()}{looks_for[1:]}: {row['added_today']:,} put in today, {row['added']:,} in all."
    if row["fault"]:
        return f"{head} It cannot look: {row['fault']}"
    if not is_open:
        return f"{head} The queue is closed and takes nothing in."
    if row["left_out_today"]:
        return f"{head} {row['left_out_today']:,} more today were left out: {row['per_day']:,} a day are taken."
    return head
