"""`assay up`: everything starts, what dies comes back, nothing is left behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from server import running
from server.ports import free_port
from server.settings import Settings
from server.supervisor import Supervisor, backoff, environment_text

WAIT_S = 60.0
READY = re.compile(r"ready: (http://\S+)")


@dataclass
class Up:
    """One `assay up` over a folder."""

    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        return (self.folder / "up.log").read_text("utf-8", errors="replace")

    def wait(self, holds: Callable[[], Any]) -> Any:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if found := holds():
                return found
            time.sleep(0.1)
        pytest.fail(self.log())

    def app_url(self) -> str:
        return str(self.wait(lambda: READY.search(self.log()))[1])

    def parts(self) -> dict[str, psutil.Process]:
        """The children by what they run."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            line = " ".join(child.cmdline())
            found["app" if "streamlit" in line else "worker" if line.endswith("worker") else "server"] = child
        return found


@pytest.fixture
def up(tmp_path: Path, command_environment: Callable[..., dict[str, str]]) -> Iterator[Callable[..., Up]]:
    made: list[Up] = []

    def starter(**settings: object) -> Up:
        with (tmp_path / "up.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "up"],
                env=command_environment(tmp_path, **settings),
                cwd=tmp_path,
                stdout=log,
                stderr=log,
            )
        made.append(Up(process, tmp_path))
        return made[-1]

    yield starter
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def alive(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_what_dies_comes_back_and_all_stops_together(up: Callable[..., Up]) -> None:
    everything = up()
    app = everything.app_url()
    before = running.find(everything.folder)
    assert before is not None
    old = everything.parts()
    assert set(old) == {"server", "app", "worker"}
    for part in old.values():
        part.kill()
    everything.wait(lambda: alive(f"{app}/_stcore/health") and alive(f"{before.api_url}/readyz"))
    after = running.find(everything.folder)
    assert after is not None
    assert (after.ports, after.pid != before.pid) == (before.ports, True)
    assert everything.log().count("starting it again") == 3
    everything.process.send_signal(signal.SIGINT)
    assert everything.process.wait(30) == 0
    assert not alive(f"{app}/_stcore/health")
    assert not alive(f"{before.api_url}/healthz")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_a_killed_supervisor_leaves_nothing_behind(up: Callable[..., Up]) -> None:
    everything = up()
    everything.app_url()
    parts = list(everything.parts().values())
    everything.process.kill()
    everything.process.wait()
    gone, still = psutil.wait_procs(parts, timeout=20)
    assert (len(gone), still) == (3, [])


# An app under a parent of its own, which reads no more of it and then dies: the order in which the kernel may well
# take the two from a killed supervisor.
ORPHANED = """
import os, subprocess, sys, time
from server.settings import Settings
from server.supervisor import Supervisor
app = Supervisor(Settings(data_dir=".", app_port=0))
app._app_port = app._free_app_port()
part = app._app()
command = [sys.executable, "-m", "server.child", part.orphaned.name, *part.command]
child = subprocess.Popen(command, env=part.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
while not part.answers(child.pid):
    time.sleep(0.1)
print(child.pid, flush=True)
sys.stdin.readline()
child.stdout.close()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_an_app_that_nobody_reads_ends_with_its_supervisor(
    tmp_path: Path, command_environment: Callable[..., dict[str, str]]
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANED], env=command_environment(tmp_path), cwd=tmp_path, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.communicate("die\n", timeout=20)
    gone, _ = psutil.wait_procs([orphan], timeout=20)
    for left in {orphan} - set(gone):
        left.kill()
    assert gone == [orphan]


def test_a_server_that_cannot_start_ends_it_all(up: Callable[..., Up]) -> None:
    everything = up(host="203.0.113.1", app_port=0)
    assert everything.process.wait(30) == 1
    assert "203.0.113.1" in everything.log()


def test_waits_grow_to_a_bound() -> None:
    waits = [backoff(failures) for failures in range(1, 10)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert (waits == sorted(waits), waits[-1]) == (True, 30.0)


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (["a", "b"], '["a","b"]'), (1.5, "1.5"), (True, "true")])
def test_settings_reach_the_parts_as_text(value: object, text: str) -> None:
    assert environment_text(value) == text


def test_a_flag_that_says_the_default_reaches_the_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else `--host 127.0.0.1` over ASSAY_HOST=0.0.0.0 would open the ports and say that they are closed."""
    file = tmp_path / "own.toml"
    file.write_text('log_level = "DEBUG"\nvariant_keys = ["own"]\n', "utf-8")
    for name, value in {"ASSAY_HOST": "192.0.2.1", "assay_host": "192.0.2.1", "ASSAY_CONFIG_FILE": str(file)}.items():
        monkeypatch.setenv(name, value)
    flags = {name: Settings.model_fields[name].default for name in ("host", "log_level", "api_port")}
    settings = Settings(data_dir=tmp_path, **flags)
    environment = Supervisor(settings)._environment()
    for name in ("ASSAY_HOST", "assay_host"):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
    assert (settings.host, settings.log_level, settings.variant_keys) == ("127.0.0.1", "INFO", ("own",))


def test_a_free_port_can_be_taken() -> None:
    assert 0 < free_port("127.0.0.1") < 65536
