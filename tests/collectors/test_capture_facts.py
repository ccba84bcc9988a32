"""Spans of real instrumentations say what the model server counted, wherever they were told it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.conventions.logs import content_of_logs
from collectors.facts import SpanFacts
from collectors.messages import messages
from collectors.model import RawLog, RawSpan
from collectors.normalise import normalise
from collectors.otlp import decode

CAPTURES = sorted(path.parent for path in (Path(__file__).parent / "captures").glob("*/expected.json"))
COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_creation": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
}
REASONS = {"end_turn": "stop", "completed": "stop", "STOP": "stop"}
PROVIDERS = {"google": "gcp.gemini"}


def sent(capture: Path) -> tuple[list[RawSpan], list[RawLog]]:
    spans: list[RawSpan] = []
    logs: list[RawLog] = []
    for path in sorted(capture.glob("*.otlp.*")):
        signal = "logs" if ".logs." in path.name else "traces"
        decoded = decode(signal, "http-json" if path.suffix == ".json" else "http-protobuf", path.read_bytes())
        spans += decoded.spans
        logs += decoded.logs
    return spans, logs


def told(capture: Path) -> Iterator[SpanFacts]:
    """Facts of the capture's model calls, a span's and its logs' each."""
    spans, logs = sent(capture)
    for span in spans:
        facts = normalise(span)
        if facts.kind == "llm":
            yield facts
            own = [log for log in logs if (log.trace_id, log.span_id) == (span.trace_id, span.span_id)]
            yield content_of_logs(own)


def known(facts: list[SpanFacts], name: str) -> set[Any]:
    return {value for each in facts if (value := getattr(each, name)) is not None}


@pytest.fixture(params=CAPTURES, ids=lambda path: path.name)
def capture(request: pytest.FixtureRequest) -> tuple[list[SpanFacts], dict[str, Any]]:
    (call,) = json.loads((request.param / "expected.json").read_text())["calls"]
    return list(told(request.param)), call


Capture = tuple[list[SpanFacts], dict[str, Any]]


def test_tokens_are_those_that_were_counted(capture: Capture) -> None:
    facts, call = capture
    for name, column in COUNTS.items():
        found = known(facts, column)
        assert found <= {call["usage"][name]}, column
        assert found or not call["in_bytes"]["usage"][name], column


@pytest.mark.parametrize("name", ["response_id", "response_model", "request_model"])
def test_names_are_those_that_were_used(capture: Capture, name: str) -> None:
    facts, call = capture
    if name == "request_model" and call["request_model"] in call["response_model"] and not known(facts, name):
        pytest.skip("only part of the longer name of the model that answered was sent")
    if call["in_bytes"][name]:
        assert call[name] in known(facts, name)


def test_the_answer_is_read(capture: Capture) -> None:
    facts, call = capture
    if not call["in_bytes"]["output_text"]:
        assert all(each.output is None for each in facts)
        return
    answers = [message for each in facts for message in messages(each.output, each.output_key, "output")]
    texts = {part["content"] for message in answers for part in message["parts"] if part["type"] == "text"}
    assert call["output_text"] in texts
    assert len({each.content_hash for each in facts if each.content_hash}) == 1


def test_how_the_call_went(capture: Capture) -> None:
    facts, call = capture
    assert known(facts, "finish_reason") <= {REASONS.get(call["finish_reason"], call["finish_reason"])}
    assert known(facts, "provider") == {PROVIDERS.get(call["provider"], call["provider"])}
    assert known(facts, "streaming") <= {call["stream"]}
    assert not known(facts, "error_type")
    assert known(facts, "usage_role") == {"leaf"}
