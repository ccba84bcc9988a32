"""Nothing but its end ends the writer's thread; and if something does, whoever runs it is told."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from store import database, writer
from store.errors import StoreBrokenError, StoreBusyError
from store.writer import Writer


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A writer that looks after the file all the time; the function lets it find a checkpoint to be due."""
    monkeypatch.setattr(writer, "IDLE_S", 0.1)
    monkeypatch.setattr(writer, "CHECKPOINT_RETRY_S", 0.1)
    monkeypatch.setattr(database, "REOPEN_WAIT_S", 0.2)
    return lambda: monkeypatch.setattr(writer, "IDLE_CHECKPOINT_BYTES", 1)


def takes_and_stores(store: Any, batch: Any) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            return bool(store.writer.submit(batch).result(20).stored)
        except StoreBusyError:
            time.sleep(0.1)
    return False


def test_a_checkpoint_that_meets_a_reopening_is_put_off(
    hurried: Callable[[], None], open_store: Callable[..., Any], make: Any
) -> None:
    store = open_store()
    store.writer.submit(make.traces(make.span(span=1))).result(10)
    with store.database.lease():  # a read that does not end, as far as the reopening can see
        thread = threading.Thread(target=store.database.reopen, args=(0,))
        thread.start()
        hurried()
        time.sleep(1.0)
        assert store.writer.state().alive
    thread.join(20)
    assert takes_and_stores(store, make.traces(make.span(span=2)))


def test_a_disk_that_does_not_take_the_file_back_is_asked_again(
    hurried: Callable[[], None], open_store: Callable[..., Any], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    store.writer.submit(make.traces(make.span(span=1))).result(10)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def broken() -> None:
        raise StoreBrokenError("FATAL Error: database has been invalidated", 0)

    with monkeypatch.context() as patch:
        patch.setattr(store.database, "_connect", full)
        patch.setattr(store.database, "checkpoint", broken)
        hurried()
        time.sleep(1.0)
        assert store.writer.state().alive
        with pytest.raises(StoreBusyError, match="No space left"):
            store.database.reopen(0)
    assert takes_and_stores(store, make.traces(make.span(span=2)))


def test_upkeep_that_fails_is_repeated(
    store: Any, make: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = [LookupError("unforeseen")]

    def failing() -> int:
        if left and threading.current_thread().name == "store-writer":
            raise left.pop()
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(store.database, "wal_bytes", failing)
        store.writer.call(lambda _: None).result(10)
        time.sleep(0.5)
    assert (left, store.writer.state().alive) == ([], True)
    assert store.writer.submit(make.traces(make.span())).result(10).stored == 1


class UnforeseenError(Exception):
    pass


def test_a_writer_that_ends_says_so(
    store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def take(_: Writer) -> None:
        raise UnforeseenError

    ended = threading.Event()
    monkeypatch.setattr(Writer, "_take", take)
    dead = Writer(store.database, min_free_bytes=0, on_death=ended.set)
    assert ended.wait(10)
    assert "UnforeseenError" in caplog.text
    dead.close()
