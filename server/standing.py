"""The loop that looks for what standing rules have to score: traces that are resolved and over, in parts for workers.

A trace is over when its newest span came with a commit that is older than the rule's quiet time. So a look takes the
traces whose newest span came between two commits, and each version of a trace is looked at once: a late span gives it a
newer one. How far a rule has looked is written with the parts, in one transaction.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from uuid import UUID

from duckdb import DuckDBPyConnection

from evaluators.errors import EvaluatorError
from server import rules
from server.core import Core
from server.jobs import PART_SIZE, WRITE_S
from server.loops import Loop
from server.quiet import Commits
from store import rules as store
from store.errors import UnknownQueryError
from store.resolved import resolved_seq
from store.rules import Look, Rule

LOG = logging.getLogger(__name__)

LOOK_S = 2.0  # between two looks
# A look is followed by a rest this many times as long, so that any number of rules take a tenth of a core at most. One
# rule's look takes 9 ms of CPU at 2 million spans, by a score 75 ms, and 2 ms where no commit came.
REST_FACTOR = 10.0
LONGEST_REST_S = 8.0
NOTE_S = 30.0  # looks that found nothing are written so often: repeated after a crash they find nothing again
TIDY_S = 300.0
FAULT_S = 30.0  # after a fault of one rule
# Closed parts, for the queue. Whoever takes a part looks among all that there are: 55 ms on the writer's thread among
# the 50,000 that a day of ten targets a second makes.
KEPT = timedelta(hours=1)
HUNGRY = 10  # parts of a backfill below which more are made


class Standing(Loop):
    """Looks, in a thread of its own."""

    def __init__(self, core: Core) -> None:
        """Does nothing until `start`; `turn` works without it."""
        super().__init__("standing-rules", "a look of the standing rules", LOOK_S)
        self._core = core
        self._seen = Commits()
        self._looked: dict[tuple[UUID, int], int] = {}  # rule and version -> how far, where that is not written yet
        self._waits: dict[tuple[UUID, int], float] = {}  # rules that a fault is known of, and when they are tried again
        self._noted = self._tidied = time.monotonic()

    def take(self) -> bool:
        self.turn(time.monotonic())
        return False

    def rest(self, took_s: float, *, more: bool) -> float:  # noqa: ARG002 - a look leaves nothing
        return min(max(LOOK_S, REST_FACTOR * took_s), LONGEST_REST_S)

    def turn(self, now: float) -> None:
        """Look for all rules, feed backfills, tidy.

        Raises:
            StoreBusyError, QueryTimeoutError: nothing is lost, try again.
        """
        with self._core.readers.read() as con:
            resolved = resolved_seq(con)
            known = store.rules(con)
            looks = [look for rule in known if rule.enabled and (look := self._look(con, rule, now, resolved))]
            hungry = store.hungry_backfills(con, HUNGRY) if known else []
        self._seen.remember(now, resolved)
        self._note(looks, now)
        for backfill in hungry:
            self._feed(backfill, now)
        if known and now - self._tidied > TIDY_S:
            self._core.writer.call(lambda cursor: store.tidy(cursor, KEPT)).result(WRITE_S)
            self._tidied = now

    def _look(self, con: DuckDBPyConnection, rule: Rule, now: float, resolved: int) -> Look | None:
        """What is new and over for a rule; null: nothing has come since the last look."""
        key = rule.rule_id, rule.version
        after = max(rule.looked_seq, self._looked.get(key, 0))
        terms = rules.terms_of(rule)
        upto = min(self._seen.before(now - terms.quiet), resolved)
        if upto <= after or now < self._waits.get(key, 0):
            return None
        try:
            found = rules.look(con, rule, terms, after, upto)
        except (UnknownQueryError, ValueError) as error:  # set by another program
            self._fault(rule, now, error)
            return None
        return Look(rule, found.upto, found.targets)

    def _fault(self, rule: Rule, now: float, error: Exception) -> None:
        LOG.error("rule %s of project %d cannot be carried out: %s", rule.name, rule.project_id, error)
        self._waits[rule.rule_id, rule.version] = now + FAULT_S

    def _note(self, looks: list[Look], now: float) -> None:
        if any(look.targets for look in looks) or (looks and now - self._noted > NOTE_S):
            self._core.writer.call(lambda cursor: store.note_looks(cursor, looks, PART_SIZE)).result(WRITE_S)
            self._noted = now
        for look in looks:
            self._looked[look.rule.rule_id, look.rule.version] = look.upto

    def _feed(self, backfill: store.Backfill, now: float) -> None:
        key = backfill.rule.rule_id, backfill.rule.version
        if now < self._waits.get(key, 0):
            return
        terms = rules.terms_of(backfill.rule)
        try:
            known = rules.rulers(rules.checked(self._core, terms))
            with self._core.readers.read() as con:
                found = rules.stored(con, backfill, terms, known)
        except (EvaluatorError, rules.RuleError) as error:  # what it names is gone
            self._fault(backfill.rule, now, error)
            return
        self._core.writer.call(
            lambda cursor: store.feed(cursor, backfill, found.targets, found.last, PART_SIZE)
        ).result(WRITE_S)
