"""The loop that delivers: what is due goes to the process that sends, what became of it goes to the store.

A delivery is written before it is tried and noted as sent after the receiver took it, so a kill at any moment makes it
be sent again with the same id, and loses none. The loop reads by the readers' pool and writes many outcomes at once, so
that it holds the writer for no more than a few milliseconds.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import cast
from uuid import UUID

from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from server.core import Core
from server.jobs import WRITE_S
from server.monitors.terms import Terms, length
from server.notify import telling
from server.notify.sender import Kind, Sender
from server.notify.vault import Secret, Vault, VaultError
from store import alerts, channels, deliveries
from store.alerts import Alert
from store.channels import Channel
from store.deliveries import Delivery, Tried, Try
from store.errors import QueryTimeoutError, StoreBusyError

LOG = logging.getLogger(__name__)

LOOK_S = 2.0  # between two looks for what is due, where nothing is
NOTE_S = 0.25  # outcomes are gathered so long: one write of many costs the writer hardly more than one of one
HOUSE_S = 15.0  # between two looks for what escalates, and for snoozes that are over
SLOTS = 16  # messages on their way at once
OF_FAILING = 8  # of them, to channels whose last try failed: these hold their place for up to ten seconds
OF_CHANNEL = 2
AHEAD = 20  # messages of a channel that are read at once
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=15)
REST_S, LONGEST_REST_S = 5.0, 300.0  # of a channel after one failure, and after many in a row
PASSING = (StoreBusyError, QueryTimeoutError)
NO_ADDRESS = "The address of the channel is not on this machine. Set the channel again."

Name = tuple[int, str]  # of a channel: project and name


@dataclass(slots=True)
class _Line:
    """What is known of one channel since the start, and what is on its way to it."""

    place: str = ""  # of its address: another one, and what is known is forgotten
    failures: int = 0  # in a row
    rests_until: float = 0.0  # monotonic clock
    on_way: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a message."""

    name: Name
    parts: Sequence[Delivery]
    attempt: Try


def backoff(tries: int, draw: float) -> timedelta:
    """From one try to the next: doubled each time, between half and the whole of it by `draw` in [0, 1).

    Drawn, so that what failed together does not come back together.
    """
    whole: timedelta = min(FIRST_RETRY * 2 ** min(tries, 20), LAST_RETRY)
    return whole * (0.5 + 0.5 * draw)


class Notifier:
    """Delivers, in a thread of its own."""

    def __init__(self, core: Core, sender: Sender | None = None) -> None:
        """Does nothing until `start`; `turn` works without it."""
        self._core = core
        self.vault = Vault(core.settings.data_dir)
        self.sender = sender or Sender(core.settings.data_dir, metadata=core.settings.notify_metadata_addresses)
        self._lines: dict[Name, _Line] = defaultdict(_Line)
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._kept: list[_Done] = []  # outcomes that are not written yet
        self._noted = self._housed = 0.0
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Write what is known and end; what is on its way is sent again after the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self.sender.close()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            rest = LOOK_S
            try:
                rest = self.turn(time.monotonic())
            except PASSING as error:
                LOG.info("deliveries wait: %s", error)
            except Exception:
                LOG.exception("a look for deliveries failed and is repeated")
            self._wake.wait(rest)
            self._wake.clear()
        self._write(0.0)

    def turn(self, now: float) -> float:
        """Send what is due, note what became of the rest; seconds until the next turn.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        if now - self._housed > HOUSE_S:
            self._keep_house()
            self._housed = now
        self._write(NOTE_S)
        sent = self._send(now)
        self.sender.tend()
        return NOTE_S if sent or self._on_way() or self._kept else LOOK_S

    # What is due.

    def _send(self, now: float) -> int:
        free = SLOTS - self._on_way()
        if free <= 0:
            return 0
        at = _utc()
        with self._core.readers.read() as con:
            due = deliveries.due(con, at, AHEAD)
            known = {(one.project_id, one.name): one for one in channels.channels(con)} if due else {}
        sent = 0
        for name, parts in self._in_turn(due, known, now):
            if sent >= free:
                break
            sent += self._begin(known.get(name), name, parts)
        return sent

    def _in_turn(
        self, due: Iterable[Delivery], known: dict[Name, Channel], now: float
    ) -> list[tuple[Name, list[Delivery]]]:
        """Messages that may go now, channels taking turns: those that work first."""
        by_channel: dict[Name, list[list[Delivery]]] = defaultdict(list)
        for (project, channel, _), found in groupby(due, lambda one: (one.project_id, one.channel, one.message_id)):
            by_channel[project, channel].append(list(found))
        turns: list[tuple[bool, int, int, Name, list[Delivery]]] = []
        failing = sum(len(line.on_way) for line in self._lines.values() if line.failures)
        for name, messages in by_channel.items():
            line = self._line(name, known.get(name))
            if line.rests_until > now:
                continue
            waiting = [parts for parts in messages if parts[0].message_id not in line.on_way]
            free = (1 if line.failures else OF_CHANNEL) - len(line.on_way)
            for place, parts in enumerate(waiting[: max(free, 0)]):
                turns.append((line.failures > 0, place, line.failures, name, parts))
        turns.sort(key=lambda turn: turn[:3])
        of_failing = max(OF_FAILING - failing, 0)
        working = [(name, parts) for fails, _, _, name, parts in turns if not fails]
        return working + [(name, parts) for fails, _, _, name, parts in turns if fails][:of_failing]

    def _line(self, name: Name, channel: Channel | None) -> _Line:
        line = self._lines[name]
        if channel is not None and line.place != channel.place:
            line.place, line.failures, line.rests_until = channel.place, 0, 0.0
        return line

    def _begin(self, channel: Channel | None, name: Name, parts: list[Delivery]) -> bool:
        if channel is None:  # it was deleted just now, which cancelled them
            return False
        self._lines[name].on_way.add(parts[0].message_id)
        secret = self._secret(channel)
        if isinstance(secret, str):
            self._hear(_Done(name, parts, Try(_utc(), 0.0, "failed", secret)))
            return True
        try:
            message = telling.composed(parts)
        except (ValueError, LookupError, TypeError):  # one row of another program must not hold up all others
            LOG.exception("a message cannot be read")
            self._hear(_Done(name, parts, Try(_utc(), 0.0, "failed", "The stored message cannot be read.")))
            return True
        told = partial(_Done, name, parts)
        self.sender.send(cast(Kind, channel.kind), secret, message, lambda attempt: self._hear(told(attempt)))
        return True

    def _secret(self, channel: Channel) -> Secret | str:
        """The address, or why there is none."""
        try:
            return self.vault.get(channel.place) or NO_ADDRESS
        except VaultError as error:
            return str(error)

    def _hear(self, done: _Done) -> None:
        """On any thread."""
        self._done.put(done)
        if done.attempt.outcome == "sent":
            self._wake.set()  # the channel is free for the next one

    def _on_way(self) -> int:
        return sum(len(line.on_way) for line in self._lines.values())

    # What became of it.

    def _write(self, within_s: float) -> None:
        while not self._done.empty():
            self._kept.append(self._done.get())
        now = time.monotonic()
        if not self._kept or now - self._noted < within_s:
            return
        done, self._noted = list(self._kept), now
        again = {one.name for one in done if one.attempt.outcome == "sent" and self._lines[one.name].failures}
        tried = [self._tried(one) for one in done]
        self._core.writer.call(partial(_note, tried=tried, again=again)).result(WRITE_S)
        self._kept = self._kept[len(done) :]
        for one in done:
            self._judge(one, now)

    @staticmethod
    def _tried(done: _Done) -> Tried:
        first, ended = done.parts[0], _utc()
        tries, give_up_at = max(one.tries for one in done.parts), max(one.give_up_at for one in done.parts)
        over = done.attempt.outcome == "sent" or (ended >= give_up_at and first.alert_id is not None)
        again = None if over else ended + backoff(tries, random.random())  # noqa: S311 - no secret
        return Tried(done.parts, done.attempt, again)

    def _judge(self, done: _Done, now: float) -> None:
        """Let a channel that fails rest, so that many waiting messages do not hammer it, nor hold the others up."""
        line = self._lines[done.name]
        line.on_way.discard(done.parts[0].message_id)
        if done.attempt.outcome == "sent":
            line.failures, line.rests_until = 0, 0.0
            return
        rest = min(REST_S * 2 ** min(line.failures, 20), LONGEST_REST_S)
        line.failures += 1
        line.rests_until = now + rest * (0.5 + 0.5 * random.random())  # noqa: S311 - no secret
        LOG.warning("channel %s of project %d: %s", done.name[1], done.name[0], done.attempt.detail)

    # What time brings.

    def _keep_house(self) -> None:
        at = _utc()
        with self._core.readers.read() as con:
            over = alerts.snoozes_over(con, at)
            late = [told for told, document, since in alerts.unacknowledged(con, at) if _is_late(document, since, at)]
        if over or late:
            base = telling.base_url(self._core.settings)
            work = partial(_bring, over=over, late=late, at=at, base=base)
            self._core.writer.call(work).result(WRITE_S)


def _utc() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _note(cursor: DuckDBPyConnection, tried: Sequence[Tried], again: Iterable[Name]) -> None:
    deliveries.note(cursor, tried)
    for project_id, channel in again:
        deliveries.hasten(cursor, project_id, channel, _utc())


def _is_late(document: str, since: datetime, now: datetime) -> bool:
    """Whether an alert fires for longer than its monitor allows; a snooze stops no clock, it only holds."""
    terms = terms_of(document)
    return terms is not None and terms.escalate_after is not None and since + length(terms.escalate_after) <= now


def terms_of(document: str) -> Terms | None:
    """What a stored monitor says; null: another program wrote it, and this one cannot read it."""
    try:
        return Terms.model_validate_json(document)
    except ValidationError:
        return None


def _bring(cursor: DuckDBPyConnection, over: Sequence[Alert], late: Sequence[Alert], at: datetime, base: str) -> None:
    """Note snoozes that are over and alerts that escalate, and have both told; what changed meanwhile is left out."""
    for told in over:
        alert = alerts.of_id(cursor, told.alert_id)
        if alert is not None and alert.snoozed_until == told.snoozed_until and alert.state != "resolved":
            alerts.unsnooze(cursor, alert, at, None)
            if alert.state == "firing":
                telling.queue(cursor, alert.project_id, alert, "unsnoozed", notify_of(cursor, alert), base)
    for told in late:
        alert = alerts.of_id(cursor, told.alert_id)
        if alert is not None and alert.state == "firing" and alert.escalated_at is None and not alert.snoozed(at):
            alerts.escalate(cursor, alert, at)
            telling.queue(cursor, alert.project_id, alert, "escalated", (), base)


def notify_of(cursor: DuckDBPyConnection, alert: Alert) -> Sequence[str]:
    """The channels that an alert's monitor names; none: it names none, or is gone."""
    row = cursor.execute("select document from monitors where monitor_id = ?", [alert.monitor_id]).fetchone()
    terms = None if row is None else terms_of(str(row[0]))
    return () if terms is None else terms.notify
