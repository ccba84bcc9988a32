"""What was worked out of labels, kept as long as they stay as they are: a page waits for nothing that is known already.

Lines of all judges take a second with 100,000 labels. They are worked out beside the server, and told as they were
until the new ones are there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from server.aside import Desk
from server.core import Core
from server.judges.asking import Question
from server.judging import Files
from server.labelling import queues

Row = dict[str, Any]
State = tuple[object, ...]
MOST_CARDS = 64
_NOTHING: Row = {"heads": [], "trust": {}, "unmet": [], "computing": True, "as_of": None}
AGE_S = 5.0  # up to which new scores, which seldom are of what people labelled, make nobody work anew
SHARE = 20.0  # and as many times as long as it took

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    labels: State
    scored: int
    found: Row
    took_s: float
    at: float
    told_at: str

    def young(self) -> bool:
        return time.monotonic() - self.at < max(AGE_S, SHARE * self.took_s)


@dataclass(slots=True)
class Keeper:
    """Of one server. Its methods block: call them from threads."""

    _heads: dict[str, _Held] = field(default_factory=dict)
    _cards: OrderedDict[tuple[str, Question], _Held] = field(default_factory=OrderedDict)
    _working: dict[str, Future[None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def heads(self, core: Core, desk: Desk, project: str, wait_s: float) -> Row:
        """As `cards.heads`, with `computing` (whether newer ones are being worked out) and `as_of` (null: none yet).

        Args:
            core: the store.
            desk: where they are worked out.
            project: whose.
            wait_s: how long to wait for those of the newest labels; after it the ones before are told.

        Raises:
            Exception: what working them out raised, within the wait.
        """
        labels, scored = _state(core, project)
        held = self._heads.get(project)
        if held is not None and held.labels == labels and (held.scored == scored or (held.young() and wait_s < 1)):
            return _told(held, computing=False)
        until = time.monotonic() + wait_s
        while held is None or (held.labels, held.scored) != (labels, scored):
            work = self._begun(core, desk, project, labels, scored)
            try:
                work.result(max(until - time.monotonic(), 0))
            except TimeoutError:
                held = self._heads.get(project)
                return _NOTHING if held is None else _told(held, computing=True)
            before, held = held, self._heads.get(project)
            if held is not None and held is not before and time.monotonic() > until:
                break  # labels came meanwhile, and somebody else's work was waited for
        return _told(held, computing=False)

    def _begun(self, core: Core, desk: Desk, project: str, labels: State, scored: int) -> Future[None]:
        with self._lock:
            working = self._working.get(project)
            if working is not None:
                return working
            working = self._working[project] = Future()
        threading.Thread(
            target=self._work, args=(working, core, desk, project, labels, scored), name="judges", daemon=True
        ).start()
        return working

    def _work(  # noqa: PLR0917 - of one thread
        self, working: Future[None], core: Core, desk: Desk, project: str, labels: State, scored: int
    ) -> None:
        from server.judges import cards  # noqa: PLC0415 - a process beside works with it

        try:
            own = fields_of(core, project), Files.of(core.settings)
            found, took_s = _answered(core, desk, project, cards.heads, *own)
        except Exception as error:
            log.debug("judges of %s were not worked out", project, exc_info=True)
            self._working.pop(project)
            working.set_exception(error)
            return
        self._heads[project] = _held(labels, scored, found, took_s)
        self._working.pop(project)
        working.set_result(None)

    def card(self, core: Core, desk: Desk, project: str, question: Question) -> Row:
        """As `cards.card`. Raises NoCardError and what working it out raises."""
        from server.judges import cards  # noqa: PLC0415 - a process beside works with it

        labels, scored = _state(core, project)
        key = (project, question)
        with self._lock:
            held = self._cards.get(key)
        if held is not None and held.labels == labels and (held.scored == scored or held.young()):
            return held.found
        own = fields_of(core, project), Files.of(core.settings)
        found, took_s = _answered(core, desk, project, cards.card, question, *own)
        with self._lock:
            self._cards[key] = _held(labels, scored, found, took_s)
            self._cards.move_to_end(key)
            while len(self._cards) > MOST_CARDS:
                self._cards.popitem(last=False)
        return found


def _answered(core: Core, desk: Desk, project: str, work: Any, *arguments: object) -> tuple[Row, float]:
    began = time.monotonic()
    found: Row = orjson.loads(desk.answer(core.projects.id_of(project), work, *arguments))
    return found, time.monotonic() - began


def _held(labels: State, scored: int, found: Row, took_s: float) -> _Held:
    return _Held(labels, scored, found, took_s, time.monotonic(), datetime.now(UTC).isoformat())


def _told(held: _Held, *, computing: bool) -> Row:
    return held.found | {"computing": computing, "as_of": held.told_at}


def _state(core: Core, project: str) -> tuple[State, int]:
    """How far labels have come, with what queues say of them; and how far scores have."""
    row = core.run("judge_state", project, {}).table.to_pylist()[0]
    fields = tuple(sorted((name, *scores) for name, scores in fields_of(core, project).items()))
    return (row["labelled"], row["labels"], fields), int(row["scored"])


def fields_of(core: Core, project: str) -> dict[str, list[str]]:
    """Of the fields of all queues the scores that they are for, by the field's name (none: that of its own name)."""
    found: dict[str, list[str]] = {}
    for queue in queues.all_(core, project):
        for field_ in queues.terms_of(queue).fields:
            found.setdefault(field_.name, []).extend(field_.judges)
    return found
