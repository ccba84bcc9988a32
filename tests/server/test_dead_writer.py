"""A server that has lost its writer ends, so that a supervisor can start it again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from server import running

# The first thing that is written ends the writer as nothing that is known does.
SERVE = """
import sys
from store.writer import Writer

take = Writer._take

def mortal(writer):
    if items := take(writer):
        raise SystemError("unforeseen")
    return items

if __name__ == "__main__":
    Writer._take = mortal
    sys.argv = ["assay", "serve"]
    from server.cli import main
    main()
"""


def test_a_server_without_its_writer_ends(
    tmp_path: Path, command_environment: Callable[..., dict[str, str]], otlp: Callable[..., bytes]
) -> None:
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=command_environment(tmp_path), cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        while (note := running.find(tmp_path)) is None and process.poll() is None:
            time.sleep(0.05)
        assert note is not None
        for _ in range(2):  # the answer may be lost with the process; nothing is acknowledged
            try:
                answer = httpx.post(
                    f"{note.otlp_http_url}/v1/traces", content=otlp(1), trust_env=False, timeout=30,
                    headers={"content-type": "application/x-protobuf"},
                )  # fmt: skip
            except httpx.TransportError:
                continue
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert process.wait(20) == 1
    finally:
        process.kill()
        process.wait()
    assert "unforeseen" in (tmp_path / "serve.log").read_text("utf-8")
