"""Whatever people do, in any order: never more labels than an item needs, never two by one person, none lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from made_queues import made_queue

from server.core import Core
from server.labelling import saving, taking
from server.labelling.refusals import LabelledError, PlaceTakenError
from server.labelling.saving import Saying
from store import labels as store

PEOPLE = ("ann", "bob", "cy", "dan")
ITEMS, GOLD, NEEDED, MINUTES = 3, 1, 2, 10
people, numbers, answers = st.sampled_from(PEOPLE), st.integers(1, ITEMS), st.sampled_from(["yes", "no"])


class Labelling(RuleBasedStateMachine):
    """People over one queue of two items that need two labels each, and a gold one."""

    core: Core

    def __init__(self) -> None:
        """A queue of its own, and what is known of it besides."""
        super().__init__()
        self.queue = made_queue(self.core, ITEMS, GOLD, labels=NEEDED, lease_minutes=MINUTES, gold_share=0.3)
        self.now = datetime(2026, 1, 1)  # noqa: DTZ001 - UTC without a zone
        self.leases: dict[tuple[int, str], datetime] = {}
        self.saved: dict[tuple[int, str], str] = {}
        self.skipped: set[tuple[int, str]] = set()
        self.told: list[tuple[UUID, Saying, int]] = []  # each that was kept, with its edit
        self.rows = 0

    @rule(minutes=st.integers(1, 2 * MINUTES))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(who=people, most=st.integers(1, 3))
    def take(self, who: str, most: int) -> None:
        self.tick()
        had = self.live(who)
        got = taking.take(self.core, self.queue, who, most, self.now)
        held = {one.number for one in got.leases}
        assert len(held) == len(got.leases) <= most
        assert held <= had or had <= held, "what somebody has comes first"
        for number in held - had:
            assert (number, who) not in self.saved
            assert (number, who) not in self.skipped
            assert self.is_gold(number) or len(self.others(number, who)) < NEEDED
        self.leases |= {(one.number, who): one.expires_at for one in got.leases}
        if not held:
            assert got.why_none in {"done", "all taken"}
            assert not [number for number in range(1, ITEMS - GOLD + 1) if self.could(number, who)]

    @rule(who=people, number=numbers, answer=answers)
    def save(self, who: str, number: int, answer: str) -> None:
        self.tick()
        saying = Saying(uuid4(), who, number, {"correct": answer}, 1)
        labelled, live = (number, who) in self.saved, number in self.live(who)
        saved = {by for one, by in self.saved if one == number and by != who}
        others = saved if live else self.others(number, who)
        fits = labelled or self.is_gold(number) or len(others) < NEEDED
        try:
            kept = saving.save(self.core, self.queue, saying, self.now)
        except PlaceTakenError:
            assert not fits
            return
        assert fits
        assert kept.first is not labelled
        self.rows += 1
        self.told.append((saying.label_id, saying, kept.edit))
        self.saved[number, who] = answer
        self.skipped.discard((number, who))
        self.leases.pop((number, who), None)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: Any) -> None:
        """A sender that got no answer sends again."""
        _, saying, edit = data.draw(st.sampled_from(self.told))
        self.tick()
        assert saving.save(self.core, self.queue, saying, self.now).edit == edit

    @rule(who=people, number=numbers)
    def skip(self, who: str, number: int) -> None:
        self.tick()
        try:
            saving.skip(self.core, self.queue, uuid4(), who, number, "", self.now)
        except LabelledError:
            assert (number, who) in self.saved
            return
        assert (number, who) not in self.saved
        self.rows += 1
        self.skipped.add((number, who))
        self.leases.pop((number, who), None)

    @rule(who=people)
    def undo(self, who: str) -> None:
        self.tick()
        done = saving.undo(self.core, self.queue, who, self.now)
        mine = {number for number, by in (*self.saved, *self.skipped) if by == who}
        assert (done is not None) is bool(mine)
        if done is None:
            return
        number = done.label.number
        self.rows += 1
        self.saved.pop((number, who), None)
        self.skipped.discard((number, who))
        self.leases[number, who] = done.leases[0].expires_at

    @rule(who=people)
    def release(self, who: str) -> None:
        got = [one for one in self.core_leases(who) if one.number in self.live(who)]
        numbers_ = taking.release(self.core, self.queue, who, [one.lease_id for one in got])
        for number in numbers_:
            self.leases.pop((number, who), None)

    @invariant()
    def nothing_is_lost_and_nothing_is_too_many(self) -> None:
        with self.core.readers.read() as cursor:
            current = store.current(cursor, self.queue.queue_id).to_pylist()
            rows = store.of_items(cursor, self.queue.queue_id, range(1, ITEMS + 1))
        found = {(one["number"], one["author"]): one["answers"] for one in current}
        assert len(found) == len(current), "one label a person and item"
        assert {key: f'{{"correct": "{answer}"}}' for key, answer in self.saved.items()} == found
        assert len(rows) == self.rows
        assert len({(one.number, one.author, one.edit) for one in rows}) == len(rows)
        for number in range(1, ITEMS - GOLD + 1):
            assert sum(one == number for one, _ in found) <= NEEDED

    def tick(self) -> None:
        self.now += timedelta(seconds=1)

    def is_gold(self, number: int) -> bool:
        return number > ITEMS - GOLD

    def live(self, who: str) -> set[int]:
        return {number for (number, by), until in self.leases.items() if by == who and until > self.now}

    def core_leases(self, who: str) -> list[Any]:
        from store import queue_items  # noqa: PLC0415

        with self.core.readers.read() as cursor:
            return queue_items.leases(cursor, self.queue.queue_id, [], who, self.now)

    def others(self, number: int, who: str) -> set[str]:
        holding = {by for (one, by), until in self.leases.items() if one == number and until > self.now}
        return ({by for one, by in self.saved if one == number} | holding) - {who}

    def could(self, number: int, who: str) -> bool:
        fresh = (number, who) not in self.saved and (number, who) not in self.skipped
        skips = {by for one, by in self.skipped if one == number}
        out = len(skips) >= 3 and not any(one == number for one, _ in self.saved)
        return fresh and not out and len(self.others(number, who)) < NEEDED


@pytest.mark.usefixtures("core")
def test_labelling_in_any_order(core: Core) -> None:
    machine = type("OverStore", (Labelling,), {"core": core})
    quick = settings(
        max_examples=4, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.generate],  # making a failure shorter takes minutes: each step is a commit
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=quick)
