from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import tree


def spans(*rows: tuple[str, str | None, int, int | None], **columns: object) -> pd.DataFrame:
    """Rows of (id, parent, start in microseconds, duration in nanoseconds)."""
    frame = pd.DataFrame(rows, columns=["span_id", "parent_span_id", "start_us", "duration_ns"])
    fixed = {
        "name": "step", "kind": "other", "status": "unset", "error_type": None, "usage_role": None,
        "request_model": None, "response_model": None, "tool_name": None, "input_tokens": None, "output_tokens": None,
    }  # fmt: skip
    return frame.assign(**{**fixed, **columns}, notes=[[] for _ in rows])


def test_children_follow_their_parent_by_start() -> None:
    drawn = tree.rows(spans(("a", None, 0, 9), ("b", "a", 1, 1), ("d", "b", 2, 1), ("c", "a", 3, 1)))
    assert [(row["id"], row["depth"]) for row in drawn] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert [row["children"] for row in drawn] == [True, True, False, False]


def test_an_orphan_is_a_root_and_says_so() -> None:
    drawn = tree.rows(spans(("a", None, 0, 9), ("b", "gone", 1, 1)))
    assert [(row["depth"], row["note"]) for row in drawn] == [(0, ""), (0, tree.PARENT_MISSING)]


@pytest.mark.parametrize("role", ["duplicate", "aggregate"])
def test_what_is_counted_elsewhere_says_so(role: str) -> None:
    assert tree.rows(spans(("a", None, 0, 9), usage_role=role))[0]["note"] == tree.COUNTED_ELSEWHERE


def test_an_unknown_duration_is_not_zero() -> None:
    row = tree.rows(spans(("a", None, 0, None)))[0]
    assert row["unended"]
    assert row["duration"] == "unknown"


def test_clocks_that_disagree_are_told() -> None:
    assert "starts before the parent" in " ".join(tree.doubts(spans(("a", None, 5, 9), ("b", "a", 1, 1))))
    assert tree.doubts(spans(("a", None, 0, 9), ("b", "a", 1, 1))) == []


@pytest.mark.parametrize(
    ("told", "failed"), [({"status": "error"}, True), ({"error_type": "tool_error"}, True), ({"status": "ok"}, False)]
)
def test_a_failure_may_be_told_by_its_type_alone(told: dict[str, str], failed: bool) -> None:
    assert tree.rows(spans(("a", None, 0, 9), **told))[0]["error"] is failed


def test_names_keep_the_order_of_their_letters() -> None:
    drawn = tree.rows(spans(("a", None, 0, 9), name="gpj\u202eexe", tool_name="a\u2066b"))[0]
    assert (drawn["name"], drawn["detail"]) == ("gpjexe", "ab")


def first(*rows: tuple[str, str | None, int, int | None], **columns: object) -> tuple[str, str | None]:
    """What is worth reading first, and the deepest failure."""
    drawing = tree.drawing(spans(*rows, **columns))
    return drawing.first, drawing.failed


def test_the_deepest_failure_is_read_first() -> None:
    told = (("a", None, 0, 9), ("b", "a", 1, 1), ("c", "b", 2, 1), ("d", "b", 1, 1), ("e", "a", 3, 1))
    assert first(*told, status=["error", "error", "error", "error", "ok"]) == ("d", "d")
    assert first(*told, status=["error", "ok", "ok", "ok", "error"]) == ("e", "e")


def test_a_failure_that_is_told_again_is_not_read_first() -> None:
    told = (("a", None, 0, 9), ("b", "a", 1, 1))
    assert first(*told, status="error", usage_role=[None, "duplicate"]) == ("a", "a")


def test_without_a_failure_a_call_that_told_its_usage_is_read_first() -> None:
    told = (("a", None, 0, 9), ("b", "a", 1, 1), ("c", "a", 2, 1))
    calls = {"kind": ["agent", "llm", "llm"], "usage_role": [None, "leaf", "leaf"], "output_tokens": [None, None, 5]}
    assert first(*told, **calls) == ("c", None)
    assert first(*told) == ("a", None)


def test_rows_travel_without_what_is_false_or_empty() -> None:
    root, child = json.loads(tree.drawing(spans(("a", None, 0, 1000), ("b", "a", 0, 500))).rows)
    assert root == {
        "id": "a", "children": True, "name": "step", "kind": "other", "duration": "1 µs", "left": 0, "width": 1,
    }  # fmt: skip
    assert child["depth"] == 1


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 50), st.integers(0, 10**6)), min_size=1)
)
def test_every_span_is_drawn_once_whatever_its_parent(told: list[tuple[int, int, int, int]]) -> None:
    unique = {number: (str(number), str(parent), start, length) for number, parent, start, length in told}
    drawn = tree.rows(spans(*unique.values()))
    assert sorted(row["id"] for row in drawn) == sorted(str(number) for number in unique)
    assert all(0 <= row["left"] <= 1 and 0 <= row["width"] <= 1 for row in drawn)


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
