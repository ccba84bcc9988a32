"""Whole spans of frameworks that are in no capture, after their documentation: the facts that a bill needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.messages import messages
from collectors.model import Origin, RawEvent, RawSpan
from collectors.normalise import normalise

PARIS = "Paris."
ASKED = "Capital of France?"
OPENAI = {
    "id": "chatcmpl-123456",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": PARIS}}],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 5,
        "total_tokens": 25,
        "prompt_tokens_details": {"cached_tokens": 8},
    },
}
REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": ASKED}]}

SPANS: list[Any] = [
    pytest.param(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": REQUEST,
            "mlflow.spanOutputs": OPENAI,
            "mlflow.chat.tokenUsage": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25},
        },
        id="mlflow",
    ),
    pytest.param(
        {
            "braintrust.span_attributes": {"type": "llm", "name": "Chat Completion"},
            "braintrust.input_json": REQUEST["messages"],
            "braintrust.output_json": OPENAI["choices"],
            "braintrust.metadata": {"model": "gpt-4o", "provider": "openai"},
            "braintrust.metrics": {"prompt_tokens": 20, "completion_tokens": 5, "prompt_cached_tokens": 8},
        },
        id="braintrust",
    ),
    pytest.param(
        {
            "haystack.component.name": "llm",
            "haystack.component.type": "OpenAIChatGenerator",
            "haystack.component.input": {"messages": [{"role": "user", "content": [{"text": ASKED}]}]},
            "haystack.component.output": {
                "replies": [
                    {
                        "role": "assistant",
                        "content": [{"text": PARIS}],
                        "meta": {"model": "gpt-4o-2024-08-06", "finish_reason": "stop", "usage": OPENAI["usage"]},
                    }
                ]
            },
        },
        id="haystack",
    ),
    pytest.param(
        {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gpt-4o",
            "gcp.vertex.agent.llm_request": {
                "model": "gpt-4o",
                "config": {"system_instruction": "Be terse."},
                "contents": [{"role": "user", "parts": [{"text": ASKED}]}],
            },
            "gcp.vertex.agent.llm_response": {
                "content": {"role": "model", "parts": [{"text": PARIS}]},
                "finish_reason": "STOP",
                "usage_metadata": {
                    "prompt_token_count": 20,
                    "candidates_token_count": 5,
                    "cached_content_token_count": 8,
                    "total_token_count": 25,
                },
            },
        },
        id="google-adk",
    ),
    pytest.param(
        {
            "genkit:type": "action",
            "genkit:metadata:subtype": "model",
            "genkit:name": "openai/gpt-4o",
            "genkit:input": {"messages": [{"role": "user", "content": [{"text": ASKED}]}]},
            "genkit:output": {
                "message": {"role": "model", "content": [{"text": PARIS}]},
                "finishReason": "stop",
                "usage": {"inputTokens": 20, "outputTokens": 5, "totalTokens": 25, "cachedContentTokens": 8},
            },
        },
        id="genkit",
    ),
    pytest.param(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": "20",
            "gen_ai.usage.output_tokens": "5",
            "gen_ai.response.finish_reasons": '["STOP"]',
            "gen_ai.prompt": [{"role": "user", "content": ASKED}],
            "gen_ai.completion": [PARIS],
        },
        id="spring-ai",
    ),
    pytest.param(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.messages": [{"role": "user", "content": ASKED}],
            "gen_ai.response.text": PARIS,
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.input_tokens.cached": 8,
            "gen_ai.usage.output_tokens": 5,
        },
        id="sentry",
    ),
    pytest.param(
        {
            "lmnr.span.type": "LLM",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "lmnr.span.input": REQUEST["messages"],
            "lmnr.span.output": {"role": "assistant", "content": PARIS},
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 5,
        },
        id="laminar",
    ),
    pytest.param(
        {
            "fi.span.kind": "LLM",
            "llm.model_name": "gpt-4o",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": ASKED,
            "output.value": OPENAI,
        },
        id="traceai",
    ),
    pytest.param(
        {
            "gen_ai.request.model": "gpt-4o",
            "request_data": REQUEST,
            "response_data": {"message": {"role": "assistant", "content": PARIS}, "usage": OPENAI["usage"]},
        },
        id="logfire",
    ),
    pytest.param(
        {
            "langtrace.service.type": "llm",
            "llm.model": "gpt-4o",
            "llm.prompts": [{"role": "user", "content": ASKED}],
            "llm.responses": [{"role": "assistant", "content": PARIS}],
            "llm.token.counts": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25},
        },
        id="langtrace",
    ),
    pytest.param(
        {
            "gen_ai.operation.name": "chat",
            "lk.chat_ctx": {"items": [{"type": "message", "role": "user", "content": [ASKED]}]},
            "lk.response.text": PARIS,
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 5,
        },
        id="livekit",
    ),
    pytest.param(
        {
            "honeyhive_event_type": "model",
            "my.request": {"prompt": ASKED},
            "input": ASKED,
            "output": PARIS,
            "my.company.raw": {"provider_response": {"body": json.dumps(OPENAI)}},
        },
        id="home-made-with-the-answer-in-a-string",
    ),
]


@pytest.mark.parametrize("attributes", SPANS)
def test_a_call_is_read_whole(attributes: dict[str, Any]) -> None:
    stored = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    facts = normalise(RawSpan(Origin(1, {}, "x"), b"\1" * 16, 2, None, "call", 0, 10**9, stored))
    assert (facts.kind, facts.usage_role) == ("llm", "leaf")
    assert (facts.input_tokens, facts.output_tokens) == (20, 5)
    assert facts.cache_read_tokens in {8, None}
    assert (facts.finish_reason or "stop") == "stop"
    assert "gpt-4o" in (facts.response_model or facts.request_model or "gpt-4o")
    assert [m["parts"] for m in messages(facts.input, facts.input_key, "input") if m["role"] == "user"] == [
        [{"type": "text", "content": ASKED}]
    ]
    answer = messages(facts.output, facts.output_key, "output")
    assert [(m["role"], m["parts"]) for m in answer] == [("assistant", [{"type": "text", "content": PARIS}])]
    assert not [note for note in facts.notes if note.startswith(("failed", "unreadable"))]


def test_strands() -> None:
    events = [
        RawEvent(1, "gen_ai.user.message", {"content": json.dumps([{"text": ASKED}])}),
        RawEvent(2, "gen_ai.choice", {"message": json.dumps([{"text": PARIS}]), "finish_reason": "end_turn"}),
    ]
    attributes: dict[str, str | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "strands-agents",
        "gen_ai.request.model": "us.anthropic.claude-sonnet-4",
        "gen_ai.usage.prompt_tokens": "12",
        "gen_ai.usage.input_tokens": "12",
        "gen_ai.usage.output_tokens": "5",
        "gen_ai.usage.total_tokens": "25",
        "gen_ai.usage.cache_read_input_tokens": "8",
        "gen_ai.usage.cache_write_input_tokens": "0",
    }
    facts = normalise(RawSpan(Origin(1, {}, "x"), b"\1" * 16, 2, None, "chat", 0, 10**9, attributes, events=events))
    assert (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens) == (20, 5, 8)
    assert (facts.finish_reason, facts.notes) == ("stop", ["usage_excludes_cache"])
    assert messages(facts.output, None, "output")[0]["parts"][0]["content"] == PARIS
