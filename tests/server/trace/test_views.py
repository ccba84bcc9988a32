"""A trace as a conversation and as a graph, and one span as it was sent: pure functions over rows."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.trace import curl, graph, talk
from store.queries.outline import MOST_LETTERS

STEP: dict[str, Any] = {
    "span_id": "s", "kind": "llm", "name": "chat", "tool_name": None, "tool_call_id": None, "agent_name": None,
    "model": "m", "start_us": 0, "duration_ns": 5, "status": "unset", "error_type": None, "error_message": None,
    "input": None, "input_key": None, "output": None, "output_key": None, "system": None,
}  # fmt: skip


def said(role: str, *parts: dict[str, Any] | str) -> dict[str, Any]:
    told = [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "parts": told}


def call(of: str | None = "c1", name: str = "search") -> dict[str, Any]:
    return {"type": "tool_call", "id": of, "name": name, "arguments": {"q": 1}}


def step(heard: list[dict[str, Any]], answer: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {**STEP, "input": json.dumps(heard), "output": json.dumps([answer]), **facts}


def ran(**facts: Any) -> dict[str, Any]:
    return {**STEP, "kind": "tool", "name": "execute_tool search", "tool_name": "search", "span_id": "t", **facts}


def turns(*rows: dict[str, Any], later: bool = False) -> list[dict[str, Any]]:
    return talk.turns(rows, later=later)[0]


def words(told: dict[str, Any]) -> list[Any]:
    return [part.get("content") for message in told["messages"] for part in message["parts"]]


def test_history_is_folded() -> None:
    first, second = turns(
        step([said("user", "a")], said("assistant", "b")),
        step([said("user", "a"), said("assistant", "b"), said("user", "c")], said("assistant", "d")),
    )
    assert (words(first), first["folded"]) == (["a", "b"], 0)
    assert (words(second), second["folded"]) == (["c", "d"], 2)


def test_a_later_page_folds_the_history_it_does_not_know() -> None:
    heard = [said("user", "a"), said("assistant", "b"), said("user", "c")]
    (only,) = turns(step(heard, said("assistant", "d")), later=True)
    assert (words(only), only["folded"]) == (["c", "d"], 2)


def test_words_that_are_said_again_are_told_again() -> None:
    heard = [said("user", "yes"), said("assistant", "more?")]
    told = turns(
        step(heard[:1], heard[1]),
        step([*heard, said("user", "yes")], said("assistant", "more?")),
        step([*heard, said("user", "yes"), said("assistant", "more?"), said("user", "no")], said("assistant", "bye")),
    )
    assert [words(one) for one in told] == [["yes", "more?"], ["yes", "more?"], ["no", "bye"]]
    assert [one["folded"] for one in told] == [0, 2, 4]


def test_another_image_is_no_repetition() -> None:
    first, second = ({"type": "uri", "modality": "image", "uri": f"https://example.org/{name}"} for name in "ab")
    told = turns(
        step([said("user", first)], said("assistant", "a cat")), step([said("user", second)], said("assistant", "b"))
    )
    assert [one["messages"][0]["parts"] for one in told] == [[first], [second]]


LONG = "x" * MOST_LETTERS


@pytest.mark.parametrize(
    ("rows", "cut"),
    [
        pytest.param([step([said("user", "a")], said("assistant", "b"))], False, id="none"),
        pytest.param([step([], said("assistant", "b"), input=json.dumps([said("user", LONG)])[:MOST_LETTERS])], True,
                     id="json"),
        pytest.param([step([], said("assistant", "b"), input=LONG)], True, id="text"),
        pytest.param([ran(input="q", output=LONG)], True, id="run"),
        pytest.param([step([said("user", "a")], said("assistant", call())), ran(output=LONG)], True, id="its-run"),
    ],
)  # fmt: skip
def test_what_we_cut_is_told_as_ours(rows: list[dict[str, Any]], cut: bool) -> None:
    (only,) = turns(*rows)
    assert only["cut"] is cut
    assert not any(part.get("cut") for message in only["messages"] for part in message["parts"])


def test_what_its_sender_cut_is_told_as_the_senders() -> None:
    (only,) = turns(step([], said("assistant", "b"), input=json.dumps([said("user", "a long text")])[:-9]))
    assert only["messages"][0]["parts"][0]["cut"] is True
    assert only["cut"] is False


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"tool_call_id": "c1", "output": "7"}, {"result": "7", "ran": "t"}, id="by-id"),
        pytest.param({"output": "7"}, {"result": "7", "ran": "t"}, id="by-name"),
        pytest.param(
            {"tool_call_id": "c1", "status": "error", "error_message": "full"}, {"failed": "full", "ran": "t"},
            id="failed",
        ),
    ],
)  # fmt: skip
def test_a_run_stands_with_its_call(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    (only,) = turns(step([said("user", "a")], said("assistant", call())), ran(**facts))
    part = only["messages"][-1]["parts"][0]
    assert {name: part.get(name) for name in expected} == expected


def test_a_result_that_a_message_tells_stands_with_its_call() -> None:
    result = said("tool", {"type": "tool_call_response", "id": "c1", "response": {"n": 3}})
    first, second = turns(
        step([said("user", "a")], said("assistant", call())),
        step([said("user", "a"), said("assistant", call()), result], said("assistant", "d")),
    )
    assert first["messages"][-1]["parts"][0]["result"] == {"n": 3}
    assert words(second) == ["d"]


def test_a_run_that_nobody_asked_for_is_a_step_of_its_own() -> None:
    (only,) = turns(ran(input='{"q": 1}', output="7"))
    assert (only["arguments"], only["result"]) == ('{"q": 1}', "7")


def test_an_answer_ends_before_it_grows_too_large() -> None:
    long = step([said("user", "a" * 3_000_000)], said("assistant", "b"))
    found, used = talk.turns([long, long, long], later=False)
    assert (len(found), used) == (1, 1)


@pytest.mark.parametrize("text", ["{", "[1, 2", '{"role": "user"}', "null", '[{"role": "x"}]'])
def test_texts_that_are_no_conversation_do_no_harm(text: str) -> None:
    assert len(turns({**STEP, "input": text, "output": text, "system": text})) == 1


def nodes(count: int) -> list[graph.Node]:
    return [graph.Node(number, "tool", str(number)) for number in range(count)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30))
def test_layers_go_down_along_edges_unless_these_lead_back(pairs: list[tuple[int, int]]) -> None:
    drawn = nodes(8)
    edges = [graph.Edge(above, below) for above, below in dict.fromkeys(pairs)]
    graph.place(drawn, edges)
    assert all(drawn[below].layer > drawn[above].layer for above, below in graph._forward(drawn, edges))
    places = [(node.layer, node.place) for node in drawn]
    assert len(set(places)) == len(places)


def test_callers_stand_before_what_they_call() -> None:
    drawn = nodes(4)
    graph.place(drawn, [graph.Edge(0, 1), graph.Edge(1, 2), graph.Edge(0, 2), graph.Edge(2, 0), graph.Edge(3, 3)])
    assert [node.layer for node in drawn] == [0, 1, 2, 0]


SPAN: dict[str, Any] = {
    "span_id": 1, "name": "chat", "status": "ok", "error_type": None, "duration_ns": 5, "model": "m", "kind": "llm",
    "tool_name": None, "agent_name": None, "usage_role": "leaf", "input_tokens": 1, "output_tokens": 1,
    "cost_usd": None,
}  # fmt: skip


def test_a_call_that_is_told_twice_is_one_call() -> None:
    """A framework's span around that of the provider's library: the model does not call itself."""
    drawn = graph._Drawn(graph._together)
    drawn.add(0, -1, {**SPAN, "kind": "agent", "agent_name": "a", "usage_role": None})
    drawn.add(1, 0, {**SPAN, "usage_role": "duplicate"})
    drawn.add(2, 1, SPAN)
    assert [(node.kind, node.name, node.count) for node in drawn.nodes.values()] == [("agent", "a", 1), ("llm", "m", 1)]
    assert list(drawn.edges) == [(0, 1)]
    assert drawn.again == 1


CALL: dict[str, Any] = {
    "kind": "llm", "provider": "openai", "request_model": "m", "response_model": None, "system": [],
    "input": [said("user", "a'b\u202e$(x)\n")], "tool_definitions": [{"name": "search", "parameters": {}}],
    "attributes": {"gen_ai.request.temperature": "0.5", "http.request.header.authorization": "Bearer sk-secret"},
}  # fmt: skip


def data_of(command: str) -> dict[str, Any]:
    parts = shlex.split(command.replace("\\\n", " "))
    found: dict[str, Any] = json.loads(parts[parts.index("-d") + 1])
    return found


def test_a_command_makes_the_call_again_without_its_secrets() -> None:
    command = curl.command(CALL)
    assert command is not None
    assert "sk-secret" not in command
    assert "$OPENAI_API_KEY" in command
    assert command.isascii()
    body = data_of(command)
    assert body["messages"] == [{"role": "user", "content": "a'b\u202e$(x)\n"}]
    assert (body["temperature"], body["tools"][0]["function"]["name"]) == (0.5, "search")


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        pytest.param({"provider": "anthropic"}, "x-api-key: $ANTHROPIC_API_KEY", id="anthropic"),
        pytest.param({"provider": 'a"; rm -rf ~; "'}, "$A___RM__RF______API_KEY", id="hostile-provider"),
        pytest.param({"provider": None}, "https://api.openai.com/v1/chat/completions", id="no-provider"),
    ],
)
def test_providers(facts: dict[str, Any], holds: str) -> None:
    command = curl.command({**CALL, **facts})
    assert command is not None
    assert holds in command
    assert "rm -rf" not in command


def test_anthropics_form_has_tools_their_calls_and_results() -> None:
    result = {"type": "tool_call_response", "id": "c1", "response": {"n": 3}}
    heard = [said("system", "Be short."), said("user", "a"), said("assistant", "I look.", call()), said("tool", result)]
    sent = {"gen_ai.request.seed": "7", "gen_ai.request.top_p": "0.9"}
    command = curl.command({**CALL, "provider": "anthropic", "input": heard, "attributes": sent})
    assert command is not None
    body = data_of(command)
    assert (body["system"], body["top_p"], "seed" in body) == ("Be short.", 0.9, False)
    assert body["tools"] == [{"name": "search", "input_schema": {"type": "object"}}]
    assert [(one["role"], [block["type"] for block in one["content"]]) for one in body["messages"]] == [
        ("user", ["text"]), ("assistant", ["text", "tool_use"]), ("user", ["tool_result"]),
    ]  # fmt: skip
    assert body["messages"][1]["content"][1]["input"] == {"q": 1}
    assert body["messages"][2]["content"][0]["content"] == '{"n": 3}'


@pytest.mark.parametrize("facts", [{"kind": "tool"}, {"request_model": None}, {"input": []}])
def test_what_is_no_call_has_no_command(facts: dict[str, Any]) -> None:
    assert curl.command({**CALL, **facts}) is None
