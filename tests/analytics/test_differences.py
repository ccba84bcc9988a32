"""Differences of two samples against published tables, scipy, arithmetic, and what must hold for any data."""

from __future__ import annotations

from math import hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics import differences, intervals
from analytics.intervals import Estimate

SAMPLES = st.lists(st.floats(0.01, 1e6), max_size=200)


@pytest.mark.parametrize(  # Newcombe 1998 (Stat. Med. 17, 873-890), table II, method 10: p1 - p2
    ("hits_b", "n_b", "hits_a", "n_a", "low", "high"),
    [
        pytest.param(56, 70, 48, 80, 0.0524, 0.3339, id="56/70-48/80"),
        pytest.param(9, 10, 3, 10, 0.1705, 0.8090, id="9/10-3/10"),
        pytest.param(6, 7, 2, 7, 0.0582, 0.8062, id="6/7-2/7"),
        pytest.param(5, 56, 0, 29, -0.0381, 0.1926, id="5/56-0/29"),
        pytest.param(0, 10, 0, 20, -0.1611, 0.2775, id="0/10-0/20"),
        pytest.param(0, 10, 0, 10, -0.2775, 0.2775, id="0/10-0/10"),
        pytest.param(10, 10, 0, 20, 0.6791, 1.0000, id="10/10-0/20"),
        pytest.param(10, 10, 0, 10, 0.6075, 1.0000, id="10/10-0/10"),
    ],
)
def test_rates_differ_as_in_the_published_table(
    hits_b: int, n_b: int, hits_a: int, n_a: int, low: float, high: float
) -> None:
    found = differences.rate_difference(hits_a, n_a, hits_b, n_b)
    assert found.value == pytest.approx(hits_b / n_b - hits_a / n_a)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.n == min(n_a, n_b)


def test_no_calls_are_no_difference_of_rates() -> None:
    assert differences.rate_difference(0, 0, 3, 10) == Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="4 hits of 3"):
        differences.rate_difference(4, 3, 0, 10)


@given(n=st.integers(2, 200), m=st.integers(2, 200), seed=st.integers(0, 99), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_means_differ_as_in_scipy(n: int, m: int, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(3, 1, n), rng.gamma(2, 3, m)
    found = differences.mean_difference([*a, np.nan], b, level)
    expected = stats.ttest_ind(b, a, equal_var=False).confidence_interval(level)
    assert (found.value, found.n) == (pytest.approx(b.mean() - a.mean()), min(n, m))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_small_samples_bound_no_difference_of_means() -> None:
    assert differences.mean_difference([], [1.0]) == Estimate(None, None, None, 0)
    assert differences.mean_difference([1.0], [3.0, 5.0]) == Estimate(3.0, None, None, 1)
    assert differences.mean_difference([1.0, 1.0], [3.0, 3.0]) == Estimate(2.0, 2.0, 2.0, 2)


def test_quantiles_differ_by_hand() -> None:
    """Medians of 1..6 and of 11..16 with a gap: 3.5 and 13.5. Both have the fractional ranks of `quantile_ranks`."""
    low, high = intervals.quantile_ranks(0.5, 6)
    assert low is not None
    assert high is not None
    found = differences.quantile_difference(range(1, 7), range(11, 17), 0.5)
    # Values are their ranks (and ten more), so each median lies 3.5 - low above its lower bound.
    reach = hypot(3.5 - low, high - 3.5)
    assert found == Estimate(10.0, pytest.approx(10 - reach), pytest.approx(10 + reach), 6)


@given(a=SAMPLES, b=SAMPLES, q=st.sampled_from([0.1, 0.5, 0.9]))
def test_quantile_differences_are_numpys_turn_with_the_order_and_move_with_the_values(
    a: list[float], b: list[float], q: float
) -> None:
    found, turned = differences.quantile_difference(a, b, q), differences.quantile_difference(b, a, q)
    if not a or not b:
        assert found == Estimate(None, None, None, 0)
        return
    assert found.value == pytest.approx(float(np.quantile(b, q) - np.quantile(a, q)), abs=1e-6)
    assert (found.low, found.high) == (
        None if turned.high is None else pytest.approx(-turned.high, abs=1e-6),
        None if turned.low is None else pytest.approx(-turned.low, abs=1e-6),
    )
    moved = differences.quantile_difference(a, [value + 7 for value in b], q)
    assert moved.value == pytest.approx((found.value or 0) + 7, abs=1e-6)
    if found.low is not None and found.high is not None and found.value is not None:
        assert found.low <= found.value <= found.high


@given(a=SAMPLES, b=SAMPLES, q=st.sampled_from([0.1, 0.5, 0.9]))
def test_quantile_ratios_do_not_depend_on_the_unit(a: list[float], b: list[float], q: float) -> None:
    found = differences.quantile_ratio(a, b, q)
    scaled = differences.quantile_ratio(np.multiply(a, 1e6), np.multiply(b, 1e6), q)
    for left, right in ((found.value, scaled.value), (found.low, scaled.low), (found.high, scaled.high)):
        assert left == (None if right is None else pytest.approx(right, rel=1e-6))
    if a and b:
        assert found.value == pytest.approx(float(np.quantile(b, q) / np.quantile(a, q)), rel=1e-6)


def test_a_ratio_to_nothing_is_unknown() -> None:
    assert differences.quantile_ratio([0.0, 0.0], [1.0, 2.0], 0.5) == Estimate(None, None, None, 2)


@pytest.mark.parametrize("bounds", [(71, 500), (500, 71)], ids=["few-before", "few-after"])
def test_too_few_values_bound_a_difference_of_p95_on_one_side_only(bounds: tuple[int, int]) -> None:
    """71 values have no upper bound of their p95, and that is half of one bound of the difference."""
    rng = np.random.default_rng(3)
    found = differences.quantile_difference(rng.exponential(size=bounds[0]), rng.exponential(size=bounds[1]), 0.95)
    assert (found.low is None, found.high is None) == (bounds[0] == 71, bounds[1] == 71)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_ninety_five_of_a_hundred_differences_hold_the_truth(q: float) -> None:
    """Two different shapes and sizes; the truth is that of the distributions (scipy), not of a sample."""
    rng, held, runs = np.random.default_rng(11), 0, 1500
    truth = stats.lognorm(0.5).ppf(q) - stats.expon.ppf(q)
    for _ in range(runs):
        found = differences.quantile_difference(rng.exponential(size=150), rng.lognormal(0, 0.5, 400), q)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held / runs == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0.1, 0.4, True, id="above"),
        pytest.param(-0.4, -0.1, True, id="below"),
        pytest.param(-0.1, 0.1, False, id="around"),
        pytest.param(0.1, None, True, id="above-without-an-upper-bound"),
        pytest.param(-0.1, None, None, id="open"),
        pytest.param(None, None, None, id="no-bounds"),
    ],
)
def test_a_clear_difference_leaves_no_change_out(low: float | None, high: float | None, expected: bool | None) -> None:
    assert differences.clear(Estimate(0.0, low, high, 10)) is expected
