"""Many cases by several evaluators: in order, so many at once, in flat memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from dataclasses import dataclass

from evaluators.case import Case, Unreadable
from evaluators.protocol import Evaluator
from evaluators.scoring import begun, finished
from evaluators.verdict import Verdict

WINDOW = 4  # cases that are begun ahead of the one whose verdicts are due, in multiples of the concurrency


@dataclass(frozen=True, slots=True)
class Scored:
    """The verdict of one evaluator on one case."""

    case: Case | Unreadable
    evaluator: Evaluator
    verdict: Verdict


async def run(
    cases: Iterable[Case | Unreadable], evaluators: Sequence[Evaluator], concurrency: int = 8
) -> AsyncGenerator[Scored, None]:
    """Verdicts in the order of the cases, and of the evaluators within one; at most `concurrency` are awaited at once.

    Cases are taken from the iterable as they are needed: a list of any length costs no more memory than a short one.
    """
    room = asyncio.Semaphore(concurrency)
    waiting: deque[_Waiting] = deque()
    try:
        for case in cases:
            waiting.extend((case, evaluator, _begin(evaluator, case, room)) for evaluator in evaluators)
            while waiting and (_is_there(waiting[0]) or len(waiting) > concurrency * WINDOW):
                yield await _next(waiting)
        while waiting:
            yield await _next(waiting)
    finally:
        for _, _, said in waiting:
            if isinstance(said, asyncio.Task):
                said.cancel()


_Waiting = tuple[Case | Unreadable, Evaluator, Verdict | asyncio.Task[Verdict]]


def _is_there(one: _Waiting) -> bool:
    return isinstance(one[2], Verdict) or one[2].done()


async def _next(waiting: deque[_Waiting]) -> Scored:
    case, evaluator, said = waiting[0]
    verdict = said if isinstance(said, Verdict) else await said
    waiting.popleft()
    return Scored(case, evaluator, verdict)


def _begin(evaluator: Evaluator, case: Case | Unreadable, room: asyncio.Semaphore) -> Verdict | asyncio.Task[Verdict]:
    """The verdict at once where nobody is asked: a task would only cost time."""
    said = begun(evaluator, case)
    return said if isinstance(said, Verdict) else asyncio.create_task(_awaited(evaluator, said, room))


async def _awaited(evaluator: Evaluator, said: Awaitable[Verdict], room: asyncio.Semaphore) -> Verdict:
    async with room:
        return await finished(evaluator, said)
