"""From a receiver's request to a commit: admit, decode in a thread, hand to the writer, wait for the disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from collectors.errors import UnavailableError, UndecodableError, UnknownProjectError
from collectors.model import Rejection
from collectors.normalise import NormaliserOptions
from collectors.otlp import decode
from collectors.otlp.rejections import message
from collectors.receivers.sink import ExportOutcome, ExportRequest
from server.batches import BatchMaker
from server.core import Core
from server.projects import Projects
from server.secret import hash_key
from server.settings import Settings
from store.batch import Receipt
from store.errors import QueryTimeoutError, StoreBusyError, UnknownProjectNameError
from store.ledger import Refusal, record_refusals
from store.writer import Writer

log = logging.getLogger(__name__)
DEFAULT_PROJECT = "default"
SAMPLE_BYTES = 200


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


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request on its way to the disk."""

    received: int
    dropped_attributes: int
    rejections: Sequence[Rejection]
    future: Future[Receipt]


class Ingest:
    """The sink of both receivers. `accept` and `refuse` run on one event loop; the work is done in threads."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        writer: Writer,
        projects: Projects,
        options: NormaliserOptions,
        max_bytes: int,
        decode_threads: int = 2,
        retry_after_s: float = 1.0,
    ) -> None:
        """`max_bytes` bounds the requests that are held, undecoded or unwritten."""
        self.counters = Counters()
        self.max_bytes = max_bytes
        self._writer, self._projects, self._maker = writer, projects, BatchMaker(options)
        self._retry_after_s = retry_after_s
        self._held = 0
        self._pool = ThreadPoolExecutor(decode_threads, thread_name_prefix="decode")

    async def accept(self, request: ExportRequest) -> ExportOutcome:
        """See `collectors.receivers.sink.Sink`."""
        try:
            with self._holding(len(request.body)):
                ticket = await asyncio.get_running_loop().run_in_executor(self._pool, self._prepare, request)
                receipt = await asyncio.wrap_future(ticket.future)
        except UnavailableError:
            self.counters.postponed_requests += 1
            raise
        except StoreBusyError as error:
            self.counters.postponed_requests += 1
            raise UnavailableError(str(error), error.retry_after_s, overloaded=error.overloaded) from error
        except UndecodableError as error:
            self.counters.undecodable_requests += 1
            await self.refuse(request, str(error), len(request.body))
            raise
        self._count(ticket, receipt)
        return outcome(request, ticket.rejections, receipt)

    async def refuse(self, request: ExportRequest, reason: str, size: int) -> None:
        """Record a request of which nothing could be read; when that fails, the log keeps it."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._record, request, reason, size)
        except StoreBusyError as error:
            log.warning("not on record: %s, %d bytes, %s (%s)", request.source, size, reason, error)

    def status(self) -> dict[str, object]:
        """The counters and the queue, for `GET /api/status`."""
        return {**asdict(self.counters), "held_bytes": self._held, "max_bytes": self.max_bytes}

    def overloaded(self) -> bool:
        """Whether senders are being told to wait."""
        return self._held >= self.max_bytes

    def close(self) -> None:
        """Let the threads end; call it when no request is in flight."""
        self._pool.shutdown(wait=True, cancel_futures=True)

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

    def _prepare(self, request: ExportRequest) -> Ticket:
        project_id = self._project_id(request.project)
        decoded = decode(request.signal, request.source, request.body)
        batch, rejections = self._maker.make(decoded, request, project_id)
        dropped = sum(span.dropped_attributes for span in decoded.spans)
        dropped += sum(record.dropped_attributes for record in decoded.logs)
        return Ticket(sum(decoded.received.values()), dropped, rejections, self._writer.submit(batch))

    def _project_id(self, name: str | None) -> int:
        try:
            return self._projects.id_of(name or DEFAULT_PROJECT)
        except UnknownProjectNameError as error:
            raise UnknownProjectError(str(error)) from error
        except QueryTimeoutError as error:
            raise UnavailableError(str(error), self._retry_after_s) from error

    def _record(self, request: ExportRequest, reason: str, size: int) -> None:
        project_id = None
        with suppress(UnknownProjectError, UnavailableError):
            project_id = self._project_id(request.project)
        now = datetime.now(UTC).replace(tzinfo=None)
        sample = request.body[:SAMPLE_BYTES].decode(errors="replace") or None
        refusal = Refusal(project_id, now, request.source, request.signal, size, reason, sample)
        self._writer.call(lambda cursor: record_refusals(cursor, [refusal])).result()

    def _count(self, ticket: Ticket, receipt: Receipt) -> None:
        counters = self.counters
        counters.requests += 1
        counters.received += ticket.received
        counters.stored += receipt.stored
        counters.duplicate += receipt.duplicate
        counters.rejected += receipt.rejected + sum(rejection.count for rejection in ticket.rejections)
        counters.dropped_attributes += ticket.dropped_attributes
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
        normaliser_options(settings),
        settings.queue_max_bytes,
        settings.decode_threads,
        settings.retry_after_s,
    )


def normaliser_options(settings: Settings) -> NormaliserOptions:
    """What the settings say of normalising; makes the secret of hashed user ids when there is none yet."""
    key = hash_key(settings.data_dir) if settings.hash_user_ids else b""
    return NormaliserOptions(settings.variant_keys, settings.hash_user_ids, key)
