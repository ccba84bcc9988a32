"""One trace over HTTP: outline, windows of rows, findings, what is sought, and the span as it was sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import made_trace
import pytest

from server.client import ApiError

TRACE = made_trace.TRACE.hex()
TWICE = bytes([0xAB]) * 16


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any]) -> Any:
    one = serve("trace")
    one.send(made_trace.body(time.time_ns() - 600 * 10**9))
    one.send(_twice(time.time_ns() - 300 * 10**9))
    one.settle()
    return one


def _twice(start_ns: int) -> bytes:
    """An agent's one tool run, told by a framework and, within that, by another instrumentation."""
    made = made_trace.Made(start_ns, TWICE)
    run = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "search", "gen_ai__tool__call__id": "c1",
           "gen_ai__tool__call__arguments": {"q": 1}, "gen_ai__tool__call__result": "7"}  # fmt: skip
    made.add(1, None, "run", 0, 900, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="a")
    made.add(2, 1, "execute_tool search", 10, 500, **run)
    made.add(3, 2, "search", 20, 400, **run)
    body: bytes = made.request.SerializeToString()
    return body


def test_a_tool_run_that_is_told_twice_is_one_run(served: Any) -> None:
    with served.client() as client:
        found, drawn = client.trace_findings(TWICE.hex()), client.trace_graph(TWICE.hex())
        told = client.trace_conversation(TWICE.hex())
    assert (found["repeated"], found["actions"]) == ([], 1)
    assert [(one["kind"], one["count"]) for one in drawn["nodes"]] == [("agent", 1), ("tool", 1)]
    assert drawn["again"] == 1
    assert [step["kind"] for step in told["steps"]] == ["tool"]


def test_the_outline_tells_what_is_odd(served: Any) -> None:
    with served.client() as client:
        told = client.trace_outline(TRACE)
    assert (told["rows"], told["spans"], told["orphans"], told["failed"]) == (13, 12, 1, 1)
    assert told["failures"][0]["error_message"] == "no seats left"
    assert told["first"]["span_id"] == f"{40:016x}"
    (skew,) = told["skews"]
    assert (skew["service"], skew["shift_ns"], told["early"]) == ("searcher", 3_800_000_000, 0)


def test_rows_come_by_windows_and_by_span(served: Any) -> None:
    with served.client() as client:
        told = client.trace_outline(TRACE)
        every = client.trace_rows(TRACE, 0, 100, told["version"]).frame
        part = client.trace_rows(TRACE, 4, 2, told["version"]).frame
        place = client.trace_places(TRACE, [f"{40:016x}", f"{77:016x}"], told["version"]).frame
    assert list(every["row"]) == list(range(13))
    assert list(part["row"]) == [4, 5]
    assert list(place["row"]) == [told["first"]["row"]]
    assert every["span_id"].isna().sum() == 1
    assert every["path_ns"].sum() <= told["length_ns"]


def test_rows_of_another_state_are_refused(served: Any) -> None:
    with served.client() as client, pytest.raises(ApiError, match="outline again") as refused:
        client.trace_rows(TRACE, 0, 10, "00000000")
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("FERRY TO", 1, id="in-an-output"),
        pytest.param("no seats", 1, id="in-an-error"),
        pytest.param("execute_tool", 4, id="in-names"),
        pytest.param("nowhere%", 0, id="nowhere"),
    ],
)
def test_texts_are_found(served: Any, text: str, rows: int) -> None:
    with served.client() as client:
        assert len(client.trace_found(TRACE, text)["rows"]) == rows


def test_findings_graph_conversation_and_documents(served: Any) -> None:
    with served.client() as client:
        found, drawn = client.trace_findings(TRACE), client.trace_graph(TRACE)
        told, retrieved = client.trace_conversation(TRACE), client.trace_documents(TRACE)
        apart = client.trace_graph(TRACE, expanded=True)
    assert [(one["name"], one["times"]) for one in found["repeated"]] == [("search", 3)]
    assert {(one["kind"], one["name"]) for one in drawn["nodes"]} >= {("agent", "planner"), ("llm", "gpt-4o")}
    assert sum(one["errors"] for one in drawn["edges"]) == 1
    assert len(apart["nodes"]) == 11
    assert [step["folded"] for step in told["steps"] if step["kind"] == "llm"] == [0, 3, 5, 7]
    assert [one["score"] for one in retrieved["retrievals"][0]["documents"]] == [0.9, 0.45]


def test_a_span_that_is_sent_again_as_it_was_received_is_a_duplicate(served: Any) -> None:
    """The oracle is the store: it knows each span by its content."""
    with served.client() as client:
        body = client.span_otlp(TRACE, f"{50:016x}")
        before = client.rows("ledger_total")[0]
    assert body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["links"][0]["spanId"] == f"{1:016x}"
    answer = httpx.post(
        f"{served.note.otlp_http_url}/v1/traces", content=json.dumps(body), trust_env=False,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.is_success
    with served.client() as client:
        after = client.rows("ledger_total")[0]
    assert after["duplicate"] - before["duplicate"] == 1
    assert after["stored"] == before["stored"]


def test_only_model_calls_have_a_command(served: Any) -> None:
    with served.client() as client:
        assert "api.openai.com" in str(client.span_curl(TRACE, f"{10:016x}"))
        assert client.span_curl(TRACE, f"{40:016x}") is None


@pytest.mark.parametrize("path", ["outline", "rows", "graph", "conversation", "documents", "findings"])
def test_a_trace_that_is_not_there_is_told(served: Any, path: str) -> None:
    answer = httpx.get(f"{served.note.api_url}/api/traces/{'1' * 32}/{path}", trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["kind"] == "unknown_trace"
