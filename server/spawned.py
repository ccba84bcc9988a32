"""What processes that the server spawns have in common: they leave signals to it, and end with it however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PARENT_CHECK_S = 1.0
# Spawned, not forked: a fork of a process with threads may hold their locks for ever.
SPAWN = multiprocessing.get_context("spawn")


_BLAS = "OPENBLAS_NUM_THREADS"
_setting = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes that are started within it do linear algebra in one thread, unless the environment says otherwise.

    More of them wait for one another by spinning: on a busy machine ten times the work, which whoever sends lacks.
    """
    with _setting:
        told = os.environ.get(_BLAS)
        os.environ[_BLAS] = told or "1"  # read as numpy is loaded, which a spawned process does before `begin`
        try:
            yield
        finally:
            if told is None:
                del os.environ[_BLAS]


def begin(parent: int) -> None:
    """Call it first in such a process; `parent`: the id of the one that spawned it."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the parent, which drains and then ends its processes
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()


def _end_with(parent: int) -> None:
    """A killed parent ends nothing; its processes would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)
