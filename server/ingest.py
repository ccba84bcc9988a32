"""From a receiver's request to a commit: admit, decode in a process, hand to the writer, wait for the disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial

from duckdb import DuckDBPyConnection

from collectors.errors import UnavailableError, UndecodableError, UnknownProjectError
from collectors.model import Rejection
from collectors.otlp.rejections import message
from collectors.receivers.sink import ExportOutcome, ExportRequest
from server.core import Core
from server.decoders import DecoderLostError, Decoders, ImportedRequest, Prepared
from server.projects import Projects
from server.secret import normaliser_options
from server.when import utc_now
from store.batch import Batch, Receipt, RejectedItems
from store.errors import QueryTimeoutError, StoreBusyError, UnknownProjectNameError
from store.ledger import Refusal, record_refusals, rejected_whole
from store.writer import Writer

log = logging.getLogger(__name__)
DEFAULT_PROJECT = "default"
SAMPLE_BYTES = 200

InTransaction = Callable[[Batch, DuckDBPyConnection], bool]
"""`work(batch, cursor)`: what is written with a batch; false: neither is."""


@dataclass(slots=True)
class Counters:
    """What came in since the process started; items are spans, log records or metric data points."""

    requests: int = 0
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    dropped_attributes: int = 0  # by the senders' SDKs, before anything reached us
    undecodable_requests: int = 0
    postponed_requests: int = 0  # asked to come again: queue full, disk low
    last_commit_at: float | None = None  # Unix seconds


class Ingest:
    """The sink of both receivers. `accept` and `refuse` run on one event loop; the work is done elsewhere."""

    def __init__(
        self, writer: Writer, projects: Projects, decoders: Decoders, max_bytes: int, retry_after_s: float = 1.0
    ) -> None:
        """`max_bytes` bounds the requests that are held, undecoded or unwritten."""
        self.counters = Counters()
        self.max_bytes = max_bytes
        self._writer, self._projects, self._decoders = writer, projects, decoders
        self._retry_after_s = retry_after_s
        self._held = 0

    async def accept(self, request: ExportRequest) -> ExportOutcome:
        """See `collectors.receivers.sink.Sink`."""
        try:
            with self._holding(len(request.body)):
                project_id = await self._project_id(request.project)
                prepared = await self._decoders.prepare(request, project_id)
                receipt = await asyncio.wrap_future(self._writer.submit(prepared.batch))
        except (UnavailableError, StoreBusyError, DecoderLostError) as error:
            self.counters.postponed_requests += 1
            raise self._postponed(error) from error
        except UndecodableError as error:
            self.counters.undecodable_requests += 1
            await self.refuse(request, str(error), len(request.body))
            raise
        except UnknownProjectError:
            await self.refuse(request, "unknown_project", len(request.body))
            raise
        self._count(prepared, receipt)
        return outcome(request, prepared.rejections, receipt)

    async def store(self, request: ImportedRequest, project_id: int, work: InTransaction) -> Receipt | None:
        """Store one piece of an import, with `work` in the same transaction; null: `work` said no, and nothing is done.

        What cannot be read or stored is booked as rejected, so that the import goes on.

        Raises:
            UnavailableError: not stored, send it again.
        """
        try:
            with self._holding(len(request.body)):
                prepared = await self._prepared(request, project_id)
                receipt = await self._stored(prepared, work)
        except (StoreBusyError, DecoderLostError) as error:
            self.counters.postponed_requests += 1
            raise self._postponed(error) from error
        if receipt is not None:
            self._count(prepared, receipt)
        return receipt

    async def _prepared(self, request: ImportedRequest, project_id: int) -> Prepared:
        try:
            return await self._decoders.prepare(request, project_id)
        except UndecodableError as error:  # it took too long
            rejected = RejectedItems("", "unreadable", str(error), 1)
            batch = Batch(project_id, request.source, request.signal, {"": 1}, (rejected,))
            return Prepared(batch, [Rejection("", "unreadable", str(error))], 1, 0)

    async def _stored(self, prepared: Prepared, work: InTransaction) -> Receipt | None:
        try:
            return await asyncio.wrap_future(self._writer.store_if(prepared.batch, partial(work, prepared.batch)))
        except StoreBusyError:
            raise
        except Exception as error:
            log.exception("a piece of an import is refused by the store")
            batch = prepared.batch
            refused = (*batch.rejected, *rejected_whole(batch, "store_refused", str(error)))
            bare = Batch(batch.project_id, batch.source, batch.signal, batch.received, refused)
            return await asyncio.wrap_future(self._writer.store_if(bare, partial(work, bare)))

    def _postponed(self, error: Exception) -> UnavailableError:
        if isinstance(error, UnavailableError):
            return error
        if isinstance(error, StoreBusyError):
            return UnavailableError(str(error), error.retry_after_s, overloaded=error.overloaded)
        return UnavailableError(str(error), self._retry_after_s)

    async def refuse(self, request: ExportRequest, reason: str, size: int) -> None:
        """Record a request of which nothing could be read; when that fails, the log keeps it."""
        project_id = None
        with suppress(UnknownProjectError, UnavailableError):
            project_id = await self._project_id(request.project)
        now = utc_now()
        sample = request.body[:SAMPLE_BYTES].decode(errors="replace") or None
        refusal = Refusal(project_id, now, request.source, request.signal, size, reason, sample)
        try:
            await asyncio.wrap_future(self._writer.call(lambda cursor: record_refusals(cursor, [refusal])))
        except StoreBusyError as error:
            log.warning("not on record: %s, %d bytes, %s (%s)", request.source, size, reason, error)

    def warm_up(self) -> None:
        """Start a decoding process before the first request comes."""
        self._decoders.warm_up()

    def status(self) -> dict[str, object]:
        """The counters and the queue, for `GET /api/status`."""
        return {**asdict(self.counters), "held_bytes": self._held, "max_bytes": self.max_bytes}

    def overloaded(self) -> bool:
        """Whether senders are being told to wait."""
        return self._held >= self.max_bytes

    def close(self) -> None:
        """Let the decoding processes end; call it when no request is in flight."""
        self._decoders.close()

    @contextmanager
    def _holding(self, size: int) -> Iterator[None]:
        # One request always passes: otherwise one that is larger than the bound could never come in.
        if self._held and self._held + size > self.max_bytes:
            told = f"{self._held} bytes wait to be written; {self.max_bytes} is the limit. Send again later."
            raise UnavailableError(told, self._retry_after_s, overloaded=True)
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def _project_id(self, name: str | None) -> int:
        known = self._projects.known(name or DEFAULT_PROJECT)
        if known is not None:
            return known
        try:
            return await asyncio.to_thread(self._projects.id_of, name or DEFAULT_PROJECT)
        except UnknownProjectNameError as error:
            raise UnknownProjectError(str(error)) from error
        except (QueryTimeoutError, StoreBusyError) as error:
            raise UnavailableError(str(error), self._retry_after_s) from error

    def _count(self, prepared: Prepared, receipt: Receipt) -> None:
        counters = self.counters
        counters.requests += 1
        counters.received += prepared.received
        counters.stored += receipt.stored
        counters.duplicate += receipt.duplicate
        counters.rejected += receipt.rejected + sum(rejection.count for rejection in prepared.rejections)
        counters.dropped_attributes += prepared.dropped_attributes
        counters.last_commit_at = time.time()


def outcome(request: ExportRequest, rejections: Sequence[Rejection], receipt: Receipt) -> ExportOutcome:
    """The partial success that a sender is told; empty when all was taken."""
    told = [message(request.signal, list(rejections)), receipt.message]
    count = receipt.rejected + sum(rejection.count for rejection in rejections)
    return ExportOutcome(count, " ".join(part for part in told if part))


def make_ingest(core: Core) -> Ingest:
    """The sink over an open store."""
    settings = core.settings
    return Ingest(
        core.writer,
        core.projects,
        Decoders(normaliser_options(settings), settings.decode_processes),
        settings.queue_max_bytes,
        settings.retry_after_s,
    )
