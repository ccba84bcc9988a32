"""Alignment of two traces: written cases, and laws that hold of any."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import alignment
from analytics.alignment import Step, aligned


def steps(*told: str) -> list[Step]:
    """`path kind name detail` each; the path of a child begins with its parent's: `1`, `1.2`."""
    found = []
    for one in told:
        path, kind, name, *detail = one.split()
        above = path.rpartition(".")[0]
        found.append(Step(path, above or None, kind, name, detail[0] if detail else ""))
    return found


def shown(a: list[Step], b: list[Step]) -> list[str]:
    """A line a row: depth, both ids, a star where it moved."""
    return [
        f"{row.depth} {'-' if row.a is None else a[row.a].span_id} {'-' if row.b is None else b[row.b].span_id}"
        + ("*" if row.moved else "")
        for row in aligned(a, b).rows
    ]


BASE = ("1 agent run", "1.1 llm chat gpt", "1.2 tool search search", "1.3 llm chat gpt")


@pytest.mark.parametrize(
    ("a", "b", "rows"),
    [
        pytest.param(BASE, BASE, ["0 1 1", "1 1.1 1.1", "1 1.2 1.2", "1 1.3 1.3"], id="equal"),
        pytest.param(BASE, BASE[:2], ["0 1 1", "1 1.1 1.1", "1 1.2 -", "1 1.3 -"], id="ends-sooner"),
        pytest.param(
            BASE, ("1 agent run", "1.1 llm chat gpt", "1.2 tool fetch fetch", "1.3 llm chat gpt"),
            ["0 1 1", "1 1.1 1.1", "1 1.2 -", "1 - 1.2", "1 1.3 1.3"], id="another-tool",
        ),
        pytest.param(
            BASE, ("1 agent run", "1.1 llm chat mini", "1.2 tool search search", "1.3 llm chat mini"),
            ["0 1 1", "1 1.1 1.1", "1 1.2 1.2", "1 1.3 1.3"], id="another-model",
        ),
        pytest.param(
            ("1 agent run",), ("1 workflow go",), ["0 1 1"], id="single-roots-whatever-they-are"
        ),
        pytest.param(
            ("1 agent run", "1.1 tool a a", "1.2 tool b b", "1.3 tool c c"),
            ("1 agent run", "1.1 tool b b", "1.2 tool c c", "1.3 tool a a"),
            ["0 1 1", "1 1.1 1.3*", "1 1.2 1.1", "1 1.3 1.2"], id="moved",
        ),
        pytest.param(
            ("1 agent run", "1.1 agent plan", "1.1.1 llm chat gpt"), ("1 agent run", "1.1 tool plan plan"),
            ["0 1 1", "1 1.1 -", "2 1.1.1 -", "1 - 1.1"], id="what-is-below-a-step-that-is-missing",
        ),
        pytest.param((), ("1 agent run",), ["0 - 1"], id="nothing-in-the-first"),
        pytest.param((), (), [], id="nothing"),
    ],
)  # fmt: skip
def test_rows(a: tuple[str, ...], b: tuple[str, ...], rows: list[str]) -> None:
    assert shown(steps(*a), steps(*b)) == rows


def test_a_row_knows_the_last_one_below_it() -> None:
    told = steps("1 agent run", "1.1 agent plan", "1.1.1 llm chat gpt", "1.2 tool a a")
    assert [row.last for row in aligned(told, told).rows] == [3, 2, 2, 3]


def test_a_loop_of_parents_loses_no_step() -> None:
    told = [Step("a", "b", "agent", "x", ""), Step("b", "a", "agent", "y", ""), Step("c", "gone", "tool", "z", "")]
    assert sorted(row.a for row in aligned(told, told).rows if row.a is not None) == [0, 1, 2]


TREES = st.lists(st.tuples(st.integers(0, 6), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=12)


def tree(told: list[tuple[int, str, str]]) -> list[Step]:
    """Each step below an earlier one, or a root."""
    return [
        Step(str(number), str(above - 1) if 0 < above <= number else None, kind, name, "")
        for number, (above, kind, name) in enumerate(told)
    ]


@given(TREES, TREES)
def test_each_step_stands_in_one_row(a: list[tuple[int, str, str]], b: list[tuple[int, str, str]]) -> None:
    one, other = tree(a), tree(b)
    rows = aligned(one, other).rows
    assert sorted(row.a for row in rows if row.a is not None) == list(range(len(one)))
    assert sorted(row.b for row in rows if row.b is not None) == list(range(len(other)))


@given(TREES)
def test_a_trace_is_aligned_with_itself_step_by_step(told: list[tuple[int, str, str]]) -> None:
    one = tree(told)
    assert all(row.a == row.b and not row.moved for row in aligned(one, one).rows)


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_the_middle_is_the_longest_common_subsequence(a: str, b: str) -> None:
    """By the recursion of the textbook, on steps that differ in kind too, so that none is merely alike."""
    memo: dict[tuple[int, int], int] = {}

    def longest(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        if (i, j) not in memo:
            through = 1 + longest(i + 1, j + 1) if a[i] == b[j] else 0
            memo[i, j] = max(through, longest(i + 1, j), longest(i, j + 1))
        return memo[i, j]

    sides = [[Step(str(at), None, letter, letter, letter) for at, letter in enumerate(text)] for text in (a, b)]
    assert len(alignment._matched(*sides)) == longest(0, 0)


def test_long_lists_are_aligned_roughly_and_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """30,000 siblings of which every third is another one on the other side."""
    began = time.process_time()
    a = [Step(str(at), None, "tool", f"step {at % 50}", "") for at in range(30_000)]
    b = [Step(str(at), None, "tool", "other" if at % 3 == 0 else f"step {at % 50}", "") for at in range(30_000)]
    found = aligned(a, b)
    assert found.rough
    assert sum(row.a is not None and row.b is not None for row in found.rows) > 10_000
    assert time.process_time() - began < 2
    monkeypatch.setattr(alignment, "MOST_CELLS", 0)
    assert not aligned(a, a).rough
