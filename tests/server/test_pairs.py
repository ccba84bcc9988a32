"""Two traces compared over a real server, and the words of one step."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pytest
from told_twice import NAMES

from server import trace_comparison, trace_pairs
from server.api.pairs import AT_ONCE
from server.client import ApiError
from server.trace_pairs import Pair


def rows(found: dict[str, Any]) -> list[tuple[str | None, str | None, list[str]]]:
    return [(one["a"] and one["a"]["name"], one["b"] and one["b"]["name"], one["differs"]) for one in found["steps"]]


def test_the_steps_of_two_traces_side_by_side(chatted: Any) -> None:
    with chatted.client() as client:
        found = client.compare_traces(NAMES["a"], NAMES["b"])
    assert rows(found) == [
        ("run", "run", ["output"]),
        ("chat", "chat", ["output"]),
        ("search", "search", ["input"]),
        (None, "check", ["only_b"]),
        ("chat", "chat", ["model", "input", "output"]),
    ]
    assert found["first"] == {"number": 2, "differs": ["output"]}
    assert found["at_first"]["a"]["name"] == "chat"
    assert found["counts"] == {"steps": 5, "alike": 0, "changed": 4, "only_a": 0, "only_b": 1}
    assert (found["rough"], found["cut"], found["unread"]) == (False, False, 0)
    assert (found["a"]["input_tokens"], found["b"]["input_tokens"]) == (300, 300)


def test_traces_that_differ_in_ids_alone_do_not_differ(chatted: Any) -> None:
    with chatted.client() as client:
        found = client.compare_traces(NAMES["a"], NAMES["again"])
        alone = client.compare_traces(NAMES["a"], NAMES["again"], only="differing")
    assert [one for _, _, one in rows(found)] == [[]] * 4
    assert found["first"] is None
    assert (alone["total"], alone["steps"]) == (0, [])


def test_a_page_of_steps(chatted: Any) -> None:
    with chatted.client() as client:
        found = client.compare_traces(NAMES["a"], NAMES["b"], skip=1, limit=2)
    assert (found["total"], [one["number"] for one in found["steps"]]) == (5, [2, 3])


def test_large_traces_are_worked_out_beside_the_server(filled: Any) -> None:
    large = "08" * 16
    with filled.client() as client:
        found = client.compare_traces(large, large, skip=2_999, limit=5)
    assert found["a"]["spans"] * 2 > AT_ONCE
    assert (found["counts"]["alike"], found["first"]) == (found["a"]["spans"], None)
    assert len(found["steps"]) == found["total"] - 2_999


def test_one_step_word_by_word(chatted: Any) -> None:
    with chatted.client() as client:
        tool = client.compare_steps(NAMES["a"], f"{3:016x}", NAMES["b"], f"{3:016x}")
        call = client.compare_steps(NAMES["a"], f"{4:016x}", NAMES["b"], f"{4:016x}")
    (arguments,) = tool["input"]["texts"]
    assert ["out", "boots"] in arguments["parts"]
    assert ["in", "shoes"] in arguments["parts"]
    assert call["input"]["model"] == ["gpt-4o", "gpt-4o-mini"]
    assert call["cut"] is False
    assert [op for op, _ in call["output"]["texts"][0]["parts"]] == ["out", "in", "same", "out", "in", "same"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param((NAMES["a"], "0" * 32), "has no trace", id="trace"),
        pytest.param((NAMES["a"], f"{9:016x}", NAMES["b"], f"{3:016x}"), "has no span", id="span"),
        pytest.param(("x", NAMES["b"]), "valid UUID", id="no-id"),
    ],
)
def test_what_is_not_there_is_named(chatted: Any, asked: tuple[str, ...], message: str) -> None:
    with chatted.client() as client, pytest.raises(ApiError, match=message):
        client.compare_traces(*asked) if len(asked) == 2 else client.compare_steps(*asked)


def test_traces_to_compare_with_are_near_of_the_same_name_or_session(chatted: Any) -> None:
    with chatted.client() as client:
        named = client.rows("pair_alike", trace_id=NAMES["a"])
        turns = client.rows("pair_alike", trace_id="c4a7" + "0" * 27 + "1")
    assert [(one["why"], one["trace_id"].replace("-", "")) for one in named] == [
        ("name", NAMES["again"]), ("name", NAMES["b"]),
    ]  # fmt: skip
    assert {one["why"] for one in turns} == {"name", "session"}


SPAN: dict[str, Any] = {
    "span_id": "1", "parent_span_id": None, "kind": "tool", "name": "search", "tool_name": None, "agent_name": None,
    "model": None, "prompt": None, "status": "ok", "error_type": None, "error_message": None, "input_hash": 1,
    "output_hash": 2, "system_hash": None,
}  # fmt: skip
FAILED = SPAN | {"status": "error", "error_type": "Full", "error_message": "no seats"}


@pytest.mark.parametrize(
    ("a", "b", "differs"),
    [
        pytest.param(SPAN, SPAN, [], id="alike"),
        pytest.param(SPAN, FAILED, ["status"], id="one-fails"),
        pytest.param(FAILED, FAILED, [], id="both-fail"),
        pytest.param(FAILED, FAILED | {"error_type": "Late"}, ["error"], id="they-fail-otherwise"),
        pytest.param(SPAN, SPAN | {"output_hash": 3, "model": "m"}, ["model", "output"], id="model-and-output"),
    ],
)
def test_what_differs_of_a_step(a: dict[str, Any], b: dict[str, Any], differs: list[str]) -> None:
    (found,), rough = trace_pairs.paired([a], [b])
    assert (found.differs, rough) == (differs, False)


def told(of: str, name: str) -> dict[str, Any]:
    part = {"type": "tool_call", "id": of, "name": name, "arguments": {"q": "x" * 80}}
    text = json.dumps([{"role": "assistant", "parts": [part]}])
    return {"input": None, "input_key": None, "output": text, "output_key": None}


@pytest.mark.parametrize(
    ("names", "letters", "differs", "whole"),
    [
        pytest.param(("search", "search"), 1_000, [], True, id="ids-alone"),
        pytest.param(("search", "book"), 1_000, ["output"], True, id="words"),
        pytest.param(("search", "search"), 100, ["output"], False, id="not-read-whole"),
    ],
)
def test_texts_that_differ_in_ids_alone_are_alike(
    names: tuple[str, str], letters: int, differs: list[str], whole: bool
) -> None:
    """What was not read whole may differ further on."""
    one = pair(1, 1, "output")
    rows = [told(f"call_{name}{number}", name) for number, name in enumerate(names)]
    read = [row | {"output": row["output"][:letters]} for row in rows]
    assert (trace_pairs.same_words(one, read[0], read[1], letters), one.differs) == (whole, differs)


@pytest.mark.parametrize(("letters", "cut"), [(trace_pairs.LETTERS, False), (trace_pairs.LETTERS + 1, True)])
def test_a_message_that_is_not_compared_whole_is_told(letters: int, cut: bool) -> None:
    said = [{"role": "user", "parts": [{"type": "text", "content": "x" * letters}]}]
    assert trace_pairs.is_long({"system": [], "input": said, "output": []}) is cut


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Auckland"])
def test_scores_by_response_id_are_found_in_any_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert trace_comparison._micros(datetime(2026, 5, 4, 12)) == 1_777_896_000_000_000  # noqa: DTZ001 - as the store tells it
    finally:
        monkeypatch.undo()
        time.tzset()


def pair(number: int, last: int, *differs: str) -> Pair:
    return Pair(number, 0, {}, {}, last, list(differs))


@pytest.mark.parametrize(
    ("pairs", "first"),
    [
        pytest.param([pair(1, 2), pair(2, 2)], None, id="none"),
        pytest.param([pair(1, 2, "output"), pair(2, 2, "output")], (2, ["output"]), id="the-inner-answer-came-first"),
        pytest.param([pair(1, 2, "output"), pair(2, 2)], (1, ["output"]), id="the-outer-alone"),
        pytest.param([pair(1, 2, "input", "output"), pair(2, 2, "name")], (1, ["input"]), id="before-all-below"),
        pytest.param(
            [pair(1, 4), pair(2, 3, "output"), pair(3, 3), pair(4, 4, "only_b")], (2, ["output"]),
            id="a-step-ends-before-the-next-begins",
        ),
    ],
)  # fmt: skip
def test_where_two_traces_part(pairs: list[Pair], first: tuple[int, list[str]] | None) -> None:
    found = trace_pairs.divergence(pairs)
    assert (found and (found.number, found.differs)) == first
