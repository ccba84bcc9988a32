"""Rows of JSON as cases, and verdicts as rows."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.case import Case, Message, Step, ToolCall, Unreadable, Usage
from evaluators.errors import UnreadableCaseError
from evaluators.rows import NAMES, read_case, verdict_row
from evaluators.verdict import Highlight, Spent, failed, not_applicable, verdict
from server import score_shell


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"id": 7, "answer": "a"}, Case(id=7, answer="a"), id="an-id-stays-as-it-is"),
        pytest.param({"id": 7.0}, Case(id=7), id="a-whole-float-is-an-integer"),
        pytest.param({"query": "q", "response": "a"}, Case(question="q", answer="a"), id="names-of-others"),
        pytest.param({"input": "q", "question": "q"}, Case(question="q"), id="twice-the-same"),
        pytest.param({"answer": 42, "reference": {"a": 1}}, Case(answer="42", reference='{"a": 1}'), id="as-json-text"),
        pytest.param({"context": "one"}, Case(contexts=("one",)), id="one-context"),
        pytest.param({"contexts": []}, Case(contexts=()), id="nothing-retrieved-is-not-unknown"),
        pytest.param({"contexts": None}, Case(), id="null-is-not-given"),
        pytest.param(
            {"documents": [{"page_content": "a"}, {"text": "b"}, "c"]}, Case(contexts=("a", "b", "c")), id="documents"
        ),
        pytest.param({"tenant": "x", "metadata": {"a": 1}}, Case(metadata={"tenant": "x", "a": 1}), id="the-rest"),
        pytest.param({"tools": ["a", {"function": {"name": "b"}}]}, Case(tools=("a", "b")), id="tools"),
        pytest.param({"usage": {"latency_ms": 5, "x": 1}}, Case(usage=Usage(latency_ms=5)), id="usage"),
        pytest.param(
            {"steps": [{"kind": "tool", "name": "t", "error": "no"}]},
            Case(steps=(Step("tool", "t", error="no"),)),
            id="steps",
        ),
        pytest.param(
            {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "x": {"y": 1}}},
            Case(usage=Usage(input_tokens=5, output_tokens=2)),
            id="usage-of-openai",
        ),
        pytest.param({"turns": [{"answer": "a"}]}, Case(turns=(Case(answer="a"),)), id="a-session"),
        pytest.param(
            {"tool_calls": [{"name": "f", "arguments": {"a": 1}, "result": [1], "failed": False}]},
            Case(tool_calls=(ToolCall("f", {"a": 1}, None, "[1]", False),)),
            id="a-tool-call",
        ),
        pytest.param(
            {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
            Case(tool_calls=(ToolCall("f", {"a": 1}, "c1"),)),
            id="as-openai-has-it",
        ),
        pytest.param(
            {"tool_calls": [{"name": "f", "arguments": "not json"}]},
            Case(tool_calls=(ToolCall("f", "not json"),)),
            id="text",
        ),
        pytest.param(
            {"tool_calls": [{"name": "f", "kwargs": {"a": 1}}]}, Case(tool_calls=(ToolCall("f", {"a": 1}),)), id="tau"
        ),
        pytest.param(
            {"messages": [{"role": "user",
                           "content": [{"type": "text", "text": "a"}, {"type": "text", "content": "b"}]},
                          {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]},
                          {"role": "tool", "content": "r", "tool_call_id": "c1"}]},
            Case(messages=(Message("user", "a\nb"), Message("assistant", "", (ToolCall("f"),)),
                           Message("tool", "r", (), "c1"))),
            id="messages",
        ),
        pytest.param(
            {"messages": [{"role": "assistant",
                           "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {}}]},
                          {"role": "tool",
                           "parts": [{"type": "tool_call_response", "id": "c", "response": {"x": 1}}]}]},
            Case(messages=(Message("assistant", "", (ToolCall("f", {}, "c"),)), Message("tool", '{"x": 1}'))),
            id="the-canonical-form",
        ),
    ],
)  # fmt: skip
def test_a_row_is_a_case(row: dict[str, Any], expected: Case) -> None:
    assert read_case(row) == expected


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param([1], "A row is a JSON object", id="no-object"),
        pytest.param({"answer": "a", "output": "b"}, "'answer' and 'output' are both names for 'answer'", id="twice"),
        pytest.param({"question": 1}, "'question' is text, not 1", id="question"),
        pytest.param({"contexts": [1]}, "'contexts' is a list of texts, not 1", id="contexts"),
        pytest.param({"contexts": 5}, "'contexts' is a list of texts, not 5", id="no-list"),
        pytest.param({"id": 1.5}, "'id' is text or a whole number, not 1.5", id="broken-id"),
        pytest.param({"id": True}, "'id' is text or a whole number, not true", id="id"),
        pytest.param({"messages": [{"content": "a"}]}, "'messages[0]' is a message {role, content}", id="message"),
        pytest.param({"tool_calls": [{"arguments": {}}]}, "'tool_calls[0]' is a tool call", id="tool-call"),
        pytest.param({"steps": [{"name": "x"}]}, "'steps[0]' is a step {kind, name}", id="step"),
        pytest.param({"usage": 5}, "'usage' is an object", id="usage"),
        pytest.param({"usage": {"latency_ms": "fast"}}, "'usage' is an object of numbers", id="usage-in-words"),
        pytest.param({"metadata": 5}, "'metadata' is an object, not 5", id="metadata"),
        pytest.param({"tools": [5]}, "'tools[0]' is the name of a tool, not 5", id="tool"),
        pytest.param({"turns": [5]}, "A row is a JSON object", id="turn"),
        pytest.param({"question": ["x" * 500]}, "...", id="long-values-are-cut"),
    ],
)
def test_what_is_no_case_is_told(row: Any, says: str) -> None:
    with pytest.raises(UnreadableCaseError) as told:
        read_case(row)
    assert says in str(told.value)
    assert len(str(told.value)) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([name for names in NAMES.values() for name in names]) | st.text(max_size=4)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_every_row_is_a_case_or_told(row: dict[str, Any]) -> None:
    told = None
    with suppress(UnreadableCaseError):
        told = read_case(json.loads(json.dumps(row)))
    assert told is None or isinstance(told, Case)


def test_a_verdict_is_a_row() -> None:
    said = verdict(
        0.25, "Because.", label="bad", details={"claims": 2}, spent=Spent(calls=1, input_tokens=5),
        spans=(Highlight(1, 3, "odd", weight=0.5), Highlight(0, 2, "seen", "contexts.0")),
    )  # fmt: skip
    assert verdict_row("r1", "e", "2", said) == {
        "id": "r1", "evaluator": "e", "version": "2", "status": "ok", "value": 0.25, "label": "bad",
        "reason": "Because.", "spans": [[1, 3]],
        "highlights": [{"field": "answer", "start": 1, "end": 3, "why": "odd", "weight": 0.5},
                       {"field": "contexts.0", "start": 0, "end": 2, "why": "seen", "weight": None}],
        "details": {"claims": 2},
        "spent": {"calls": 1, "cached": 0, "input_tokens": 5, "output_tokens": None, "cost_usd": None},
    }  # fmt: skip


def test_a_failure_has_no_value() -> None:
    row = verdict_row(None, "e", "1", failed("timeout", "It took too long."))
    assert (row["status"], row["value"], row["error_type"]) == ("error", None, "timeout")
    assert verdict_row(None, "e", "1", not_applicable("No."))["status"] == "not_applicable"


def test_what_is_nested_too_deep_is_text_or_unreadable() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    (call,) = read_case({"tool_calls": [{"name": "f", "arguments": deep}]}).tool_calls or ()
    assert call.arguments == deep
    (case,) = score_shell._cases(io.BytesIO(b'{"id": 1, "contexts": ' + deep.encode() + b"}"), score_shell.Tally())
    assert isinstance(case, Unreadable)
    assert case.reason == "Line 1: It is nested deeper than can be read."
