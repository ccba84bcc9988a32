"""Processes that turn requests into batches, so that decoding takes no time from the event loop, the writer or pages.

In threads the interpreter lock held a server to about 14,000 spans/s, and every page waited for it. A batch costs 3 µs
a span to bring over. (2 cores, 1.3 KB spans.)
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass

import psutil

from collectors.errors import UndecodableError
from collectors.importers.decoding import decoded_piece
from collectors.importers.pieces import Piece, PieceSignal
from collectors.model import Rejection
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server import spawned
from server.batches import BatchMaker
from server.imported_rows import rows_batch
from store.batch import Batch

log = logging.getLogger(__name__)
ALLOWED_S = 20.0  # for one request, and more by its size:
BYTES_A_SECOND = 256 * 1024  # 250,000 of the smallest model calls, 12 MiB, take 22 s of an unhindered core
GC_GENERATION_0 = 50_000  # decoding makes many objects that die young, and no cycles


@dataclass(frozen=True, slots=True)
class ImportedRequest:
    """One piece of an import, not yet decoded."""

    source: str  # what the ledger names it by: import:<format>
    piece: Piece

    @property
    def signal(self) -> PieceSignal:
        return self.piece.signal

    @property
    def body(self) -> bytes:
        return self.piece.body


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request, ready for the writer."""

    batch: Batch
    rejections: Sequence[Rejection]
    received: int
    dropped_attributes: int  # by the sender's SDK


class DecoderLostError(Exception):
    """A decoding process ended in the middle of its work; a new one is on its way."""


def allowed_s(size: int) -> float:
    """Seconds that a request of `size` bytes may take; usual ones take a twentieth of one."""
    return ALLOWED_S + size / BYTES_A_SECOND


class Decoders:
    """A pool of decoding processes. They start when work comes, and end with this process however it ends.

    Each has one request at a time, so that one which crashes it or takes too long costs no other.
    """

    def __init__(
        self, options: NormaliserOptions, processes: int, allowed_s: Callable[[int], float] = allowed_s
    ) -> None:
        self._idle = [_Decoder(options, allowed_s) for _ in range(processes)]
        self._free = asyncio.Semaphore(processes)

    def warm_up(self) -> None:
        """Start the first process now rather than with the first request."""
        self._idle[-1].start()

    async def prepare(self, request: ExportRequest | ImportedRequest, project_id: int) -> Prepared:
        """Decode and map one request, of a sender or of an import.

        Raises:
            UndecodableError: nothing of it can be read, or not in the time that it is allowed.
            DecoderLostError: send it again.
        """
        async with self._free:
            decoder = self._idle.pop()  # the one that worked last: others may never have to start
            try:
                return await decoder.prepare(request, project_id)
            finally:
                self._idle.append(decoder)

    def close(self) -> None:
        """End the processes; call it when no request is in flight."""
        for decoder in self._idle:
            decoder.close()


class _Decoder:
    """One decoding process at a time; a new one takes the place of one that was lost."""

    def __init__(self, options: NormaliserOptions, allowed_s: Callable[[int], float]) -> None:
        self._options, self._allowed_s = options, allowed_s
        self._pool: ProcessPoolExecutor | None = None
        self._pid: Future[int] = Future()

    def start(self) -> ProcessPoolExecutor:
        """The pool of the one process, started if there is none."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, spawned.SPAWN, _begin, (os.getpid(), self._options))
            self._pid = self._pool.submit(os.getpid)
        return self._pool

    async def prepare(self, request: ExportRequest | ImportedRequest, project_id: int) -> Prepared:
        allowed = self._allowed_s(len(request.body))
        try:
            pool = self.start()
            await asyncio.wrap_future(self._pid)  # the time allowed is for the request, not for imports
            async with asyncio.timeout(allowed):
                return await asyncio.wrap_future(pool.submit(prepare, request, project_id))
        except BrokenProcessPool as error:
            log.exception("a decoding process was lost; a new one is started")
            self._end()
            raise DecoderLostError("A decoding process was lost. Send the request again.") from error
        except TimeoutError as error:
            log.warning("%d bytes of %s were not read in %.0f s", len(request.body), request.source, allowed)
            self._end()
            told = f"Reading the request took longer than {allowed:.0f} s. It is not stored; do not send it again."
            raise UndecodableError(told) from error
        except asyncio.CancelledError:
            self._end()
            raise

    def _end(self) -> None:
        """Kill the process, whatever it does; the next request starts another."""
        if self._pool is None:
            return
        if self._pid.done() and not self._pid.cancelled() and self._pid.exception() is None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(self._pid.result()).kill()
        self._pool.shutdown(wait=False)
        self._pool = None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


# In the processes.

_maker: BatchMaker | None = None


def _begin(parent: int, options: NormaliserOptions) -> None:
    global _maker  # noqa: PLW0603 - what an initialiser is for
    spawned.begin(parent)
    gc.freeze()
    gc.set_threshold(GC_GENERATION_0, 20, 50)
    _maker = BatchMaker(options)


def prepare(request: ExportRequest | ImportedRequest, project_id: int) -> Prepared:
    """Decode and map one request, in a process of the pool."""
    maker = _maker or BatchMaker(NormaliserOptions())
    if isinstance(request, ImportedRequest) and request.piece.encoding == "rows":
        rows, told = rows_batch(request.piece, request.source, project_id, maker.options)
        return Prepared(rows, told, sum(rows.received.values()), 0)
    if isinstance(request, ImportedRequest):
        decoded = decoded_piece(request.piece)
    else:
        decoded = decode(request.signal, request.source, request.body)
    batch, rejections = maker.make(decoded, request, project_id)
    dropped = sum(span.dropped_attributes for span in decoded.spans)
    dropped += sum(record.dropped_attributes for record in decoded.logs)
    return Prepared(batch, rejections, sum(decoded.received.values()), dropped)
