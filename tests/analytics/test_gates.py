"""Gates against published figures, scipy's tests, and what must hold for any data."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from analytics import clustered, gates
from analytics.baseline import _score, compared
from analytics.gates import Found, against_baseline, against_bound, decided, measured, not_comparable
from analytics.intervals import Estimate, bounded_mean, spread
from analytics.items import by_item, rows

NAN = float("nan")
SHARE = (0.0, 1.0)

# What the error is


@pytest.mark.parametrize(
    ("values", "clusters", "mean", "error"),
    [
        # The test of inspect_ai, and statsmodels' cov_type="cluster" with its default correction.
        pytest.param(range(20), [at % 4 for at in range(20)], 9.5, 0.645497, id="inspect"),
        pytest.param(
            [1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1],
            [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3],
            7 / 12,
            0.178226,
            id="statsmodels",
        ),
    ],
)
def test_errors_of_clusters(values: Any, clusters: list[int], mean: float, error: float) -> None:
    found = spread(np.array(values, float), clusters)
    assert (found.mean, found.error) == (pytest.approx(mean), pytest.approx(error, abs=1e-6))
    assert found.clusters == 4


def test_degrees_of_freedom_are_of_clusters_as_items_weigh_them() -> None:
    assert spread(np.arange(12.0), np.repeat([0, 1, 2, 3], 3)).freedom == pytest.approx(3)
    assert spread(np.arange(12.0), [0] * 9 + [1, 2, 3]).freedom == pytest.approx(144 / 84 - 1)
    assert spread(np.arange(12.0)).freedom == pytest.approx(11)


def test_a_mean_without_skew_is_students() -> None:
    values = np.array([-3.0, -1, -0.5, 0, 0.5, 1, 3]) + 7
    found = clustered.mean_of(values)
    expected = stats.ttest_1samp(values, 6)
    assert found.above(6) == pytest.approx(expected.pvalue / 2)
    assert clustered.below(found, 6) == pytest.approx(1 - expected.pvalue / 2)
    low, high = expected.confidence_interval(0.95)
    assert clustered.estimate(found) == Estimate(pytest.approx(7), pytest.approx(low), pytest.approx(high), 7)


def test_skew_is_corrected_by_halls_transformation() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 30)
    t = stats.ttest_1samp(values, 1.2).statistic
    g = stats.skew(values) / 30**0.5
    expected = stats.t.sf(t + g * t**2 / 3 + g**2 * t**3 / 27 + g / 6, 29)
    assert clustered.mean_of(values).above(1.2) == pytest.approx(expected)


@pytest.mark.parametrize("hits", [0, 1, 7, 10])
def test_yes_or_no_items_are_tested_exactly(hits: int) -> None:
    """Clopper and Pearson's interval and the binomial test; 0 of 10 is 0 to 0.3085."""
    run = rows([1.0] * hits + [0.0] * (10 - hits), range(10))
    interval = stats.binomtest(hits, 10).proportion_ci(0.95, "exact")
    found = measured(run, bounds=SHARE).estimate
    assert (found.value, found.n) == (hits / 10, 10)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    gate = against_bound(run, at_least=0.6, bounds=SHARE)
    assert gate.p_missed == pytest.approx(stats.binomtest(hits, 10, 0.6, "less").pvalue)
    assert gate.p_met == pytest.approx(stats.binomtest(hits, 10, 0.6, "greater").pvalue)
    gate = against_bound(run, at_most=0.6, bounds=SHARE)
    assert gate.p_missed == pytest.approx(stats.binomtest(hits, 10, 0.6, "greater").pvalue)


def test_items_that_agree_are_wilsons_with_students_quantile() -> None:
    level = 2 * stats.norm.cdf(stats.t.ppf(0.975, 9)) - 1
    expected = stats.binomtest(10, 10).proportion_ci(level, "wilson")
    found = bounded_mean([3.0] * 10, bounds=(1, 3))
    assert (found.low, found.high) == (pytest.approx(1 + 2 * expected.low), pytest.approx(3))


def test_clusters_that_agree_count_once_each() -> None:
    """Ten clusters of ten passes are no more than ten passes."""
    run = rows(np.ones(100), range(100), np.arange(100) // 10)
    assert measured(run, bounds=SHARE).estimate.low == pytest.approx(0.025**0.1)
    found = measured(run, bounds=SHARE)
    assert (found.items, found.clusters, found.estimate.n) == (100, 10, 10)


def test_repeats_are_averaged_within_the_item_first() -> None:
    """An item with four repeats counts as one with two; a missing value is no failure."""
    run = rows([1, 1, 1, 1, 0, 0, 1, NAN], [5, 5, 5, 5, 7, 7, 9, 9])
    found = measured(run, bounds=SHARE)
    assert found.estimate.value == pytest.approx(2 / 3)
    assert (found.items, found.rows, found.missing, found.without) == (3, 8, 1, 0)


def test_items_without_a_value_are_counted_and_left_out() -> None:
    found = measured(rows([NAN, NAN, 0.5, 0.7], ["a", "a", "b", "c"]))
    assert (found.estimate.value, found.items, found.missing, found.without) == (pytest.approx(0.6), 2, 2, 1)


# Tests and intervals say the same

VALUES = st.lists(st.integers(0, 20), min_size=2, max_size=40)


@st.composite
def sample(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    values = np.array(draw(VALUES), float) / 20
    if draw(st.booleans()):
        values = np.round(values)
    # No more than 15 items, so that flips are counted and not drawn.
    items = np.array(draw(st.lists(st.integers(0, 14), min_size=len(values), max_size=len(values))))
    return values, items, items % draw(st.integers(2, 6)) if draw(st.booleans()) else None


@settings(max_examples=100)
@given(
    found=sample(),
    bounded=st.booleans(),
    tail=st.sampled_from([0.005, 0.025, 0.05, 0.2]),
    bound=st.one_of(st.floats(0.01, 0.99), st.sampled_from([-1.0, 0.0, 1.0, 2.0])),
    at_least=st.booleans(),
)
def test_an_interval_leaves_a_bound_out_just_when_the_p_value_is_below_its_tail(
    found: Any, bounded: bool, tail: float, bound: float, at_least: bool
) -> None:
    run, bounds = rows(*found), SHARE if bounded else None
    gate = against_bound(
        run,
        at_least=bound if at_least else None,
        at_most=None if at_least else bound,
        bounds=bounds,
        level=1 - 2 * tail,
    )
    if gate.p_missed is None or gate.p_met is None:
        assert gate.measured.clusters < 2
        return
    below, above = (gate.p_missed, gate.p_met) if at_least else (gate.p_met, gate.p_missed)
    low, high = gate.measured.estimate.low, gate.measured.estimate.high
    assert min(below, above) >= 0
    assert max(below, above) <= 1
    if min(abs(p - tail) for p in (below, above)) > 1e-9:
        assert (high is not None and high < bound) == (below < tail)
        assert (low is not None and low > bound) == (above < tail)


@given(
    values=st.lists(st.integers(0, 30), min_size=2, max_size=60),
    q=st.sampled_from([0.5, 0.9, 0.95]),
    tail=st.sampled_from([0.025, 0.05, 0.2]),
    bound=st.integers(-1, 31),
)
def test_a_quantile_is_tested_as_scipy_does_and_its_interval_says_the_same(
    values: list[int], q: float, tail: float, bound: int
) -> None:
    run = rows(values, range(len(values)))
    at_most = against_bound(run, at_most=bound, q=q, level=1 - 2 * tail)
    at_least = against_bound(run, at_least=bound, q=q)
    expected = stats.quantile_test(values, q=bound, p=q, alternative="greater").pvalue
    assert at_most.p_missed == pytest.approx(expected, abs=1e-12)
    assert at_least.p_missed == pytest.approx(
        stats.quantile_test(values, q=bound, p=q, alternative="less").pvalue, abs=1e-12
    )
    low, high = at_most.measured.estimate.low, at_most.measured.estimate.high
    assert at_most.p_missed is not None
    assert at_least.p_missed is not None
    assert at_most.p_met is not None
    assert (low is not None and low > bound) == (at_most.p_missed < tail)
    assert (high is not None and high < bound) == (at_least.p_missed < tail)
    assert (high is not None and high <= bound) == (at_most.p_met < tail)
    assert at_most.measured.estimate.value == pytest.approx(np.quantile(values, q))


def test_repeats_of_an_item_make_a_quantile_no_surer() -> None:
    """Five items, however often they are repeated, do not bound a p95."""
    values = np.random.default_rng(5).lognormal(0, 1, 5)
    many = rows(np.repeat(values, 200), np.repeat(np.arange(5), 200))
    assert measured(many, q=0.95).estimate.high is None
    assert measured(rows(values, range(5)), q=0.95).estimate.high is None
    # An item counts as one, by the weights of its rows.
    uneven = rows([1.0] * 100 + [2.0, 3.0], [0] * 100 + [1, 2])
    assert measured(uneven, q=0.5).estimate.value == pytest.approx(2.0, abs=0.51)


# Against a baseline run


def pairs(losses: int, wins: int, n: int) -> tuple[Any, Any]:
    """A run and its baseline, of yes-or-no items."""
    baseline = np.array([1.0] * losses + [0.0] * wins + [1.0] * (n - losses - wins))
    run = np.array([0.0] * losses + [1.0] * wins + [1.0] * (n - losses - wins))
    return rows(run, range(n)), rows(baseline, range(n))


def test_yes_or_no_pairs_are_tested_by_the_exact_test_of_mcnemar() -> None:
    found = against_baseline(*pairs(9, 3, 100), better="higher", bounds=SHARE)
    assert found.p_missed == pytest.approx(0.145996 / 2, abs=1e-6)  # statsmodels' mcnemar(exact=True), two-sided
    assert found.p_met == pytest.approx(stats.binomtest(3, 12, alternative="greater").pvalue)
    assert found.comparison is not None
    assert found.comparison.effect.value == pytest.approx(-0.06)


def test_the_flips_of_clusters_are_those_of_scipys_permutation_test() -> None:
    a = np.array([0.9, 0.8, 0.7, 0.95, 0.6, 0.85, 0.7, 0.9])
    b = np.array([0.8, 0.75, 0.72, 0.9, 0.5, 0.8, 0.65, 0.85])
    found = against_baseline(rows(b, range(8)), rows(a, range(8)), better="higher", bounds=SHARE)
    expected = stats.permutation_test(
        (a, b), lambda x, y: (y - x).mean(), permutation_type="samples", alternative="less"
    )
    assert found.p_missed == pytest.approx(expected.pvalue)
    assert found.p_missed == pytest.approx(0.015625 / 2)
    interval = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert found.comparison is not None
    assert found.comparison.effect == Estimate(
        pytest.approx(-0.05375), pytest.approx(interval.low), pytest.approx(interval.high), 8
    )


def test_drawn_flips_come_near_the_exact_ones() -> None:
    rng = np.random.default_rng(2)
    a, d = rng.normal(size=16), rng.normal(-0.5, 1, 16)
    found = against_baseline(rows(a + d, range(16)), rows(a, range(16)), better="higher", seed=3)
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", alternative="less", n_resamples=np.inf)
    assert found.p_missed == pytest.approx(exact.pvalue, abs=0.01)
    assert found == against_baseline(rows(a + d, range(16)), rows(a, range(16)), better="higher", seed=3)


@pytest.mark.parametrize(
    ("losses", "wins", "n", "margin"), [(9, 3, 100, 0.02), (12, 2, 50, 0.1), (5, 0, 40, 0.05), (0, 4, 30, 0.01)]
)
def test_the_score_of_paired_shares_has_the_likeliest_share_with_such_a_drop(
    losses: int, wins: int, n: int, margin: float
) -> None:
    def unlikely(q: float) -> float:
        shares = np.array([q + margin, q, 1 - 2 * q - margin])
        return -float(np.sum(np.array([losses, wins, n - losses - wins]) * np.log(np.maximum(shares, 1e-300))))

    q = optimize.minimize_scalar(unlikely, bounds=(0, (1 - margin) / 2), method="bounded", options={"xatol": 1e-12}).x
    expected = (losses - wins - n * margin) / np.sqrt(n * (2 * q + margin - margin**2))
    assert _score(losses, wins, n, margin) == pytest.approx(expected, abs=1e-4)


def test_only_items_of_both_runs_are_compared() -> None:
    run = rows([1.0, 0, 1, NAN], ["a", "b", "c", "e"])
    baseline = rows([1.0, 1, 1, 1], ["a", "b", "d", "e"])
    found = compared(run, baseline, better="higher", bounds=SHARE)
    assert (found.items, found.only_run, found.only_baseline) == (2, 1, 2)
    assert (found.run, found.baseline, found.effect.value) == (0.5, 1.0, -0.5)


def test_the_smallest_detectable_drop_is_that_of_the_power_of_students_test() -> None:
    """Oracle: the power of a one-sided paired t test with that drop is about 80 %."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 200))
    found = compared(rows(b, range(200)), rows(a, range(200)), better="higher")
    assert found.detectable is not None
    shift = found.detectable / float((b - a).std(ddof=1)) * 200**0.5
    assert stats.nct.sf(stats.t.ppf(0.95, 199), 199, shift) == pytest.approx(0.8, abs=0.01)


@st.composite
def two_runs(draw: st.DrawFn) -> tuple[Any, Any, tuple[float, float] | None]:
    values, items, clusters = draw(sample())
    other = np.array(draw(st.permutations(values.tolist())))
    return rows(values, items, clusters), rows(other, items, clusters), SHARE if draw(st.booleans()) else None


def same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else one == pytest.approx(other, abs=1e-9)


@given(found=two_runs(), order=st.randoms(use_true_random=False), margin=st.sampled_from([0.0, 0.05]))
def test_the_order_of_rows_does_not_matter(found: Any, order: Any, margin: float) -> None:
    run, baseline, bounds = found
    shuffled = list(range(run.values.size))
    order.shuffle(shuffled)
    one = against_baseline(run, baseline, better="higher", bounds=bounds, margin=margin)
    moved = rows(run.values[shuffled], run.items[shuffled], None if run.clusters is None else run.clusters[shuffled])
    other = against_baseline(moved, baseline, better="higher", bounds=bounds, margin=margin)
    assert same(one.p_missed, other.p_missed)
    assert same(one.p_met, other.p_met)
    assert same(one.measured.estimate.low, other.measured.estimate.low)


@given(found=two_runs(), q=st.sampled_from([None, 0.5]))
def test_runs_that_change_places_mirror_the_effect(found: Any, q: float | None) -> None:
    run, baseline, bounds = found
    one = compared(run, baseline, better="higher", bounds=bounds, q=q)
    other = compared(baseline, run, better="higher", bounds=bounds, q=q)
    turned = compared(baseline, run, better="lower", bounds=bounds, q=q)
    assert one.effect.value is not None
    assert same(one.effect.value, -(other.effect.value or 0))
    assert same(one.effect.low, None if other.effect.high is None else -other.effect.high)
    assert same(one.p_worse, other.p_not_worse)
    assert same(one.p_worse, turned.p_worse)


@given(found=sample(), scale=st.sampled_from([0.01, 3.0, 1000.0]), shift=st.sampled_from([-5.0, 0.0, 7.0]))
def test_units_do_not_matter(found: Any, scale: float, shift: float) -> None:
    values, items, clusters = found
    one, other = (
        against_bound(rows(*moved), at_least=bound, bounds=bounds)
        for moved, bound, bounds in (
            ((values, items, clusters), 0.6, SHARE),
            ((values * scale + shift, items, clusters), 0.6 * scale + shift, (shift, scale + shift)),
        )
    )
    assert one.p_missed == pytest.approx(other.p_missed, abs=1e-6)
    unbounded = [
        against_bound(rows(values * scale + shift, items, clusters), at_most=0.4 * scale + shift),
        against_bound(rows(values, items, clusters), at_most=0.4),
    ]
    assert unbounded[0].p_missed == pytest.approx(unbounded[1].p_missed, abs=1e-6)
    high = [one.measured.estimate.high for one in unbounded]
    assert (high[0] is None) == (high[1] is None)
    if high[0] is not None and high[1] is not None:
        assert high[0] == pytest.approx(high[1] * scale + shift, rel=1e-6, abs=1e-6)


@given(found=two_runs())
def test_a_larger_margin_is_harder_to_miss(found: Any) -> None:
    run, baseline, bounds = found
    tested = [
        compared(run, baseline, better="higher", bounds=bounds, margin=margin) for margin in (0.0, 0.01, 0.05, 0.2)
    ]
    worse = [one.p_worse for one in tested if one.p_worse is not None]
    assert all(a <= b + 1e-9 for a, b in pairwise(worse))


@given(found=sample(), bounds=st.sampled_from([None, SHARE]))
def test_repeating_what_is_said_makes_nothing_surer(found: Any, bounds: tuple[float, float] | None) -> None:
    values, items, clusters = found
    once = measured(rows(values, items, clusters), bounds=bounds).estimate
    twice = measured(
        rows(np.tile(values, 2), np.tile(items, 2), None if clusters is None else np.tile(clusters, 2)), bounds=bounds
    ).estimate
    assert same(once.low, twice.low)
    assert same(once.high, twice.high)


def test_repeats_in_another_order_are_no_difference() -> None:
    """The sums of 0.05, 0.05 and 0.2 with zeros differ in their last bits, and a flip takes any difference for one."""
    values, items = np.array([0.1, 0.2, 0.3, 0.7, 0.05, 0.6] * 9), np.arange(54) // 6
    found = compared(rows(values, items), rows(values[::-1], items[::-1]), better="higher")
    assert (found.effect.value, found.p_worse, found.p_not_worse) == (0.0, 1.0, 1.0)


def test_two_clusters_that_nearly_agree_are_not_certain() -> None:
    """A quantile of the normal distribution runs out of numbers before Student's with one degree of freedom does."""
    run = rows([0.3, 0.3001, 0.3, 0.3002], range(4), [0, 0, 1, 1])
    gate = against_bound(run, at_most=0.1, bounds=SHARE, level=0.99)
    assert gate.p_missed is not None
    assert gate.p_missed > 0.0001
    assert gate.measured.estimate.low == pytest.approx(0, abs=0.3)


# What becomes of gates


def passing(hits: int, n: int) -> Any:
    return rows([1.0] * hits + [0.0] * (n - hits), range(n))


@pytest.mark.parametrize(
    ("found", "state"),
    [
        pytest.param(against_bound(passing(50, 100), at_least=0.7, bounds=SHARE), "missed", id="missed"),
        pytest.param(against_bound(passing(90, 100), at_least=0.7, bounds=SHARE), "met", id="met"),
        pytest.param(against_bound(passing(66, 100), at_least=0.7, bounds=SHARE), "undecided", id="below-by-chance"),
        pytest.param(against_bound(passing(50, 100), at_most=0.3, bounds=SHARE), "missed", id="at-most"),
        pytest.param(against_bound(passing(99, 100), at_least=1, bounds=SHARE), "missed", id="one-failure-of-none"),
        pytest.param(against_bound(passing(100, 100), at_least=1, bounds=SHARE), "undecided", id="none-of-none"),
        pytest.param(
            against_bound(rows([0.9, 1, 1], range(3)), at_least=1, bounds=SHARE), "missed", id="below-the-top"
        ),
        pytest.param(against_bound(passing(0, 0), at_least=0.7, bounds=SHARE), "no_data", id="no-rows"),
        pytest.param(against_bound(rows([NAN] * 3, [1, 2, 3]), at_least=0.7), "no_data", id="all-missing"),
        pytest.param(against_bound(passing(0, 1), at_least=0.7, bounds=SHARE), "undecided", id="one-item"),
        pytest.param(
            against_bound(rows([0.0] * 9, range(9), [4] * 9), at_least=0.7, bounds=SHARE), "undecided", id="one-cluster"
        ),
        pytest.param(against_bound(rows([900.0] * 9, range(9)), at_most=800), "missed", id="all-equal-and-over"),
        pytest.param(against_bound(rows([0.0] * 9, range(9)), at_most=0.01), "met", id="all-equal-and-under"),
        pytest.param(against_bound(rows([900.0] * 3, range(3)), at_most=800), "undecided", id="few-equal"),
        pytest.param(against_bound(rows(range(100), range(100)), at_most=70, q=0.95), "missed", id="p95"),
        pytest.param(against_bound(rows(range(50), range(50)), at_most=60, q=0.99), "undecided", id="p99-of-50"),
        pytest.param(against_baseline(*pairs(20, 2, 100), better="higher", bounds=SHARE), "missed", id="worse"),
        pytest.param(against_baseline(*pairs(2, 20, 100), better="higher", bounds=SHARE), "met", id="better"),
        pytest.param(against_baseline(*pairs(20, 2, 100), better="lower", bounds=SHARE), "met", id="lower-is-better"),
        pytest.param(against_baseline(*pairs(0, 0, 100), better="higher", bounds=SHARE), "undecided", id="no-change"),
        pytest.param(
            against_baseline(*pairs(0, 0, 200), better="higher", bounds=SHARE, margin=0.05), "met", id="within-margin"
        ),
        pytest.param(
            against_baseline(*pairs(0, 0, 20), better="higher", bounds=SHARE, margin=0.05), "undecided", id="too-few"
        ),
        pytest.param(
            against_baseline(passing(3, 5), rows([1.0], [99]), better="higher", bounds=SHARE),
            "no_data",
            id="none-shared",
        ),
        pytest.param(not_comparable(passing(3, 5), bounds=SHARE), "not_comparable", id="another-ruler"),
    ],
)
def test_states(found: Found, state: str) -> None:
    [outcome] = decided([found])
    assert outcome.state == state
    assert "nan" not in repr(outcome)


def test_gates_of_a_suite_are_adjusted_together() -> None:
    """A gate that alone would be missed is not one of six; those without a p-value do not count."""
    weak = against_bound(passing(60, 100), at_least=0.7, bounds=SHARE)
    assert weak.p_missed is not None
    assert 0.01 < weak.p_missed < 0.05
    fine, none = against_bound(passing(70, 100), at_least=0.7, bounds=SHARE), not_comparable(passing(3, 5))
    assert decided([weak, none, none, none, none, none])[0].state == "missed"
    outcomes = decided([weak, *[fine] * 5])
    assert [one.state for one in outcomes] == ["undecided"] * 6
    assert outcomes[0].adjusted_p == pytest.approx(6 * weak.p_missed)


EDGES = [
    pytest.param([], [], None, id="no-rows"),
    pytest.param([NAN, NAN], [1, 2], None, id="all-missing"),
    pytest.param([0.5], [1], None, id="one-item"),
    pytest.param([0.5, 0.7], [1, 1], None, id="one-item-twice"),
    pytest.param([0.1, 0.9, 0.4], [1, 2, 3], [0, 0, 0], id="one-cluster"),
    pytest.param([0.3] * 12, range(12), None, id="all-equal"),
    pytest.param([0.0, 1.0] * 4, range(8), [0, 0, 1, 1, 2, 2, 3, 3], id="clusters-that-agree"),
    pytest.param([1.0] * 11 + [NAN], range(12), None, id="all-pass"),
    pytest.param([0, 0.95, 0.9], [0, 1, 2], [0, 1, 0], id="two-clusters"),
]


@pytest.mark.parametrize("bounds", [SHARE, None])
@pytest.mark.parametrize("q", [None, 0.5, 0.99])
@pytest.mark.parametrize(("values", "items", "clusters"), EDGES)
def test_odd_data_are_defined(values: Any, items: Any, clusters: Any, q: Any, bounds: Any) -> None:
    run = rows(values, np.asarray(items, int), clusters)
    found = [
        against_bound(run, at_least=0.5, q=q, bounds=bounds),
        against_bound(run, at_most=0.5, q=q, bounds=bounds),
        against_baseline(run, run, better="higher", q=q, bounds=bounds),
        against_baseline(run, run, better="lower", margin=0.1, q=q, bounds=bounds),
    ]
    outcomes = decided(found)
    assert "nan" not in repr(outcomes)
    assert "inf" not in repr(outcomes)
    assert outcomes[2].state in {"undecided", "no_data"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(lambda: rows([1.0], [1, 2]), "1, 2 rows", id="lengths"),
        pytest.param(lambda: rows([float("inf")], [1]), "infinite", id="infinite"),
        pytest.param(lambda: by_item(rows([1.0, 2.0], ["x", "x"], [1, 2])), "item x", id="torn-item"),
        pytest.param(lambda: measured(rows([1.0, 2.0], [1, 2]), bounds=SHARE), "not all from 0", id="beyond-bounds"),
        pytest.param(lambda: against_bound(rows([1.0], [1])), "one bound", id="no-bound"),
        pytest.param(lambda: against_bound(rows([1.0], [1]), at_least=0, at_most=1), "one bound", id="two-bounds"),
        pytest.param(lambda: measured(rows([1.0], [1]), q=1.0), "between 0 and 1", id="quantile"),
        pytest.param(
            lambda: compared(rows([1.0], [1]), rows([1.0], [1]), better="higher", margin=-1), "below 0", id="margin"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_builds_that_are_as_good_fail_in_five_of_a_hundred() -> None:
    """Four gates, scores in clusters with repeats, 400 builds: `benchmarks/gates.py` has more."""
    rng = np.random.default_rng(11)
    items, clusters = np.repeat(np.arange(60), 2), np.repeat(np.arange(60), 2) // 4
    failed = 0
    for _ in range(400):
        found = []
        for _ in range(4):
            item = rng.normal(size=60)[items]
            run, baseline = (
                rows(special.ndtr(item + rng.normal(size=15)[clusters] + rng.normal(size=120)), items, clusters)
                for _ in range(2)
            )
            found.append(against_baseline(run, baseline, better="higher", bounds=SHARE))
        failed += any(one.state == "missed" for one in gates.decided(found))
    assert stats.binomtest(failed, 400, 0.05, "greater").pvalue > 0.001
    assert failed > 2
