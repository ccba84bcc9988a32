"""Critical paths drawn by hand, an independent and slow definition of them, and what must hold for any spans."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import critical_path, intervals

MS = 1_000_000
Row = tuple[str, str | None, int, int | None]  # name, parent, start ms, end ms


def spans(rows: list[Row], trace: str = "t") -> pd.DataFrame:
    ids = {name: number for number, (name, *_) in enumerate(rows, start=2**63)}
    frame = pd.DataFrame(
        {
            "trace_id": trace,
            "span_id": [ids[name] for name, *_ in rows],
            "parent_span_id": pd.array([None if up is None else ids.get(up, 5) for _, up, *_ in rows], dtype="UInt64"),
            "start_ns": [start * MS for _, _, start, _ in rows],
            "duration_ns": [None if end is None else (end - start) * MS for _, _, start, end in rows],
            "kind": [name[0] for name, *_ in rows],
            "name": [name for name, *_ in rows],
        }
    )
    whole = {"span_id": "uint64", "parent_span_id": "UInt64", "start_ns": "int64", "duration_ns": "Int64"}
    return frame.astype(whole)


@pytest.mark.parametrize(
    ("rows", "expected", "unattributed"),
    [
        pytest.param([("r", None, 0, 100)], {"r": 100}, 0, id="one-span"),
        pytest.param(
            [("r", None, 0, 100), ("a", "r", 10, 40), ("b", "r", 50, 90)],
            {"r": 30, "a": 30, "b": 40}, 0, id="in-a-row-with-gaps",
        ),
        pytest.param(
            [("r", None, 0, 100), ("a", "r", 0, 60), ("b", "r", 0, 100)], {"b": 100}, 0, id="the-longer-of-two-at-once",
        ),
        pytest.param(
            [("r", None, 0, 100), ("a", "r", 0, 50), ("b", "r", 10, 100)], {"a": 10, "b": 90}, 0, id="overlapping",
        ),
        pytest.param(
            [("r", None, 0, 100), ("a", "r", 0, 90), ("b", "r", 0, 50), ("c", "r", 50, 100)],
            {"b": 50, "c": 50}, 0, id="what-ended-when-the-next-started-not-what-ran-on",
        ),
        pytest.param(
            [("r", None, 0, 100), ("a", "r", 20, 80), ("b", "a", 30, 50), ("c", "a", 50, 75)],
            {"r": 40, "a": 15, "b": 20, "c": 25}, 0, id="nested",
        ),
        pytest.param(
            [("r", None, 0, 100), ("w", "r", 5, 10), ("s", "w", 6, 80), ("q", "r", 80, 100)],
            {"r": 5, "w": 1, "s": 74, "q": 20}, 0, id="a-stream-outlasts-its-caller",
        ),
        pytest.param(
            [("r", None, 0, 20), ("a", "r", 10, 60)], {"r": 10, "a": 50}, 0, id="work-goes-on-after-the-root",
        ),
        pytest.param(
            [("r", None, 50, 100), ("a", "r", 30, 80)], {"r": 20, "a": 30}, 20, id="a-child-before-its-root-is-moved",
        ),
        pytest.param(
            [("r", None, 50, 100), ("a", "r", 0, 20)], {"r": 50}, 50, id="a-child-wholly-before-its-root",
        ),
        pytest.param(
            [("r", None, 0, 30), ("q", None, 50, 100)], {"r": 30, "q": 50}, 20, id="two-roots-and-a-gap",
        ),
        pytest.param(
            [("a", "gone", 10, 40), ("b", "gone", 40, 60)], {"a": 30, "b": 20}, 0, id="the-parent-never-came",
        ),
        pytest.param(
            [("r", None, 0, 50), ("a", "r", 20, None)], {"r": 50}, 0, id="a-span-without-an-end-takes-no-time",
        ),
        pytest.param(
            [("a", "b", 0, 100), ("b", "a", 20, 60), ("c", "b", 30, 50)],
            {"a": 60, "b": 20, "c": 20}, 0, id="a-cycle-is-cut",
        ),
        pytest.param([("a", "a", 0, 100)], {"a": 100}, 0, id="its-own-parent"),
    ],
)  # fmt: skip
def test_paths_by_hand(rows: list[Row], expected: dict[str, int], unattributed: int) -> None:
    found = critical_path.breakdown(spans(rows), by=["name"])
    named = found[~found["unattributed"]]
    assert {name: ns // MS for name, ns in zip(named["name"], named["path_ns"], strict=True)} == expected
    assert found.loc[found["unattributed"], "path_ns"].sum() == unattributed * MS
    assert found.loc[found["unattributed"], "name"].isna().all()


def test_the_next_child_may_start_a_microsecond_before_the_last_one_ended() -> None:
    """Start times are cut to microseconds, durations are not."""
    frame = spans([("r", None, 0, 100), ("a", "r", 0, 50), ("b", "r", 0, 90), ("c", "r", 50, 100)])
    frame.loc[frame["name"] == "a", "duration_ns"] += 900
    found = critical_path.path_ns(frame)
    assert found[frame["name"] == "a"].item() == 50 * MS
    assert found[frame["name"] == "b"].item() == 0


def test_rows_keep_their_index_and_traces_stay_apart() -> None:
    one, two = spans([("r", None, 0, 10), ("a", "r", 0, 4)], "1"), spans([("r", None, 5, 9)], "2")
    frame = pd.concat([one, two]).iloc[::-1]
    frame.index = pd.Index([4, 5, 9])
    assert (critical_path.path_ns(frame) // MS).to_dict() == {4: 4, 5: 4, 9: 6}


def test_frames_of_arrow_have_the_same_paths() -> None:
    frame = spans([("r", None, 0, 100), ("a", "r", 10, 40), ("b", "a", 20, None), ("c", "r", 60, 90)])
    arrow = pa.Table.from_pandas(frame).to_pandas(types_mapper=pd.ArrowDtype)
    assert critical_path.path_ns(arrow).tolist() == critical_path.path_ns(frame).tolist()
    assert critical_path.breakdown(arrow).to_dict("records") == critical_path.breakdown(frame).to_dict("records")


def test_no_spans_give_no_rows() -> None:
    empty = spans([("r", None, 0, 1)]).iloc[:0]
    assert critical_path.path_ns(empty).empty
    assert critical_path.breakdown(empty).columns.tolist() == ["trace_id", "kind", "path_ns", "unattributed"]
    assert critical_path.shares(critical_path.breakdown(empty)).empty


TREES = st.lists(st.tuples(st.integers(-1, 30), st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=25)


def tree(drawn: list[tuple[int, int, int]]) -> pd.DataFrame:
    rows: list[Row] = [
        (f"{'abc'[number % 3]}{number}", None if parent < 0 else f"{'abc'[parent % 3]}{parent}", start, start + length)
        for number, (parent, start, length) in enumerate(drawn)
    ]
    return spans(rows)


@given(TREES)
def test_any_trace_adds_up_to_its_duration(drawn: list[tuple[int, int, int]]) -> None:
    frame = tree(drawn)
    found = critical_path.breakdown(frame, by=["kind", "name"])
    ends = frame["start_ns"] + frame["duration_ns"]
    assert found["path_ns"].sum() == ends.max() - frame["start_ns"].min()
    path = critical_path.path_ns(frame)
    assert (path >= 0).all()
    shuffled = frame.sample(frac=1, random_state=1)
    assert critical_path.path_ns(shuffled).sum() == path.sum()


def slow(frame: pd.DataFrame) -> dict[str, int]:
    """The rules of the module, read off one microsecond at a time; for trees in which children lie within parents."""
    rows = {row.span_id: row for row in frame.itertuples()}
    below: dict[object, list[object]] = {}
    for row in rows.values():
        below.setdefault(None if pd.isna(row.parent_span_id) else row.parent_span_id, []).append(row.span_id)
    own = dict.fromkeys(frame["name"], 0)

    def end(key: object) -> int:
        return int(rows[key].start_ns + rows[key].duration_ns)

    def walk(key: object, at: int) -> None:
        while at > rows[key].start_ns:
            started = [child for child in below.get(key, []) if rows[child].start_ns < at]
            over = [child for child in started if end(child) >= at]
            if not over:
                own[rows[key].name] += MS
                at -= MS
                continue
            child = min(over, key=lambda one: (end(one), rows[one].start_ns))
            walk(child, at)
            at = int(rows[child].start_ns)

    (root,) = below[None]
    walk(root, end(root))
    return own


@st.composite
def nested(draw: st.DrawFn) -> pd.DataFrame:
    rows: list[Row] = [("r", None, 0, 40)]
    for number in range(draw(st.integers(0, 12))):
        name, _, start, end = draw(st.sampled_from(rows))
        assert end is not None
        low = draw(st.integers(start, end))
        high = draw(st.integers(low, end))
        if (name, low, high) not in {row[1:] for row in rows}:  # of twins any may be on the path
            rows.append((f"s{number}", name, low, high))
    return spans(rows)


@given(nested())
def test_paths_are_those_of_the_definition(frame: pd.DataFrame) -> None:
    found = critical_path.path_ns(frame)
    assert dict(zip(frame["name"], found, strict=True)) == slow(frame)


def test_ids_that_lost_digits_are_refused() -> None:
    frame = spans([("r", None, 0, 10), ("a", "r", 0, 4)])
    with pytest.raises(TypeError, match="parent_span_id"):
        critical_path.path_ns(frame.assign(parent_span_id=frame["parent_span_id"].astype("Float64")))


@pytest.mark.parametrize("shape", ["chain", "row", "at-once", "staircase"])
def test_thirty_thousand_spans_of_any_shape_are_walked(shape: str) -> None:
    """No recursion and no quadratic search: each of these would take minutes or the whole stack."""
    n = 30_000
    number = np.arange(n)
    start = {"chain": number, "row": number * 10, "at-once": np.ones(n), "staircase": number}[shape].astype(np.int64)
    end = {"chain": 10 * n - number, "row": number * 10 + 8, "at-once": 5 * n + number, "staircase": 9 * n - number}[
        shape
    ]
    frame = pd.DataFrame(
        {
            "trace_id": "t", "span_id": np.arange(1, n + 1, dtype=np.uint64),
            "parent_span_id": pd.array(np.where(number == 0, 1, number if shape == "chain" else 1), dtype="UInt64"),
            "start_ns": start, "duration_ns": end.astype(np.int64) - start, "kind": "llm", "name": "x",
        }
    )  # fmt: skip
    frame.loc[0, ["start_ns", "duration_ns", "parent_span_id"]] = [0, 10 * n, pd.NA]
    frame["start_ns"], frame["duration_ns"] = frame["start_ns"].astype("int64"), frame["duration_ns"].astype("int64")
    assert critical_path.path_ns(frame).sum() == 10 * n


def test_shares_are_ratios_of_sums_over_traces() -> None:
    rng = np.random.default_rng(5)
    parts, made = [], []
    for trace in range(40):
        llm, tool = (int(value) for value in rng.integers(1, 100, 2))
        made.append((llm, tool if trace % 3 else 0, 5))
        rows: list[Row] = [("r", None, 0, sum(made[-1])), ("llm", "r", 0, llm)]
        if trace % 3:
            rows.append(("tool", "r", llm, llm + tool))
        parts.append(critical_path.breakdown(spans(rows, f"t{trace}"), by=["name"]))
    found = critical_path.shares(pd.concat(parts), by=["name"]).set_index("name")
    whole = [sum(row) for row in made]
    for column, name in enumerate(("llm", "tool", "r")):
        times = [row[column] for row in made]
        expected = intervals.ratio(times, whole)
        row = found.loc[name]
        assert row["share"] == pytest.approx(expected.value)
        assert (row["low"], row["high"]) == (pytest.approx(expected.low), pytest.approx(expected.high))
        assert (row["traces"], row["n"], row["path_ns"]) == (np.count_nonzero(times), 40, sum(times) * MS)
    assert found["share"].sum() == pytest.approx(1)


def test_one_trace_has_shares_without_bounds() -> None:
    parts = critical_path.breakdown(spans([("r", None, 0, 10), ("a", "r", 0, 4)]))
    found = critical_path.shares(parts)
    assert found["share"].tolist() == [0.6, 0.4]
    assert found[["low", "high"]].isna().all(axis=None)


def test_kinds_add_up_over_names() -> None:
    frame = spans([("r", None, 0, 100), ("a1", "r", 0, 30), ("a2", "r", 30, 50), ("b", "r", 50, 100)])
    found = critical_path.breakdown(frame)
    assert dict(zip(found["kind"], found["path_ns"] // MS, strict=True)) == {"a": 50, "b": 50}
    assert list(itertools.chain(found.columns)) == ["trace_id", "kind", "path_ns", "unattributed"]
