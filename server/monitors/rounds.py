"""One round: monitors that are due are looked at beside the server, decided together, and written in one transaction.

What was read is kept first, in a transaction of its own: it is the same whenever it is read again. Looks, states,
alerts and the messages of those are written together, so that a crash before it loses nothing and repeats nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from collectors.errors import UnavailableError
from server.core import Core
from server.jobs import WRITE_S
from server.loops import PASSING
from server.monitors import deciding, due, raising, reading, streams
from server.monitors.deciding import Decided, Watched
from server.monitors.past import past
from server.monitors.raising import Where
from server.monitors.reading import Task
from server.monitors.seen import Seen
from server.monitors.seen import read as read_seen
from server.monitors.seen import told as told_seen
from server.monitors.series import key
from server.monitors.terms import Drift, OfBudget, Terms, stored
from store import alerts, documents
from store import monitors as store
from store.alerts import Alert
from store.errors import QueryTimeoutError, StoreBusyError
from store.monitors import Monitor, Turn

LOG = logging.getLogger(__name__)
CHUNK = 60  # monitors that are read at once
FIRST = 12  # of these, whose streams are not kept yet
WRITTEN = 25  # monitors of one transaction: whoever sends waits for it
PIECE = timedelta(days=4)  # of a stream that takes too long to read at once
REMEMBERED = timedelta(days=200)  # of when monitors fired, which their references leave out


@dataclass(frozen=True, slots=True)
class Project:
    """What a round knows of a project."""

    project_id: int
    monitors: Sequence[tuple[Monitor, Terms]]  # all that can be read
    kept: Mapping[str, tuple[datetime, datetime]]
    told: Mapping[UUID, Alert]  # open alerts, by monitor
    fired: Mapping[UUID, Sequence[store.Episode]]  # when they fired, by monitor
    closed: Mapping[UUID, Alert]  # the last alert of monitors that fire and have none open
    budgets: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a round of one project came to."""

    new: int  # monitors that looked for the first time
    left: int  # that are to do so another time


@dataclass(slots=True)
class Rounds:
    """Rounds over a store. Its methods block."""

    core: Core
    where: Where
    base_url: str  # of the app, for links in messages

    def turn(self, now: datetime, new: int | None = None) -> int:
        """Look for all monitors that are due; how many were left for another turn.

        Args:
            now: the time of the looks.
            new: of monitors that never looked, how many do so at most, or a few more: the first look of each reads
                weeks. Null: all.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self.core.readers.read() as cursor:
            projects = store.due(cursor, now)
        left, most = 0, new
        for project in projects:
            done = self.of_project(project, now, new=most)
            left += done.left
            most = None if most is None else max(most - done.new, 0)
        return left

    def of_project(self, project_id: int, now: datetime, only: UUID | None = None, new: int | None = None) -> Done:
        """Look for a project's monitors that are due, or for one of them whether or not it is. `new`: see `turn`."""
        known = self.known(project_id, now)
        chosen = [
            (one, terms) for one, terms in known.monitors if (one.monitor_id == only if only else due.is_due(one, now))
        ]
        watched, idle, done = self._watched(known, chosen, now, new)
        among = deciding.family(known.monitors) | deciding.family(chosen, off=True)
        found = deciding.decided(watched, among, now)
        begun = [one for one in found if one.fired is not None and one.watched.monitor.monitor_id not in known.told]
        told = raising.explained(self.where, project_id, begun[: raising.EXPLAINED])
        for start in range(0, len(found), WRITTEN):
            self._write(known, found[start : start + WRITTEN], told, now)
        self._put_off(idle, now)
        self._explain_after(project_id, begun[raising.EXPLAINED : raising.EXPLAINED_AFTER], now)
        return done

    def known(self, project_id: int, now: datetime) -> Project:
        """What is known of a project, in one snapshot."""
        with self.core.readers.read() as cursor:
            every = store.monitors(cursor, project_id)
            told = alerts.open_of(cursor, project_id)
            budgets = documents.read(cursor, "budgets", project_id)
            fired: dict[UUID, list[store.Episode]] = {}
            for one in store.episodes(cursor, project_id, now - REMEMBERED):
                fired.setdefault(one.monitor_id, []).append(one)
            read = [(one, terms) for one in every if (terms := readable(one)) is not None]
            return Project(
                project_id, read, store.kept(cursor, project_id), told, fired, _closed(cursor, every, told),
                budgets.document if budgets else "",
            )  # fmt: skip

    # Looks.

    def _watched(
        self, known: Project, chosen: Sequence[tuple[Monitor, Terms]], now: datetime, new: int | None = None
    ) -> tuple[list[Watched], list[tuple[Monitor, Terms]], Done]:
        """What the monitors saw; those for which there was nothing new to look at; and how many were left."""
        tasks = {one.monitor_id: task_of(known, one, terms, now) for one, terms in chosen}
        idle = [(one, terms) for one, terms in chosen if not tasks[one.monitor_id].ends]
        busy = {one.monitor_id: (one, terms) for one, terms in chosen if tasks[one.monitor_id].ends}
        results: dict[UUID, Any] = {}
        taken, done = _taken(chunks([tasks[monitor_id] for monitor_id in busy], busy), busy, new)
        for chunk in taken:
            results |= self._looked(known.project_id, chunk)
        watched = [Told(one, terms, results[key]).watched() for key, (one, terms) in busy.items() if key in results]
        return watched, idle, done

    def _looked(self, project_id: int, chunk: Sequence[Task]) -> dict[UUID, Any]:
        """The results of a chunk, by monitor; halved where it takes too long or one of it cannot be read."""
        try:
            found = json.loads(self.where.answer(project_id, reading.looked, list(chunk)))
        except (StoreBusyError, UnavailableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever one monitor's look raises, the others' go on
            if len(chunk) == 1:
                piecewise = chunk[0].kept is None and isinstance(error, QueryTimeoutError)
                return self._in_pieces(project_id, chunk[0]) if piecewise else _lost(chunk[0], error)
            half = len(chunk) // 2
            return self._looked(project_id, chunk[:half]) | self._looked(project_id, chunk[half:])
        self._keep(project_id, found["buckets"])
        return {UUID(one["monitor_id"]): one for one in found["results"]}

    def _in_pieces(self, project_id: int, task: Task) -> dict[UUID, Any]:
        """The result of a task whose stream takes too long to read at once: each piece is kept before the next."""
        need = reading.needed(task)
        if need is None:
            return _lost(task, QueryTimeoutError("Its samples take too long to read. Narrow its filters."))
        since, bucket = need[0], stored(task.document).bucket
        while since < need[1]:
            until = min(since + PIECE, need[1])
            try:
                said = self.where.answer(project_id, reading.filled, task, since, until)
            except QueryTimeoutError as error:
                return _lost(task, error)
            self._keep(project_id, json.loads(said))
            since = until
        return self._looked(project_id, [replace(task, kept=(need[0], need[1] - bucket))])

    def _keep(self, project_id: int, told: Sequence[Mapping[str, Any]]) -> None:
        buckets = streams.tabled(reading.buckets_of(told))
        self.core.writer.call(lambda cursor: store.keep(cursor, project_id, buckets)).result(WRITE_S)

    # Alerts.

    def _explain_after(self, project_id: int, new: Sequence[Decided], now: datetime) -> None:
        """Of many that begin at once, what explains those that were told without: nobody waits for it."""
        told = raising.explained(self.where, project_id, new)
        if told:
            self.core.writer.call(lambda cursor: raising.explain_after(cursor, project_id, told, now)).result(WRITE_S)

    def _write(
        self, known: Project, found: Sequence[Decided], told: Mapping[UUID, raising.Explained], now: datetime
    ) -> None:
        turns = {one.watched.monitor.monitor_id: turned(one, now) for one in found}

        def work(cursor: DuckDBPyConnection) -> None:
            written = store.note(cursor, list(turns.values()))
            held = alerts.open_of(cursor, known.project_id)
            these = [one for one in found if one.watched.monitor.monitor_id in written]
            raising.raise_(cursor, known.project_id, these, held, told, now, self.base_url)

        self.core.writer.call(work).result(WRITE_S)

    def _put_off(self, idle: Iterable[tuple[Monitor, Terms]], now: datetime) -> None:
        """Of monitors that have nothing new to look at, when they look next."""
        turns = [
            Turn(
                one, one.state, one.state_since, one.why, one.looked_until,
                due.following(one.looked_until, terms, now), one.recent, one.p, None, None, (),
            )
            for one, terms in idle
        ]  # fmt: skip
        if turns:
            self.core.writer.call(lambda cursor: store.note(cursor, turns)).result(WRITE_S)


def _closed(cursor: DuckDBPyConnection, every: Iterable[Monitor], told: Mapping[UUID, Alert]) -> dict[UUID, Alert]:
    found: dict[UUID, Alert] = {}
    for one in every:
        if one.state == "firing" and one.monitor_id not in told:
            last = alerts.listed(cursor, one.project_id, "resolved", one.name, limit=1).alerts
            found |= {each.monitor_id: each for each in last}
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """A monitor with what the process said of it."""

    monitor: Monitor
    terms: Terms
    result: Mapping[str, Any]

    def watched(self) -> Watched:
        looks = [read_seen(row) for row in self.result["looks"]]
        return Watched(
            self.monitor, self.terms, looks, self.result["alpha"], self.result["min_effect"],
            self.result["fitted"], self.result["reference"],
        )  # fmt: skip


def readable(one: Monitor) -> Terms | None:
    """What a stored monitor says; null: another program wrote it, and this one cannot read it."""
    try:
        return stored(one.document)
    except ValidationError as error:
        LOG.warning("monitor %s of project %d cannot be read: %s", one.name, one.project_id, error)
        return None


def task_of(known: Project, one: Monitor, terms: Terms, now: datetime) -> Task:
    """What the process is to do for a monitor."""
    source = streams.source(terms)
    held = json.loads(one.fitted) if one.fitted else {}
    calibration = json.loads(one.calibration) if one.calibration else {}
    chosen = due.ends(one, terms, now)
    until = datetime.fromisoformat(held["until"]) if "until" in held else None
    refit = bool(chosen) and due.may_refit(terms, until, chosen[0], told=one.monitor_id in known.told)
    asked = isinstance(terms.alert, Drift) and terms.alert.per_month is not None
    fired, closed = known.fired.get(one.monitor_id, ()), known.closed.get(one.monitor_id)
    before = past(one, terms, fired, closed, held, now)
    return Task(
        one.monitor_id.hex, one.document, chosen, one.fitted, refit, calibration.get("alpha") if asked else None,
        calibration.get("limit"), known.kept.get(key(source)) if source else None,
        before.left_out, before.norm, known.budgets if isinstance(terms.alert, OfBudget) else None,
    )  # fmt: skip


def chunks(tasks: Sequence[Task], busy: Mapping[UUID, tuple[Monitor, Terms]]) -> list[list[Task]]:
    """Tasks that are read at once: those of one slice together, as they share queries; first readings fewer at once."""

    def slice_of(task: Task) -> tuple[str, str, str]:
        terms = busy[UUID(task.monitor_id)][1]
        return terms.window, terms.every, json.dumps(terms.where, sort_keys=True, default=str)

    found: list[list[Task]] = []
    for group, most in (
        ([one for one in tasks if one.kept is not None], CHUNK),
        ([one for one in tasks if one.kept is None], FIRST),
    ):
        found += _filled([list(own) for _, own in groupby(sorted(group, key=slice_of), slice_of)], most)
    return found


def _taken(
    chunked: Sequence[list[Task]], busy: Mapping[UUID, tuple[Monitor, Terms]], new: int | None
) -> tuple[list[list[Task]], Done]:
    """The chunks that are read in this turn: of those with monitors that never looked, until there are so many."""
    taken: list[list[Task]] = []
    begun = left = 0
    for chunk in chunked:
        own = sum(busy[UUID(task.monitor_id)][0].looked_until is None for task in chunk)
        if own and new is not None and begun >= new:
            left += own
            chunk = [task for task in chunk if busy[UUID(task.monitor_id)][0].looked_until is not None]  # noqa: PLW2901
        else:
            begun += own
        taken += [chunk] if chunk else []
    return taken, Done(begun, left)


def _filled(slices: Sequence[list[Task]], most: int) -> list[list[Task]]:
    """Chunks of whole slices, of so many tasks where one slice has no more."""
    found: list[list[Task]] = []
    for own in slices:
        if not found or len(found[-1]) + len(own) > most:
            found.append([])
        found[-1] += own
    return [one[start : start + 2 * most] for one in found for start in range(0, len(one), 2 * most)]


def _lost(task: Task, error: Exception) -> dict[UUID, Any]:
    return {UUID(task.monitor_id): failed(task, error)}


def failed(task: Task, error: Exception) -> dict[str, Any]:
    """A look that could not be made is no verdict."""
    LOG.warning("monitor %s cannot be looked at: %s", task.monitor_id, error, exc_info=not isinstance(error, PASSING))
    why = f"The look failed: {error}"
    looks = [told_seen(Seen(end, why=why[:1_000])) for end in task.ends[-1:]]
    return {
        "monitor_id": task.monitor_id, "looks": looks, "alpha": None, "min_effect": None, "fitted": None,
        "reference": None,
    }  # fmt: skip


def turned(one: Decided, now: datetime) -> Turn:
    """As the store writes it."""
    watched = one.watched
    until = max((look.ended_at for look in one.looks), default=watched.monitor.looked_until)
    return Turn(
        watched.monitor, one.state, one.state_since, one.why, until, due.following(until, watched.terms, now),
        one.recent, one.p, watched.fitted, watched.reference, one.looks,
    )  # fmt: skip
