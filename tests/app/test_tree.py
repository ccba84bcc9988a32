from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import trace_words, tree

ROW: dict[str, Any] = {
    "row": 0, "depth": 0, "size": 0, "parent": -1, "span_id": "a", "name": "step", "kind": "other", "start_ns": 0,
    "duration_ns": 1000, "status": "unset", "service": "s", "model": None, "usage_role": None, "rule": None,
    "input_tokens": None, "output_tokens": None, "error_type": None, "tool_name": None, "shift_ns": 0, "path_ns": None,
    "looped": False,
}  # fmt: skip
PLAIN = tree.Axes(tree.Axis(0, 1000.0), None)


def line(axes: tree.Axes = PLAIN, **facts: object) -> dict[str, Any]:
    (drawn,) = tree.lines(pd.DataFrame([{**ROW, **facts}]), axes)
    return drawn


def test_a_line_leaves_out_what_is_false_or_empty() -> None:
    assert line() == {
        "row": 0, "parent": -1, "id": "a", "name": "step", "kind": "other", "duration": "1 µs", "left": 0, "width": 1,
    }  # fmt: skip


def test_the_synthetic_row_says_what_it_stands_for() -> None:
    drawn = line(span_id=None, name=None, kind=None, size=3)
    assert (drawn["name"], drawn["synthetic"]) == (tree.PARENTS_MISSING, True)
    assert drawn["detail"].startswith("3 spans")


@pytest.mark.parametrize(
    ("role", "rule", "why"),
    [
        pytest.param("duplicate", "same_response_id", "another span told the same response", id="response"),
        pytest.param("duplicate", "nested", "a span inside it, or around it, told the same call", id="nested"),
        pytest.param("duplicate", None, "another span tells the same call", id="no-rule"),
        pytest.param("aggregate", "nested", "it sums up other spans", id="aggregate"),
    ],
)
def test_what_is_counted_elsewhere_says_why(role: str, rule: str | None, why: str) -> None:
    drawn = line(usage_role=role, rule=rule)
    assert drawn["note"] == f"{tree.COUNTED_ELSEWHERE}: {why}"
    assert drawn["again"]


def test_an_unknown_duration_is_not_zero() -> None:
    drawn = line(duration_ns=None)
    assert (drawn["unended"], drawn["duration"]) == (True, "unknown")


@pytest.mark.parametrize(
    ("told", "failed"), [({"status": "error"}, True), ({"error_type": "tool_error"}, True), ({"status": "ok"}, False)]
)
def test_a_failure_may_be_told_by_its_type_alone(told: dict[str, str], failed: bool) -> None:
    assert line(**told).get("error", False) is failed


def test_names_keep_the_order_of_their_letters() -> None:
    drawn = line(name="gpj\u202eexe", tool_name="a\u2066b")
    assert (drawn["name"], drawn["detail"]) == ("gpjexe", "ab")


def test_a_shifted_clock_is_drawn_on_an_axis_of_its_own() -> None:
    axes = tree.axes({"length_ns": 1000, "shifted": {"start_ns": 500, "length_ns": 2000}})
    drawn = line(axes, start_ns=0, shift_ns=1500)
    assert (drawn["left"], drawn["width"], drawn["moved"]) == (0, 1, [0.5, 0.5])
    assert drawn["shift"] == "clock shifted by 1.5 µs"


@pytest.mark.parametrize(
    ("length_ns", "labels"),
    [
        pytest.param(1, ["0"], id="one-nanosecond"),
        pytest.param(19.7e9, ["0", "5 s", "10 s", "15 s"], id="seconds"),
        pytest.param(410e6, ["0", "100 ms", "200 ms", "300 ms"], id="milliseconds"),
        pytest.param(250e9, ["0", "1 min", "2 min", "3 min"], id="minutes"),
        pytest.param(20 * 3600e9, ["0", "6 h", "12 h", "18 h"], id="hours"),
        pytest.param(2e18 * 4, ["0", "20000 d", "40000 d", "60000 d", "80000 d"], id="centuries"),
    ],
)
def test_ticks_are_round(length_ns: float, labels: list[str]) -> None:
    assert [tick["label"] for tick in tree.Axis(0, length_ns).ticks()] == labels


@given(st.floats(1, 9.2e18))
def test_ticks_are_few_and_within(length_ns: float) -> None:
    places = [tick["at"] for tick in tree.Axis(0, length_ns).ticks()]
    assert 1 <= len(places) <= 7
    assert places == sorted(set(places))
    assert (places[0], places[-1] < 0.95) == (0, True)


ODD = {"early": 0, "unknown": 0, "never_ended": 0, "orphans": 0, "looped": 0}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"early": 1}, ["1 span starts before the parent: clocks disagree."], id="early"),
        pytest.param(
            {"orphans": 2}, ["2 spans name parents that never arrived; they stand below one line."], id="orphans"
        ),
    ],
)
def test_what_cannot_be_right_is_told(told: dict[str, int], said: list[str]) -> None:
    assert trace_words.doubts({**ODD, **told}) == said


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param(
            {"early": 4, "edges": 5, "spans": 9},
            "4 of 5 calls to it from a would have started before being made. 9 spans are drawn shifted; ", id="early",
        ),
        pytest.param(
            {"early": 0, "edges": 1, "spans": 1}, "that of a, which called it, does. 1 span is drawn shifted; ",
            id="by-the-clock-above",
        ),
    ],
)  # fmt: skip
def test_a_clock_is_told_with_its_evidence(told: dict[str, int], says: str) -> None:
    """The shift is against the root's clock, and the one above may be shifted too."""
    (said,) = trace_words.clocks([{"service": "*b*", "host": None, "above": "a", "shift_ns": 3_200_000_000, **told}])
    assert said == (
        rf"The clock of \*b\* seems 3.2 s behind that of the trace's first span: {says}stored times stay as sent."
    )


def test_repeats_are_told_and_marked() -> None:
    found = {
        "repeated": [{"name": "search", "times": 7, "rows": [3, 5], "results": True}],
        "rounds": [{"names": ["a", "b"], "times": 3, "rows": [8, 9]}],
    }
    (first, row), (second, _) = trace_words.repeats(found)
    assert first.endswith("went round 3 times")
    assert row == 8
    assert second == "search was called 7 times with the same arguments and result"
    (unsure, _), *_ = trace_words.repeats({"repeated": [found["repeated"][0] | {"results": False}], "rounds": []})
    assert unsure == "search was called 7 times with the same arguments; not all results were recorded"
    assert trace_words.marks(found) == {3: "same call, 1 of 7", 5: "same call, 2 of 7"}
