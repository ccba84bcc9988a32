"""The engine of a run: each item is asked of the target, so many times, and each answer is scored.

What was answered once stands in a journal, so that a run that was cut off asks nothing again. Outcomes come in the
order of the items and of the repeats, however the answers came in; memory does not grow with the items.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass

from evaluators.journal import Journal
from evaluators.ordered import AHEAD, AHEAD_LEAST, in_order
from evaluators.protocol import Evaluator
from evaluators.runner import awaited
from evaluators.scoring import REPEAT, begun
from evaluators.suites.items import Item
from evaluators.suites.suite import Use
from evaluators.targets.answer import Answer, Asking, Target, answered, seed_of
from evaluators.targets.asking import answer_of
from evaluators.targets.recorded import Recorded
from evaluators.verdict import Verdict, failed


@dataclass(frozen=True, slots=True)
class Scorer:
    """An evaluator as a suite uses it."""

    use: Use
    evaluator: Evaluator
    ruler: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item in one repeat."""

    item: Item
    repeat: int
    answer: Answer
    verdicts: tuple[Verdict, ...]  # one an evaluator, in the order of the suite
    trace_id: str | None  # 32 hex digits: of the trace that the target was asked to go on with
    kept: bool  # the answer stood in the journal: it was asked before


@dataclass(frozen=True, slots=True)
class Way:
    """How a run goes."""

    repeats: int = 1
    concurrency: int = 8  # answers asked for at once; the target sees to it where `bounded`
    bounded: bool = False
    judges: int = 32  # verdicts awaited at once; a judge bounds its own calls
    seed: int = 0
    traced: str | None = None  # what trace ids are made from, such as the run's id; null: the target is told none
    generation: str = ""  # answers of another generation are asked again


async def outcomes(
    items: Iterable[Item], target: Target, scorers: Sequence[Scorer], way: Way, journal: Journal | None = None
) -> AsyncGenerator[Outcome, None]:
    """An outcome for each item and repeat, in that order. Raises what reading the items raised."""
    engine = _Engine(target, scorers, way, journal)
    ahead = max(way.concurrency * AHEAD, AHEAD_LEAST)
    async with aclosing(in_order(_turns(items, way.repeats), engine.outcome, ahead)) as done:
        async for one in done:
            yield one


def _turns(items: Iterable[Item], repeats: int) -> Iterator[tuple[Item, int]]:
    for item in items:
        for repeat in range(repeats):
            yield item, repeat


class _Engine:
    def __init__(self, target: Target, scorers: Sequence[Scorer], way: Way, journal: Journal | None) -> None:
        self._target, self._scorers, self._way, self._journal = target, scorers, way, journal
        self._room: AbstractAsyncContextManager[None] = (
            nullcontext() if way.bounded else asyncio.Semaphore(way.concurrency)
        )
        self._judges = asyncio.Semaphore(way.judges)
        self._asks = not isinstance(target, Recorded)
        self._answers = journal if self._asks else None  # where nobody is asked there is nothing to remember

    async def outcome(self, turn: tuple[Item, int]) -> Outcome:
        item, repeat = turn
        REPEAT.set(repeat)  # each outcome is a task, with a context of its own
        traced = self._way.traced if self._asks else None
        trace_id = None if traced is None else _hex(16, traced, item.id, repeat)
        answer, kept = await self._answer(item, repeat, trace_id)
        return Outcome(item, repeat, answer, await self._verdicts(item, answer), trace_id, kept)

    async def _answer(self, item: Item, repeat: int, trace_id: str | None) -> tuple[Answer, bool]:
        parent = None if trace_id is None else f"00-{trace_id}-{_hex(8, trace_id, 'parent')}-01"
        asking = Asking(repeat, seed_of(self._way.seed, item.id, repeat), parent)
        generation = "" if self._target.pinned else self._way.generation
        return await answer_of(self._target, item.case, asking, self._room, self._answers, generation)

    async def _verdicts(self, item: Item, answer: Answer) -> tuple[Verdict, ...]:
        if answer.status == "error":
            lost = failed("no_answer", f"The target gave no answer: {answer.reason}")
            return (lost,) * len(self._scorers)
        case = answered(item.case, answer)
        # Evaluators that only compute hold up nobody's answers: targets are asked in an event loop of their own.
        said = [begun(one.evaluator, case) for one in self._scorers]
        asked = [
            awaited(one.evaluator, case, told, self._judges, self._journal)
            for one, told in zip(self._scorers, said, strict=True)
            if not isinstance(told, Verdict)
        ]
        answers = iter(await asyncio.gather(*asked) if asked else ())
        return tuple(told if isinstance(told, Verdict) else next(answers) for told in said)


def _hex(size: int, *parts: object) -> str:
    """So many bytes, as hex digits, that these parts alone decide."""
    text = json.dumps(parts, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
