"""Many cases by several evaluators: in order, so many at once, in flat memory, and not twice what was answered."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from evaluators.case import Case, Unreadable
from evaluators.journal import Journal
from evaluators.ordered import AHEAD, AHEAD_LEAST, Begun, Done, begun_in_order
from evaluators.protocol import Evaluator
from evaluators.scoring import REPEAT, begun, finished
from evaluators.verdict import Verdict

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Scored:
    """The verdict of one evaluator on one case."""

    case: Case | Unreadable
    evaluator: Evaluator
    verdict: Verdict
    repeat: int = 0  # which of several verdicts on this case by this evaluator


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
    most = max(concurrency * AHEAD, AHEAD_LEAST)
    begin = _Beginning(evaluators, concurrency, repeats, journal)
    async with aclosing(begun_in_order(cases, begin, most, most // 2)) as scored:
        async for one in scored:
            yield one


class _Beginning:
    """Begins the verdicts on a case."""

    def __init__(
        self, evaluators: Sequence[Evaluator], concurrency: int, repeats: int, journal: Journal | None
    ) -> None:
        self._evaluators, self._repeats, self._journal = evaluators, repeats, journal
        self._room = asyncio.Semaphore(concurrency)

    def __call__(self, case: Case | Unreadable) -> list[Begun[Scored]]:
        return [self._begin(one, case, repeat) for repeat in range(self._repeats) for one in self._evaluators]

    def _begin(self, evaluator: Evaluator, case: Case | Unreadable, repeat: int) -> Begun[Scored]:
        token = REPEAT.set(repeat)
        try:
            said = begun(evaluator, case)
            if isinstance(said, Verdict):
                return Done(Scored(case, evaluator, said, repeat))
            # A task has the context of its making: its judge sees the repeat.
            return _closing(self._awaited(evaluator, case, repeat, said), said)
        finally:
            REPEAT.reset(token)

    async def _awaited(
        self, evaluator: Evaluator, case: Case | Unreadable, repeat: int, said: Awaitable[Verdict]
    ) -> Scored:
        verdict = await _verdict(evaluator, case, said, self._room, self._journal)
        return Scored(case, evaluator, verdict, repeat)


def awaited(
    evaluator: Evaluator,
    case: Case | Unreadable,
    said: Awaitable[Verdict],
    room: asyncio.Semaphore,
    journal: Journal | None,
) -> asyncio.Task[Verdict]:
    """The verdict that `begun` left to await, once there is room; from the journal, where it stands there.

    The repeat is that of the context.
    """
    return _closing(_verdict(evaluator, case, said, room, journal), said)


def _closing(work: Coroutine[Any, Any, Item], said: Awaitable[Verdict]) -> asyncio.Task[Item]:
    """The work as a task. One that is cancelled before its first step, or finds a kept verdict, has not awaited it."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: _close(said))
    return task


async def _verdict(
    evaluator: Evaluator,
    case: Case | Unreadable,
    said: Awaitable[Verdict],
    room: asyncio.Semaphore,
    journal: Journal | None,
) -> Verdict:
    if journal is None or isinstance(case, Unreadable):
        async with room:
            return await finished(evaluator, said)
    key = journal.key(case, evaluator, REPEAT.get())
    known = journal.get(key)
    if known is not None:
        return known
    async with room:
        verdict = await finished(evaluator, said)
    journal.put(key, verdict)
    return verdict


def _close(said: Awaitable[Verdict]) -> None:
    close = getattr(said, "close", None)  # of a coroutine; others need none
    if close is not None:
        close()


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
