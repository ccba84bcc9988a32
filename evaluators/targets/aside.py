"""A target in an event loop of its own, so that work elsewhere does not pass for its latency."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import Any

from evaluators.case import Case
from evaluators.targets.answer import Answer, Asking, Target

END_S = 5.0  # that processes which were cut off have to end


class Aside:
    """Asks a target from a thread of its own, which ends with `aclose`.

    In the loop of those who score answers, an evaluator that works for 50 ms would add as much to the times of all
    answers that come meanwhile.
    """

    def __init__(self, target: Target, concurrency: int | None = None) -> None:
        """`concurrency`: answers that are awaited at once; the next is asked for whatever those who score are doing."""
        self._target = target
        self._room = contextlib.nullcontext() if concurrency is None else asyncio.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._asked: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def ruler(self) -> str:
        """That of the target."""
        return self._target.ruler

    @property
    def pinned(self) -> bool:
        """That of the target."""
        return self._target.pinned

    async def __call__(self, case: Case, asking: Asking) -> Answer:
        """What the target answers."""
        asked: Future[Answer] = asyncio.run_coroutine_threadsafe(self._ask(case, asking), self._running())
        return await asyncio.wrap_future(asked)

    async def _ask(self, case: Case, asking: Asking) -> Answer:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is one's
        self._asked.add(task)
        try:
            async with self._room:
                return await self._target(case, asking)
        finally:
            self._asked.discard(task)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="target", daemon=True)
                self._thread.start()
            return self._loop

    async def aclose(self) -> None:
        """Give up what is not answered, give back what the target holds, and end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        try:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._end(), loop))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join)
            loop.close()

    async def _end(self) -> None:
        asked = set(self._asked)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await self._target.aclose()
        # What must not be given up: the ends of processes that were asked when it was cancelled.
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=END_S)
        await asyncio.get_running_loop().shutdown_asyncgens()
