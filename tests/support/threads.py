"""Fake servers in a thread of their own, for tests that are no coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

Held = TypeVar("Held", bound=AbstractAsyncContextManager[Any])


@contextmanager
def in_a_thread(held: Held) -> Iterator[Held]:
    """What is held runs in an event loop of its own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def within(step: Coroutine[Any, Any, Any]) -> None:
        """In the loop's thread: while a browser is driven, that of the tests has a loop that runs, and no other can."""
        asyncio.run_coroutine_threadsafe(step, loop).result(10)

    try:
        within(held.__aenter__())
        try:
            yield held
        finally:
            within(held.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
