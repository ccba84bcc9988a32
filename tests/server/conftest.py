"""Servers whose settings, end and restart a test decides; the shared ones are in the conftest above."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import shell
import warm
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server import running
from server.client import Client

START_S = 60.0
PORTS = {f"ASSAY_{port}_PORT": "0" for port in ("API", "OTLP_HTTP", "OTLP_GRPC", "APP")}
PROTOBUF = {"content-type": "application/x-protobuf"}


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """The environment of a command over one data folder; no setting of the developer's own gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    told = {f"ASSAY_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, **PORTS, "ASSAY_MIN_FREE_BYTES": "0", "ASSAY_DATA_DIR": str(folder), **told}


def assay(
    folder: Path, *arguments: str, stdin: str | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in the test's process."""
    return shell.run(folder if folder.exists() else folder.parent, arguments, environment(folder, **settings), stdin)


def assay_process(
    folder: Path, *arguments: str, stdin: str | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """As `assay`, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env=environment(folder, **settings),
        cwd=folder if folder.exists() else folder.parent,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assay_forked(
    folder: Path, *arguments: str, stdin: str | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """As `assay_process`, without the imports of its start."""
    return warm.run("server.cli", arguments, environment(folder, **settings), folder, stdin)


def request(trace: int, spans: int = 1, start_ns: int | None = None, **attributes: str | int) -> bytes:
    """One OTLP request: one trace of this number with so many spans."""
    made = ExportTraceServiceRequest()
    told = made.resource_spans.add()
    told.resource.attributes.add(key="service.name").value.string_value = "shop"
    began = start_ns or time.time_ns()
    scope = told.scope_spans.add()
    for number in range(1, spans + 1):
        span = scope.spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name=f"step {number}",
            start_time_unix_nano=began + number,
            end_time_unix_nano=began + number + 1_000_000,
        )
        for key, value in attributes.items():
            kept = span.attributes.add(key=key.replace("__", ".")).value
            if isinstance(value, int):
                kept.int_value = value
            else:
                kept.string_value = value
    return made.SerializeToString()


@dataclass
class Serving:
    """One `assay serve` that can be ended and started again over the same folder."""

    folder: Path
    settings: dict[str, object]
    process: warm.Program | None = None
    note: running.Running = field(init=False)

    def start(self) -> Serving:
        with (self.folder / "serve.log").open("ab") as log:
            self.process = warm.start(
                "server.cli", ["serve"], environment(self.folder, **self.settings), self.folder, log
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            note = running.find(self.folder)
            if note is not None and note.pid == self.process.pid:
                self.note = note
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"assay serve did not start:\n{self.log()}")

    def log(self) -> str:
        return (self.folder / "serve.log").read_text("utf-8")

    def client(self, project: str = "default") -> Client:
        return Client(self.note.api_url, project)

    def post(self, body: bytes, path: str = "/v1/traces", **headers: str) -> httpx.Response:
        url = f"{self.note.otlp_http_url}{path}"
        return httpx.post(url, content=body, headers={**PROTOBUF, **headers}, trust_env=False, timeout=30)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Start a server with settings of its own."""
    made: list[Serving] = []

    def starter(**settings: object) -> Serving:
        folder = tmp_path / f"store-{len(made)}"
        folder.mkdir()
        made.append(Serving(folder, settings))
        return made[-1].start()

    yield starter
    for serving in made:
        serving.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for the tests of a module that only add to it."""
    serving = Serving(tmp_path_factory.mktemp("shared"), {}).start()
    yield serving
    serving.end()


@pytest.fixture(scope="module")
def client(shared: Serving) -> Iterator[Client]:
    """Of the server that a module shares."""
    with shared.client() as made:
        yield made


@pytest.fixture(scope="session")
def prompted(serve_for_all: Callable[[str], Any]) -> Any:
    """One server for the modules about prompts, each with names or a project of its own."""
    return serve_for_all("prompts")


@dataclass
class Load:
    """Senders that keep sending traces of `spans` spans and remember which were acknowledged."""

    serving: Serving
    spans: int = 20
    acked: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self, senders: int = 4) -> Load:
        for sender in range(senders):
            thread = threading.Thread(target=self._send, args=((sender + 1) * 1_000_000,))
            thread.start()
            self._threads.append(thread)
        return self

    def _send(self, number: int) -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            while not self._stop.is_set():
                number += 1
                try:
                    url = f"{self.serving.note.otlp_http_url}/v1/traces"
                    answer = http.post(url, content=request(number, self.spans), headers=PROTOBUF)
                except httpx.TransportError:
                    return
                self.answers.append(answer.status_code)
                if answer.is_success:
                    self.acked.append(number)

    def wait_for(self, acked: int) -> None:
        until = time.monotonic() + 20
        while len(self.acked) < acked and time.monotonic() < until:
            time.sleep(0.005)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check_kept(self, rows: list[dict[str, Any]]) -> None:
        """Every acknowledged trace is there, and every trace that is there is whole and there once."""
        stored = {int(row["trace_id"], 16): row["spans"] for row in rows}
        assert len(stored) == len(rows)
        assert set(self.acked) <= set(stored)
        assert set(stored.values()) == {self.spans}


# A conftest cannot be imported, so what tests call is handed out by fixtures.


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command where only its answer counts."""
    return assay


@pytest.fixture(scope="session")
def command_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command as a person does: for one of each kind, and where its start and end count."""
    return assay_process


@pytest.fixture(scope="session")
def command_forked() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command in a process of its own, where its start does not count."""
    return assay_forked


@pytest.fixture(scope="session")
def command_environment() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture(scope="session")
def otlp() -> Callable[..., bytes]:
    return request


@pytest.fixture
def load() -> Iterator[Callable[..., Load]]:
    """Start senders against a server; they are stopped at the end."""
    made: list[Load] = []

    def starter(serving: Serving, **options: int) -> Load:
        made.append(Load(serving, **options).run())
        return made[-1]

    yield starter
    for one in made:
        one.stop()
