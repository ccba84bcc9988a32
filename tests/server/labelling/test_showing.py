"""What is shown of an item: real captures, and cases by hand whose parts are too long or told in two ways."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from server.labelling import showing
from server.labelling.showing import LONGEST, LONGEST_HISTORY, LONGEST_VALUE, MOST_CONTEXTS, MOST_STEPS, Target


class Rows(list[dict[str, Any]]):
    def to_pylist(self) -> list[dict[str, Any]]:
        return list(self)


@pytest.fixture(scope="module")
def ask(filled: Any) -> Any:
    """The named queries of the shared server, as the process of long answers has them."""
    client = filled.client()

    def answer(name: str, max_rows: int | None = None, **params: Any) -> Rows:
        if "traces" in params:
            params["traces"] = ",".join(str(one) for one in params["traces"])
        return Rows(client.rows(name, **params))

    yield answer
    client.close()


@pytest.mark.parametrize(
    ("trace_id", "question", "answer", "steps", "contexts"),
    [
        pytest.param(
            "a802a8c9bf4db67c43cfa7c59a1bf267", "Compare the weather in Paris and Rome", "Go to Rome",
            [("get_weather", {"city": "Paris"}, "14C, rain"), ("get_weather", {"city": "Rome"}, "24C, sunny")], 0,
            id="agent-whose-tools-have-spans",
        ),
        pytest.param(
            "131a74fd751d00c90ef339dd300bf6f3", "What is the capital of France?", "The capital of France is Paris.", [],
            0, id="one-call",
        ),
    ],
)  # fmt: skip
def test_a_trace(ask: Any, trace_id: str, question: str, answer: str, steps: list[Any], contexts: int) -> None:
    target = Target(UUID(trace_id))
    content = showing.contents(ask, [target])[target]
    side = content.sides[0]
    assert content.question is not None
    assert content.question.startswith(question)
    assert (side.answer or "").startswith(answer)
    assert [(one.name, one.arguments, one.result) for one in side.steps[: len(steps)]] == steps
    assert content.history[-1]["role"] == "user"
    assert (side.trace_id, side.span_id, len(content.contexts), content.cut) == (trace_id, None, contexts, ())


def test_a_call_a_session_and_what_is_not_there(ask: Any) -> None:
    call = Target(UUID(int=int("09" * 16, 16)), 2)
    session, gone = Target(session_id="s1"), Target(UUID(int=77))
    found = showing.shown(ask, [call, session, gone, Target(session_id="nobody's")])
    assert set(found) == {call, session}
    assert found[call].content.sides[0].span_id == f"{2:016x}"
    assert found[session].trace_id is not None
    assert found[session].attributes["model"] == "gpt-x"


def test_parts_that_are_too_long_say_so() -> None:
    case = {
        "question": "q" * (LONGEST + 1), "reference": "r",
        "contexts": ["c" * (LONGEST + 5), *(f"document {number}" for number in range(MOST_CONTEXTS + 3))],
        "messages": [
            {"role": "system", "content": "Be short."},
            *({"role": "user", "content": f"{number} " + "m" * 15_000} for number in range(8)),
            {"role": "assistant", "content": "said before"}, {"role": "user", "content": "the last"},
        ],
    }  # fmt: skip
    content = showing.of_case(case, [{"answer": "a"}])
    assert set(content.cut) == {"question", "contexts.0", "contexts", "history"}
    assert (len(content.question or ""), len(content.contexts)) == (LONGEST, MOST_CONTEXTS)
    assert [content.history[0]["role"], content.history[-1]["parts"][0]["content"]] == ["system", "the last"]
    assert len(content.model_dump_json()) < LONGEST_HISTORY + 4 * LONGEST
    assert content.reference == "r"


def test_results_of_tools_are_found_by_the_call_and_long_ones_are_cut() -> None:
    call = {"id": "c1", "function": {"name": "look", "arguments": '{"at": "Rome"}'}}
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "assistant", "content": "It is sunny."},
    ]
    calls = [{"name": "look", "arguments": '{"at": "Rome"}', "id": "c1"}, {"name": "long", "result": ["x" * 9_000]}]
    told = {"answer": "It is sunny.", "messages": messages, "tool_calls": calls + calls[:1] * MOST_STEPS}
    content = showing.of_case({"question": "Weather?"}, [told])
    first, second = content.sides[0].steps[:2]
    assert (first.arguments, first.result) == ({"at": "Rome"}, "sunny")
    assert len(str(second.result)) == LONGEST_VALUE
    assert (len(content.sides[0].steps), content.sides[0].messages) == (MOST_STEPS, ())
    assert content.cut == ("sides.a.steps",)


def test_pictures_are_named_and_not_kept() -> None:
    parts = [{"type": "text", "content": "What is it?"}, {"type": "blob", "mime_type": "image/png", "data": "A" * 99}]
    content = showing.of_case({"messages": [{"role": "user", "parts": parts}]}, [{"answer": None}])
    assert content.history[0]["parts"][1] == {"type": "blob", "mime_type": "image/png"}
    assert content.cut == ("history",)


def test_sides_are_keyed_in_order_and_a_right_answer_may_be_hidden() -> None:
    sides = [{"answer": "x", "name": "one", "trace_id": UUID(int=1)}, {"answer": "y", "name": "two"}]
    content = showing.of_case({"question": "q", "reference": "r"}, sides, reference=False)
    assert [(one.key, one.answer, one.name, one.trace_id) for one in content.sides] == [
        ("a", "x", "one", f"{1:032x}"), ("b", "y", "two", None),
    ]  # fmt: skip
    assert (content.reference, content.history[0]["parts"][0]["content"]) == (None, "q")


def test_texts_that_no_store_takes() -> None:
    content = showing.of_case({"question": "half \ud83d"}, [{"answer": "ok", "tool_calls": [{"arguments": "[1e999]"}]}])
    assert content.model_dump_json().encode()
    assert content.sides[0].steps[0].name == "tool"
