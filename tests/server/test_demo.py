"""The sample data through a real server: what comes out is what the files say, and a second load adds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server import demo, running
from server.client import Client
from server.demo.airline import turns
from server.demo.export import rows

DATASETS = demo.datasets_folder()
SERVE = "from server.process import serve; from server.settings import Settings; serve(Settings(), lambda _: None)"
SUMMED = (
    "model_calls_ok", "model_calls_failed", "tool_executions", "tool_executions_failed", "input_tokens",
    "output_tokens", "cache_read_tokens", "reasoning_tokens", "unknown_usage_calls",
)  # fmt: skip


@dataclass
class Loaded:
    client: Client
    first: dict[str, Any]
    second: dict[str, Any]
    ledgers: list[list[dict[str, Any]]]  # after each load


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    folder = tmp_path_factory.mktemp("demo")
    free = {f"ASSAY_{name}": "0" for name in ("OTLP_HTTP_PORT", "OTLP_GRPC_PORT", "API_PORT")}
    environment = {**os.environ, **free, "ASSAY_DATA_DIR": str(folder), "ASSAY_MIN_FREE_BYTES": "0"}
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=environment, cwd=folder)
    try:
        yield started(process, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def started(process: subprocess.Popen[bytes], folder: Path) -> running.Running:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        if found := running.find(folder):
            return found
        time.sleep(0.05)
    pytest.fail("the server did not start in 30 s")


@pytest.fixture(scope="module")
def loaded(server: running.Running) -> Iterator[Loaded]:
    reports, ledgers = [], []
    with Client(server.api_url) as client:
        for _ in range(2):
            reports.append(client.load_demo())
            client.settle()
            ledgers.append(client.ledger())
        yield Loaded(client, *reports, ledgers)


def expected() -> dict[str, int]:
    """The totals by the files alone."""
    answers, labelled = (
        list(rows(DATASETS / "llmdrift/answers.jsonl.gz")),
        list(rows(DATASETS / "ragtruth-qa/answers.jsonl.gz")),
    )
    talks = [talk["traj"] for talk in rows(DATASETS / "taubench-airline/conversations.jsonl.gz")]
    said = [message for talk in talks for message in talk]
    agent, tools = ([m for m in said if m["role"] == role] for role in ("assistant", "tool"))
    truth = [capture["truth"] for capture in json.loads((DATASETS / "captures/index.json").read_text())]
    captured = {name: sum(of_one[name] for of_one in truth) for name in truth[0]}
    return {
        "model_calls_ok": len(answers) + len(labelled) + len(agent) + captured["llm_calls_ok"],
        "model_calls_failed": captured["llm_calls_failed"],
        "tool_executions": len(tools) + captured["tool_executions"],
        "tool_executions_failed": sum(m["content"].startswith("Error") for m in tools),
        "input_tokens": captured["input_tokens"],
        "output_tokens": sum(int(row["answer_token"]) for row in answers) + captured["output_tokens"],
        "cache_read_tokens": captured["cache_read_tokens"],
        "reasoning_tokens": captured["reasoning_tokens"],
        "unknown_usage_calls": len(labelled) + len(agent),
    }


def test_totals_are_those_of_the_files(loaded: Loaded) -> None:
    totals = list(loaded.client.totals_lines())
    assert {name: sum(trace[name] or 0 for trace in totals) for name in SUMMED} == expected()


def test_a_trace_for_every_answer_turn_and_capture(loaded: Loaded) -> None:
    talks = [talk["traj"] for talk in rows(DATASETS / "taubench-airline/conversations.jsonl.gz")]
    captures = json.loads((DATASETS / "captures/index.json").read_text())
    count = 1800 + 394 + sum(len(list(turns(talk))) for talk in talks) + sum(one["traces"] for one in captures)
    totals = list(loaded.client.totals_lines())
    assert len(totals) == loaded.first["traces"] == count
    assert len({trace["session_id"] for trace in totals if str(trace["session_id"]).startswith("airline-")}) == len(
        talks
    )


def test_everything_sent_is_stored_once(loaded: Loaded) -> None:
    first, second = (
        {name: sum(row[name] for row in ledger) for name in ("received", "stored", "duplicate", "rejected")}
        for ledger in loaded.ledgers
    )
    sent = loaded.first["spans_sent"] + loaded.first["logs_sent"]
    assert loaded.first["spans_accepted"] + loaded.first["logs_accepted"] == sent
    assert first == {"received": sent, "stored": sent, "duplicate": 0, "rejected": 0}
    assert second == {"received": 2 * sent, "stored": sent, "duplicate": sent, "rejected": 0}
    assert loaded.second == loaded.first
