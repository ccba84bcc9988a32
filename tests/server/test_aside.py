"""The process that works out what-if answers: what it says, what its loss and its slowness cost, and when it ends."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import active_children
from typing import Any

import psutil
import pytest

from analytics.whatif_carbon import PROVIDERS_ZONE, UnknownZoneError
from collectors.errors import UnavailableError
from server.aside import NICENESS, PLACES, Aside, Inline, _pickled, _Raised
from server.client import ApiError
from server.core import Core, opened
from server.settings import Settings
from server.whatif import caching, carbon, routing
from store.errors import QueryTimeoutError
from store.readers import ReaderPool

Serving = Any  # of conftest.py
Start = Callable[..., Serving]
NOW = datetime.now(UTC)
WINDOW = {"since": NOW - timedelta(hours=3), "until": NOW + timedelta(hours=1)}  # the run may take long
ASKED: tuple[Any, ...] = ({"kind": "llm"}, *(end.replace(tzinfo=None) for end in WINDOW.values()))
CALL = {
    "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o", "gen_ai__usage__input_tokens": 2_000,
    "gen_ai__usage__output_tokens": 50, "input__value": "What is the price of the red shoes?",
}  # fmt: skip


def asides(server: int) -> list[psutil.Process]:
    """The processes beside a server that work answers out: those that give way to the others."""
    found = []
    for child in psutil.Process(server).children():
        with suppress(psutil.Error):  # it has just ended
            found += [child] if child.nice() == NICENESS else []
    return found


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def stopped(server: int) -> Iterator[psutil.Process]:
    """The process stands still in the block, so that an answer is being worked out for as long as a test likes."""
    (process,) = asides(server)
    process.suspend()
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with opened(Settings(data_dir=tmp_path_factory.mktemp("aside"), min_free_bytes=0)) as core:
        yield core


@contextmanager
def beside(core: Core, limit_s: float = 60, idle_s: float = 60) -> Iterator[Aside]:
    made = Aside(ReaderPool(core.database, timeout_s=limit_s), idle_s)
    yield made
    made.close()
    assert asides(os.getpid()) == []


def weigh(desk: Aside | Inline, zone: str = "FRA") -> bytes:
    return desk.answer(1, carbon.answer, *ASKED, zone)


def test_an_answer_is_what_the_command_line_works_out_by_itself_and_it_ends_with_its_server(
    start: Start, otlp: Callable[..., bytes]
) -> None:
    served = start()
    for number in range(1, 40):
        assert served.post(otlp(number, 2, **CALL)).is_success
    with served.client() as client:
        client.settle()
        said = {what: client.whatif(what, **WINDOW) for what in ("caching", "routing", "carbon")}
    found = asides(served.process.pid)
    assert len(found) == 1
    served.end()
    assert psutil.wait_procs(found, timeout=30)[1] == []
    works: dict[str, tuple[Any, Any]] = {
        "caching": (caching.answer, caching.Options(timedelta(seconds=300))),
        "routing": (routing.answer, routing.Options()),
        "carbon": (carbon.answer, PROVIDERS_ZONE),
    }
    with opened(Settings(data_dir=served.folder)) as core:
        here = {what: Inline(core.readers).answer(1, work, *ASKED, own) for what, (work, own) in works.items()}
    assert said == {what: json.loads(body) for what, body in here.items()}
    assert said["caching"]["exact"]["hits"] > said["routing"]["sample"]["calls"] // 2 == 39


def test_spans_come_in_meanwhile_a_lost_process_is_replaced_and_a_killed_server_leaves_none(
    start: Start, otlp: Callable[..., bytes]
) -> None:
    served = start()
    assert served.post(otlp(1, **CALL)).is_success
    with served.client() as client, ThreadPoolExecutor(1) as pool:
        client.settle()
        before = client.whatif("carbon", **WINDOW)
        with stopped(served.process.pid):
            waiting = pool.submit(client.whatif, "carbon", **WINDOW)
            assert served.post(otlp(2, **CALL)).is_success
            client.settle()
            assert not waiting.done()
        assert (before["calls"], waiting.result(30)["calls"]) in {(1, 1), (1, 2)}
        with stopped(served.process.pid) as lost:
            waiting = pool.submit(client.whatif, "carbon", **WINDOW)
            time.sleep(0.2)
            lost.kill()
            with pytest.raises(ApiError, match="was lost") as failed:
                waiting.result(30)
        assert failed.value.status == 503
        assert client.whatif("carbon", **WINDOW)["calls"] == 2
        found = asides(served.process.pid)
        assert found != [lost]
    served.end(signal.SIGKILL)
    assert len(found) == 1
    assert psutil.wait_procs(found, timeout=30)[1] == []


def test_it_ends_when_idle_and_comes_again(core: Core) -> None:
    with beside(core, idle_s=0.3) as aside:
        first = weigh(aside)
        until(lambda: asides(os.getpid()) == [])
        assert weigh(aside) == first
        until(lambda: asides(os.getpid()) == [])


def test_one_that_ended_by_itself_between_two_answers_costs_none(core: Core) -> None:
    with beside(core) as aside:
        weigh(aside)
        (process,) = asides(os.getpid())
        process.kill()
        until(lambda: not active_children())
        assert json.loads(weigh(aside))["calls"] == 0


def test_one_that_is_too_slow_is_replaced(core: Core) -> None:
    with beside(core, limit_s=3) as aside:
        weigh(aside)
        with stopped(os.getpid()) as slow, pytest.raises(QueryTimeoutError, match="within 3 s"):
            weigh(aside)
        assert not slow.is_running()
        assert weigh(aside) == weigh(Inline(core.readers))


def test_work_that_asks_the_store_nothing_has_a_limit_and_words_of_its_own(core: Core) -> None:
    with beside(core) as aside, pytest.raises(QueryTimeoutError, match=r"within 0\.5 s\. Give less at once"):
        aside.compute(0.5, time.sleep, 30)


def test_it_does_linear_algebra_in_one_thread(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with beside(core) as aside:
        assert aside.compute(60, os.getenv, "OPENBLAS_NUM_THREADS") == b'"1"'
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_few_may_wait(core: Core) -> None:
    with beside(core) as aside, ThreadPoolExecutor(PLACES) as pool:
        weigh(aside)
        with stopped(os.getpid()):
            waiting = [pool.submit(weigh, aside) for _ in range(PLACES)]
            until(lambda: not aside._places._value)
            with pytest.raises(UnavailableError, match=f"{PLACES} answers"):
                weigh(aside)
        assert len({each.result(30) for each in waiting}) == 1


def test_what_the_work_raises_comes_back_and_costs_no_process(core: Core) -> None:
    with beside(core) as aside:
        with pytest.raises(UnknownZoneError, match=r"zone 'FRAU'\. Did you mean FRA"):
            weigh(aside, "FRAU")
        before = asides(os.getpid())
        with pytest.raises(TypeError, match="zone") as bug:
            aside.answer(1, carbon.answer, *ASKED)
        assert "aside.py" in bug.value.__notes__[0]
        weigh(aside)
        assert asides(os.getpid()) == before


def test_a_fault_of_the_files_is_none_of_the_process(core: Core) -> None:
    with beside(core) as aside:
        weigh(aside)
        before = asides(os.getpid())
        with pytest.raises(OSError, match="/proc/nowhere"):
            aside.answer(1, partial(os.makedirs, "/proc/nowhere/below"))
        weigh(aside)
        assert asides(os.getpid()) == before


class _OddError(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("cannot leave this process")


def test_what_cannot_leave_the_process_is_told_in_words() -> None:
    told = pickle.loads(_pickled(_Raised(_OddError("of its own"))))  # noqa: S301 - of our own making
    assert isinstance(told.error, RuntimeError)
    assert str(told.error) == "_OddError: of its own"


def test_a_closed_one_answers_no_more(core: Core) -> None:
    with beside(core) as aside, ThreadPoolExecutor(1) as pool:
        weigh(aside)
        with stopped(os.getpid()):
            waiting = pool.submit(weigh, aside)
            time.sleep(0.1)
            aside.close()
            with pytest.raises(UnavailableError, match="lost"):
                waiting.result(10)
        with pytest.raises(UnavailableError, match="shutting down"):
            weigh(aside)
