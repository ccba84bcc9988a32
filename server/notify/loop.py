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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from server.core import Core
from server.jobs import WRITE_S
from server.monitors.terms import Terms, length, stored
from server.notify import telling
from server.notify.lines import AHEAD, Lines, Name, backoff
from server.notify.sender import Kind, Sender
from server.notify.vault import Secret, Vault, VaultError
from server.when import utc_now
from store import alerts, channels, deliveries
from store.alerts import Alert
from store.channels import Channel
from store.deliveries import Delivery, Tried, Try
from store.errors import QueryTimeoutError, StoreBusyError

LOG = logging.getLogger(__name__)

LOOK_S = 2.0  # between two looks for what is due, where nothing is
NOTE_S = 0.25  # outcomes are gathered so long: one write of many costs the writer hardly more than one of one
HOUSE_S = 15.0  # between two looks for what escalates, and for snoozes that are over
DRAIN_S = 1.0
PASSING = (StoreBusyError, QueryTimeoutError)
NO_ADDRESS = "The address of the channel is not on this machine. Set the channel again."


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a message."""

    name: Name
    parts: Sequence[Delivery]
    attempt: Try


class Notifier:
    """Delivers, in a thread of its own."""

    def __init__(self, core: Core, sender: Sender | None = None) -> None:
        """Does nothing until `start`; `turn` works without it. Null: a sender of its own, which ends with it."""
        self._core, self._own = core, sender is None
        self.vault = Vault(core.settings.data_dir)
        self.sender = sender or Sender(core.settings.data_dir, metadata=core.settings.notify_metadata_addresses)
        self._lines = Lines()
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._kept: list[_Done] = []  # outcomes that are not written yet
        self._again: set[Name] = set()  # channels that work again, of which that is not written yet
        self._noted = self._housed = self._looked = 0.0
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
        if self._own:
            self.sender.close()

    def wake(self) -> None:
        """Something was queued."""
        self._lines.hungry = True
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
        self._drain(time.monotonic() + DRAIN_S)

    def _drain(self, until: float) -> None:
        """Note what comes back by then, so that less is sent again after the next start."""
        self._land(time.monotonic())
        while self._lines.flying and (left := until - time.monotonic()) > 0:
            self._wake.wait(left)
            self._wake.clear()
            self._land(time.monotonic())
        self._write(0.0)

    def turn(self, now: float) -> float:
        """Send what is due, note what became of the rest; seconds until the next turn.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        if now - self._housed > HOUSE_S:
            self._keep_house()
            self._housed = now
        self._land(now)
        self._write(NOTE_S)
        if self._lines.hungry or now - self._looked > LOOK_S:
            self._look()
            self._looked = now
        while (turn := self._lines.take(now)) is not None:
            self._begin(*turn)
        self.sender.tend()
        return NOTE_S if self._lines.flying or self._kept else LOOK_S

    def _look(self) -> None:
        """What is due, twenty messages of each channel: among 10,000 that wait a look takes 24 ms of CPU."""
        with self._core.readers.read() as con:
            due = deliveries.due(con, utc_now(), AHEAD)
            known = {(one.project_id, one.name): one for one in channels.channels(con)} if due else {}
        self._lines.fill(due, known)

    def _begin(self, channel: Channel, parts: list[Delivery]) -> None:
        told = partial(_Done, (channel.project_id, channel.name), parts)
        secret = self._secret(channel)
        if isinstance(secret, str):
            self._done.put(told(Try(utc_now(), 0.0, "failed", secret)))
            return
        try:
            message = telling.composed(parts)
        except (ValueError, LookupError, TypeError):  # one row of another program must not hold up all others
            LOG.exception("a message cannot be read")
            self._done.put(told(Try(utc_now(), 0.0, "failed", "The stored message cannot be read.")))
            return
        self.sender.send(cast(Kind, channel.kind), secret, message, lambda attempt: self._hear(told(attempt)))

    def _secret(self, channel: Channel) -> Secret | str:
        """The address, or why there is none."""
        try:
            return self.vault.get(channel.place) or NO_ADDRESS
        except VaultError as error:
            return str(error)

    # What became of it.

    def _hear(self, done: _Done) -> None:
        """On another thread."""
        self._done.put(done)
        self._wake.set()  # its place is free for the next one

    def _land(self, now: float) -> None:
        while not self._done.empty():
            done = self._done.get()
            sent = done.attempt.outcome == "sent"
            if self._lines.landed(done.name, now, random.random(), sent=sent):  # noqa: S311 - no secret
                self._again.add(done.name)
            if not sent:
                LOG.warning("channel %s of project %d: %s", done.name[1], done.name[0], done.attempt.detail)
            self._kept.append(done)

    def _write(self, within_s: float) -> None:
        now = time.monotonic()
        if not self._kept or now - self._noted < within_s:
            return
        tried, again = [self._tried(one) for one in self._kept], frozenset(self._again)
        self._core.writer.call(partial(_note, tried=tried, again=again)).result(WRITE_S)
        self._lines.unnoted -= {one.parts[0].message_id for one in self._kept}
        self._lines.hungry = True  # what waited for one of them
        self._kept, self._again, self._noted = [], set(), now

    @staticmethod
    def _tried(done: _Done) -> Tried:
        first, ended = done.parts[0], utc_now()
        tries, give_up_at = max(one.tries for one in done.parts), max(one.give_up_at for one in done.parts)
        over = done.attempt.outcome == "sent" or (ended >= give_up_at and first.alert_id is not None)
        again = None if over else ended + backoff(tries, random.random())  # noqa: S311 - no secret
        return Tried(done.parts, done.attempt, again)

    # What time brings.

    def _keep_house(self) -> None:
        at = utc_now()
        with self._core.readers.read() as con:
            over = alerts.snoozes_over(con, at)
            late = [told for told, document, since in alerts.unacknowledged(con, at) if _is_late(document, since, at)]
        if over or late:
            base = telling.base_url(self._core.settings)
            work = partial(_bring, over=over, late=late, at=at, base=base)
            self._core.writer.call(work).result(WRITE_S)


def _note(cursor: DuckDBPyConnection, tried: Sequence[Tried], again: Iterable[Name]) -> None:
    deliveries.note(cursor, tried)
    for project_id, channel in again:
        deliveries.hasten(cursor, project_id, channel, utc_now())


def _is_late(document: str, since: datetime, now: datetime) -> bool:
    """Whether an alert fires for longer than its monitor allows; a snooze stops no clock, it only holds."""
    terms = terms_of(document)
    return terms is not None and terms.escalate_after is not None and since + length(terms.escalate_after) <= now


def terms_of(document: str) -> Terms | None:
    """What a stored monitor says; null: another program wrote it, and this one cannot read it."""
    try:
        return stored(document)
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
