"""A disk that takes no more spans: totals go on, whole while the room kept free lasts, else marked as not whole."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server import running
from server.api.app import create_api
from server.api.context import Context
from server.batches import BatchMaker
from server.core import Core, opened
from server.ingest import make_ingest
from server.settings import Settings

LOW = 2**60  # bytes to keep free: no disk has them
FULL = """
import resource, sys
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
sys.argv = ["assay", "totals", "--json"]
from server.cli import main
main()
"""


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Set the largest size, in bytes, that a file of this process may have: what is larger cannot be written."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.fixture
def unresolved(tmp_path: Path, otlp: Callable[..., bytes]) -> Path:
    """A folder whose store holds a trace that no resolver has seen, as a kill leaves it."""
    with opened(Settings(data_dir=tmp_path, min_free_bytes=0)) as core:
        core.resolver.stop()
        body = otlp(1, spans=3)
        request = ExportRequest("traces", "http-protobuf", body, None)
        batch, _ = BatchMaker(NormaliserOptions()).make(decode("traces", "http-protobuf", body), request, 1)
        assert core.writer.submit(batch).result(20).stored == 3
    return tmp_path


def api_of(core: Core) -> FastAPI:
    return create_api(Context(core, make_ingest(core), running.Running(1, 0, "0", {}, "", "", ""), "0"))


def test_the_last_spans_are_resolved_on_a_low_disk(unresolved: Path) -> None:
    with (
        opened(Settings(data_dir=unresolved, min_free_bytes=LOW)) as core,
        TestClient(api_of(core), base_url="http://localhost") as http,
    ):
        assert core.writer.state().disk_low
        answer = http.get("/api/totals")
        assert [row["spans"] for row in answer.json()] == [3]
        assert "x-assay-unsettled" not in answer.headers


@pytest.mark.parametrize("form", ["json", "jsonl", "arrow"])
def test_totals_of_a_full_disk_say_that_they_are_not_whole(
    unresolved: Path, limit: Callable[[int], None], form: str
) -> None:
    limit(1_000)
    with (
        opened(Settings(data_dir=unresolved, min_free_bytes=0)) as core,
        TestClient(api_of(core), base_url="http://localhost") as http,
    ):
        began = time.monotonic()
        answer = http.get("/api/totals", params={"format": form})
        assert (answer.status_code, answer.headers["x-assay-rows"]) == (200, "0")
        assert "File too large" in answer.headers["x-assay-unsettled"]
        settled = http.post("/api/settle", json={"timeout_s": 30})
        assert (settled.status_code, settled.json()["kind"]) == (503, "store_busy")
        assert "File too large" in settled.json()["detail"]
        assert time.monotonic() - began < 15
        limit(resource.RLIM_INFINITY)
        until = time.monotonic() + 20
        while (answer := http.get("/api/totals")).headers.get("x-assay-unsettled") and time.monotonic() < until:
            time.sleep(0.1)
        assert [row["spans"] for row in answer.json()] == [3]


def test_the_command_line_tells_totals_over_the_file(unresolved: Path, command: Any) -> None:
    ended = command(unresolved, "totals", "--json", min_free_bytes=LOW)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["spans"] == 3


def test_the_command_line_says_that_totals_are_not_whole(unresolved: Path, command_environment: Any) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL], env=command_environment(unresolved), cwd=unresolved, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "not whole" in ended.stderr
    assert "File too large" in ended.stderr
