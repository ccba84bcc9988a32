"""Intervals against published tables, scipy, and what must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics import intervals


@pytest.mark.parametrize(  # Newcombe 1998, table I, method 3
    ("hits", "n", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="81-of-263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15-of-148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="0-of-20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1-of-29"),
        pytest.param(8, 10, 0.4902, 0.9433, id="8-of-10"),
    ],
)
def test_rates_are_those_of_the_published_table(hits: int, n: int, low: float, high: float) -> None:
    found = intervals.rate(hits, n)
    assert (found.value, found.n) == (hits / n, n)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@given(n=st.integers(1, 10_000), data=st.data(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_rates_are_scipys_and_lie_within_0_and_1(n: int, data: st.DataObject, level: float) -> None:
    hits = data.draw(st.integers(0, n))
    found = intervals.rate(hits, n, level)
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= hits / n <= found.high <= 1


def test_no_data_is_no_rate_and_bad_counts_are_refused() -> None:
    assert intervals.rate(0, 0) == intervals.Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="5 hits of 4"):
        intervals.rate(5, 4)


def test_a_mean_is_scipys() -> None:
    values = np.random.default_rng(1).normal(3, 2, 40)
    found = intervals.mean([*values, float("nan")])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (found.value, found.n) == (pytest.approx(values.mean()), 40)
    assert intervals.mean([4.0]) == intervals.Estimate(4.0, None, None, 1)
    assert intervals.mean([]) == intervals.Estimate(None, None, None, 0)


@pytest.mark.parametrize(  # where the bounds exist follows from the extremes: q^n and (1 - q)^n against 0.025
    ("q", "n", "bounded"),
    [
        pytest.param(0.5, 5, (False, False), id="median-of-5"),  # 0.5^5 = 0.031
        pytest.param(0.5, 6, (True, True), id="median-of-6"),  # 0.5^6 = 0.016
        pytest.param(0.95, 71, (True, False), id="p95-of-71"),  # 0.95^71 = 0.0262
        pytest.param(0.95, 72, (True, True), id="p95-of-72"),  # 0.95^72 = 0.0249
        pytest.param(0.99, 50, (True, False), id="p99-of-50"),
        pytest.param(0.05, 71, (False, True), id="p5-of-71"),
        pytest.param(0.99, 3, (True, False), id="p99-of-3"),  # 0.99^3 = 0.970
        pytest.param(0.99, 2, (False, False), id="p99-of-2"),  # 0.99^2 = 0.980: it lies above both
        pytest.param(0.01, 2, (False, False), id="p1-of-2"),
    ],
)
def test_a_small_sample_does_not_bound_a_quantile(q: float, n: int, bounded: tuple[bool, bool]) -> None:
    assert tuple(rank is not None for rank in intervals.quantile_ranks(q, n)) == bounded


@given(q=st.floats(0.01, 0.99), n=st.integers(1, 3000), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_ranks_lie_between_the_whole_ones_of_the_binomial_distribution(q: float, n: int, level: float) -> None:
    """P(x(k) > quantile) = P(B < k) for whole k, where B is binomial(n, q): the textbook interval, coarser."""
    tail, slack = (1 - level) / 2, 1e-6
    low, high = intervals.quantile_ranks(q, n, level)
    if low is not None:
        assert stats.binom.cdf(np.floor(low) - 1, n, q) <= tail + slack
        assert stats.binom.cdf(np.ceil(low), n, q) >= tail - slack
    if high is not None:
        assert stats.binom.sf(np.ceil(high) - 1, n, q) <= tail + slack
        assert stats.binom.sf(np.floor(high) - 2, n, q) >= tail - slack


@pytest.mark.parametrize("n", [100, 350, 2000])
def test_ninety_five_of_a_hundred_samples_hold_the_p95(n: int) -> None:
    drawn = np.random.default_rng(7).exponential(size=(4000, n))
    low, high = intervals.quantile_ranks(0.95, n)
    assert low is not None
    assert high is not None
    bounds = np.quantile(drawn, [(low - 1) / (n - 1), (high - 1) / (n - 1)], axis=1)
    truth = stats.expon.ppf(0.95)
    assert np.mean((bounds[0] <= truth) & (truth <= bounds[1])) == pytest.approx(0.95, abs=0.015)


def test_a_quantile_is_numpys_with_its_bounds_around_it() -> None:
    values = np.random.default_rng(2).lognormal(0, 1, 500)
    found = intervals.quantile([*values, float("nan")], 0.95)
    assert (found.value, found.n) == (pytest.approx(np.quantile(values, 0.95)), 500)
    assert found.low is not None
    assert found.high is not None
    assert found.low < np.quantile(values, 0.95) < found.high
    assert intervals.quantile([], 0.5).value is None
    assert intervals.quantile([3.0, 5.0], 0.99) == intervals.Estimate(pytest.approx(4.98), None, None, 2)
    assert intervals.quantile([3.0], 0.5) == intervals.Estimate(3.0, None, None, 1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        intervals.quantile_ranks(1.0, 5)


def test_a_ratio_is_a_clustered_mean_of_rows() -> None:
    """With denominators as cluster sizes, the ratio is the mean of all rows, its error the cluster-robust one.

    Oracle: statsmodels' default (C/(C-1)) on scores [1,1,0,1,0,0,0,0,1,1,1,1] in clusters of 3, 2, 4 and 3.
    """
    found = intervals.ratio([2, 1, 1, 3], [3, 2, 4, 3])
    assert found.value == pytest.approx(7 / 12)
    assert found.high is not None
    assert (found.high - 7 / 12) / stats.t.ppf(0.975, 3) == pytest.approx(0.178226, abs=1e-6)


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=50))
def test_a_ratio_over_ones_is_a_mean(values: list[float]) -> None:
    found, expected = intervals.ratio(values, np.ones(len(values))), intervals.mean(values)
    assert (found.value, found.n) == (pytest.approx(expected.value), expected.n)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_a_ratio_without_a_denominator_is_unknown() -> None:
    assert intervals.ratio([1.0, 2.0], [0.0, 0.0]) == intervals.Estimate(None, None, None, 2)
    assert intervals.ratio([], []).value is None
    assert intervals.ratio([3.0], [2.0]) == intervals.Estimate(1.5, None, None, 1)
    with pytest.raises(ValueError, match="1 numerators and 2 denominators"):
        intervals.ratio([1.0], [1.0, 2.0])
