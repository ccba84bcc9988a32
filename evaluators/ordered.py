"""Work on many things at once, in bounded memory, whose results come in the order of the things."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

# What is begun ahead of the one that is due: a slow one holds the rest up only when all of it is there.
AHEAD = 16  # in multiples of the concurrency
AHEAD_LEAST = 256
SLICE = 64  # things that are begun before others get their turn: work that awaits nothing would never give it

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A result that is there already: a task would only cost time."""

    result: Result


Begun: TypeAlias = Done[Result] | asyncio.Task[Result]


async def in_order(
    things: Iterable[Thing] | AsyncIterator[Thing], work: Callable[[Thing], Awaitable[Result]], ahead: int
) -> AsyncGenerator[Result, None]:
    """The results of the work on each thing, in the order of the things.

    At most `ahead` are begun and not yet handed over, so a slow one holds up the rest once that many wait behind it:
    give several times what shall run at once, and have the work wait for room itself. Things are taken as they are
    needed. What the work raises is raised in its place and ends the rest, and so does closing the generator.
    """

    def begin(thing: Thing) -> tuple[asyncio.Task[Result]]:
        return (asyncio.create_task(_awaited(work(thing))),)

    async with aclosing(begun_in_order(things, begin, ahead, ahead - 1)) as results:
        async for result in results:
            yield result


async def _awaited(work: Awaitable[Result]) -> Result:
    return await work


async def begun_in_order(
    things: Iterable[Thing] | AsyncIterator[Thing],
    begin: Callable[[Thing], Iterable[Begun[Result]]],
    most: int,
    refill: int,
) -> AsyncGenerator[Result, None]:
    """The results of what is begun for each thing, in order, whatever their number.

    No thing is begun while `most` results wait to be handed over; once that happened, none before only `refill` do.
    """
    line = _Line(begin, most, refill)
    filling = asyncio.create_task(line.fill(things))
    try:
        while (one := await line.due(filling)) is not None:
            result = one.result if isinstance(one, Done) else await one
            line.hand_over()
            yield result
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
        await line.drop()


class _Line(Generic[Thing, Result]):
    """What is begun, in order. One side fills it, the other takes from it."""

    def __init__(self, begin: Callable[[Thing], Iterable[Begun[Result]]], most: int, refill: int) -> None:
        self._begin, self._most, self._refill = begin, most, refill
        self._begun: deque[Begun[Result]] = deque()
        self._filled, self._taken = asyncio.Event(), asyncio.Event()

    async def fill(self, things: Iterable[Thing] | AsyncIterator[Thing]) -> None:
        """Begin all things, so many ahead."""
        count = 0
        async for thing in _each(things):
            self._begun.extend(self._begin(thing))
            self._filled.set()
            count += 1
            while len(self._begun) >= self._most:
                self._taken.clear()
                await self._taken.wait()
            if count % SLICE == 0:
                await asyncio.sleep(0)

    async def due(self, filling: asyncio.Task[None]) -> Begun[Result] | None:
        """What is to be handed over next, once it is begun; null: all was. Raises what reading the things raised."""
        while not self._begun:
            if filling.done():
                filling.result()
                return None
            self._filled.clear()
            waiting = asyncio.create_task(self._filled.wait())
            try:
                await asyncio.wait({waiting, filling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
        return self._begun[0]

    def hand_over(self) -> None:
        """What was due makes room."""
        self._begun.popleft()
        if len(self._begun) <= self._refill:
            self._taken.set()

    async def drop(self) -> None:
        """Give up what nobody takes any more, and leave no task behind."""
        tasks = [one for one in self._begun if not isinstance(one, Done)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _each(things: Iterable[Thing] | AsyncIterator[Thing]) -> AsyncGenerator[Thing, None]:
    if isinstance(things, AsyncIterator):
        async for thing in things:
            yield thing
        return
    for thing in things:
        yield thing
