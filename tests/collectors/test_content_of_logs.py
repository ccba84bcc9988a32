"""Messages and facts that arrive as log records of a span, in each generation of conventions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from collectors.conventions.logs import content_of_logs, is_content
from collectors.model import Origin, RawEvent, RawLog, RawSpan
from collectors.normalise import normalise
from collectors.otlp import decode

ORIGIN = Origin(1, {}, "test")
ASKED = [
    {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Capital?"}]},
]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}], "finish_reason": "stop"}]


def log(name: str, body: Any = None, time_ns: int = 0, **attributes: Any) -> RawLog:
    stored = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return RawLog(ORIGIN, b"\1" * 16, 2, time_ns, 9, None, name, text, stored)


OLD = [
    log("gen_ai.system.message", {"content": "Be terse."}, 1),
    log("gen_ai.user.message", {"content": "Capital?"}, 2),
    log(
        "gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}}, 3
    ),
]
LITELLM = [
    log("gen_ai.content.prompt", {"role": "system", "content": "Be terse."}, 1, **{"gen_ai.prompt": "Be terse."}),
    log("gen_ai.content.prompt", {"role": "user", "content": "Capital?"}, 2, **{"gen_ai.prompt": "Capital?"}),
    log("gen_ai.content.completion", {"index": 0, "finish_reason": "stop", "message": {"content": "Paris."}}, 3),
]
DETAILS = [
    log(
        "gen_ai.client.inference.operation.details",
        **{
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.input.messages": ASKED,
            "gen_ai.output.messages": ANSWERED,
        },
    )
]


@pytest.mark.parametrize("logs", [OLD, LITELLM, DETAILS], ids=["message-events", "litellm", "details"])
def test_a_conversation_in_logs(logs: list[RawLog]) -> None:
    facts = content_of_logs(logs)
    assert json.loads(facts.input or "") == ASKED
    assert json.loads(facts.output or "") == ANSWERED
    assert (facts.input_key, facts.output_key, facts.finish_reason, facts.content_rank) == (None, None, "stop", 2)
    assert json.loads(facts.system_instructions or "") == ASKED[0]["parts"]


def test_all_generations_hash_alike() -> None:
    assert len({content_of_logs(logs).content_hash for logs in (OLD, LITELLM, DETAILS)}) == 1


def test_details_carry_the_facts_of_a_span() -> None:
    facts = content_of_logs(DETAILS)
    assert (facts.request_model, facts.response_id, facts.input_tokens) == ("gpt-4o", "chatcmpl-1", 12)


def test_every_record_tells_of_session_and_user() -> None:
    facts = content_of_logs([log("gen_ai.user.message", {"content": "Hi"}, **{"session.id": "s", "enduser.id": "ada"})])
    assert (facts.session_id, facts.user_id) == ("s", "ada")


def test_a_record_sent_twice_is_read_once() -> None:
    assert content_of_logs([*OLD, OLD[0]]) == content_of_logs(OLD)


def test_tool_calls_and_their_results_in_logs() -> None:
    called = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
    facts = content_of_logs(
        [
            log("gen_ai.assistant.message", {"tool_calls": called}, 1),
            log("gen_ai.tool.message", {"id": "c1", "content": "14C"}, 2),
            log("gen_ai.choice", {"index": 0, "finish_reason": "tool_calls", "message": {"tool_calls": called}}, 3),
        ]
    )
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    assert json.loads(facts.input or "") == [
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "14C"}]},
    ]
    assert json.loads(facts.output or "")[0]["parts"] == [call]
    assert facts.finish_reason == "tool_call"


def test_what_claude_code_logs_of_a_request() -> None:
    sent = {
        "event.name": "api_request", "model": "claude-sonnet-4-5", "input_tokens": "12", "output_tokens": "34",
        "cache_read_tokens": "500", "cache_creation_tokens": "60", "cost_usd": "0.0125", "duration_ms": "1200",
    }  # fmt: skip
    record = LogRecord(
        trace_id=b"\1" * 16,
        span_id=b"\2" * 8,
        body=AnyValue(string_value="claude_code.api_request"),
        attributes=[KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in sent.items()],
    )
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])])
    (row,) = decode("logs", "grpc", request.SerializeToString()).logs
    assert is_content(row)
    facts = content_of_logs([row])
    assert (facts.request_model, facts.input_tokens, facts.output_tokens) == ("claude-sonnet-4-5", 572, 34)
    assert (facts.cache_read_tokens, facts.cache_write_tokens, facts.reported_cost_usd) == (500, 60, 0.0125)


CODEX = {
    "event.kind": "response.completed", "model": "gpt-5-codex", "conversation.id": "c1", "input_token_count": "900",
    "output_token_count": "80", "cached_token_count": 512, "reasoning_token_count": 30, "tool_token_count": "980",
}  # fmt: skip
GEMINI = {
    "model": "gemini-2.5-pro", "input_token_count": 100, "output_token_count": 20, "cached_content_token_count": 30,
    "thoughts_token_count": 15, "tool_token_count": 0, "total_token_count": 135,
}  # fmt: skip
COUNTED = [
    pytest.param("codex.sse_event", CODEX, (900, 80, 512, 30), id="codex"),
    pytest.param("gemini_cli.api_response", GEMINI, (100, 35, 30, 15), id="gemini-leaves-thoughts-out"),
    pytest.param(
        "gemini_cli.api_response",
        {key: value for key, value in GEMINI.items() if key != "total_token_count"},
        (100, 35, 30, 15),
        id="gemini-without-a-total",
    ),
    pytest.param(
        "gemini_cli.api_response",
        {key: 0 if key != "model" else value for key, value in GEMINI.items()},
        (None, None, None, None),
        id="gemini-writes-zeros-for-unknown",
    ),
    pytest.param("codex.sse_event", {"event.kind": "response.created"}, (None, None, None, None), id="codex-elsewhere"),
]


@pytest.mark.parametrize(("name", "sent", "counts"), COUNTED)
def test_what_coding_agents_log_of_a_request(name: str, sent: dict[str, Any], counts: tuple[int | None, ...]) -> None:
    facts = content_of_logs([log(name, **sent)])
    read = (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens, facts.reasoning_tokens)
    assert (facts.request_model, *read) == (sent.get("model"), *counts)


def test_logs_that_tell_nothing() -> None:
    facts = content_of_logs([log("user.signed_in", {"content": "secret"})])
    assert (facts.input, facts.output, facts.content_rank) == (None, None, 0)


def test_messages_in_span_events() -> None:
    events = [
        RawEvent(1, "gen_ai.user.message", {"content": '[{"text": "Capital?"}]'}),
        RawEvent(2, "gen_ai.choice", {"message": '[{"text": "Paris."}]', "finish_reason": "end_turn"}),
    ]
    attributes: dict[str, str | None] = {"gen_ai.operation.name": "chat"}
    facts = normalise(RawSpan(ORIGIN, b"\1" * 16, 2, None, "chat", 0, 9, attributes, events=events))
    assert json.loads(facts.input or "") == [ASKED[1]]
    assert json.loads(facts.output or "") == [{**ANSWERED[0], "finish_reason": "end_turn"}]
    assert facts.finish_reason == "stop"


def test_events_in_an_attribute() -> None:
    told = [
        {"event.name": "gen_ai.system.message", "content": "Be terse.", "role": "system"},
        {"event.name": "gen_ai.user.message", "content": "Capital?", "role": "user"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Paris."}},
    ]
    attributes: dict[str, str | None] = {"gen_ai.operation.name": "chat", "events": json.dumps(told)}
    facts = normalise(RawSpan(ORIGIN, b"\1" * 16, 2, None, "chat", 0, 9, attributes))
    assert json.loads(facts.input or "") == ASKED
    assert json.loads(facts.output or "") == [{"role": "assistant", "parts": ANSWERED[0]["parts"]}]
