"""The pool of decoding processes: what one request does to its process, and what that costs others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from collectors.errors import UndecodableError
from collectors.normalising.options import NormaliserOptions
from collectors.receivers.sink import ExportRequest
from server.core import Core, opened
from server.decoders import DecoderLostError, Decoders
from server.ingest import Ingest
from server.settings import Settings

SLOW_SPANS = 40_000  # seconds of work


def processes() -> list[psutil.Process]:
    """The decoding processes of this one that run."""
    return [child for child in psutil.Process(os.getpid()).children() if _decodes(child)]


def _decodes(child: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has just ended
        return "spawn_main" in " ".join(child.cmdline())
    return False


def sent(body: bytes) -> ExportRequest:
    return ExportRequest("traces", "grpc", body, None)


def impatient(size: int) -> float:
    """No time for what is large; enough for the rest."""
    return 0.3 if size > 1_000_000 else 60


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    pool = Decoders(NormaliserOptions(), 1, impatient)
    yield pool
    pool.close()
    assert processes() == []


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with opened(Settings(data_dir=tmp_path, min_free_bytes=0)) as core:
        yield core


def test_a_request_that_takes_too_long_is_refused_and_the_next_is_read(
    decoders: Decoders, otlp: Callable[..., bytes]
) -> None:
    async def both() -> int:
        slow = asyncio.create_task(decoders.prepare(sent(otlp(1, SLOW_SPANS)), 1))
        await asyncio.sleep(0)
        plain = asyncio.create_task(decoders.prepare(sent(otlp(2, 3)), 1))
        with pytest.raises(UndecodableError, match="took longer"):
            await slow
        return (await plain).received

    assert asyncio.run(both()) == 3


def test_such_a_request_is_on_record(core: Core, decoders: Decoders, otlp: Callable[..., bytes]) -> None:
    ingest = Ingest(core.writer, core.projects, decoders, 2**30)
    body = otlp(1, SLOW_SPANS)
    with pytest.raises(UndecodableError):
        asyncio.run(ingest.accept(sent(body)))
    (row,) = core.run("refused_requests", "default", {}).table.to_pylist()
    assert (row["bytes"], row["signal"], "took longer" in row["reason"]) == (len(body), "traces", True)
    assert ingest.counters.undecodable_requests == 1


def test_a_lost_process_costs_its_own_request_alone(decoders: Decoders, otlp: Callable[..., bytes]) -> None:
    async def lose() -> int:
        await decoders.prepare(sent(otlp(1)), 1)
        (process,) = processes()
        process.suspend()
        lost = asyncio.create_task(decoders.prepare(sent(otlp(2)), 1))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(decoders.prepare(sent(otlp(3, 2)), 1))
        process.kill()
        with pytest.raises(DecoderLostError):
            await lost
        return (await waiting).received

    assert asyncio.run(lose()) == 2


def test_a_request_that_nobody_waits_for_any_more_ends_with_its_process(
    decoders: Decoders, otlp: Callable[..., bytes]
) -> None:
    async def leave() -> int:
        await decoders.prepare(sent(otlp(1)), 1)
        left = asyncio.create_task(decoders.prepare(sent(otlp(2, 3_000)), 1))
        await asyncio.sleep(0.05)
        left.cancel()
        return (await decoders.prepare(sent(otlp(3, 2)), 1)).received

    assert asyncio.run(leave()) == 2
