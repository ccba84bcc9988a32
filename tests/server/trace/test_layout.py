"""Traces as trees, clocks that disagree, and what is found in them: pure functions over small tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.trace import clocks, findings
from server.trace.layout import NO_ROW, Layout, layout

FACTS: dict[str, Any] = {
    "name": "step", "kind": "other", "status": "unset", "service": "a", "host": None, "model": None,
    "usage_role": None, "rule": None, "duplicate_of_span": None, "input_tokens": None, "output_tokens": None,
    "cost_usd": None, "error_type": None, "error_message": None, "tool_name": None, "agent_name": None,
    "never_ended": False, "retrieved": False, "sample": False,
}  # fmt: skip
SCHEMA = pa.schema(
    [("span_id", pa.uint64()), ("parent_span_id", pa.uint64()), ("start_us", pa.int64()), ("duration_ns", pa.int64())]
    + [(name, pa.string()) for name, value in FACTS.items() if value is None or isinstance(value, str)]
    + [(name, pa.bool_()) for name, value in FACTS.items() if isinstance(value, bool)]
)
SPANS = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 50))
Told = tuple[int, int | None, int, int | None, dict[str, Any]]


def span(span_id: int, parent: int | None, start_us: int, duration_ns: int | None = 1, **facts: Any) -> Told:
    return span_id, parent, start_us, duration_ns, facts


def laid_out(*told: Told) -> Layout:
    rows = [
        {"span_id": one, "parent_span_id": parent, "start_us": start, "duration_ns": lasts, **FACTS, **facts}
        for one, parent, start, lasts, facts in sorted(told, key=lambda each: (each[2], each[0]))
    ]
    return layout(pa.Table.from_pylist(rows, schema=SCHEMA))


def ids(drawn: Layout) -> list[int | None]:
    return [None if at == NO_ROW else drawn.spans["span_id"][at].as_py() for at in drawn.source.tolist()]


def test_children_follow_their_parent_by_start() -> None:
    drawn = laid_out(span(1, None, 0), span(2, 1, 1), span(4, 2, 2), span(3, 1, 3))
    assert ids(drawn) == [1, 2, 4, 3]
    assert drawn.depth.tolist() == [0, 1, 2, 1]
    assert drawn.size.tolist() == [3, 1, 0, 0]
    assert drawn.parent.tolist() == [NO_ROW, 0, 1, 0]
    assert drawn.above(2) == [0, 1]


def test_orphans_stand_under_one_row_of_their_own() -> None:
    drawn = laid_out(span(1, None, 0), span(2, 99, 1), span(3, 2, 2), span(4, 98, 3))
    assert ids(drawn) == [1, None, 2, 3, 4]
    assert drawn.depth.tolist() == [0, 0, 1, 2, 1]
    assert (drawn.orphans, drawn.size[1]) == (2, 3)


@pytest.mark.parametrize(
    ("told", "looped"),
    [
        pytest.param([span(1, 1, 0)], 0, id="its-own-parent"),
        pytest.param([span(1, 2, 0), span(2, 1, 1)], 1, id="each-others-parents"),
        pytest.param([span(1, None, 0), span(2, 3, 1), span(3, 2, 2), span(4, 3, 3)], 1, id="beside-a-root"),
    ],
)
def test_loops_are_drawn_as_roots(told: list[Told], looped: int) -> None:
    drawn = laid_out(*told)
    assert len(drawn) == len(told)
    assert len(drawn.looped) == looped


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 50)), min_size=1, unique_by=lambda x: x[0]
    )
)
def test_every_span_is_drawn_once_and_sizes_count_what_follows(told: list[tuple[int, int, int]]) -> None:
    drawn = laid_out(*(span(one, parent, start) for one, parent, start in told))
    real = [one for one in ids(drawn) if one is not None]
    assert sorted(real) == sorted(one for one, _, _ in told)
    for row, (depth, size) in enumerate(zip(drawn.depth, drawn.size, strict=True)):
        below = drawn.depth[row + 1 : row + 1 + size]
        assert (below > depth).all()
        assert row + 1 + size == len(drawn) or drawn.depth[row + 1 + size] <= depth


def test_a_chain_of_any_depth_is_laid_out() -> None:
    drawn = laid_out(*(span(number, number - 1 or None, number) for number in range(1, 5001)))
    assert drawn.depth[-1] == 4999


def test_a_clock_that_is_behind_is_shifted_to_where_its_spans_can_have_been() -> None:
    """The call from 1000 to 9000 us is told as from -4000 to -2000: between 5000 and 11000 us later it fits."""
    drawn = laid_out(
        span(1, None, 1000, 8_000_000), span(2, 1, -4000, 2_000_000, service="b"), span(3, 2, -3500, 500, service="b")
    )
    (skew,) = clocks.skews(drawn)
    assert (skew.service, skew.above, skew.early, skew.edges, skew.spans) == ("b", "a", 1, 1, 2)
    assert skew.shift_ns == 8_000_000
    shifts = dict(zip(ids(drawn), clocks.shifts(drawn, [skew]).tolist(), strict=True))
    assert shifts == {1: 0, 2: 8_000_000, 3: 8_000_000}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([span(1, None, 0, 9000), span(2, 1, 1, 9000, service="b")], id="outlasts-its-parent"),
        pytest.param([span(1, None, 10, 9000), span(2, 1, 0, 9000)], id="of-one-clock"),
        pytest.param([span(1, None, 1, 9000), span(2, 1, 0, 9000, service="b")], id="within-the-resolution"),
    ],
)
def test_clocks_are_left_alone_without_proof(told: list[Told]) -> None:
    assert clocks.skews(laid_out(*told)) == []


@given(st.integers(-(10**6), 10**6), st.integers(1, 1000), st.integers(0, 500), st.integers(0, 400))
def test_shifted_spans_never_start_before_their_parents(off: int, lasts: int, begins: int, takes: int) -> None:
    child = span(2, 1, begins + off, takes * 1000, service="b")
    drawn = laid_out(span(1, None, 0, lasts * 1000), child)
    shift = clocks.shifts(drawn, clocks.skews(drawn))
    starts = dict(zip(ids(drawn), drawn.spans["start_us"].to_numpy()[drawn.source] * 1000 + shift, strict=True))
    assert starts[2] >= starts[1] - clocks.RESOLUTION_NS


def test_failures_begin_where_no_child_failed() -> None:
    bad = {"status": "error"}
    drawn = laid_out(
        span(1, None, 0, **bad), span(2, 1, 1, **bad), span(3, 2, 2, error_type="Timeout"), span(4, 1, 3, **bad),
        span(5, 1, 4, **bad, usage_role="duplicate"),
    )  # fmt: skip
    told, failed = findings.failures(drawn)
    assert [int(one["span_id"], 16) for one in told] == [3, 4]
    assert failed == 4
    assert findings.first_row(drawn) == drawn.row[3]


def test_without_a_failure_a_call_that_told_its_usage_is_read_first() -> None:
    call = {"kind": "llm", "usage_role": "leaf"}
    drawn = laid_out(span(1, None, 0), span(2, 1, 1, **call), span(3, 1, 2, **call, output_tokens="5"))
    assert findings.first_row(drawn) == drawn.row[3]
    assert findings.first_row(laid_out(span(1, 9, 0))) == 1  # below the synthetic row


def test_the_path_adds_up_to_the_duration() -> None:
    drawn = laid_out(
        span(1, None, 0, 10_000_000, kind="agent"),
        span(2, 1, 1000, 4_000_000, kind="llm"),
        span(3, 77, 6000, 9_000_000),
    )
    path = findings.path(drawn)
    told = findings.path_by_kind(drawn, path)
    assert sum(one["path_ns"] for one in told) == findings.length_ns(drawn.spans) == 15_000_000
    assert path[drawn.source == NO_ROW].tolist() == [0]


def action(span_id: int, name: str, arguments: str, result: str | None = "r") -> dict[str, Any]:
    return {"span_id": span_id, "kind": "tool", "name": name, "arguments": arguments, "result": result, "failed": False}


def test_repeats_and_rounds_are_those_of_the_evaluators() -> None:
    made = [action(n, "search", '{"q": 1, "n": 2}' if n % 2 else '{"n": 2, "q": 1}') for n in range(1, 5)]
    made += [action(5, "search", '{"q": 1, "n": 2}', "another"), action(6, "open", "x")]
    repeats, rounds = findings.repeated(pa.Table.from_pylist(made), {n: n * 10 for n in range(1, 7)})
    assert repeats == [{"name": "search", "times": 4, "results": True, "rows": [10, 20, 30, 40]}]
    assert rounds == [{"names": ["search"], "times": 5, "rows": [10, 20, 30, 40, 50]}]
    assert findings.repeated(pa.Table.from_pylist(made).slice(0, 0), {}) == ([], [])


@pytest.mark.parametrize(
    ("results", "rows", "known"),
    [
        pytest.param("aabb", [[10, 20], [30, 40]], True, id="the-result-changes"),
        pytest.param("aab", [[10, 20]], True, id="another-at-last"),
        pytest.param("a-a", [[10, 20, 30]], False, id="one-was-not-recorded"),
    ],
)
def test_calls_that_gave_the_same_stand_together(results: str, rows: list[list[int]], known: bool) -> None:
    made = [action(n, "search", "q", None if told == "-" else told) for n, told in enumerate(results, 1)]
    repeats, _ = findings.repeated(pa.Table.from_pylist(made), {n: n * 10 for n in range(1, 7)})
    assert [one["rows"] for one in repeats] == rows
    assert all(one["results"] is known for one in repeats)


def test_what_does_not_count_is_told_by_role_and_rule() -> None:
    twice = {"usage_role": "duplicate", "rule": "nested", "input_tokens": "10"}
    table = laid_out(span(1, None, 0), span(2, 1, 1, **twice), span(3, 1, 2, **twice)).spans
    for name, kind in (("input_tokens", pa.int64()), ("output_tokens", pa.int64()), ("cost_usd", pa.float64())):
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    assert findings.uncounted(table) == [
        {"role": "duplicate", "rule": "nested", "spans": 2, "tokens": 20, "cost_usd": 0.0}
    ]
    assert np.array_equal(findings.failed_rows(laid_out(span(1, None, 0))), [])
