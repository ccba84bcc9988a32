"""Many cases by several evaluators: in order, so many at once, in flat memory, and not twice what was answered."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from evaluators.case import Case, Unreadable
from evaluators.journal import Journal
from evaluators.protocol import Evaluator
from evaluators.scoring import REPEAT, begun, finished
from evaluators.verdict import Verdict

# Verdicts that are begun ahead of the one that is due: a slow one holds the rest up only when all these are answered.
AHEAD = 16  # in multiples of the concurrency
AHEAD_LEAST = 256
SLICE = 64  # cases that are begun before others get their turn: evaluators that ask nobody would never give it

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Scored:
    """The verdict of one evaluator on one case."""

    case: Case | Unreadable
    evaluator: Evaluator
    verdict: Verdict
    repeat: int = 0  # which of several verdicts on this case by this evaluator


@dataclass(frozen=True, slots=True)
class _Begun:
    case: Case | Unreadable
    evaluator: Evaluator
    repeat: int
    verdict: Verdict | None  # of an evaluator that asks nobody; a task would only cost time
    asked: Awaitable[Verdict] | None = None
    task: asyncio.Task[Verdict] | None = None


async def run(
    cases: Iterable[Case | Unreadable] | AsyncIterator[Case | Unreadable],
    evaluators: Sequence[Evaluator],
    concurrency: int = 8,
    *,
    repeats: int = 1,
    journal: Journal | None = None,
) -> AsyncGenerator[Scored, None]:
    """Verdicts in the order of the cases, of the repeats within one, and of the evaluators within that.

    At most `concurrency` verdicts are awaited at once. Cases are taken as they are needed: a list of any length costs
    no more memory than a short one. One whose next case may be long in coming is read by `threaded`: a plain iterable
    holds up the answers that are waited for. What is awaited goes through the journal, if there is one.
    """
    line = _Line(evaluators, concurrency, repeats, journal)
    filling = asyncio.create_task(line.fill(cases))
    try:
        while (one := await line.next(filling)) is not None:
            verdict = one.verdict if one.task is None else await one.task
            assert verdict is not None  # noqa: S101 - it is there, or its task's
            yield Scored(one.case, one.evaluator, verdict, one.repeat)
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
        await line.drop()


class _Line:
    """Verdicts that are begun, in order. One side fills it, the other takes from it."""

    def __init__(
        self, evaluators: Sequence[Evaluator], concurrency: int, repeats: int, journal: Journal | None
    ) -> None:
        self._evaluators, self._repeats, self._journal = evaluators, repeats, journal
        self._room = asyncio.Semaphore(concurrency)
        self._most = max(concurrency * AHEAD, AHEAD_LEAST)
        self._begun: deque[_Begun] = deque()
        self._current: _Begun | None = None
        self._filled, self._taken = asyncio.Event(), asyncio.Event()

    async def fill(self, cases: Iterable[Case | Unreadable] | AsyncIterator[Case | Unreadable]) -> None:
        """Begin all cases, so many ahead."""
        count = 0
        async for case in _each(cases):
            for repeat in range(self._repeats):
                self._begun.extend(self._begin(evaluator, case, repeat) for evaluator in self._evaluators)
            self._filled.set()
            count += 1
            while len(self._begun) > self._most:
                self._taken.clear()
                await self._taken.wait()
            if count % SLICE == 0:
                await asyncio.sleep(0)

    async def next(self, filling: asyncio.Task[None]) -> _Begun | None:
        """The verdict that is due, once it is begun; null: that was the last. Raises what reading cases raised."""
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
        self._current = one = self._begun.popleft()
        if len(self._begun) <= self._most // 2:
            self._taken.set()
        return one

    async def drop(self) -> None:
        """Give up what nobody takes any more, and leave no task and no coroutine behind."""
        left = [*self._begun, *([] if self._current is None else [self._current])]
        tasks = [one.task for one in left if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in left:
            _close(one.asked)  # a task that was cancelled before its first step has not awaited it

    def _begin(self, evaluator: Evaluator, case: Case | Unreadable, repeat: int) -> _Begun:
        token = REPEAT.set(repeat)
        try:
            said = begun(evaluator, case)
            if isinstance(said, Verdict):
                return _Begun(case, evaluator, repeat, said)
            # A task has the context of its making: its judge sees the repeat.
            task = asyncio.create_task(self._awaited(evaluator, case, repeat, said))
            return _Begun(case, evaluator, repeat, None, said, task)
        finally:
            REPEAT.reset(token)

    async def _awaited(
        self, evaluator: Evaluator, case: Case | Unreadable, repeat: int, said: Awaitable[Verdict]
    ) -> Verdict:
        if self._journal is None or isinstance(case, Unreadable):
            async with self._room:
                return await finished(evaluator, said)
        key = self._journal.key(case, evaluator, repeat)
        known = self._journal.get(key)
        if known is not None:
            _close(said)
            return known
        async with self._room:
            verdict = await finished(evaluator, said)
        self._journal.put(key, verdict)
        return verdict


def _close(said: Awaitable[Verdict] | None) -> None:
    close = getattr(said, "close", None)  # of a coroutine; others need none
    if close is not None:
        close()


async def _each(cases: Iterable[Item] | AsyncIterator[Item]) -> AsyncGenerator[Item, None]:
    if isinstance(cases, AsyncIterator):
        async for case in cases:
            yield case
        return
    for case in cases:
        yield case


async def threaded(cases: Iterable[Item], ahead: int = 512) -> AsyncGenerator[Item, None]:
    """The same cases, read in a thread of their own: a pipe that says nothing holds up nobody.

    Raises what reading raised. The thread ends with the iterable, or at the next case after nobody asks any more.
    """
    reader = _Reader(asyncio.get_running_loop(), ahead)
    threading.Thread(target=reader.read, args=(iter(cases),), name="cases", daemon=True).start()
    async with aclosing(reader.items()) as items:
        async for item in items:
            yield item


class _Reader:
    """Hands over what a thread reads, in as many pieces as come while the other side is busy."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ahead: int) -> None:
        self._loop, self._ahead = loop, threading.Semaphore(ahead)
        self._read: deque[Any] = deque()
        self._some = asyncio.Event()
        self._told = self._ended = self._left = False
        self._error: Exception | None = None

    def read(self, cases: Iterator[Any]) -> None:
        """The thread's work."""
        try:
            for case in cases:
                self._ahead.acquire()
                if self._left:
                    return
                self._read.append(case)
                self._tell()
        except Exception as error:  # noqa: BLE001 - raised on the other side
            self._error = error
        self._ended = True
        self._tell(surely=True)

    def _tell(self, *, surely: bool = False) -> None:
        if self._told and not surely:
            return  # the other side has not looked yet, and will find this too
        self._told = True
        try:
            self._loop.call_soon_threadsafe(self._some.set)
        except RuntimeError:  # the loop is closed: nobody asks any more
            self._left = True

    async def items(self) -> AsyncGenerator[Any, None]:
        """What was read, in order."""
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                self._told = False
                while self._read:
                    item = self._read.popleft()
                    self._ahead.release()
                    yield item
                if self._ended and not self._read:
                    break
            if self._error is not None:
                raise self._error
        finally:
            self._left = True
            self._ahead.release()
