"""The engine of a run: each item is asked of the target, so many times, and each answer is scored.

What was answered once stands in a journal, so that a run that was cut off asks nothing again. Outcomes come in the
order of the items and of the repeats, however the answers came in; memory does not grow with the items.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

from evaluators.case import Case
from evaluators.journal import Journal
from evaluators.ordered import in_order
from evaluators.protocol import Evaluator
from evaluators.scoring import REPEAT, begun, finished, judged
from evaluators.suites.items import Item
from evaluators.suites.suite import Use
from evaluators.targets.answer import Answer, Asking, Target, answered, seed_of
from evaluators.targets.asking import answer_of
from evaluators.verdict import Verdict, failed

AHEAD = 16  # answers that are begun before the one that is due is there, in multiples of the concurrency
AHEAD_LEAST = 256


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
    concurrency: int = 8  # answers asked for at once
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
    try:
        async with aclosing(in_order(_turns(items, way.repeats), engine.outcome, ahead)) as done:
            async for one in done:
                yield one
    finally:
        engine.close()


def _turns(items: Iterable[Item], repeats: int) -> Iterator[tuple[Item, int]]:
    for item in items:
        for repeat in range(repeats):
            yield item, repeat


class _Engine:
    def __init__(self, target: Target, scorers: Sequence[Scorer], way: Way, journal: Journal | None) -> None:
        self._target, self._scorers, self._way, self._journal = target, scorers, way, journal
        self._room, self._judges = asyncio.Semaphore(way.concurrency), asyncio.Semaphore(way.judges)
        # Evaluators that only compute would hold up the answers that come in meanwhile, and the clock that times them.
        self._thread = ThreadPoolExecutor(1, "evaluators")
        self._waits = [inspect.iscoroutinefunction(type(one.evaluator).__call__) for one in scorers]

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def outcome(self, turn: tuple[Item, int]) -> Outcome:
        item, repeat = turn
        REPEAT.set(repeat)  # each outcome is a task, with a context of its own
        trace_id = None if self._way.traced is None else _hex(16, self._way.traced, item.id, repeat)
        answer, kept = await self._answer(item, repeat, trace_id)
        return Outcome(item, repeat, answer, await self._verdicts(item, answer), trace_id, kept)

    async def _answer(self, item: Item, repeat: int, trace_id: str | None) -> tuple[Answer, bool]:
        parent = None if trace_id is None else f"00-{trace_id}-{_hex(8, trace_id, 'parent')}-01"
        asking = Asking(repeat, seed_of(self._way.seed, item.id, repeat), parent)
        generation = "" if self._target.pinned else self._way.generation
        return await answer_of(self._target, item.case, asking, self._room, self._journal, generation)

    async def _verdicts(self, item: Item, answer: Answer) -> tuple[Verdict, ...]:
        if answer.status == "error":
            lost = failed("no_answer", f"The target gave no answer: {answer.reason}")
            return (lost,) * len(self._scorers)
        case = answered(item.case, answer)
        computed = [one.evaluator for one, waits in zip(self._scorers, self._waits, strict=True) if not waits]
        said = iter(await self._computed(case, computed) if computed else ())
        asked = [
            self._asked(case, one.evaluator) if waits else _ready(next(said))
            for one, waits in zip(self._scorers, self._waits, strict=True)
        ]
        return tuple(await asyncio.gather(*asked))

    async def _computed(self, case: Case, evaluators: Sequence[Evaluator]) -> list[Verdict]:
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        begun_ = await loop.run_in_executor(self._thread, context.run, lambda: [begun(one, case) for one in evaluators])
        return [
            said if isinstance(said, Verdict) else await finished(one, said)
            for one, said in zip(evaluators, begun_, strict=True)
        ]

    async def _asked(self, case: Case, evaluator: Evaluator) -> Verdict:
        """The verdict of one that asks somebody: from the journal, where it stands there."""
        if self._journal is None:
            async with self._judges:
                return await judged(evaluator, case)
        key = self._journal.key(case, evaluator, REPEAT.get())
        known = self._journal.get(key)
        if known is not None:
            return known
        async with self._judges:
            verdict = await judged(evaluator, case)
        self._journal.put(key, verdict)
        return verdict


async def _ready(verdict: Verdict) -> Verdict:
    return verdict


def _hex(size: int, *parts: object) -> str:
    """So many bytes, as hex digits, that these parts alone decide."""
    text = json.dumps(parts, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
