"""`assay up`: starts the server, the app and a worker, restarts what dies, stops all of it on a signal."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import orjson

from server import running
from server.child import OURS
from server.client import ApiError, Client
from server.exit_codes import FAILURE
from server.ports import free_port, listen, reachable
from server.settings import Settings

TICK_S = 0.1
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
HEALTHY_S = 30.0  # a part that ran this long starts over with the first backoff
START_S = 120.0  # a part that has not answered by then is taken for dead
KILL_AFTER_S = 5.0  # on top of the drain


def backoff(failures: int) -> float:
    """Seconds to wait before the start after so many failures in a row."""
    return float(min(FIRST_BACKOFF_S * 2 ** max(0, failures - 1), LONGEST_BACKOFF_S))


@dataclass(slots=True)
class Part:
    """One supervised process."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    answers: Callable[[int], bool]  # of the process id: is it ready?
    orphaned: signal.Signals  # what it gets when this process dies
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    ready: bool = False
    was_ready: bool = False  # ever
    failures: int = 0
    due: float = 0.0  # when it may be started again
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops the parts in order.
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            [*OURS, "server.child", self.orphaned.name, *self.command],
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.started, self.ready = time.monotonic(), False
        if self.process.stdout is not None:
            thread = threading.Thread(target=relay, args=(self.name, self.process.stdout), daemon=True)
            thread.start()
            self._threads = [thread]

    def look(self) -> int | None:
        """Notice readiness; returns the exit code once the process has ended."""
        if self.process is None:
            return None
        code = self.process.poll()
        if code is None and not self.ready and self.answers(self.process.pid):
            self.ready = self.was_ready = True
        return code

    def hangs(self) -> bool:
        return self.process is not None and not self.ready and time.monotonic() - self.started > START_S

    def ended(self) -> None:
        """Plan the next start."""
        ran = time.monotonic() - self.started
        self.failures = 1 if ran > HEALTHY_S else self.failures + 1
        self.due = time.monotonic() + backoff(self.failures)
        self.process = None
        for thread in self._threads:
            thread.join(1.0)

    def stop(self, patience_s: float) -> None:
        """End the process: gently, and after `patience_s` for good."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(1.0)


def relay(name: str, lines: IO[str]) -> None:
    """Pass a part's output on, each line with the part's name."""
    for line in lines:
        say(f"{name:<6} | {line.rstrip()}")


def say(line: str) -> None:
    """Print a line; when nobody reads any more (`assay up | head`), go on without."""
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Supervisor:
    """Server, app and worker as one command."""

    def __init__(self, settings: Settings, *, demo: bool = False) -> None:
        """`demo`: load the sample data once the server answers."""
        self._settings, self._demo = settings, demo
        self._stopping = threading.Event()
        self._loading: threading.Thread | None = None
        self._suites: Part | None = None
        self._announced = False
        self._app_port = settings.app_port

    def run(self) -> int:
        """Until a signal comes; returns the exit code. Nonzero when a part could not start at all."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stopping.set())
        self._app_port = self._free_app_port()
        server = self._server()
        parts = [server]
        try:
            server.start()
            while not self._stopping.wait(TICK_S):
                if server.ready and len(parts) == 1:
                    server.environment = {**server.environment, **self._ports_taken()}
                    parts += [self._app(), self._worker()]
                if any(self._tend(part) for part in parts):
                    return FAILURE
                self._welcome(parts)
            return 0
        finally:
            say("assay  | stopping")
            for part in reversed([*parts, *([self._suites] if self._suites else [])]):
                part.stop(self._settings.drain_s + KILL_AFTER_S)

    def _tend(self, part: Part) -> bool:
        """Start, restart or watch one part; true when it cannot be started at all."""
        if part.process is None:
            if time.monotonic() >= part.due:
                part.start()
            return False
        code = part.look()
        if code is None and part.hangs():
            part.stop(KILL_AFTER_S)
            code = part.look()
        if code is None:
            return False
        if not part.was_ready:
            say(f"assay  | {part.name} could not start (exit code {code}); its last lines say why")
            part.ended()
            return True
        part.ended()
        say(f"assay  | {part.name} ended with exit code {code}; starting it again in {backoff(part.failures):g} s")
        return False

    def _welcome(self, parts: list[Part]) -> None:
        """Once all answer: tell where, and load the sample data."""
        if self._announced or len(parts) < 2 or not all(part.ready for part in parts):
            return
        self._announced = True
        if self._demo:
            self._loading = threading.Thread(target=self._load_demo, name="demo", daemon=True)
            self._loading.start()
        else:
            say(f"assay  | ready: {self._app_url()}")

    def _load_demo(self) -> None:
        say("assay  | loading the sample data")
        try:
            with Client(self._api_url()) as client:
                report = client.load_demo()
                client.settle(120)
        except ApiError as error:
            say(f"assay  | the sample data was not loaded: {error}")
        else:
            taken = report["spans_accepted"] + report["logs_accepted"]
            say(f"assay  | sample data: {report['traces']} traces, {taken} spans and logs, times shifted to end now")
        say(f"assay  | ready: {self._app_url()}")
        self._run_suites()

    def _run_suites(self) -> None:
        """Have the sample suites run, beside everything else, and wait for their end.

        Its parent is the thread that starts a process: with this one's end the process would get its signal.
        """
        command = [*OURS, "server.demo.suites"]
        environment = {**self._environment(), "ASSAY_API_URL": self._api_url()}
        # What it has done is kept, and gone on with at the next start.
        part = Part("suites", command, environment, Path.cwd(), lambda _: True, signal.SIGKILL)
        if not self._stopping.is_set():
            self._suites = part
            part.start()
            if part.process is not None:
                part.process.wait()

    def _free_app_port(self) -> int:
        """The app's port, which must be free: Streamlit would say it less clearly."""
        if not self._settings.app_port:
            return free_port(self._settings.host)
        listen(self._settings.host, self._settings.app_port, "app_port").close()
        return self._settings.app_port

    def _server(self) -> Part:
        command = [*OURS, "server.cli", "serve"]
        return Part("server", command, self._environment(), Path.cwd(), self._server_answers, signal.SIGTERM)

    def _app(self) -> Part:
        script = app_script()
        command = [
            *OURS, "streamlit", "run", str(script), "--server.address", self._settings.host,
            "--server.port", str(self._app_port), "--server.headless", "true",
        ]  # fmt: skip
        environment = {**self._environment(), "ASSAY_API_URL": self._api_url()}
        # Streamlit prints before it stops; once nobody reads, that fails and it never stops. It has nothing to lose.
        return Part("app", command, environment, Path.cwd(), self._app_answers, signal.SIGKILL)

    def _worker(self) -> Part:
        command = [*OURS, "server.cli", "worker"]
        environment = {**self._environment(), "ASSAY_API_URL": self._api_url()}
        # It has nothing to lose: what it took is taken again.
        return Part("worker", command, environment, Path.cwd(), lambda _: True, signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        """The settings as this process has them, flags included, for the parts.

        All of them: a flag that says the default must win over the environment and the file in the parts too.
        """
        told = self._settings.model_dump(mode="json", exclude_none=True)
        told["data_dir"] = str(self._settings.data_dir.resolve())
        if self._demo and self._settings.suites_dir is None:
            from server.demo import datasets_folder  # noqa: PLC0415 - loads protobuf

            if datasets_folder().is_dir():
                told["suites_dir"] = str(datasets_folder())  # that the page Suites shows those that are run
        own = {f"ASSAY_{name.upper()}": environment_text(value) for name, value in told.items()}
        others = {name: value for name, value in os.environ.items() if name.upper() not in own}  # case does not count
        return {**others, "PYTHONUNBUFFERED": "1", **own}

    def _ports_taken(self) -> dict[str, str]:
        """The ports that the server was given, so that it comes back where the app and the senders look for it."""
        found = running.find(self._settings.data_dir)
        ports = found.ports if found else {}
        return {f"ASSAY_{name.upper()}_PORT": str(port) for name, port in ports.items()}

    def _server_answers(self, pid: int) -> bool:
        found = running.find(self._settings.data_dir)
        return found is not None and found.pid == pid and answers(f"{found.api_url}/healthz")

    def _app_answers(self, _: int) -> bool:
        return answers(f"{self._app_url()}/_stcore/health")

    def _api_url(self) -> str:
        found = running.find(self._settings.data_dir)
        return found.api_url if found else f"http://{reachable(self._settings.host)}:{self._settings.api_port}"

    def _app_url(self) -> str:
        return f"http://{reachable(self._settings.host)}:{self._app_port}"


def environment_text(value: object) -> str:
    """A setting as pydantic-settings reads it from the environment."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def answers(url: str) -> bool:
    try:
        # Plain HTTP on this machine: certificates, which would be read each time, say nothing of it.
        return httpx.get(url, timeout=2.0, trust_env=False, verify=False).is_success  # noqa: S501
    except httpx.HTTPError:
        return False


def app_script() -> Path:
    """The app's entry script, found without importing the app."""
    found = importlib.util.find_spec("app")
    if found is None or found.origin is None:
        raise RuntimeError("the package app is not installed")
    return Path(found.origin).with_name("main.py")
