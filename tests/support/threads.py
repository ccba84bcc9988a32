"""Fake servers in a thread of their own, for tests that are no coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

Held = TypeVar("Held", bound=AbstractAsyncContextManager[Any])


@contextmanager
def in_a_thread(held: Held) -> Iterator[Held]:
    """What is held runs in an event loop of its own until the block ends."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(held.__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield held
    finally:
        asyncio.run_coroutine_threadsafe(held.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
