"""Agents: tables of calls and steps, and recorded conversations of tau-bench with what the benchmark said of them."""

from __future__ import annotations

import asyncio
import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.agents.actions import actions, calls, failure
from evaluators.agents.matching import Rules, edits, pairs
from evaluators.agents.outcome import FirstFailingStep, GoalReached
from evaluators.agents.reference import ToolCallAccuracy, Trajectory
from evaluators.agents.repetition import Loops, RepeatedSteps, rounds
from evaluators.case import Case, ToolCall
from evaluators.checks.limits import Length, Tokens
from evaluators.checks.structured import JsonMatch
from evaluators.rows import read_case
from evaluators.scoring import judged
from evaluators.verdict import Verdict

TAU_BENCH = Path(__file__).parent / "data" / "tau_bench_airline.jsonl"


def said(evaluator: Any, **row: Any) -> Verdict:
    return asyncio.run(judged(evaluator, read_case(row)))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TAU_BENCH.read_text(encoding="utf-8").splitlines()]


# Where calls are found


def test_calls_are_found_in_each_form() -> None:
    asked = {"id": "1", "function": {"name": "get", "arguments": '{"a": 1}'}}
    rows: list[dict[str, Any]] = [
        {"tool_calls": [call("get", a=1)]},
        {
            "messages": [
                {"role": "user", "content": "Please."},
                {"role": "assistant", "content": None, "tool_calls": [asked]},
                {"role": "tool", "tool_call_id": "1", "content": "found"},
                {"role": "assistant", "content": "Done."},
            ]
        },
        {
            "steps": [
                {"kind": "llm", "name": "chat"},
                {"kind": "tool", "name": "get", "input": '{"a": 1}', "output": "found", "span_id": "00000000000000aa"},
            ]
        },
    ]
    places = []
    for row in rows:
        [one] = calls(read_case(row)) or []
        assert one.call is not None
        assert (one.call.name, one.call.arguments) == ("get", {"a": 1})
        assert one.call.result in {None, "found"}
        places.append((one.field, one.span_id))
    assert places == [("tool_calls.0", None), ("messages.1", None), ("steps.1", "00000000000000aa")]
    assert calls(Case(answer="x")) is None
    assert [one.name for one in actions(read_case(rows[1])) or []] == ["get", "say"]


def test_an_id_used_again_has_the_result_that_follows() -> None:
    asked = {"id": "1", "function": {"name": "get", "arguments": "{}"}}
    turns = [
        {"role": role, **rest}
        for result in ("first", "second")
        for role, rest in (("assistant", {"tool_calls": [asked]}), ("tool", {"tool_call_id": "1", "content": result}))
    ]
    found = calls(read_case({"messages": turns})) or []
    assert [one.call.result for one in found if one.call] == ["first", "second"]


# Against a reference

A, B, C = call("a", x=1), call("b", x=1), call("c", x=1)


@pytest.mark.parametrize(
    ("options", "made", "due", "value"),
    [
        pytest.param({}, [A, B], [A, B], 1, id="same"),
        pytest.param({}, [B, A], [A, B], 1, id="free-order"),
        pytest.param({"order": "strict"}, [B, A], [A, B], 0.5, id="strict-order"),
        pytest.param({"order": "strict"}, [A, C, B], [A, B], 0.8, id="strict-with-one-more"),
        pytest.param({}, [A, B, C], [A, B], 0.8, id="one-more"),
        pytest.param({"extra_calls": True}, [A, B, C], [A, B], 1, id="more-is-fine"),
        pytest.param({"only": "a"}, [A, B, C], [A], 1, id="only-some-tools"),
        pytest.param({"only": ["a"]}, [B], [B, A], 0, id="only-some-due"),
        pytest.param({}, [A], [A, B], 2 / 3, id="one-missing"),
        pytest.param({}, [A, A], [A], 2 / 3, id="twice-counts-once"),
        pytest.param({}, [], [A], 0, id="none-made"),
        pytest.param({}, [A], [], 0, id="none-due"),
        pytest.param({}, [], [], 1, id="none-at-all"),
        pytest.param({}, [call("a", x=2)], [A], 0, id="wrong-argument"),
        pytest.param({"arguments": "none"}, [call("a", x=2)], [A], 1, id="names-only"),
        pytest.param({"arguments": "share"}, [call("a", x=1, y=3)], [call("a", x=1, y=2)], 0.5, id="share"),
        pytest.param({"relative": 0.1}, [call("a", x=1.05)], [A], 1, id="tolerance"),
        pytest.param({"absolute": 2}, [call("a", x=3)], [A], 1, id="absolute"),
        pytest.param({}, [call("a", x="1")], [A], 0, id="text-is-no-number"),
        pytest.param({"text_numbers": True}, [call("a", x="1")], [A], 1, id="text-numbers"),
        pytest.param({}, [call("a", x=True)], [A], 0, id="true-is-not-1"),
        pytest.param({"case": False}, [call("a", x=" JFK")], [call("a", x="jfk")], 1, id="case"),
        pytest.param({"ignored": "id, to"}, [call("a", x=1, id=7)], [A], 1, id="ignored"),
        pytest.param({}, [call("a", x=1, y=1)], [A], 0, id="extra-argument"),
        pytest.param({"extra_arguments": True}, [call("a", x=1, y=1)], [A], 1, id="extra-argument-is-fine"),
        pytest.param({}, [call("a", x=[{"y": 1.0}])], [call("a", x=[{"y": 1}])], 1, id="nested"),
        pytest.param({}, [{"name": "a", "arguments": "not json"}], [A], 0, id="text-arguments"),
        pytest.param({}, [{"name": "a"}], [{"name": "a", "arguments": {}}], 1, id="no-arguments"),
    ],
)
def test_tool_call_accuracy(options: dict[str, Any], made: list[Any], due: list[Any], value: float) -> None:
    verdict = said(ToolCallAccuracy(**options), tool_calls=made, reference_tool_calls=due)
    assert verdict.value == pytest.approx(value)
    assert verdict.label == ("pass" if value == 1 else "fail")


def test_tool_call_accuracy_says_what_is_off() -> None:
    verdict = said(ToolCallAccuracy(), tool_calls=[A, C], reference_tool_calls=[A, B])
    assert verdict.details["missing"] == ["b"]
    assert verdict.details["extra"] == [{"field": "tool_calls.1", "name": "c"}]
    assert (verdict.details["precision"], verdict.details["recall"]) == (0.5, 0.5)
    assert said(ToolCallAccuracy(), answer="x", reference_tool_calls=[A]).status == "not_applicable"


def test_assignment_is_the_best_of_all() -> None:
    """The greedy choice pairs the first call with the first reference, and loses the second."""
    made, due = [call("a", x=1, y=1), call("a", x=1, y=2)], [call("a", x=1, y=2), call("a", x=3, y=1)]
    verdict = said(ToolCallAccuracy(arguments="share"), tool_calls=made, reference_tool_calls=due)
    assert verdict.value == pytest.approx((0.5 + 1) / 2)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 1)), max_size=4),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 1)), max_size=4),
)
def test_pairs_have_the_most_likeness_there_is(made: list[Any], due: list[Any]) -> None:
    rules = Rules("share")
    a, b = ([ToolCall(name, {"x": x, "y": y}) for name, x, y in one] for one in (made, due))
    free = sum(alike for _, _, alike in pairs(a, b, rules, ordered=False))
    strict = sum(alike for _, _, alike in pairs(a, b, rules, ordered=True))
    short, long = sorted((a, b), key=len)
    best = max(sum(map(rules.alike, short, order)) for order in permutations(long, len(short)))
    assert free == pytest.approx(best)
    assert strict <= free + 1e-9
    assert sum(alike for _, _, alike in pairs(a, a, rules, ordered=True)) == len(a)


@pytest.mark.parametrize(("a", "b", "distance"), [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2)])
def test_edits_of_words_that_everybody_knows(a: str, b: str, distance: int) -> None:
    assert edits(a, b) == distance == edits(b, a)


@pytest.mark.parametrize(
    ("way", "went", "due", "value"),
    [
        ("exact", "abc", "abc", 1),
        ("exact", "abcd", "abc", 0),
        ("in_order", "axbxc", "abc", 1),
        ("in_order", "cba", "abc", 1 / 3),
        ("any_order", "cba", "abc", 1),
        ("any_order", "aab", "abb", 2 / 3),
        ("distance", "kitten", "sitting", 1 - 3 / 7),
        ("in_order", "", "abc", 0),
    ],
)
def test_trajectory(way: Any, went: str, due: str, value: float) -> None:
    made, reference = ([{"name": name, "arguments": {}} for name in names] for names in (went, due))
    verdict = said(Trajectory(way), tool_calls=made, reference_tool_calls=reference)
    assert verdict.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("evaluator", "row", "reason"),
    [
        (Trajectory(), {"tool_calls": [A], "reference_tool_calls": [B]}, "They are 1 edit apart."),
        (Trajectory(), {"tool_calls": [A, A], "reference_tool_calls": [B, B]}, "They are 2 edits apart."),
        (ToolCallAccuracy(), {"tool_calls": [A], "reference_tool_calls": [A]}, "1 of 1 call of the reference was made"),
        (ToolCallAccuracy(), {"tool_calls": [A], "reference_tool_calls": [A, B]}, "1 of 2 calls of the reference was"),
        (ToolCallAccuracy(), {"tool_calls": [A, B], "reference_tool_calls": [A, B]}, "were made, in 2 calls."),
        (Loops(), {"tool_calls": [A]}, "1 action, none in a round."),
        (Length(most=9), {"answer": "one"}, "The answer has 1 word;"),
        (Length(most=9, by="lines"), {"answer": "a\nb"}, "The answer has 2 lines;"),
        (Length(most=9, by="characters"), {"answer": "a" * 1234567}, "The answer has 1234567 characters;"),
        (Tokens(), {"usage": {"input_tokens": 0, "output_tokens": 1}}, "is 1 token."),
        (JsonMatch(), {"answer": "[1, 2]", "reference": "[1, 3]"}, "1 of 2 values differs: "),
        (JsonMatch(), {"answer": "1", "reference": "1"}, "Equal: 1 of 1 value."),
    ],
)
def test_reasons_have_the_right_forms_of_words(evaluator: Any, row: dict[str, Any], reason: str) -> None:
    assert reason in said(evaluator, **row).reason


# Repetition


def test_repeated_steps() -> None:
    verdict = said(RepeatedSteps(), tool_calls=[A, B, {**A, "arguments": {"x": 1}}, C])
    assert (verdict.value, verdict.label) == (0.25, "repeats")
    assert verdict.details["repeats"] == [{"field": "tool_calls.2", "name": "a", "first": "tool_calls.0"}]
    assert said(RepeatedSteps(allowed=("a",)), tool_calls=[A, A]).value == 0
    assert said(RepeatedSteps(), tool_calls=[]).status == "not_applicable"


@pytest.mark.parametrize(
    ("first", "second", "repeated"),
    [
        pytest.param({"result": "3"}, {"result": "3"}, True, id="same-result"),
        pytest.param({"result": "3"}, {"result": "4"}, False, id="other-result"),
        pytest.param({"result": "3"}, {}, True, id="result-not-told"),
        pytest.param({"failed": True}, {"failed": False}, False, id="tried-again-after-a-failure"),
    ],
)
def test_a_call_with_another_result_is_no_repeat(first: Any, second: Any, repeated: bool) -> None:
    verdict = said(RepeatedSteps(), tool_calls=[{**A, **first}, {**A, **second}])
    assert verdict.value == (0.5 if repeated else 0)


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("aaa", [(0, 1, 3)]),
        ("xabababy", [(1, 2, 3)]),
        ("aabaabaab", [(0, 3, 3)]),
        ("aabb", []),
        ("aaaxbbb", [(0, 1, 3), (4, 1, 3)]),
        ("ababa", []),
    ],
)
def test_rounds(sequence: str, expected: list[tuple[int, int, int]]) -> None:
    assert rounds(sequence, 3, 10) == expected


@settings(max_examples=50)
@given(st.text("ab", max_size=6), st.text("abc", min_size=1, max_size=4), st.integers(3, 5), st.text("xy", max_size=4))
def test_a_pattern_repeated_is_found(before: str, pattern: str, times: int, after: str) -> None:
    sequence = before + pattern * times + after
    found = rounds(sequence, 3, 10)
    assert found
    for start, period, count in found:
        part = sequence[start : start + period * count]
        assert part == part[:period] * count


def test_loops() -> None:
    verdict = said(Loops(), tool_calls=[C, A, B, A, B, A, B])
    assert verdict.label == "loop"
    assert verdict.value == pytest.approx(4 / 7)
    assert verdict.reason == "a > b 3 times from tool_calls.1."
    assert said(Loops(), tool_calls=[call("a", x=x) for x in range(3)]).label == "none"
    assert said(Loops(arguments=False), tool_calls=[call("a", x=x) for x in range(3)]).label == "loop"
    same = [{"role": "assistant", "content": "I cannot do that."}, {"role": "user", "content": "Please!"}] * 3
    assert said(Loops(), messages=same).label == "loop"


# Outcome


@pytest.mark.parametrize(
    ("row", "value"),
    [
        pytest.param({"expected_state": {"a": 1}, "final_state": {"a": 1, "b": 2}}, 1, id="state"),
        pytest.param({"expected_state": {"a": {"b": 1, "c": 2}}, "final_state": {"a": {"b": 1}}}, 0.5, id="state-half"),
        pytest.param({"expected_state": {"a": 1}, "final_state": None, "success": True}, 1, id="success"),
        pytest.param({"success": 0.25}, 0.25, id="reward"),
        pytest.param({"success": False}, 0, id="no-success"),
        pytest.param({"expected_outputs": ["1786", "x"], "answer": "It is $1,786."}, 0.5, id="outputs"),
        pytest.param({"success": True, "expected_outputs": ["7"], "answer": "8"}, 0, id="lowest"),
        pytest.param({"reference": "The Moon", "answer": "We went to the moon, once."}, 1, id="reference"),
        pytest.param({"reference": "Mars", "answer": "marshal"}, 0, id="reference-is-a-word"),
    ],
)
def test_goal_reached(row: dict[str, Any], value: float) -> None:
    verdict = said(GoalReached(), **row)
    assert (verdict.value, verdict.label) == (value, "pass" if value == 1 else "fail")


def test_goal_reached_does_not_guess() -> None:
    assert said(GoalReached(), question="Book it.", answer="Booked!").status == "not_applicable"


def step(name: str, span: str, parent: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {"kind": "tool", "name": name, "span_id": span, "parent_span_id": parent, "error": error}


def test_first_failing_step_is_the_innermost() -> None:
    steps = [
        step("agent", "1", error="boom"),
        step("plan", "2", "1"),
        step("search", "3", "1", error="boom"),
        step("http", "4", "3", error="connection refused"),
        step("http", "5", "1"),
    ]
    verdict = said(FirstFailingStep(), steps=steps)
    assert verdict.label == "failed"
    assert verdict.value == 3 / 5
    assert verdict.details == {"step": "4", "name": "http", "index": 3, "recovered": True}
    assert "connection refused" in verdict.reason
    assert said(FirstFailingStep(), steps=steps[1:2]).value == 1
    assert said(FirstFailingStep(), answer="x").status == "not_applicable"


@pytest.mark.parametrize(
    ("result", "failed", "fails"),
    [
        ("Error: not enough seats", None, True),
        ('{"error": "no such user"}', None, True),
        ('{"error": null, "rows": 3}', None, False),
        ("errors were made: 0", None, False),
        ("Error handling is explained here", False, False),
        ("fine", True, True),
        ("Traceback (most recent call last):", None, True),
    ],
)
def test_failures_are_told_by_results(result: str, failed: bool | None, fails: bool) -> None:
    assert (failure(ToolCall("a", {}, None, result, failed)) is not None) is fails


# tau-bench


def test_outputs_are_told_as_the_benchmark_says() -> None:
    """Of each conversation whose task asks for outputs, by its own record."""
    told = 0
    for row in recorded():
        info = (row["info"].get("reward_info") or {}).get("info") or {}
        for output, there in info.get("outputs", {}).items():
            verdict = said(GoalReached(), messages=row["traj"], expected_outputs=[output])
            assert verdict.value == float(there), (row["task_id"], row["trial"], output)
            told += 1
    assert told == 8


def test_conversations_are_read() -> None:
    made = {(row["task_id"], row["trial"]): calls(read_case({"messages": row["traj"]})) or [] for row in recorded()}
    assert sum(len(one) for one in made.values()) == sum(
        len(message.get("tool_calls") or []) for row in recorded() for message in row["traj"]
    )
    assert all(one.call and one.call.result is not None for found in made.values() for one in found[:-1])


CHANGES = (
    "book_reservation, cancel_reservation, send_certificate, update_reservation_baggages, update_reservation_flights"
)


def test_calls_that_change_tell_the_reward() -> None:
    """The reward is of the state that these calls lead to, and of texts that must be told."""
    for row in recorded():
        due = [{"name": one["name"], "arguments": one["kwargs"]} for one in row["info"]["task"]["actions"]]
        verdict = said(ToolCallAccuracy(only=CHANGES), messages=row["traj"], reference_tool_calls=due)
        assert (verdict.label == "pass") >= (row["reward"] == 1), (row["task_id"], row["trial"], verdict.reason)
