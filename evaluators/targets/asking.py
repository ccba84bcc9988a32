"""Many items asked of a target: in order, so many at once, in flat memory, and not twice what was answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

from evaluators.case import Case, Unreadable
from evaluators.errors import EvaluatorError
from evaluators.journal import Journal
from evaluators.ordered import AHEAD, in_order
from evaluators.targets.answer import Answer, Asking, Target, no_answer, seed_of


@dataclass(frozen=True, slots=True)
class Asked:
    """What the target said to one item in one repeat."""

    case: Case | Unreadable
    place: int  # of the item, from 0
    repeat: int
    answer: Answer


async def answers(
    cases: Iterable[Case | Unreadable] | AsyncIterator[Case | Unreadable],
    target: Target,
    concurrency: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    journal: Journal | None = None,
) -> AsyncGenerator[Asked, None]:
    """Answers in the order of the items, and of the repeats within one.

    At most `concurrency` are awaited at once. Items are taken as they are needed. Answers of the journal are not asked
    for again; errors are not kept there. The seed of each asking comes from `seed`, the item's id (else its place) and
    the repeat.

    Raises:
        EvaluatorError: the target cannot be asked at all.
    """
    room = asyncio.Semaphore(concurrency)

    async def ask(one: tuple[int, Case | Unreadable, int]) -> Asked:
        place, case, repeat = one
        if isinstance(case, Unreadable):
            return Asked(case, place, repeat, no_answer("unreadable", case.reason))
        asking = Asking(repeat, seed_of(seed, place if case.id is None else case.id, repeat))
        return Asked(case, place, repeat, (await answer_of(target, case, asking, room, journal))[0])

    async with aclosing(in_order(_each(cases, repeats), ask, concurrency * AHEAD)) as asked:
        async for one in asked:
            yield one


async def _each(
    cases: Iterable[Case | Unreadable] | AsyncIterator[Case | Unreadable], repeats: int
) -> AsyncGenerator[tuple[int, Case | Unreadable, int], None]:
    place = 0
    if isinstance(cases, AsyncIterator):
        async for case in cases:
            for repeat in range(repeats):
                yield place, case, repeat
            place += 1
        return
    for case in cases:
        for repeat in range(repeats):
            yield place, case, repeat
        place += 1


async def answer_of(  # noqa: PLR0917 - all of them are needed
    target: Target,
    case: Case,
    asking: Asking,
    room: AbstractAsyncContextManager[None],
    journal: Journal | None,
    generation: str = "",
) -> tuple[Answer, bool]:
    """The answer, and whether it stood in the journal; else it is asked for once there is room.

    Generation "": an answer of the journal counts for as long as the target has the same ruler.

    Raises:
        EvaluatorError: the target cannot be asked at all.
    """
    if journal is None:
        async with room:
            return await asked(target, case, asking), False
    key = journal.answer_key(generation, target.ruler, asking.seed, asking.repeat, case)
    kept = journal.answer(key)
    if kept is not None:
        return kept, True
    async with room:
        answer = await asked(target, case, asking)
    journal.keep_answer(key, answer)
    return answer, False


async def asked(target: Target, case: Case, asking: Asking) -> Answer:
    """The answer of any target; what it raises is an answer too. Raises EvaluatorError: it cannot be asked at all."""
    try:
        return await target(case, asking)
    except EvaluatorError:
        raise
    except Exception as error:  # noqa: BLE001 - a target may be anybody's
        return no_answer(type(error).__name__, f"The target failed: {type(error).__name__}: {error}"[:1000])
