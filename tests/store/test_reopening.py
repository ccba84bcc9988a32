"""A reopening under the writer: what it carries is stored or sent again, and never booked as rejected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from store import group, writer
from store.errors import StoreBusyError

ENDLESS = "select count(*) from range(1000000000000) a"
WRITE = group._write_section


@pytest.fixture
def once_before_a_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], None]], None]:
    """Do something with the writer's cursor before it writes its first rows."""

    def plan(work: Callable[[Any], None]) -> None:
        left = [work]

        def write(cursor: Any, *rest: Any) -> None:
            if left:
                left.pop()(cursor)
            WRITE(cursor, *rest)

        monkeypatch.setattr(group, "_write_section", write)

    return plan


def reopening(store: Any) -> threading.Thread:
    """As a reader starts it after a fatal error; ends well or not."""

    def work() -> None:
        with suppress(StoreBusyError):
            store.database.reopen(store.database.generation)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def resent(store: Any, batch: Any) -> Any:
    """The receipt of a batch that is sent again for as long as the store is busy, as senders do."""
    until = time.monotonic() + 20
    while True:
        try:
            return store.writer.submit(batch).result(20)
        except StoreBusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def test_an_interrupted_group_is_written_again(store: Any, make: Any, once_before_a_write: Any) -> None:
    def interrupted(cursor: Any) -> None:
        reopening(store)
        cursor.execute(ENDLESS).fetchall()

    once_before_a_write(interrupted)
    receipt = store.writer.submit(make.traces(make.span(span=1), make.span(span=2))).result(20)
    assert (receipt.stored, receipt.rejected, receipt.message) == (2, 0, "")
    assert store.database.generation == 1
    assert store.total("traces")["balanced"]


def test_an_interrupted_call_runs_again(store: Any) -> None:
    runs: list[int] = []

    def work(cursor: Any) -> int:
        runs.append(1)
        if len(runs) == 1:
            reopening(store)
            cursor.execute(ENDLESS).fetchall()
        return len(runs)

    assert store.writer.call(work).result(20) == 2


def test_reopenings_at_any_moment_reject_nothing(store: Any, make: Any) -> None:
    for number in range(1, 7):
        spans = [make.span(number, n, attributes={"text": f"{number * n} " * 100}) for n in range(1, 2001)]
        future = store.writer.submit(make.traces(*spans))
        time.sleep(0.02 * number)
        reopening(store).join(20)
        try:
            receipt = future.result(20)
        except StoreBusyError:
            receipt = resent(store, make.traces(*spans))
        assert (receipt.stored + receipt.duplicate, receipt.rejected) == (2000, 0)
    assert store.total("traces")["rejected"] == 0


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(duckdb.InterruptException("INTERRUPT Error: Interrupted!"), id="interrupt"),
        pytest.param(duckdb.SerializationException("Serialization Error: cut"), id="file"),
        pytest.param(pa.ArrowMemoryError("malloc of size 1 failed"), id="arrow-memory"),
        pytest.param(MemoryError(), id="memory"),
    ],
)
def test_a_passing_fault_asks_to_send_again(store: Any, make: Any, once_before_a_write: Any, error: Exception) -> None:
    def fail(_: object) -> None:
        raise error

    once_before_a_write(fail)
    with pytest.raises(StoreBusyError):
        store.writer.submit(make.traces(make.span())).result(20)
    assert store.writer.submit(make.traces(make.span())).result(20).stored == 1
    assert store.total("traces")["rejected"] == 0


def failing_once(store: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The next attempt to open the file takes a while and fails."""
    connect, left = store.database._connect, [error]

    def attempt() -> Any:
        if left:
            time.sleep(0.5)
            raise left.pop()
        return connect()

    monkeypatch.setattr(store.database, "_connect", attempt)


def test_the_writer_waits_for_a_reopening_that_fails(
    store: Any, make: Any, once_before_a_write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader met the fatal error first and tries to reopen; the disk does not let it."""

    def fatal(_: object) -> None:
        reopening(store)
        time.sleep(0.2)
        raise duckdb.FatalException("FATAL Error: database has been invalidated")

    failing_once(store, monkeypatch, duckdb.IOException("IO Error: No space left on device"))
    once_before_a_write(fatal)
    with pytest.raises(StoreBusyError):
        store.writer.submit(make.traces(make.span())).result(20)
    assert store.writer.submit(make.traces(make.span())).result(20).stored == 1
    assert store.total("traces")["rejected"] == 0


def test_a_failed_reopening_is_told_to_all_who_wait_for_it(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_once(store, monkeypatch, duckdb.IOException("IO Error: No space left on device"))
    first = reopening(store)
    time.sleep(0.1)
    with pytest.raises(StoreBusyError, match="could not be reopened"):
        store.database.reopen(0)
    first.join()
    store.database.reopen(0)
    assert store.count("projects") == 1


@pytest.mark.parametrize("error", [duckdb.InterruptException("interrupted"), RuntimeError("unforeseen")])
def test_numbers_go_on_when_the_start_fails(
    open_store: Any, make: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A number given twice would never be resolved."""
    open_store().writer.submit(make.traces(make.span(trace=1))).result(20)
    read, left = writer.last_commit_seq, [error]

    def failing(cursor: Any) -> int:
        if left:
            raise left.pop()
        return read(cursor)

    monkeypatch.setattr(writer, "last_commit_seq", failing)
    assert open_store().writer.submit(make.traces(make.span(trace=2))).result(20).commit_seq == 2


def test_an_interrupted_start_is_repeated(open_store: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store().writer.submit(make.traces(make.span())).result(20)
    load, left, started = group.Memory.load, [1], threading.Event()

    def interrupted(memory: group.Memory, cursor: Any) -> None:
        if left.pop() if left else 0:
            started.set()
            cursor.sql("select i from range(1000000000000) t(i)").to_arrow_reader(100).read_all()
        load(memory, cursor)

    monkeypatch.setattr(group.Memory, "load", interrupted)
    store = open_store()
    assert started.wait(10)
    reopening(store).join(20)
    assert resent(store, make.traces(make.span())).duplicate == 1  # the writer itself may not be done with reopening
    assert store.writer._memory.filters
