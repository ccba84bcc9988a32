"""Reads: a bounded number of read-only transactions at once, each with a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import queries
from store.database import Database, is_broken, one_row
from store.errors import QueryTimeoutError, StoreBrokenError, StoreBusyError, UnknownQueryError

QUESTION_WAIT_S = 1.0  # for a place: each that waits holds one of the server's threads


@dataclass(frozen=True, slots=True)
class Answer:
    """What one named query said."""

    table: pa.Table
    watermark: str  # "commit_seq-resolved_seq" of the snapshot that was read
    truncated: bool  # true: there are more rows than were asked for


class ReaderPool:
    """At most `size` reads at once, each interrupted after `timeout_s` seconds."""

    def __init__(self, database: Database, size: int = 4, timeout_s: float = 20.0, max_rows: int = 100_000) -> None:
        """`max_rows` is what `run` cuts an answer to when it is not told otherwise."""
        self._database = database
        self._slots = threading.BoundedSemaphore(size)
        self.questions = max(1, size // 2)  # of `question`, at once
        self._questions = threading.BoundedSemaphore(self.questions)
        self.timeout_s = timeout_s
        self.max_rows = max_rows

    @contextmanager
    def read(self, timeout_s: float | None = None) -> Iterator[DuckDBPyConnection]:
        """Lend a cursor inside a read-only transaction: one snapshot for all that is asked of it.

        The wait for a free place counts towards the limit. Fetch results within the block; then the cursor is closed.

        Raises:
            QueryTimeoutError: the limit passed.
            StoreBusyError: the file is being reopened.
        """
        limit = self.timeout_s if timeout_s is None else timeout_s
        until = time.monotonic() + limit
        if not self._slots.acquire(timeout=limit):
            message = f"No place for another read came free within {limit:g} s. Try again later."
            raise QueryTimeoutError(message)
        try:
            with self._reading(limit, until) as cursor:
                yield cursor
        finally:
            self._slots.release()

    @contextmanager
    def question(self, timeout_s: float | None = None) -> Iterator[DuckDBPyConnection]:
        """`read` for a question of one's own, which may be slow: such have half of the places, pages the others.

        Raises:
            StoreBusyError: as many run already; or see `read`.
        """
        if not self._questions.acquire(timeout=QUESTION_WAIT_S):
            message = f"The places for questions in SQL ({self.questions}) are taken. Try again when one has ended."
            raise StoreBusyError(message, retry_after_s=5.0)
        try:
            with self.read(timeout_s) as cursor:
                yield cursor
        finally:
            self._questions.release()

    def probe(self, timeout_s: float = 5.0) -> None:
        """Read one value beside the places: a pool full of long reads is busy, and not broken.

        Raises:
            StoreError, duckdb.Error: the store cannot be read.
        """
        with self._reading(timeout_s, time.monotonic() + timeout_s) as cursor:
            cursor.execute("select 1").fetchone()

    @contextmanager
    def _reading(self, limit: float, until: float) -> Iterator[DuckDBPyConnection]:
        try:
            with ExitStack() as stack:
                yield self._enter(stack, limit, until)
        except StoreBrokenError as error:
            self._reopen_soon(error.generation)
            raise StoreBusyError("The store is being reopened under the read.", retry_after_s=1.0) from error

    def _enter(self, stack: ExitStack, limit: float, until: float) -> DuckDBPyConnection:
        """Open the transaction; if the file was given up before, reopen it first: reads go on by themselves."""
        try:
            return stack.enter_context(self._lend(limit, until))
        except StoreBrokenError as error:
            self._database.reopen(error.generation)
            return stack.enter_context(self._lend(limit, until))

    @contextmanager
    def _lend(self, limit: float, until: float) -> Iterator[DuckDBPyConnection]:
        with self._database.lease() as cursor:
            alarm = _Alarm(cursor, until - time.monotonic())
            try:
                cursor.execute("begin transaction read only")
                yield cursor
            except duckdb.InterruptException as error:
                if not alarm.rang:
                    raise
                message = f"The read was interrupted after {limit:g} s. Narrow the time range or add a filter."
                raise QueryTimeoutError(message) from error
            finally:
                alarm.stop()

    def _reopen_soon(self, generation: int) -> None:
        # In a thread of its own: the caller may be an answer to a page, and the reopening waits for other readers.
        def work() -> None:
            try:
                self._database.reopen(generation)
            except StoreBusyError:
                return  # the next read or write meets the same error and tries again

        threading.Thread(target=work, name="store-reopen", daemon=True).start()

    def run(
        self, name: str, project_id: int, params: dict[str, object] | None = None, max_rows: int | None = None
    ) -> Answer:
        """Answer the named query of `store.queries` with parameters as text or as typed values.

        Raises:
            UnknownQueryError: no such query, or a parameter is unknown, missing or of the wrong type.
            QueryTimeoutError: see `read`.
        """
        try:
            return self._run(name, project_id, params, max_rows)
        except StoreBusyError as error:
            if not isinstance(error.__cause__, StoreBrokenError):
                raise
            self._database.reopen(error.__cause__.generation)
            return self._run(name, project_id, params, max_rows)

    def _run(self, name: str, project_id: int, params: dict[str, object] | None, max_rows: int | None) -> Answer:
        query = queries.get(name)
        arguments = query.parse(params or {})
        limit = self.max_rows if max_rows is None else max_rows
        if query.bounded:
            arguments[queries.MAX_ROWS] = limit + 1
        newest = self._database.newest_seq
        with self.read() as cursor:
            mark = watermark(cursor, newest)
            table = answered(query, cursor, project_id, arguments)
        return Answer(table.slice(0, limit), mark, table.num_rows > limit)

    def watermark(self) -> str:
        """The watermark of the newest commit, as in `Answer`."""
        newest = self._database.newest_seq
        with self.read() as cursor:
            return watermark(cursor, newest)


def watermark(cursor: DuckDBPyConnection, at_least: int = 0) -> str:
    """`commit_seq-resolved_seq` in the snapshot of the cursor's transaction: what a cache of answers is keyed by.

    `at_least`: a commit known before the snapshot was taken; it spares reading the whole ledger.
    """
    commit_seq, resolved_seq = one_row(
        cursor,
        "select (select coalesce(max(commit_seq), 0) from ledger_entries where commit_seq >= $at_least), "
        "(select value from resolver_state where name = 'resolved_seq')",
        {"at_least": at_least},
    )
    return f"{commit_seq}-{resolved_seq or 0}"


def answered(
    query: queries.Query, cursor: DuckDBPyConnection, project_id: int, arguments: dict[str, object]
) -> pa.Table:
    """The query's table; what the database says of a wrong value, and of too little room, in our words."""
    try:
        return query.function(cursor, project_id, **arguments)
    except (ValueError, duckdb.DataError, duckdb.InvalidInputException) as error:
        if is_broken(error):
            raise
        message = f"Query {query.name} has no answer for these parameters: {error}"
        raise UnknownQueryError(message) from error
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        if is_broken(error):
            raise
        message = f"Query {query.name} needs more memory or disk than there is. Narrow the time range. ({error})"
        raise StoreBusyError(message, retry_after_s=5.0) from error


class _Alarm:
    """Interrupts a cursor once, later."""

    def __init__(self, cursor: DuckDBPyConnection, seconds: float) -> None:
        self.rang = False
        self._cursor = cursor
        self._lock = threading.Lock()
        self._stopped = False
        self._timer = threading.Timer(max(seconds, 0.0), self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _ring(self) -> None:
        with self._lock:
            if not self._stopped:
                self.rang = True
                self._cursor.interrupt()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        self._timer.cancel()
