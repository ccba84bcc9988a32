"""The engine of suites: in order, each answer asked for once, whatever is cut off and how long an answer takes."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.case import Case, Usage
from evaluators.journal import Journal
from evaluators.protocol import Card, ruler
from evaluators.suites.earlier import remember
from evaluators.suites.engine import Outcome, Scorer, Way, outcomes
from evaluators.suites.items import Item
from evaluators.suites.results import Digest, line_of, outcome_row
from evaluators.suites.suite import Use
from evaluators.targets.answer import Answer, Asking, no_answer
from evaluators.verdict import Verdict, verdict

CARD = Card("long", "1", "checks", "How long it is.", ("answer",))


@dataclass
class Long:
    """Computes."""

    card = CARD
    seen: list[str] = field(default_factory=list)

    def __call__(self, case: Case) -> Verdict:
        return verdict(min(1.0, len(case.answer or "") / 100), f"{len(case.answer or '')} letters.")


@dataclass
class Asked:
    """Asks somebody."""

    asked: Counter[str] = field(default_factory=Counter)
    card = replace(CARD, name="asked", cost="judge")

    async def __call__(self, case: Case) -> Verdict:
        await asyncio.sleep(0)
        self.asked[f"{case.id} {case.answer}"] += 1
        return verdict(0.5, "So so.")


@dataclass
class Echo:
    """A target that takes its time, says what it was asked, and sometimes fails."""

    ruler: str = "echo"
    pinned: bool = False
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    stop_after: int | None = None
    fails: frozenset[str] = frozenset()
    most: int = 0
    _now: int = 0

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        if self.stop_after is not None and sum(self.asked.values()) >= self.stop_after:
            raise KeyboardInterrupt
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(random.Random(f"{case.id} {asking.repeat}").random() / 500)
        self._now -= 1
        self.asked[str(case.id), asking.repeat] += 1
        if case.id in self.fails:
            return no_answer("http_status", "It answered 500.")
        return Answer(
            "ok", f"{case.question} {asking.repeat} {asking.seed}", usage=Usage(latency_ms=1.0, cost_usd=0.01)
        )

    async def aclose(self) -> None: ...


class Said(Echo):
    """Keeps nothing."""

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        await asyncio.sleep(0)
        return Answer("ok", f"{case.question} " * 20)


def items(count: int) -> Iterator[Item]:
    for place in range(count):
        yield Item(place, f"i{place}", f"c{place // 2}", Case(f"i{place}", question=f"Q{place}?"), f"{place:012x}", "")


def scorer(evaluator: Any, **told: Any) -> Scorer:
    return Scorer(Use.model_validate({"name": evaluator.card.name, **told}), evaluator, ruler(evaluator))


def run(count: int, target: Any, scorers: list[Scorer], way: Way, journal: Journal | None = None) -> list[Outcome]:
    async def work() -> list[Outcome]:
        async with aclosing(outcomes(items(count), target, scorers, way, journal)) as found:
            return [one async for one in found]

    return asyncio.run(work())


def test_outcomes_come_in_order_with_a_verdict_of_each() -> None:
    target = Echo()
    found = run(40, target, [scorer(Long()), scorer(Asked())], Way(repeats=3, concurrency=5))
    assert [(one.item.id, one.repeat) for one in found] == [(f"i{n}", r) for n in range(40) for r in range(3)]
    assert all([said.status for said in one.verdicts] == ["ok", "ok"] for one in found)
    assert target.most == 5
    assert len({one.answer.text for one in found}) == 120  # each repeat has a seed of its own


def test_an_answer_that_failed_is_scored_by_nobody() -> None:
    judge = Asked()
    (lost, _) = run(2, Echo(fails=frozenset({"i0"})), [scorer(judge)], Way())
    assert (lost.verdicts[0].status, lost.verdicts[0].error_type) == ("error", "no_answer")
    assert "It answered 500." in lost.verdicts[0].reason
    assert not any(name.startswith("i0 ") for name in judge.asked)


def test_what_was_cut_off_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    way = Way(repeats=3, concurrency=4, generation="g", traced="run")
    whole = [
        outcome_row(one, [scorer(Long()), scorer(Asked())])
        for one in run(20, Echo(), [scorer(Long()), scorer(Asked())], way)
    ]
    asked: Counter[tuple[str, int]] = Counter()
    judged: Counter[str] = Counter()
    rows: list[Any] = []
    for stop in (7, 11, 20, None):
        target, judge = Echo(stop_after=stop), Asked()
        journal = Journal(tmp_path / "journal.db")
        try:
            rows = [
                outcome_row(one, [scorer(Long()), scorer(judge)])
                for one in run(20, target, [scorer(Long()), scorer(judge)], way, journal)
            ]
        except KeyboardInterrupt:
            assert stop is not None
        journal.close()
        asked += target.asked
        judged += judge.asked
    assert rows == whole
    assert b"".join(map(line_of, rows)) == b"".join(map(line_of, whole))
    assert set(asked.values()) == {1}
    assert len(asked) == 60
    assert set(judged.values()) == {1}


def test_errors_are_asked_again_and_answers_kept(tmp_path: Path) -> None:
    way = Way(generation="g")
    journal = Journal(tmp_path / "journal.db")
    run(5, Echo(fails=frozenset({"i3"})), [scorer(Long())], way, journal)
    target = Echo()
    found = run(5, target, [scorer(Long())], way, journal)
    assert target.asked == {("i3", 0): 1}
    assert [one.kept for one in found] == [True, True, True, False, True]
    journal.close()


def test_another_generation_asks_anew_unless_the_target_is_pinned(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    for pinned, again in ((False, 3), (True, 0)):
        run(3, Echo(pinned=pinned), [], Way(generation="one"), journal)
        target = Echo(pinned=pinned)
        run(3, target, [], Way(generation="two"), journal)
        assert sum(target.asked.values()) == again
    journal.close()


def test_answers_of_other_generations_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    for generation in ("old", "new"):
        run(3, Echo(), [], Way(generation=generation), journal)
    run(3, Echo(ruler="pinned", pinned=True), [], Way(generation="old"), journal)
    journal.forget_others("new")
    for generation, pinned, again in (("old", False, 3), ("new", False, 0), ("x", True, 0)):
        target = Echo(ruler="pinned" if pinned else "echo", pinned=pinned)
        run(3, target, [], Way(generation=generation), journal)
        assert sum(target.asked.values()) == again
    journal.close()


def test_the_digest_leaves_out_what_is_measured_and_nothing_else() -> None:
    (one,) = run(1, Echo(), [scorer(Long())], Way(traced="a"))
    row = outcome_row(one, [scorer(Long())])
    digests = []
    for other in (row, {**row, "measured": {}}, {**row, "answer": "x"}):
        digest = Digest()
        digest.add(other)
        digests.append(digest.hex)
    assert digests[0] == digests[1] != digests[2]


def test_a_trace_of_its_own_for_each_answer() -> None:
    first, second = (run(3, Echo(), [], Way(repeats=2, traced=name)) for name in ("one", "two"))
    ids = [one.trace_id for one in (*first, *second)]
    assert len(set(ids)) == 12
    assert all(one is not None and len(one) == 32 for one in ids)


def test_memory_does_not_grow_with_the_items() -> None:
    async def work(count: int) -> int:
        tracemalloc.start()
        async with aclosing(outcomes(items(count), Echo(), [scorer(Long())], Way(concurrency=4))) as found:
            async for one in found:
                if one.item.place % 100 == 0:
                    gc.collect()  # asyncio leaves cycles, which are no growth
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    gc.freeze()  # what other tests left is not looked through each time
    try:
        asyncio.run(work(300))  # what loads once
        few, many = asyncio.run(work(300)), asyncio.run(work(900))
    finally:
        gc.unfreeze()
    assert many < few * 1.3


@pytest.mark.parametrize("text", ["\ud800", "\x00", "Ω" * 10, '"\\'])
def test_any_text_is_a_line_of_json(text: str) -> None:
    line = line_of({"answer": text})
    assert line.count(b"\n") == 1
    assert json.loads(line)["answer"] == text


def test_a_run_whose_journal_is_gone_is_gone_on_with_from_its_rows(tmp_path: Path) -> None:
    way, judge = Way(repeats=2, generation="g"), Asked()
    scorers = [scorer(Long()), scorer(judge)]
    rows = [outcome_row(one, scorers) for one in run(6, Echo(fails=frozenset({"i1"})), scorers, way)]
    rows[4] |= {"content": "something else"}
    told = {one.use.called: {"evaluator": one.use.name, "version": one.ruler} for one in scorers}
    lines = [*map(line_of, rows)]

    def again(manifest: dict[str, Any]) -> tuple[Echo, Asked, list[Any]]:
        target, asks = Echo(), Asked()
        mine = [scorer(Long()), scorer(asks)]
        journal = Journal(tmp_path / f"{len(list(tmp_path.iterdir()))}.db")
        remember(journal, manifest, lines, items(6), target, mine, way)
        found = [outcome_row(one, mine) for one in run(6, target, mine, way, journal)]
        journal.close()
        return target, asks, found

    target, asks, found = again({"target": {"ruler": "echo"}, "evaluators": told})
    assert set(target.asked) == {("i1", 0), ("i1", 1), ("i2", 0)}, "what failed, and what is asked otherwise by now"
    assert sum(asks.asked.values()) == 3
    assert [line_of(one) for one in found[5:]] == lines[5:]
    other = told | {"asked": {"evaluator": "asked", "version": "0"}}
    target, asks, _ = again({"target": {"ruler": "echo"}, "evaluators": other})
    assert (len(target.asked), sum(asks.asked.values())) == (3, 12), "another ruler says all again"
    assert len(again({"target": {"ruler": "another"}, "evaluators": told})[0].asked) == 12
