"""The loop of monitors: looks of those that are due, then what is worked out of their false alarms, and tidying."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.aside import Aside
from server.core import Core
from server.jobs import WRITE_S
from server.jsontext import dumps
from server.loops import PASSING, Loop
from server.monitors import calibrating, deciding, streams
from server.monitors.calibrating import Wanted
from server.monitors.raising import Where
from server.monitors.rounds import Rounds, readable
from server.monitors.series import key
from server.monitors.terms import DAY, Drift, Terms
from server.notify import telling
from server.when import utc_now
from store import monitors as store
from store.monitors import Monitor
from store.readers import ReaderPool

LOG = logging.getLogger(__name__)

LOOK_S = 15.0  # between two turns
# A turn is followed by a rest as long as it took, so that any number of monitors take half of a core at most, at the
# lowest priority of all that the server starts.
LONGEST_REST_S = 60.0
NEW = 12  # monitors of one turn that look for the first time, or those of one slice: some seconds of both cores
NEW_REST = 3.0  # times as long as such a turn took is the rest after it: in it whoever sends waits for a core
IDLE_S = 120.0  # of the process
READ_S = 120.0  # of one answer: the first look of a monitor reads four weeks
PLACES = 8  # answers that wait for it: the loop, and looks that people ask for
NICENESS = 10
AGAIN = 7 * DAY  # until false alarms are worked out anew
OTHERWISE = 1.25  # times as many monitors, or as few: then they are worked out anew as well
CALIBRATED = 2  # monitors of one turn; one takes 0.3 to 2 s
TIDY = timedelta(hours=1)
FAULT = timedelta(hours=1)  # until false alarms that could not be worked out are tried again


def beside(core: Core) -> Aside:
    """The process that looks. It reads at a place of its own, so that it takes none of the pages'."""
    return Aside(ReaderPool(core.database, 1, READ_S), IDLE_S, PLACES, NICENESS)


class Monitoring(Loop):
    """Turns, in a thread of its own."""

    def __init__(self, core: Core, where: Where) -> None:
        """Does nothing until `start`; `turn` and `look` work without it.

        Args:
            core: the store.
            where: the process that looks.
        """
        super().__init__("monitors", "a round of monitors", LOOK_S)
        self._core, self._where = core, where
        self.rounds = Rounds(core, where, telling.base_url(core.settings))
        self._waits: dict[UUID, datetime] = {}  # monitors whose false alarms could not be worked out, until when
        self._tidied: datetime | None = None
        self._turn = threading.Lock()  # of one round at a time
        self._new_wait = False  # monitors that have yet to look for the first time

    def take(self) -> bool:
        return self.turn(utc_now())

    def rest(self, took_s: float, *, more: bool) -> float:
        if self._new_wait:
            return min(NEW_REST * took_s, LONGEST_REST_S)
        return min(took_s if more else max(LOOK_S, took_s), LONGEST_REST_S)

    def turn(self, now: datetime) -> bool:
        """Look for monitors that are due, of new ones a few, then work out false alarms of some; whether more waits.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._turn:
            self._new_wait = self.rounds.turn(now, NEW) > 0
        more = False if self._new_wait else self.calibrate(now, CALIBRATED)
        self._tidy(now)
        return more or self._new_wait

    def look(self, known: Monitor, now: datetime) -> None:
        """Look for one monitor now, whether or not it is due, or on."""
        with self._turn:
            self.rounds.of_project(known.project_id, now, only=known.monitor_id)

    def calibrate(self, now: datetime, most: int) -> bool:
        """Work out false alarms of monitors that lack them, or whose are old; whether more wait."""
        with self._core.readers.read() as cursor:
            every = store.monitors(cursor)
        read = [(one, terms) for one in every if one.enabled and (terms := readable(one)) is not None]
        wanted = [one for one in self._wanted(read, now) if self._waits.get(one[0].monitor_id, now) <= now]
        for known, monitors in wanted[:most]:
            self._calibrated(known, monitors, now)
        return len(wanted) > most

    def _wanted(self, read: Sequence[tuple[Monitor, Terms]], now: datetime) -> list[tuple[Monitor, int]]:
        counts = {
            project_id: len(deciding.family(one for one in read if one[0].project_id == project_id))
            for project_id in {one.project_id for one, _ in read}
        }
        return [
            (one, counts[one.project_id]) for one, terms in read
            if isinstance(terms.alert, Drift) and one.fitted is not None and _old(one, counts[one.project_id], now)
        ]  # fmt: skip

    def _calibrated(self, known: Monitor, monitors: int, now: datetime) -> None:
        wanted = Wanted(known.monitor_id.hex, known.document, known.fitted or "{}", monitors)
        try:
            (found,) = json.loads(self._where.answer(known.project_id, calibrating.calibrated, [wanted], now))
        except PASSING as error:
            LOG.info("false alarms of monitor %s wait: %s", known.name, error)
            self._waits[known.monitor_id] = now + FAULT
            return
        except Exception:
            LOG.exception("false alarms of monitor %s cannot be worked out", known.name)
            self._waits[known.monitor_id] = now + FAULT
            return
        text = dumps(found).decode()
        self._core.writer.call(lambda cursor: store.calibrate(cursor, known, text, now)).result(WRITE_S)

    def _tidy(self, now: datetime) -> None:
        if self._tidied is not None and now - self._tidied < TIDY:
            return
        with self._core.readers.read() as cursor:
            every = store.monitors(cursor)
        wanted: dict[int, list[str]] = {}
        for one in every:
            terms = readable(one)
            source = None if terms is None else streams.source(terms)
            wanted.setdefault(one.project_id, []).extend([] if source is None else [key(source)])
        if every:
            self._core.writer.call(lambda cursor: store.tidy(cursor, now, wanted)).result(WRITE_S)
        self._tidied = now


def _old(one: Monitor, monitors: int, now: datetime) -> bool:
    if one.calibration is None or one.calibrated_at is None or now - one.calibrated_at >= AGAIN:
        return True
    was = json.loads(one.calibration).get("monitors")
    return was is not None and not 1 / OTHERWISE <= monitors / was <= OTHERWISE
