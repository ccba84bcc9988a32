"""pass@k and pass^k: by all subsets of the tries, by their papers' formula, and on recorded rewards of tau-bench."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.passes import all_of_k, any_of_k, passes

REWARDS = Path(__file__).parents[1] / "evaluators" / "data" / "tau_bench_rewards.json"


@pytest.mark.parametrize(("k", "expected"), [(1, 0.394231), (2, 0.243590), (3, 0.182692), (4, 0.153846)])
def test_tau_bench(k: int, expected: float) -> None:
    """26 tasks in four trials, of the run whose published pass^1 to ^4 are .420, .273, .220, .200 over 50 tasks."""
    rows = json.loads(REWARDS.read_text())
    by_task: dict[int, list[bool]] = {}
    for task, _, reward in rows:
        by_task.setdefault(task, []).append(reward == 1)
    by_subsets = np.mean([np.mean([all(some) for some in combinations(one, k)]) for one in by_task.values()])
    [found] = passes([row[0] for row in rows], [row[2] == 1 for row in rows], [k])
    assert found.all_of_k.value == pytest.approx(by_subsets)
    assert found.all_of_k.value == pytest.approx(expected, abs=1e-6)
    assert (found.all_of_k.n, found.left_out) == (26, 0)


@given(st.integers(1, 8), st.data())
def test_estimates_are_shares_of_all_subsets(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([True] * c + [False] * (n - c), k))
    assert any_of_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))
    assert all_of_k(n, c, k) == pytest.approx(sum(map(all, subsets)) / len(subsets))


@pytest.mark.parametrize(("n", "c", "k"), [(200, 20, 10), (200, 1, 100), (100, 0, 10), (10, 9, 2)])
def test_pass_at_k_is_the_stable_formula_of_its_paper(n: int, c: int, k: int) -> None:
    """Chen et al. 2021, figure 3."""
    stable = 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))
    assert any_of_k(n, c, k) == pytest.approx(stable)


def test_undefined_for_fewer_tries_than_k() -> None:
    one, two, three = passes(["a", "a", "b"], [True, False, True], [1, 2, 3])
    assert (one.all_of_k.value, one.left_out) == (0.75, 0)
    assert (two.all_of_k.value, two.any_of_k.value, two.all_of_k.low, two.left_out) == (0.0, 1.0, None, 1)
    assert (three.all_of_k.value, three.left_out) == (None, 2)
    assert passes([], [], [1])[0].all_of_k.value is None


@pytest.mark.parametrize("outcome", [True, False])
def test_tasks_that_agree_still_leave_doubt(outcome: bool) -> None:
    [found] = passes(range(10), [outcome] * 10, [1])
    assert found.all_of_k.value == float(outcome)
    assert found.all_of_k.low is not None
    assert found.all_of_k.high is not None
    assert found.all_of_k.high - found.all_of_k.low > 0.2
    assert 0 <= found.all_of_k.low <= found.all_of_k.high <= 1


@settings(max_examples=40)
@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=5), min_size=2, max_size=12))
def test_any_is_at_least_all_and_k_orders_them(tries: list[list[bool]]) -> None:
    tasks = [at for at, one in enumerate(tries) for _ in one]
    found = passes(tasks, [outcome for one in tries for outcome in one], [1, 2, 3])
    every, some = [one.all_of_k.value or 0 for one in found], [one.any_of_k.value or 0 for one in found]
    assert every == sorted(every, reverse=True)
    assert some == pytest.approx(sorted(some))
    assert all(a <= b + 1e-12 for a, b in zip(every, some, strict=True))


def test_k_counts_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        passes(["a"], [True], [0])
