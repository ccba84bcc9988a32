"""Any library's messages to one form, cut or whole; and one line for tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.messages import Side, content_hash, is_cut, messages, preview


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def call(name: str, arguments: Any, call_id: str | None = "c1") -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


ASK = [said("system", "Be terse."), said("user", "Capital of France?")]
CALLED = [{"role": "assistant", "parts": [call("weather", {"city": "Paris"})]}]
RESULT = [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "14C"}]}]
OPENAI_ASK = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Capital of France?"}]

INPUTS: list[Any] = [
    pytest.param("Capital of France?", [ASK[1]], id="plain-text"),
    pytest.param(ASK, ASK, id="opentelemetry"),
    pytest.param(OPENAI_ASK, ASK, id="openai"),
    pytest.param({"model": "gpt", "messages": OPENAI_ASK, "temperature": 0}, ASK, id="openai-request"),
    pytest.param(
        {"model": "gpt", "instructions": "Be terse.", "input": "Capital of France?"}, ASK, id="openai-responses"
    ),
    pytest.param(
        {
            "system": "Be terse.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Capital of France?"}]}],
        },
        ASK,
        id="anthropic-request",
    ),
    pytest.param(
        {
            "system_instruction": {"parts": [{"text": "Be terse."}]},
            "contents": [{"role": "user", "parts": [{"text": "Capital of France?"}]}],
        },
        ASK,
        id="gemini-request",
    ),
    pytest.param(
        {
            "system": [{"text": "Be terse."}],
            "messages": [{"role": "user", "content": [{"text": "Capital of France?"}]}],
        },
        ASK,
        id="bedrock-converse",
    ),
    pytest.param({"system": "Be terse.", "prompt": "Capital of France?"}, ASK, id="vercel-prompt"),
    pytest.param(
        {
            "messages": [
                [
                    {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["langchain", "schema", "messages", "SystemMessage"],
                        "kwargs": {"content": "Be terse.", "type": "system"},
                    },
                    {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["langchain", "schema", "messages", "HumanMessage"],
                        "kwargs": {"content": "Capital of France?"},
                    },
                ]
            ]
        },
        ASK,
        id="langchain-serialised",
    ),
    pytest.param(
        {"messages": [{"type": "system", "content": "Be terse."}, {"type": "human", "content": "Capital of France?"}]},
        ASK,
        id="langchain-plain",
    ),
    pytest.param(
        {"messages": [["system", "x"]]}, [said("user", "system"), said("user", "x")], id="unknown-pairs-are-text"
    ),
    pytest.param([{"role": "developer", "content": "Be terse."}], [ASK[0]], id="developer-is-system"),
    pytest.param([{"role": "tool", "tool_call_id": "c1", "content": "14C"}], RESULT, id="openai-tool-result"),
    pytest.param(
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "14C"}]}],
        RESULT,
        id="anthropic-tool-result",
    ),
    pytest.param(
        [{"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "output": "14C"}]}],
        RESULT,
        id="vercel-tool-result",
    ),
    pytest.param(
        [{"type": "function_call_output", "call_id": "c1", "output": "14C"}], RESULT, id="responses-tool-result"
    ),
    pytest.param(
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}],
        [{"role": "user", "parts": [{"type": "uri", "uri": "https://x/y.png"}]}],
        id="openai-image",
    ),
    pytest.param(
        [
            {
                "role": "user",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}],
            }
        ],
        [{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": "AA=="}]}],
        id="anthropic-image",
    ),
    pytest.param({"city": "Paris"}, [said("user", '{"city": "Paris"}')], id="arguments-are-shown-as-they-are"),
    pytest.param({"args": [], "kwargs": {"question": "Capital of France?"}}, [ASK[1]], id="traceloop-arguments"),
    pytest.param([], [said("user", "[]")], id="empty-list"),
    pytest.param(3, [said("user", "3")], id="number"),
]

FUNCTION = {"args": [], "kwargs": {"city": "Paris"}, "sanitize_inputs_outputs": True}
INPUTS.append(pytest.param(FUNCTION, [said("user", '{"city":"Paris"}')], id="arguments-of-a-function"))
GEMINI_SDK = {
    "model": "gemini",
    "config": {"system_instruction": "Be terse."},
    "contents": [{"role": "user", "parts": [{"text": "Capital of France?"}]}],
}
INPUTS.append(pytest.param(GEMINI_SDK, ASK, id="google-adk"))
INPUTS.append(pytest.param([{"_role": "user", "_content": [{"text": "Hi"}]}], [said("user", "Hi")], id="haystack-old"))
OUTPUTS: list[Any] = [
    pytest.param("Paris.", [said("assistant", "Paris.")], id="plain-text"),
    pytest.param({"role": "assistant", "content": "Paris."}, [said("assistant", "Paris.")], id="openai-message"),
    pytest.param(
        {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}}], "usage": {}},
        [{**said("assistant", "Paris."), "finish_reason": "stop"}],
        id="openai-chat",
    ),
    pytest.param(
        {
            "output": [
                {"type": "reasoning", "summary": [{"text": "hm"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Paris."}]},
            ]
        },
        [{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}]}, said("assistant", "Paris.")],
        id="openai-responses",
    ),
    pytest.param(
        {
            "role": "assistant",
            "type": "message",
            "content": [{"type": "text", "text": "Paris."}],
            "stop_reason": "end_turn",
        },
        [{**said("assistant", "Paris."), "finish_reason": "end_turn"}],
        id="anthropic",
    ),
    pytest.param(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Paris."}]}, "finishReason": "STOP"}]},
        [said("assistant", "Paris.")],
        id="gemini",
    ),
    pytest.param(
        {"output": {"message": {"role": "assistant", "content": [{"text": "Paris."}]}}},
        [said("assistant", "Paris.")],
        id="bedrock-converse",
    ),
    pytest.param(
        {
            "generations": [
                [
                    {
                        "text": "Paris.",
                        "message": {
                            "lc": 1,
                            "type": "constructor",
                            "id": ["x", "AIMessage"],
                            "kwargs": {"content": "Paris."},
                        },
                    }
                ]
            ]
        },
        [said("assistant", "Paris.")],
        id="langchain-serialised",
    ),
    pytest.param(
        {"generations": [[{"text": "Paris.", "generation_info": {"finish_reason": "stop"}}]]},
        [said("assistant", "Paris.")],
        id="langchain-completion",
    ),
    pytest.param(
        {"replies": [{"role": "assistant", "content": "Paris."}]}, [said("assistant", "Paris.")], id="haystack"
    ),
    pytest.param(
        {"message": {"role": "model", "content": [{"text": "Paris."}]}}, [said("assistant", "Paris.")], id="genkit"
    ),
    pytest.param(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
            ],
        },
        CALLED,
        id="openai-tool-call",
    ),
    pytest.param(
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}],
        },
        CALLED,
        id="anthropic-tool-use",
    ),
    pytest.param(
        {
            "type": "ai",
            "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}],
            "tool_calls": [{"id": "c1", "name": "weather", "args": {"city": "Paris"}, "type": "tool_call"}],
            "additional_kwargs": {"tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": "{}"}}]},
        },
        CALLED,
        id="langchain-tells-one-call-three-times",
    ),
    pytest.param(
        [{"toolCallId": "c1", "toolName": "weather", "input": '{"city":"Paris"}'}], CALLED, id="vercel-tool-calls"
    ),
    pytest.param(
        [{"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "weather", "arguments": '{"city":"Paris"}'}],
        CALLED,
        id="responses-tool-call",
    ),
    pytest.param(
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{"functionCall": {"name": "weather", "args": {"city": "Paris"}}}],
                    }
                }
            ]
        },
        [{"role": "assistant", "parts": [call("weather", {"city": "Paris"}, None)]}],
        id="gemini-tool-call",
    ),
    pytest.param(
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Paris"}}}],
                }
            }
        },
        CALLED,
        id="bedrock-tool-use",
    ),
    pytest.param(
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": "{cut"}}]},
        [{"role": "assistant", "parts": [call("weather", "{cut")]}],
        id="arguments-that-are-no-json",
    ),
    pytest.param({"answer": 42}, [said("assistant", '{"answer": 42}')], id="structured-answer"),
]
TOOL_OUTPUT = {"blocks": [], "tool_name": "weather", "raw_input": {}, "raw_output": "14C"}
OUTPUTS.append(pytest.param(TOOL_OUTPUT, [said("assistant", "14C")], id="llama-index-tool-output"))
COMMAND = [{"graph": None, "update": {"messages": [{"type": "ai", "content": "Paris."}]}}]
OUTPUTS.append(pytest.param(COMMAND, [said("assistant", "Paris.")], id="langgraph-command"))


@pytest.mark.parametrize(("value", "expected"), INPUTS)
def test_input_messages(value: Any, expected: list[dict[str, Any]]) -> None:
    assert messages(value if isinstance(value, str) else json.dumps(value), "any", "input") == expected


@pytest.mark.parametrize(("value", "expected"), OUTPUTS)
def test_output_messages(value: Any, expected: list[dict[str, Any]]) -> None:
    assert messages(value if isinstance(value, str) else json.dumps(value), "any", "output") == expected


def test_nothing_stored_is_no_message() -> None:
    assert messages(None, None, "input") == messages("", "input.value", "output") == []


def test_words_of_the_model_stay_words_even_when_they_are_json() -> None:
    text = '{"messages": [{"role": "user", "content": "no"}]}'
    assert messages(text, "ai.response.text", "output") == [said("assistant", text)]


def test_cut_json_keeps_what_arrived_and_says_so() -> None:
    whole = json.dumps([*OPENAI_ASK, {"role": "assistant", "content": "Paris is the capital"}])
    read = messages(whole[:-11], "gen_ai.input.messages", "input")
    assert [message["role"] for message in read] == ["system", "user", "assistant"]
    assert read[2]["parts"] == [{"type": "text", "content": "Paris is the", "cut": True}]


def test_every_cut_is_survived() -> None:
    whole = json.dumps(
        [
            *OPENAI_ASK,
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
        ]
    )
    for length in range(1, len(whole)):
        cut = whole[:length]
        assert messages(cut, "k", "input"), cut
        assert length < 3 or is_cut(cut), cut


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "parts",
                    "type",
                    "text",
                    "message",
                    "messages",
                    "tool_calls",
                    "function",
                    "name",
                    "id",
                    "kwargs",
                    "lc",
                    "choices",
                    "output",
                    "input",
                    "source",
                    "url",
                    "image_url",
                    "generation_info",
                    "toolUse",
                    "event.name",
                    "tool_call",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
sides: st.SearchStrategy[Side] = st.sampled_from(["input", "output"])


@given(json_values, sides)
def test_any_json_becomes_messages(value: Any, side: Side) -> None:
    for message in messages(json.dumps(value), None, side):
        assert message["role"] in {"system", "user", "assistant", "tool"}
        assert all(isinstance(part["type"], str) for part in message["parts"])


@given(st.text(), sides, st.integers(1, 50))
def test_any_text_becomes_one_line(text: str, side: Side, limit: int) -> None:
    line = preview(text, "k", side, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())


canonical = st.lists(
    st.builds(said, st.sampled_from(["system", "user", "assistant"]), st.text(min_size=1)), min_size=1, max_size=4
)


@given(canonical, sides)
def test_canonical_form_stays_as_it_is(value: list[dict[str, Any]], side: Side) -> None:
    assert messages(json.dumps(value), None, side) == value


PREVIEWS = [
    (ASK, "input", "Capital of France?"),
    ([*ASK, *CALLED, *RESULT], "input", "Capital of France?"),
    (CALLED, "output", "weather(city=Paris)"),
    ([said("assistant", "one\n two")], "output", "one two"),
    (RESULT, "input", "14C"),
    ([{"role": "user", "parts": [{"type": "uri", "uri": "x"}]}], "input", "[uri]"),
]


@pytest.mark.parametrize(("value", "side", "line"), PREVIEWS, ids=lambda value: str(value)[:40])
def test_preview(value: Any, side: Side, line: str) -> None:
    assert preview(json.dumps(value), None, side) == line


def test_preview_is_cut_with_an_ellipsis() -> None:
    assert preview("x" * 30, "input.value", "input", 10) == "x" * 9 + "…"


def test_one_call_told_by_two_dialects_hashes_alike() -> None:
    one = content_hash(messages(json.dumps(OPENAI_ASK), "a", "input"), messages("Paris.\n", "b", "output"))
    other = content_hash([said("user", " Capital  of France?")], [said("assistant", "Paris.")])
    assert one == other is not None
    assert one != content_hash(ASK, [said("assistant", "Rome.")])
    assert content_hash(ASK, CALLED) != content_hash(
        ASK, [{"role": "assistant", "parts": [call("weather", {"city": "Rome"})]}]
    )


def halves(given: list[Any], answered: list[Any]) -> tuple[int, int]:
    """What the hash says of the question and of the answer; 0: unknown."""
    return divmod(content_hash(given, answered) or 0, 2**32)


def test_question_and_answer_hash_apart() -> None:
    answer = [said("assistant", "Paris.")]
    asked, answered = halves(ASK, answer)
    assert 0 not in {asked, answered}
    assert halves(ASK, []) == (asked, 0)
    assert halves([], answer) == (0, answered)
    assert halves([said("user", "Capital of Italy?")], answer)[0] not in {0, asked}
    assert content_hash([], []) is None


@pytest.mark.parametrize(
    ("given", "same"),
    [
        pytest.param(
            [{"role": "user", "parts": [*said("user", "a")["parts"], *said("user", "b")["parts"]]}],
            [said("user", "a\n\nb")],
            id="parts-or-one-text",
        ),
        pytest.param([*ASK, *CALLED, *RESULT], [*ASK, *CALLED, said("user", "")], id="tool-result-of-role-user"),
        pytest.param([*ASK, *CALLED, *RESULT], ASK, id="history-left-out"),
    ],
)
def test_a_question_is_the_same_however_a_provider_wants_it(given: list[Any], same: list[Any]) -> None:
    assert halves(given, []) == halves(same, []) != (0, 0)


def test_an_answer_is_the_same_in_one_message_or_several() -> None:
    parts = [{"type": "text", "content": "Let me see."}, call("weather", {"city": "Paris"})]
    split = [{"role": "assistant", "parts": [part]} for part in reversed(parts)]
    assert halves([], split) == halves([], [{"role": "assistant", "parts": parts}])


def test_what_was_cut_is_not_hashed() -> None:
    cut = [{"role": "assistant", "parts": [{"type": "text", "content": "Par", "cut": True}]}]
    assert halves(ASK, cut) == halves(ASK, [])
    assert halves([{**cut[0], "role": "user"}], [said("assistant", "Paris.")])[0] == 0
