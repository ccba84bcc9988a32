"""The OpenTelemetry JS exporters against real receivers: protobuf, JSON and gRPC, plain and gzip."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.model import RawSpan
from collectors.normalise import normalise

HERE = Path(__file__).with_name("js")
SENT_AT = 1_795_525_756_000_000_000  # `at(0)` of send.mjs, in nanoseconds
SENDINGS = [
    f"{transport} {coding}" for transport in ("http-protobuf", "http-json", "grpc") for coding in ("none", "gzip")
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script with its packages, at the versions of the lockfile."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node and npm are not installed: the JavaScript exporters were not tested.")
    folder = tmp_path_factory.mktemp("js") / "project"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm could not fetch the JavaScript exporters, so they were not tested: {done.stderr[-300:]}")
    return folder


def test_every_js_exporter_is_heard(project: Path, receive: Callable[..., Any]) -> None:
    """Every span once, with its text, numbers, event and status, and a success answer that the exporter understands."""
    receivers = receive()
    urls = [f"http://127.0.0.1:{port}" for port in (receivers.http_port, receivers.grpc_port)]
    done = subprocess.run(
        ["node", "send.mjs", *urls], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {name: sending["codes"] for name, sending in report.items()} == {name: [0] for name in SENDINGS}
    spans = [span for decoded in receivers.sink.decoded for span in decoded.spans]
    assert Counter(span.trace_id.hex() for span in spans) == {report[name]["traceId"]: 3 for name in SENDINGS}
    assert Counter(request.source for request in receivers.sink.requests) == {
        "http-protobuf": 2,
        "http-json": 2,
        "grpc": 2,
    }
    for name in SENDINGS:
        of_one = {span.name: span for span in spans if span.trace_id.hex() == report[name]["traceId"]}
        assert_agent_run(of_one, f"js-{name.split()[0]}")


def assert_agent_run(spans: dict[str, RawSpan], service: str) -> None:
    root, chat, tool = (spans[name] for name in ("invoke_agent guide", "chat gpt-5-mini", "execute_tool weather"))
    assert root.parent_span_id is None
    assert chat.parent_span_id == tool.parent_span_id == root.span_id
    assert [(span.start_ns - SENT_AT, span.end_ns - SENT_AT) for span in (root, chat, tool)] == [
        (100, 999_999_999),
        (200, 300),
        (400, 500),
    ]
    assert (tool.status, tool.status_message) == ("error", "no such city")
    assert [(event.name, event.time_ns - SENT_AT, event.attributes) for event in chat.events] == [
        ("note", 250, {"text": "an event"})
    ]
    assert chat.attributes["gen_ai.request.stream"] == "false"
    facts = normalise(chat)
    assert (facts.service, facts.kind, facts.request_model) == (service, "llm", "gpt-5-mini")
    assert (facts.input_tokens, facts.output_tokens, facts.finish_reason) == (11, 7, "stop")
    assert "Grüße, 世界 🌍" in (facts.output or "")
