"""What tests of several packages share: a real server on free ports, and spans to send to it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

# Before NumPy is there, and for all that tests start: threads of linear algebra that wait for a busy core spin, which
# took fifteen times the CPU time of what they computed.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import chats
import httpx
import pytest
import told_twice
import typer.main
import warm
from httpx._transports import default
from hypothesis import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import server.cli  # noqa: F401 - all commands are to be there before their tree is made
from server import running
from server.client import Client

# A busy machine is slow, not wrong. A law that asks for no number of examples is tried by 25, always the same: who
# looks for others says `--hypothesis-profile=wide`.
settings.register_profile("busy", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("wide", deadline=None, max_examples=300)
settings.load_profile("busy")

# Certificates are read once, not with each client: 30 ms of each request by itself.
default.create_ssl_context = cache(default.create_ssl_context)

# The tree of all commands keeps nothing of a run: to make it for each anew took nine tenths of most.
typer.main.get_command = cache(typer.main.get_command)

TESTS = Path(__file__).parent
CAPTURES = TESTS / "server" / "captures"
START_S = 60.0
SENDER = httpx.Client(trust_env=False, timeout=30, verify=False)  # noqa: S501 - plain HTTP
atexit.register(SENDER.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of a minute each come first: at the end one of them would leave a core idle.

    A story in a browser has ten minutes: whose time is up within Playwright ends all tests of its process.
    """
    items.sort(key=lambda item: item.path.parent not in (TESTS, TESTS / "browser"))
    for item in items:
        if item.path.parent == TESTS / "browser":
            item.add_marker(pytest.mark.timeout(600))


@dataclass
class Served:
    """One `assay serve` and what it listens on."""

    process: warm.Program
    note: running.Running
    project: str = "default"  # which is meant unless another is named

    def client(self, project: str | None = None) -> Client:
        return Client(self.note.api_url, project or self.project)

    def in_project(self, name: str) -> Served:
        """The same server, with a new project in place of the one that is meant here."""
        with self.client() as client:
            client.add_project(name)
        return replace(self, project=name)

    def send(self, body: bytes, signal_name: str = "traces", project: str | None = None) -> None:
        """One OTLP request; fails the test unless it is taken. Bodies that are joined are one request of all."""
        answer = SENDER.post(
            f"{self.note.otlp_http_url}/v1/{signal_name}",
            content=body,
            headers={"content-type": "application/x-protobuf", "x-assayline-project": project or self.project},
        )
        answer.raise_for_status()

    def send_captures(self) -> None:
        """The recorded requests of real instrumentations that the tests carry."""
        for path in sorted(CAPTURES.glob("*/*.otlp.pb")):
            self.send(path.read_bytes(), path.name.split(".")[1])

    def settle(self) -> None:
        with self.client() as client:
            client.settle()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


@pytest.fixture(scope="session")
def serve_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """As `serve`, for the stores that many modules read: these servers stay till the end."""
    with _serving(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """Start `assay serve` over an empty store of the given name; all are stopped with the module."""
    with _serving(tmp_path_factory) as start:
        yield start


PLUGIN = TESTS / "plugin"


@pytest.fixture(scope="module")
def serve_with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """As `serve`, with a package of somebody else's installed, also in the test's process: its evaluator `unbacked`."""
    with pytest.MonkeyPatch.context() as patch, _serving(tmp_path_factory) as start:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(PLUGIN), os.environ.get("PYTHONPATH")))))
        patch.syspath_prepend(PLUGIN)
        yield start


@contextmanager
def _serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    started: list[Served] = []

    def start(name: str, fill: Callable[[Path], None] | None = None) -> Served:
        """`fill` puts something into the folder before the server opens it."""
        folder = tmp_path_factory.mktemp(name)
        if fill is not None:
            fill(folder)
        ports = {f"ASSAY_{port}_PORT": "0" for port in ("API", "OTLP_HTTP", "OTLP_GRPC")}
        environment = {**os.environ, **ports, "ASSAY_DATA_DIR": str(folder), "ASSAY_MIN_FREE_BYTES": "0"}
        process = warm.start("server.cli", ["serve"], environment, folder)
        started.append(Served(process, _wait(folder, process)))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop()


def _wait(folder: Path, process: warm.Program) -> running.Running:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        note = running.find(folder)
        if note is not None:
            return note
        if process.poll() is not None:
            pytest.fail(f"assay serve ended with {process.returncode}")
        time.sleep(0.05)
    pytest.fail("assay serve did not start")


@dataclass
class Telling:
    """Builds one trace, span by span; times in milliseconds after its start."""

    trace_id: bytes
    start_ns: int
    service: str = "shop"
    resource: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.request = ExportTraceServiceRequest()
        told = self.request.resource_spans.add()
        for key, value in {"service.name": self.service, **self.resource}.items():
            told.resource.attributes.add(key=key).value.string_value = value
        self._spans = told.scope_spans.add()

    def span(
        self,
        number: int,
        name: str,
        at_ms: float,
        lasts_ms: float,
        parent: int | None = None,
        error: str | None = None,
        **attributes: str | int,
    ) -> Telling:
        span = self._spans.spans.add(
            trace_id=self.trace_id,
            span_id=number.to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=self.start_ns + int(at_ms * 1e6),
            end_time_unix_nano=self.start_ns + int((at_ms + lasts_ms) * 1e6),
        )
        if parent is not None:
            span.parent_span_id = parent.to_bytes(8, "big")
        if error is not None:
            span.status.code, span.status.message = 2, error
        for key, value in attributes.items():
            kept = span.attributes.add(key=key.replace("__", ".")).value
            if isinstance(value, int):
                kept.int_value = value
            else:
                kept.string_value = value
        return self

    def body(self) -> bytes:
        return self.request.SerializeToString()


@pytest.fixture(scope="session")
def telling() -> type[Telling]:
    """For a test that tells a trace of its own."""
    return Telling


HOSTILE = (
    "![x](http://127.0.0.1:9/pixel) <img src=x onerror=alert(1)> :red[now] :streamlit: $a$ http://127.0.0.1:9/link"
)
HOSTILE_TRACE = bytes([9]) * 16
LARGE_TRACE = bytes([8]) * 16


@pytest.fixture(scope="session")
def hostile() -> str:
    """Text that would fetch, run or restyle something if a page took it for markup."""
    return HOSTILE


@pytest.fixture(scope="session")
def empty_url(serve_for_all: Callable[[str], Served]) -> str:
    return serve_for_all("empty").note.api_url


@pytest.fixture(scope="session")
def filled(serve_for_all: Callable[[str], Served]) -> Served:
    """The captures (of days ago), 120 traces of the last hour, one of 3,000 spans and one with hostile text."""
    served = serve_for_all("filled")
    served.send_captures()
    now = time.time_ns()
    small = [_small(index, now - (index + 1) * 10_000_000_000) for index in range(120)]
    served.send(b"".join(small))  # one request of all: for each the store would wait for the disk
    served.send(_large(now - 1_300_000_000_000))
    served.send(_hostile(now - 3_000_000_000))
    served.settle()
    return served


@pytest.fixture(scope="session")
def few(serve_for_all: Callable[[str], Served]) -> Served:
    """Three traces: of two minutes ago, its one call half-told; of three hours ago, failed; of five hours ago, calls
    that told nothing and half. No window holds more than one unless it is wide.
    """
    served, now, call = serve_for_all("few"), time.time_ns(), {"gen_ai__operation__name": "chat"}
    half = Telling(bytes([1]) * 16, now - 120_000_000_000).span(1, "half", 0, 900)
    served.send(half.span(2, "chat", 5, 800, parent=1, gen_ai__usage__output_tokens=60, **call).body())
    failed = Telling(bytes([2]) * 16, now - 3 * 3600_000_000_000).span(1, "bad", 0, 50, error="boom")
    served.send(failed.span(2, "chat", 5, 20, parent=1, error="boom", **call).body())
    mixed = Telling(bytes([3]) * 16, now - 5 * 3600_000_000_000).span(1, "mixed", 0, 500)
    mixed.span(2, "chat", 5, 20, parent=1, gen_ai__usage__input_tokens=7, **call)
    served.send(mixed.span(3, "chat", 50, 20, parent=1, **call).body())
    served.settle()
    return served


def _small(index: int, start_ns: int) -> bytes:
    """A root and one model call; every tenth call failed, every fifteenth told no usage."""
    trace = Telling(bytes([7]) * 15 + bytes([index]), start_ns, service=f"svc{index % 3}")
    trace.span(1, f"answer {index}", 0, 100 + index, session__id=f"s{index % 4}", user__id="u1")
    usage = {} if index % 15 == 1 else {"gen_ai__usage__input_tokens": 10 + index, "gen_ai__usage__output_tokens": 5}
    failed = "rate limit reached" if index % 10 == 0 else None
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-x", **usage}
    return trace.span(2, "chat gpt-x", 5, 80 + index, parent=1, error=failed, **call).body()


def _large(start_ns: int) -> bytes:
    trace = Telling(LARGE_TRACE, start_ns, service="large").span(1, "long run", 0, 3000)
    for number in range(2, 3001):
        trace.span(number, f"step {number}", number - 2, 1, parent=1 if number % 10 == 2 else number - number % 10 + 2)
    return trace.body()


def _hostile(start_ns: int) -> bytes:
    said = json.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": HOSTILE}, {"type": "uri", "uri": HOSTILE}]}]
    )
    trace = Telling(HOSTILE_TRACE, start_ns, service=HOSTILE)
    trace.span(1, HOSTILE, 0, 50, error=HOSTILE, session__id=HOSTILE, user__id=HOSTILE)
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": HOSTILE, "gen_ai__input__messages": said}
    return trace.span(2, HOSTILE, 5, 20, parent=1, note=HOSTILE, **call).body()


@pytest.fixture(scope="session")
def chatted(serve_for_all: Callable[[str], Served]) -> Served:
    """Two sessions, see `chats`, and three traces to compare, see `told_twice`."""
    served: Served = chats.fill(serve_for_all("chatted"), Telling)
    told_twice.fill(served, Telling)
    return served


RULES = " ".join(f"Rule {number} of the shop: answer shortly, and name the page that says so." for number in range(100))
REFUND = "What is the refund policy for shoes?"


@pytest.fixture(scope="session")
def choices(serve_for_all: Callable[[str], Served], tell_choices: Callable[[Served], Served]) -> Served:
    """A server with the choices; see `tell_choices`."""
    return tell_choices(serve_for_all("choices"))


@pytest.fixture(scope="session")
def tell_choices() -> Callable[[Served], Served]:
    return _tell_choices


def _tell_choices(served: Served) -> Served:
    """160 traces of one call, 15 s apart: 80 to gpt-4o, then 80 to gpt-4o-mini; see `_choice`. All are scored."""
    start = time.time_ns() - 160 * 15_000_000_000
    served.send(b"".join(_choice(number, start + number * 15_000_000_000) for number in range(160)))
    served.settle()
    with served.client() as client:
        client.add_scores([_verdict(number) for number in range(160)])
        client.settle()
    return served


def _choice(number: int, start_ns: int) -> bytes:
    """1,600 tokens in and 50 out, one second. One system prompt; every fourth call asks for refunds in the same words,
    and is answered alike; the next asks for them in nearly the same, and is not; the others ask each something else.
    """
    asked = {0: REFUND, 1: f"{REFUND[:-1]} number {number}?"}.get(number % 4, f"Why {number} is {number * 7919}?")
    said = "Within thirty days." if number % 4 == 0 else f"Look at page {number} of part {number * 31}."
    sent, answered = (json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}]) for role, text in
                      (("user", asked), ("assistant", said)))  # fmt: skip
    call = {
        "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai",
        "gen_ai__request__model": "gpt-4o" if number < 80 else "gpt-4o-mini",
        "gen_ai__usage__input_tokens": 1600, "gen_ai__usage__output_tokens": 50,
        "gen_ai__system_instructions": json.dumps([{"type": "text", "content": RULES}]),
        "gen_ai__input__messages": sent, "gen_ai__output__messages": answered,
    }  # fmt: skip
    return Telling(_choice_id(number), start_ns).span(1, "chat", 0, 1000, **call).body()


def _choice_id(number: int) -> bytes:
    return bytes([6]) * 15 + bytes([number])


def _verdict(number: int) -> dict[str, Any]:
    """Nine of ten answers of gpt-4o are right, and all of the other."""
    target = {"trace_id": _choice_id(number).hex(), "span_id": f"{1:016x}"}
    return target | {
        "name": "right",
        "value": float(number % 10 > 0 or number >= 80),
        "source": "code",
        "evaluator": "check",
    }
