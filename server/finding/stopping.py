"""A read that ends when whoever asked has gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection
from fastapi import Request
from starlette.concurrency import run_in_threadpool

Told = TypeVar("Told")


class GoneError(Exception):
    """Nobody waits for the answer any more."""


class Stop:
    """Tells a read that it is to end, and interrupts what it asks at the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: DuckDBPyConnection | None = None
        self.stopped = False

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            if self._asked is not None:
                self._asked.interrupt()

    @contextmanager
    def over(self, con: DuckDBPyConnection) -> Iterator[None]:
        """While the block asks `con`. Raises GoneError: it was stopped."""
        self._take(con)
        try:
            yield
        except duckdb.InterruptException as error:
            if self.stopped:
                raise GoneError from error
            raise
        finally:
            with self._lock:
                self._asked = None

    def _take(self, con: DuckDBPyConnection) -> None:
        with self._lock:
            if self.stopped:
                raise GoneError
            self._asked = con


async def while_asked(request: Request, work: Callable[[Stop], Told]) -> Told:
    """The work's result, done in a thread. It is told to stop once the caller hangs up; then GoneError."""
    stop = Stop()
    watching = asyncio.create_task(_watch(request, stop))
    try:
        return await run_in_threadpool(work, stop)
    finally:
        watching.cancel()


async def _watch(request: Request, stop: Stop) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    await run_in_threadpool(stop.stop)
