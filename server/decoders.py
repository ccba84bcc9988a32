"""Processes that turn requests into batches, so that decoding takes no time from the event loop, the writer or pages.

In threads the interpreter lock held a server to about 14,000 spans/s, and every page waited for it. A batch costs 3 µs
a span to bring over. (2 cores, 1.3 KB spans.)
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from collectors.model import Rejection
from collectors.normalise import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server.batches import BatchMaker
from store.batch import Batch

log = logging.getLogger(__name__)
PARENT_CHECK_S = 1.0
GC_GENERATION_0 = 50_000  # decoding makes many objects that die young, and no cycles


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request, ready for the writer."""

    batch: Batch
    rejections: Sequence[Rejection]
    received: int
    dropped_attributes: int  # by the sender's SDK


class DecoderLostError(Exception):
    """A decoding process ended in the middle of its work; a new one is on its way."""


class Decoders:
    """A pool of decoding processes. They start when work comes, and end with this process however it ends."""

    def __init__(self, options: NormaliserOptions, processes: int) -> None:
        self._options, self._processes = options, processes
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork of a process with threads may hold their locks for ever.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, context, _begin, (os.getpid(), self._options))

    def warm_up(self) -> None:
        """Start the first process now rather than with the first request."""
        self._pool.submit(os.getpid)

    async def prepare(self, request: ExportRequest, project_id: int) -> Prepared:
        """Decode and map one request.

        Raises:
            UndecodableError: nothing of it can be read.
            DecoderLostError: send it again.
        """
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, prepare, request, project_id)
        except BrokenProcessPool as error:
            if pool is self._pool:
                log.exception("a decoding process was lost; new ones are started")
                self._pool = self._new_pool()
                pool.shutdown(wait=False)
            raise DecoderLostError("A decoding process was lost. Send the request again.") from error

    def close(self) -> None:
        """End the processes; call it when no request is in flight."""
        self._pool.shutdown(wait=True, cancel_futures=True)


# In the processes.

_maker: BatchMaker | None = None


def _begin(parent: int, options: NormaliserOptions) -> None:
    global _maker  # noqa: PLW0603 - what an initialiser is for
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the parent, which drains and then ends the pool
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    gc.freeze()
    gc.set_threshold(GC_GENERATION_0, 20, 50)
    _maker = BatchMaker(options)


def _end_with(parent: int) -> None:
    """A killed parent closes no pool; its processes would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def prepare(request: ExportRequest, project_id: int) -> Prepared:
    """Decode and map one request, in a process of the pool."""
    maker = _maker or BatchMaker(NormaliserOptions())
    decoded = decode(request.signal, request.source, request.body)
    batch, rejections = maker.make(decoded, request, project_id)
    dropped = sum(span.dropped_attributes for span in decoded.spans)
    dropped += sum(record.dropped_attributes for record in decoded.logs)
    return Prepared(batch, rejections, sum(decoded.received.values()), dropped)
