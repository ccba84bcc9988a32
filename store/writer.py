"""The one thread that writes: requests wait in a bounded queue, are committed in groups, and only then acknowledged."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.batch import Batch, Receipt
from store.database import Database, is_disk_full, one_row
from store.disk import DiskGuard
from store.errors import StoreBrokenError, StoreBusyError, StoreError, StoreFullError
from store.group import Group, Memory
from store.ledger import rejected_whole

log = logging.getLogger(__name__)
T = TypeVar("T")
MIB = 1024 * 1024

GROUP_ROWS = 8_192  # about 0.1 s of writing; a bigger group is hardly cheaper a row and keeps everybody waiting
GROUP_BYTES = 32 * MIB
# A group costs 5 ms of CPU however few its rows: one that follows a large one waits a moment for company. With four
# senders of 500 spans a request groups grew from 710 to 870 rows. Nobody who sends one span at a time waits.
GATHER_AFTER_ROWS = 250
GATHER_ROWS = 1_000
GATHER_MOST = 16  # requests
GATHER_S = 0.015  # since the one before
CHECKPOINT_BYTES = 24 * MIB  # of WAL, one or two row groups: see store.database.ROW_GROUP_ROWS
IDLE_CHECKPOINT_BYTES = 16 * MIB
IDLE_S = 5.0
CHECKPOINT_RETRY_S = 30.0
CHECKPOINT_BUSY_S = 2.0  # while reads go on that began before an update, as of a lease: DuckDB refuses until they end
# The faults of the disk, the memory and the open file pass; what DuckDB says of the data would be said again for ever.
PASSING = (
    duckdb.OperationalError,
    duckdb.InterruptException,
    StoreBusyError,
    StoreBrokenError,
    MemoryError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class _Request:
    batch: Batch
    nbytes: int
    rows: int
    future: Future[Receipt]


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[DuckDBPyConnection], Any]
    future: Future[Any]
    batch: Batch | None = None  # stored in the same transaction, if the work says yes


@dataclass(frozen=True, slots=True)
class WriterState:
    """What `/readyz` tells."""

    queued_requests: int
    queued_bytes: int
    commit_seq: int
    reopening: bool
    disk_low: str  # what is wrong; empty: nothing
    alive: bool


class Writer:
    """Takes requests and small writes from any thread, writes from one."""

    def __init__(
        self,
        database: Database,
        max_bytes: int = 256 * MIB,
        *,
        max_requests: int = 4_096,
        min_free_bytes: int = 1024 * MIB,
        retry_after_s: float = 1.0,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the thread. Its first work is to read the keys of the store; requests wait in the queue meanwhile.

        `checkpoint_bytes`: length of the WAL that is folded into the file. `on_death`: called, on the thread, when an
        error that nobody foresaw ends it: from then on every request would be refused.
        """
        self._database = database
        self._max_bytes, self._max_requests = max_bytes, max_requests
        self._retry_after_s = retry_after_s
        self._checkpoint_bytes = checkpoint_bytes
        self._on_death = on_death
        self._disk = DiskGuard(database, min_free_bytes)
        self._queue: deque[_Request | _Call] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._closing = False
        self._reopening = False
        self._memory = Memory()
        self._commit_seq = 0
        self._checkpoint_after = 0.0
        self._last_work = time.monotonic()
        self._gather_until = float("-inf")
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> Future[Receipt]:
        """Queue one request; the future resolves when it is on disk.

        The future fails with `StoreBusyError` when the disk or the file made the commit impossible: send the
        request again. One whose data the store cannot take is booked as rejected (`store_refused`) instead.

        Raises:
            StoreBusyError: at once, when the queue is full, the disk is low (`StoreFullError`), or the file is being
                reopened.
        """
        tables = [batch.spans, batch.logs, batch.scores, batch.origins, batch.tool_definitions]
        present = [table for table in tables if table is not None]
        nbytes = batch.nbytes or sum(table.nbytes for table in present)
        request = _Request(batch, nbytes, sum(table.num_rows for table in present), Future())
        self._admit(request, nbytes)
        return request.future

    def call(self, work: Callable[[DuckDBPyConnection], T], *, reserve: bool = False) -> Future[T]:
        """Run `work` on the writer's thread, in order, in a transaction of its own; its result comes after the commit.

        `work` may run twice (after a fatal error), must not commit, and must be short: requests wait meanwhile.
        `reserve`: it may use the room that is kept free on a low disk, because it is small and reads wait for it.

        Raises:
            StoreBusyError: as `submit`.
        """
        call = _Call(work, Future())
        self._admit(call, 0, reserve=reserve)
        return call.future

    def store_if(self, batch: Batch, work: Callable[[DuckDBPyConnection], bool]) -> Future[Receipt | None]:
        """Run `work` as `call` does and store the batch in the same transaction; false, then null: neither is done.

        The future fails with what the store says of data that it cannot take, and nothing is written.

        Raises:
            StoreBusyError: as `submit`.
        """
        call = _Call(work, Future(), batch)
        self._admit(call, 0)
        return call.future

    def _admit(self, item: _Request | _Call, nbytes: int, *, reserve: bool = False) -> None:
        low = self._disk.problem(reserve=reserve)
        if low:
            raise StoreFullError(low, retry_after_s=max(5.0, self._retry_after_s))
        with self._ready:
            if self._closing or not self._thread.is_alive():
                raise StoreBusyError("The store is closing.", retry_after_s=max(5.0, self._retry_after_s))
            if self._reopening:
                raise StoreBusyError("The store is being reopened after an error.", retry_after_s=self._retry_after_s)
            full = self._bytes + nbytes > self._max_bytes and self._bytes > 0
            if full or len(self._queue) >= self._max_requests:
                message = f"{len(self._queue)} requests ({self._bytes} bytes) wait to be written; the queue is full."
                raise StoreBusyError(
                    message,
                    retry_after_s=self._retry_after_s,
                    overloaded=True,
                )
            self._bytes += nbytes
            self._queue.append(item)
            self._ready.notify()

    def state(self) -> WriterState:
        """A reading for health checks; cheap."""
        with self._ready:
            queued, nbytes = len(self._queue), self._bytes
        alive = self._thread.is_alive()
        return WriterState(queued, nbytes, self._commit_seq, self._reopening, self._disk.problem(), alive)

    def close(self, drain_s: float = 10.0) -> None:
        """Take no more, write what waits for at most `drain_s` seconds; the rest fails with `StoreBusyError`."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self._thread.join(drain_s)
        with self._ready:
            left, self._bytes = list(self._queue), 0
            self._queue.clear()
        for item in left:
            _fail(item, StoreBusyError("The store closed before this was written.", retry_after_s=5.0))
        self._thread.join(drain_s)

    @property
    def commit_seq(self) -> int:
        """The newest commit, also one of before the start; 0 until the thread knows it. Never ahead of the store."""
        return self._commit_seq

    # The thread.

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:
            log.exception("the writer's thread is ended by an error that nobody foresaw")
            if not self._closing:
                self._on_death()

    def _work(self) -> None:
        self._start()
        while True:
            items = self._take()
            if items is None:
                return
            if items:
                self._last_work = time.monotonic()
            try:
                self._handle(items)
            except Exception as error:
                log.exception("the writer met an unexpected error; its requests are refused")
                for item in items:
                    _fail(item, self._postponed(error))
            self._maintain()

    def _start(self) -> None:
        def read(cursor: DuckDBPyConnection) -> None:
            self._commit_seq = last_commit_seq(cursor)
            self._memory.load(cursor)

        try:
            self._transaction(read)
        except Exception:
            # Slower, and right: without its memory the writer looks every key up in the tables.
            log.exception("the keys of the store could not be read ahead")

    def _take(self) -> list[_Request] | list[_Call] | None:
        """The waiting requests up to a call or the caps, or one call; nothing after a while; null: stop."""
        with self._ready:
            if not self._queue and not self._closing:
                self._ready.wait(timeout=IDLE_S)
            if not self._queue:
                return None if self._closing else []
            if isinstance(first := self._queue[0], _Call):
                self._queue.popleft()
                return [first] if first.future.set_running_or_notify_cancel() else []
            self._gather()
            return self._take_requests()

    def _gather(self) -> None:
        while (left := self._gather_until - time.monotonic()) > 0 and not self._closing and self._is_small():
            self._ready.wait(left)

    def _is_small(self) -> bool:
        """Whether requests of few rows, and nothing else, wait."""
        first = list(itertools.islice(self._queue, GATHER_MOST))
        rows = sum(item.rows if isinstance(item, _Request) else GATHER_ROWS for item in first)
        return len(first) < GATHER_MOST and rows < GATHER_ROWS

    def _take_requests(self) -> list[_Request]:
        group: list[_Request] = []
        rows = nbytes = 0
        while self._queue and isinstance(first := self._queue[0], _Request):
            if group and (rows + first.rows > GROUP_ROWS or nbytes + first.nbytes > GROUP_BYTES):
                break
            self._queue.popleft()
            self._bytes -= first.nbytes
            if first.future.set_running_or_notify_cancel():
                group.append(first)
                rows, nbytes = rows + first.rows, nbytes + first.nbytes
        return group

    def _handle(self, items: Sequence[_Request | _Call]) -> None:
        requests = [item for item in items if isinstance(item, _Request)]
        for item in items:
            if isinstance(item, _Call):
                self._answer(item, partial(self._called, item))
        if requests:
            self._store(requests)

    def _called(self, call: _Call) -> Any:
        if call.batch is None:
            return self._transaction(call.work)
        group, now = Group([call.batch]), datetime.now(UTC).replace(tzinfo=None)

        def both(cursor: DuckDBPyConnection) -> Receipt | None:
            if not call.work(cursor):
                return None
            return group.write(cursor, self._memory, self._next_seq(cursor), now)[0]

        receipt = self._transaction(both)
        if receipt is not None:
            self._commit_seq = self._database.newest_seq = receipt.commit_seq
            group.committed(self._memory)
        return receipt

    def _answer(self, call: _Call, work: Callable[[], Any]) -> None:
        try:
            result = work()
        except PASSING as error:
            self._disk.forget()
            _fail(call, self._postponed(error))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            _fail(call, error)
        else:
            call.future.set_result(result)

    def _store(self, requests: list[_Request]) -> None:
        try:
            receipts = self._commit([request.batch for request in requests])
        except StoreError as error:  # of the file, not of the data: one by one they would meet it again
            for request in requests:
                _fail(request, self._postponed(error))
        except (duckdb.Error, pa.ArrowException, ValueError, TypeError, KeyError, OSError, MemoryError) as error:
            self._disk.forget()
            if len(requests) == 1:
                self._store_failed(requests[0], error)
                return
            log.warning("a group of %d requests failed and is tried one by one: %s", len(requests), error)
            for request in requests:
                self._store([request])
        else:
            for request, receipt in zip(requests, receipts, strict=True):
                request.future.set_result(receipt)
            if sum(request.rows for request in requests) >= GATHER_AFTER_ROWS:
                self._gather_until = time.monotonic() + GATHER_S

    def _store_failed(self, request: _Request, error: Exception) -> None:
        """The request failed alone: to be sent again if the fault passes, else booked as rejected: nothing vanishes."""
        if isinstance(error, PASSING):
            _fail(request, self._postponed(error))
            return
        log.error("a request of %s is refused: %s", request.batch.source, error)
        message = f"the store cannot take it: {error}"
        refused = rejected_whole(request.batch, "store_refused", message)
        bare = replace(request.batch, rejected=(*request.batch.rejected, *refused), spans=None, logs=None, scores=None,
                       origins=None, tool_definitions=None)  # fmt: skip
        try:
            (receipt,) = self._commit([bare])
        except Exception as again:  # noqa: BLE001 - not even the ledger can be written
            _fail(request, self._postponed(again))
        else:
            # Scores of the API are not counted as received; they are told by their rows.
            count = sum(items.count for items in refused) if request.batch.received else request.rows
            request.future.set_result(replace(receipt, rejected=count, message=message))

    def _postponed(self, error: Exception) -> StoreBusyError:
        """What the sender is told of a fault that passes."""
        if isinstance(error, StoreBusyError):
            return error
        kind = StoreFullError if is_disk_full(error) else StoreBusyError
        return kind(f"Not written: {error}", retry_after_s=self._retry_after_s)

    def _commit(self, batches: list[Batch]) -> list[Receipt]:
        group = Group(batches)
        now = datetime.now(UTC).replace(tzinfo=None)
        # The number is taken anew for each try: a commit that broke the file may stand in it all the same.
        receipts = self._transaction(lambda cursor: group.write(cursor, self._memory, self._next_seq(cursor), now))
        self._commit_seq = self._database.newest_seq = receipts[0].commit_seq
        group.committed(self._memory)
        return receipts

    def _next_seq(self, cursor: DuckDBPyConnection) -> int:
        """The number of the next group; asked of the store when it is new, or could not be read at the start."""
        if not self._commit_seq:
            self._commit_seq = last_commit_seq(cursor)
        return self._commit_seq + 1

    def _transaction(self, work: Callable[[DuckDBPyConnection], T]) -> T:
        """Run `work` in one transaction; after a fatal error reopen the file and try once more."""
        for _ in range(2):
            try:
                with self._database.lease() as cursor:
                    return _in_transaction(cursor, work)
            except StoreBrokenError as error:
                log.warning("the store broke and is reopened: %s", error)
                fatal = error
            self._reopen(fatal.generation)
        message = f"The store failed twice: {fatal}"
        raise StoreBusyError(message, retry_after_s=5.0) from fatal

    def _reopen(self, generation: int) -> None:
        self._disk.forget()
        self._reopening = True
        try:
            self._database.reopen(generation)
        finally:
            self._reopening = False
        with self._database.lease() as cursor:  # the broken commit may have reached the disk
            self._commit_seq = max(self._commit_seq, last_commit_seq(cursor))

    def _maintain(self) -> None:
        try:
            self._checkpoint_if_due()
        except Exception:
            log.exception("the upkeep of the file failed and is repeated later")
            self._checkpoint_after = time.monotonic() + CHECKPOINT_RETRY_S

    def _checkpoint_if_due(self) -> None:
        """Checkpoint when the WAL is long, or shorter and nobody waits. Its senders have their answers already."""
        now = time.monotonic()
        if now < self._checkpoint_after:
            return
        with self._ready:
            idle = not self._queue
        wal = self._database.wal_bytes()
        if wal < (IDLE_CHECKPOINT_BYTES if idle and self._idle_long() else self._checkpoint_bytes):
            return
        if self._database.free_bytes() < wal + 64 * MIB:  # a checkpoint that fills the disk breaks the open file
            self._checkpoint_after = now + CHECKPOINT_RETRY_S
            return
        self._checkpoint()

    def _idle_long(self) -> bool:
        return time.monotonic() - self._last_work > IDLE_S - 0.1

    def _checkpoint(self) -> None:
        try:
            self._database.checkpoint()
        except StoreBrokenError as error:
            log.warning("a checkpoint failed and the store is reopened: %s", error)
            self._checkpoint_after = time.monotonic() + CHECKPOINT_RETRY_S
            try:
                self._reopen(error.generation)
            except StoreError as again:
                log.warning("%s; the next write tries again", again)
        except duckdb.TransactionException as error:
            log.info("the checkpoint waits for reads: %s", error)
            self._checkpoint_after = time.monotonic() + CHECKPOINT_BUSY_S
        except (duckdb.Error, StoreBusyError, OSError) as error:
            log.warning("the checkpoint is put off: %s", error)
            self._checkpoint_after = time.monotonic() + CHECKPOINT_RETRY_S


def last_commit_seq(cursor: DuckDBPyConnection) -> int:
    """The number of the newest group commit; 0 for an empty store. Every group writes the ledger."""
    (newest,) = one_row(cursor, "select coalesce(max(commit_seq), 0) from ledger_entries")
    return int(newest)


def _in_transaction(cursor: DuckDBPyConnection, work: Callable[[DuckDBPyConnection], T]) -> T:
    cursor.execute("begin transaction")
    try:
        result = work(cursor)
        cursor.execute("commit")
    except BaseException:
        _rollback_quietly(cursor)
        raise
    return result


def _rollback_quietly(cursor: DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # a failed commit, or a fatal error, has ended the transaction already
        cursor.execute("rollback")


def _fail(item: _Request | _Call, error: Exception) -> None:
    future: Future[Any] = item.future
    if not future.done():
        if not future.running():
            future.set_running_or_notify_cancel()
        if not future.cancelled():
            future.set_exception(error)
