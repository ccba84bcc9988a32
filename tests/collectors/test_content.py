"""What a span's input and output are taken from, and what is kept verbatim."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import frames
from collectors.facts import SpanFacts
from collectors.model import Origin, RawSpan
from collectors.normalise import normalise

CALL = {"gen_ai.operation.name": "chat"}


def span_of(attributes: dict[str, Any]) -> RawSpan:
    stored = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    return RawSpan(Origin(1, {}, "test"), b"\1" * 16, 2, None, "span", 0, 9, stored)


def facts_of(attributes: dict[str, Any]) -> SpanFacts:
    return normalise(span_of(attributes))


MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.input.messages", "ai.prompt.messages", "langfuse.observation.input", "gen_ai.prompt", "input.value",
        "traceloop.entity.input", "mlflow.spanInputs", "braintrust.input_json", "genkit:input", "lmnr.span.input",
        "gcp.vertex.agent.llm_request", "lk.chat_ctx", "haystack.component.input", "input",
    ],
)  # fmt: skip
def test_one_attribute_stands_verbatim_and_once(key: str) -> None:
    span = span_of({**CALL, key: MESSAGES})
    facts = normalise(span)
    assert (facts.input, facts.input_key) == (MESSAGES, key)
    assert frames.stored_attributes(span, facts) == CALL


def test_the_newest_convention_wins() -> None:
    facts = facts_of(
        {**CALL, "gen_ai.input.messages": MESSAGES, "input.value": "old", "gen_ai.prompt.0.content": "older"}
    )
    assert facts.input_key == "gen_ai.input.messages"


@pytest.mark.parametrize(
    ("attributes", "composed"),
    [
        pytest.param(
            {
                "llm.input_messages.0.message.role": "system",
                "llm.input_messages.0.message.content": "Be terse.",
                "llm.input_messages.9.message.role": "user",
                "llm.input_messages.9.message.contents.0.message_content.type": "text",
                "llm.input_messages.9.message.contents.0.message_content.text": "Hi",
                "llm.input_messages.10.message.role": "tool",
                "llm.input_messages.10.message.tool_call_id": "c1",
                "llm.input_messages.10.message.content": "14C",
            },
            [
                {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
                {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "14C"}]},
            ],
            id="openinference-with-gaps",
        ),
        pytest.param(
            {
                "gen_ai.prompt.0.role": "assistant",
                "gen_ai.prompt.0.tool_calls.0.id": "c1",
                "gen_ai.prompt.0.tool_calls.0.name": "f",
                "gen_ai.prompt.0.tool_calls.0.arguments": '{"a": 1}',
            },
            [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}]}],
            id="openllmetry-old",
        ),
        pytest.param(
            {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": '[{"type": "text", "text": "Hi"}]'},
            [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
            id="openllmetry-parts-as-json",
        ),
    ],
)
def test_a_conversation_of_many_attributes(attributes: dict[str, str], composed: list[dict[str, Any]]) -> None:
    facts = facts_of({**CALL, **attributes})
    assert json.loads(facts.input or "") == composed
    assert facts.input_key is None


def test_openinference_tells_a_tool_call_in_three_attributes() -> None:
    prefix = "llm.output_messages.0.message"
    facts = facts_of(
        {
            **CALL,
            f"{prefix}.role": "assistant",
            f"{prefix}.contents.0.message_content.type": "tool_use",
            f"{prefix}.contents.0.tool_call.id": "c1",
            f"{prefix}.contents.0.tool_call.function.name": "f",
            f"{prefix}.contents.0.tool_call.function.arguments": '{"a": 1}',
            f"{prefix}.tool_calls.0.tool_call.id": "c1",
            f"{prefix}.tool_calls.0.tool_call.function.name": "f",
            f"{prefix}.tool_calls.0.tool_call.function.arguments": '{"a": 1}',
        }
    )
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
    assert json.loads(facts.output or "") == [{"role": "assistant", "parts": [call]}]


def test_text_and_tool_calls_of_vercel() -> None:
    calls = '[{"toolCallId":"c1","toolName":"f","input":"{}"}]'
    text = {**CALL, "ai.response.text": "Let me see."}
    assert facts_of(text).output_key == "ai.response.text"
    assert facts_of({**CALL, "ai.response.toolCalls": calls}).output_key == "ai.response.toolCalls"
    both = facts_of({**text, "ai.response.toolCalls": calls})
    assert both.output_key is None
    assert [part["type"] for part in json.loads(both.output or "")[0]["parts"]] == ["text", "tool_call"]


def test_a_list_of_everything_is_split_at_the_last_answer() -> None:
    said = [{"role": role, "parts": [{"type": "text", "content": role}]} for role in ("user", "assistant")]
    facts = facts_of({"gen_ai.operation.name": "invoke_agent", "pydantic_ai.all_messages": said})
    assert (json.loads(facts.input or ""), json.loads(facts.output or "")) == (said[:1], said[1:])


def test_hidden_content_is_no_content() -> None:
    facts = facts_of({**CALL, "input.value": "__REDACTED__", "output.value": "[Scrubbed due to 'secret']"})
    assert (facts.input, facts.output, facts.notes) == (None, None, ["content_redacted"])


def test_cut_content_is_kept_and_noted() -> None:
    facts = facts_of({**CALL, "gen_ai.input.messages": MESSAGES[:-20]})
    assert facts.input == MESSAGES[:-20]
    assert facts.notes == ["content_truncated"]
    assert facts.content_hash is None


@pytest.mark.parametrize(
    ("attributes", "parts"),
    [
        ({"gen_ai.system_instructions": [{"type": "text", "content": "Be terse."}]}, ["Be terse."]),
        ({"gen_ai.system_instructions": "Be terse."}, ["Be terse."]),
        ({"input.value": {"instructions": "Be terse.", "input": "Hi"}}, ["Be terse."]),
        ({"input.value": {"messages": [{"role": "developer", "content": "Be terse."}]}}, ["Be terse."]),
    ],
    ids=lambda value: str(value)[:50],
)
def test_system_instructions(attributes: dict[str, Any], parts: list[str]) -> None:
    stored = facts_of({**CALL, **attributes}).system_instructions
    assert [part["content"] for part in json.loads(stored or "")] == parts


def test_embedded_texts() -> None:
    facts = facts_of({"openinference.span.kind": "EMBEDDING", "embedding.embeddings.0.embedding.text": "a"})
    assert json.loads(facts.input or "")[0]["parts"][0]["content"] == "a"


def test_ids_of_tool_calls_come_from_the_answer_beside_them() -> None:
    prefix = "llm.output_messages.0.message"
    answer = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]}
    facts = facts_of(
        {
            **CALL,
            f"{prefix}.role": "assistant",
            f"{prefix}.tool_calls.0.tool_call.function.name": "f",
            f"{prefix}.tool_calls.0.tool_call.function.arguments": "{}",
            "output.value": answer,
        }
    )
    assert json.loads(facts.output or "")[0]["parts"][0]["id"] == "c1"


def test_a_request_that_tells_more_tool_results_than_its_attributes_wins() -> None:
    results = [{"type": "tool_result", "tool_use_id": f"c{n}", "content": str(n)} for n in (1, 2)]
    request = json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": results}]})
    indexed = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Hi",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.tool_call_id": "c2",
        "llm.input_messages.1.message.content": "2",
    }
    assert facts_of({**CALL, **indexed, "input.value": request}).input_key == "input.value"
    alone = json.loads(facts_of({**CALL, **indexed}).input or "")
    assert alone[1] == {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c2", "response": "2"}]}
