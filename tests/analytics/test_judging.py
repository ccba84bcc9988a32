"""Faults of judges, against tests and fits of other libraries, and on cases that can be counted by hand."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from analytics.judging import even_odds, position_bias, self_preference, verbosity_bias

LLMBAR = Path(__file__).parent.parent / "evaluators" / "data" / "llmbar" / "vanilla.jsonl.gz"


@given(st.integers(0, 200), st.integers(0, 200))
def test_even_odds_is_the_exact_binomial_test(hits: int, misses: int) -> None:
    if hits + misses:
        expected = stats.binomtest(hits, hits + misses, 0.5).pvalue
        assert even_odds(hits, hits + misses) == pytest.approx(expected, rel=1e-9)


def test_a_judge_that_always_takes_the_first() -> None:
    found = position_bias(["first"] * 12, ["first"] * 12)
    assert found.consistent.value == 0
    assert found.first.value == 1
    assert (found.first_of_inconsistent.value, found.first_of_inconsistent.n) == (1, 12)
    assert found.p_value == pytest.approx(2 / 2**12)


def test_a_judge_that_sees_through_the_order() -> None:
    found = position_bias(["first", "second", "tie", None], ["second", "first", "tie", "first"])
    assert (found.consistent.value, found.consistent.n) == (1, 3)
    assert found.first.value == 0.5
    assert (found.first_of_inconsistent.value, found.p_value) == (None, 1.0)


def test_a_tie_in_one_order_is_inconsistent_and_counts_for_no_place_twice() -> None:
    found = position_bias(["first", "tie"], ["tie", "second"])
    assert found.consistent.value == 0
    assert found.first_of_inconsistent.n == 0
    assert found.first.value == 0.5


PLACES = st.lists(st.tuples(*[st.sampled_from(["first", "second", "tie"])] * 2), min_size=1)


@given(PLACES)
def test_the_order_of_the_orders_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    one, other = zip(*pairs, strict=True)
    assert position_bias(one, other) == position_bias(other, one)


def test_places_of_recorded_judges() -> None:
    """ChatGPT takes the second place on LLMBar far more often than the first; counted here by other means."""
    rows = [json.loads(line) for line in gzip.decompress(LLMBAR.read_bytes()).splitlines()]
    pairs = [tuple(winner for _, winner in row["judges"]["ChatGPT/Vanilla"]) for row in rows]
    # Winner 1 in the straight order stood first, winner 1 in the swapped one stood second.
    straight = ["first" if one == "1" else "second" for one, _ in pairs]
    swapped = ["second" if other == "1" else "first" for _, other in pairs]
    found = position_bias(straight, swapped)
    seconds = sum(pair == ("2", "1") for pair in pairs)
    firsts = sum(pair == ("1", "2") for pair in pairs)
    assert found.first_of_inconsistent.n == firsts + seconds
    assert found.first_of_inconsistent.value == pytest.approx(firsts / (firsts + seconds))
    assert found.p_value == pytest.approx(stats.binomtest(firsts, firsts + seconds).pvalue)
    assert found.consistent.value == pytest.approx(sum(one == other for one, other in pairs) / 234)


def likelihood(x: np.ndarray, y: np.ndarray) -> Any:
    def lost(w: np.ndarray) -> float:
        return float(-np.sum(y * np.log(special.expit(x @ w)) + (1 - y) * np.log(special.expit(-x @ w))))

    return optimize.minimize(lost, np.zeros(x.shape[1]))


@pytest.mark.parametrize("with_quality", [False, True])
def test_the_slope_is_that_of_the_likelihood(with_quality: bool) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(20, 400, 300), rng.integers(20, 400, 300)
    quality = rng.choice([-1, 1], 300)
    won = (rng.random(300) < special.expit(0.8 * np.log2(a / b) + quality)).astype(float)
    found = verbosity_bias(a, b, won, quality if with_quality else None)
    x = np.column_stack([np.ones(300), np.log2(a / b), *([quality] if with_quality else [])])
    fit = likelihood(x, won)
    assert found.slope.value == pytest.approx(fit.x[1], abs=1e-4)
    assert found.slope.high is not None
    assert found.slope.high - fit.x[1] == pytest.approx(1.96 * np.sqrt(fit.hess_inv[1, 1]), rel=0.05)
    assert found.longer.n == int((a != b).sum())
    hits = int(((a > b) == (won == 1))[a != b].sum())
    assert found.p_value == pytest.approx(stats.binomtest(hits, found.longer.n).pvalue)


def test_ties_and_equal_lengths_are_left_out() -> None:
    found = verbosity_bias([2, 2, 1, 3], [1, 1, 2, 3], [1, 0.5, 1, 1])
    assert (found.longer.value, found.longer.n) == (0.5, 2)


@pytest.mark.parametrize("won", [[1, 1, 1, 0, 0, 0], [1] * 6], ids=["separable", "all-won"])
def test_no_slope_where_there_is_no_maximum(won: list[int]) -> None:
    assert verbosity_bias([4, 8, 16, 1, 1, 1], [1, 1, 1, 4, 8, 16], won).slope.value is None


def test_self_preference_is_beside_what_other_judges_say() -> None:
    rows = (
        [("x", "x", "y", "a")] * 8
        + [("x", "y", "x", "a")] * 2
        + [("y", "x", "y", "a")] * 5
        + [("y", "x", "y", "b")] * 5
    )
    rows += [("x", "x", "x", "a"), ("x", "x", "y", "tie")]
    found = self_preference(pd.DataFrame(rows, columns=["judge", "a", "b", "winner"])).set_index("judge")
    assert (found.loc["x", "own_wins"], found.loc["x", "own_n"], found.loc["x", "own_rate"]) == (8, 10, 0.8)
    assert (found.loc["x", "others_wins"], found.loc["x", "others_n"]) == (5, 10)
    assert found.loc["x", "difference"] == pytest.approx(0.3)
    assert found.loc["y", "difference"] == pytest.approx(0.5 - 0.2)
    assert list(found.loc["x", ["own_low", "own_high"]]) == pytest.approx([0.4902, 0.9433], abs=1e-4)


def test_no_comparisons_give_no_rows() -> None:
    assert self_preference(pd.DataFrame(columns=["judge", "a", "b", "winner"])).empty
