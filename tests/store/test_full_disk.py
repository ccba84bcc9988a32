"""A disk that takes no more: refusals say so, reads go on, and writing resumes by itself once there is room.

The limit on the size of files that a process may set itself stands for the full disk: the same write fails, at the same
place.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from store.errors import StoreBusyError

UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Set the largest size, in bytes, that a file of this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def request(make: Any, number: int) -> Any:
    spans = [make.span(number, n, attributes={"text": f"{number * n} " * 100}) for n in range(1, 101)]
    return make.traces(*spans)


def sent(store: Any, batch: Any) -> bool:
    """Whether it was acknowledged. A refusal has to be one that asks to send again."""
    try:
        store.writer.submit(batch).result(30)
    except StoreBusyError:
        return False
    return True


def send_until_taken(store: Any, batch: Any) -> None:
    until = time.monotonic() + 30
    while not sent(store, batch):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_wal_that_cannot_grow(open_store: Any, make: Any, limit: Callable[[int], None]) -> None:
    store = open_store(checkpoint_bytes=1 << 40)
    assert sent(store, request(make, 1))
    limit(store.database.wal_bytes() + 10_000)
    for number in (2, 3):
        assert not sent(store, request(make, number))
        assert store.total("traces")["rows"] == 100
    limit(UNLIMITED)
    send_until_taken(store, request(make, 2))
    assert store.total("traces")["balanced"]
    assert store.database.generation == 0  # nothing broke: no reopening was needed


def test_a_checkpoint_that_cannot_be_written(open_store: Any, make: Any, limit: Callable[[int], None]) -> None:
    store = open_store(checkpoint_bytes=200_000)
    limit(store.database.file_bytes() + 400_000)  # room for the WAL, not for the columns
    acknowledged = [number for number in range(1, 12) if sent(store, request(make, number)) and read(store)]
    assert acknowledged
    until = time.monotonic() + 10  # the checkpoint comes after the answers
    while not store.database.generation and time.monotonic() < until:
        time.sleep(0.05)
    assert store.database.generation > 0  # it broke, and was opened anew
    assert {row[0] for row in store.rows("select trace_id from spans")} >= {UUID(int=number) for number in acknowledged}
    limit(UNLIMITED)
    for number in range(1, 14):
        send_until_taken(store, request(make, number))
    total = store.total("traces")
    assert (total["rows"], total["balanced"]) == (1300, True)


def read(store: Any) -> bool:
    """Reads go on, whatever the writer meets."""
    return bool(store.readers.run("ledger_total", 1).table.num_rows)


def test_what_a_full_disk_acknowledged_survives_a_restart(
    open_store: Any, make: Any, limit: Callable[[int], None]
) -> None:
    store = open_store(checkpoint_bytes=200_000)
    limit(store.database.file_bytes() + 400_000)
    acknowledged = [number for number in range(1, 12) if sent(store, request(make, number))]
    store.close()  # its checkpoint fails as well
    limit(UNLIMITED)
    store = open_store()
    stored = dict(store.rows("select trace_id, count(*) from spans group by trace_id"))
    assert stored.keys() >= {UUID(int=number) for number in acknowledged}
    assert set(stored.values()) == {100}
    assert store.total("traces")["balanced"]
