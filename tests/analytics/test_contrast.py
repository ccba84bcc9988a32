"""The tests that comparisons are made of, against scipy, statsmodels and published figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from analytics import contrast, permutation, ranks, resampling, shares

AT = np.arange(60)
A = np.sin(AT * 1.7) + 0.1 * (AT % 5)
B = A + 0.2 + 0.5 * np.cos(AT * 2.3)
FIRST = np.array([0.9, 0.8, 0.7, 0.95, 0.6, 0.85, 0.7, 0.9])
SECOND = np.array([0.8, 0.75, 0.72, 0.9, 0.5, 0.8, 0.65, 0.85])


def of_means(a: Any, b: Any, groups_a: Any, groups_b: Any) -> contrast.Contrast:
    return contrast.contrast(contrast.mean(a, groups_a), contrast.mean(b, groups_b))


def test_units_of_their_own_are_welchs_test() -> None:
    a, b = A[:30], 2 * B[:45]
    found = of_means(a, b, AT[:30], 100 + AT[:45])
    expected = stats.ttest_ind(b, a, equal_var=False)
    assert (found.p(), found.freedom) == (pytest.approx(expected.pvalue), pytest.approx(expected.df))
    assert found.ends(0.025) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.above(0) == pytest.approx(stats.ttest_ind(b, a, equal_var=False, alternative="greater").pvalue)


def test_the_same_units_are_the_paired_t_test() -> None:
    found = of_means(A, B, AT, AT)
    expected = stats.ttest_rel(B, A)
    assert (found.p(), found.freedom) == (pytest.approx(expected.pvalue), pytest.approx(59))
    assert found.ends(0.025) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_clusters_of_pairs_are_statsmodels() -> None:
    """statsmodels 0.15: OLS of the differences on a constant, cov_type="cluster", use_t; ten clusters of six."""
    found = of_means(A, B, AT // 6, AT // 6)
    assert (found.value, found.error) == (pytest.approx(0.19968455), pytest.approx(0.0125696, abs=1e-7))
    assert found.p() == pytest.approx(6.84534628e-08)
    assert found.ends(0.025) == pytest.approx((0.17125013, 0.22811897))


@pytest.mark.parametrize(
    ("groups_b", "error"),
    [
        pytest.param(100 + AT // 5, 0.06642295853305194, id="disjoint"),
        pytest.param((AT + 30) // 5, 0.054539303970285904, id="half-of-them-in-both"),
    ],
)
def test_clusters_of_other_units_are_statsmodels(groups_b: Any, error: float) -> None:
    """statsmodels 0.15: OLS on the variant, cov_type="cluster" without a correction; here it is a side's G/(G-1)."""
    assert of_means(A, B, AT // 5, groups_b).error == pytest.approx(error * (12 / 11) ** 0.5)


def test_equivalence_is_statsmodels() -> None:
    """ttost_paired(b, a, -.4, .4) and ttost_ind(b, a, -.6, .6, usevar="unequal") of statsmodels 0.15."""
    paired, apart = of_means(A, B, AT, AT), of_means(A, B, AT, 100 + AT)
    assert max(paired.above(-0.4), paired.below(0.4)) == pytest.approx(2.803589888691366e-05)
    assert max(apart.above(-0.6), apart.below(0.6)) == pytest.approx(0.0021846038024790865)


def test_a_ratio_is_that_of_sums_with_the_delta_method() -> None:
    cost, success = np.exp(A), (B > 0).astype(float)
    found = contrast.ratio(cost, success, AT)
    assert found is not None
    assert found.value == pytest.approx(cost.sum() / success.sum())
    jackknife = np.array([np.delete(cost, at).sum() / np.delete(success, at).sum() for at in AT])
    assert np.square(found.moves).sum() * 60 / 59 == pytest.approx(
        59 / 60 * ((jackknife - jackknife.mean()) ** 2).sum(), rel=0.1
    )
    assert contrast.ratio(cost, np.zeros(60), AT) is None


def test_what_does_not_vary() -> None:
    same = of_means(np.ones(20), np.ones(20), AT[:20], AT[:20])
    assert (same.error, same.p()) == (0.0, 1.0)
    shifted = of_means(A, A + 0.05, AT, AT)
    assert (shifted.error, shifted.p()) == (0.0, pytest.approx(2 * 0.5**60))
    assert of_means(A[:1], B[:1], AT[:1], AT[:1]).p() is None


# Shares


@pytest.mark.parametrize(
    ("form", "expected"),
    [("exact", 0.145996), ("mid-p", 0.092285)],
)
def test_mcnemar_of_few(form: Any, expected: float) -> None:
    assert shares.mcnemar(9, 3, form) == pytest.approx(expected, abs=1e-6)
    assert shares.mcnemar(3, 9, form) == shares.mcnemar(9, 3, form)


def test_mcnemar_of_many() -> None:
    """Agresti's approval of the prime minister: 17.3559, 3.10e-5; corrected 16.8178."""
    assert shares.mcnemar(150, 86, "chi-squared") == pytest.approx(3.10e-5, rel=1e-3)
    assert shares.mcnemar(150, 86, "corrected") == pytest.approx(stats.chi2.sf(16.8178, 1), rel=1e-4)
    assert shares.mcnemar(150, 86) == pytest.approx(stats.binomtest(86, 236).pvalue)
    assert shares.mcnemar(0, 0) == 1.0


def test_newcombes_interval_of_pairs() -> None:
    found = shares.paired_difference(36, 2, 12, 0)
    assert (found.value, found.low, found.high) == (
        pytest.approx(0.20),
        pytest.approx(0.0569, abs=5e-5),
        pytest.approx(0.3404, abs=5e-5),
    )


@pytest.mark.parametrize("table", [(3, 20, 9, 22), (0, 5, 5, 5), (1, 40, 4, 40), (30, 70, 48, 80)])
def test_two_shares_are_scipys(table: tuple[int, int, int, int]) -> None:
    hits_a, n_a, hits_b, n_b = table
    cells = [[hits_a, n_a - hits_a], [hits_b, n_b - hits_b]]
    p, name = shares.difference_p(*table)
    if "Fisher" in name:
        assert p == pytest.approx(stats.fisher_exact(cells).pvalue)
    else:
        assert p == pytest.approx(stats.chi2_contingency(cells, correction=False).pvalue)


# Permutations


def test_flips_of_few_pairs() -> None:
    found = permutation.flips(FIRST - SECOND, np.ones(8))
    assert found is not None
    assert (found.value, found.p, found.least) == (pytest.approx(0.05375), 0.015625, 2**-7)
    low, high = found.ends(0.025)
    assert low is not None
    assert high is not None
    assert 0 < low < 0.05375 < high
    assert found.above(low - 1e-9) <= 0.025 < found.above(low + 1e-9)
    assert permutation.flips(np.ones(16), np.ones(16)) is None


def test_relabelling_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=8), rng.normal(1, 1, 7)

    def gap(x: Any, y: Any, axis: int) -> Any:
        return x.mean(axis) - y.mean(axis)

    found = permutation.relabelled(a, np.ones(8), b, np.ones(7))
    expected = stats.permutation_test((b, a), gap, vectorized=True, n_resamples=np.inf)
    moved = stats.permutation_test((b - 0.3, a), gap, vectorized=True, n_resamples=np.inf, alternative="greater")
    assert found is not None
    assert (found.p, found.above(0.3)) == (pytest.approx(expected.pvalue), pytest.approx(moved.pvalue))
    low, _ = found.ends(0.025)
    assert low is not None
    assert found.above(low - 1e-9) <= 0.025 < found.above(low + 1e-9)


# The bootstrap


def test_bca_is_scipys_but_for_the_draws() -> None:
    values = np.random.default_rng(1).lognormal(0, 1, 80)
    sums = resampling.summed(80, values[:, None], 20_000, np.random.default_rng(2))
    none = contrast.Moved(0.0, np.zeros(80), np.arange(80))
    found = resampling.corrected(sums[:, 0] / 80, contrast.contrast(none, contrast.mean(values, np.arange(80))))
    assert not isinstance(found, str)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=3).confidence_interval
    assert found.ends(0.025) == pytest.approx(tuple(expected), rel=0.03)
    for tail in (0.01, 0.025, 0.1):
        low, high = found.ends(tail)
        assert low is not None
        assert high is not None
        assert (found.above(low), found.below(high)) == (pytest.approx(tail, rel=0.02), pytest.approx(tail, rel=0.02))


def test_a_p_value_is_as_small_as_the_difference_is_large() -> None:
    """Not 1 in the number of draws, which no correction for many comparisons would leave below its level."""
    values = np.random.default_rng(1).normal(1, 1, 100)
    sums = resampling.summed(100, values[:, None], 2_000, np.random.default_rng(2))
    none = contrast.Moved(0.0, np.zeros(100), np.arange(100))
    found = resampling.corrected(sums[:, 0] / 100, contrast.contrast(none, contrast.mean(values, np.arange(100))))
    assert not isinstance(found, str)
    assert found.p() < 1e-8
    ps = [found.above(bound) for bound in np.linspace(0, 2, 200)]
    assert ps == sorted(ps)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(np.ones(50), "all values are the same", id="constant"),
        pytest.param(np.arange(9.0), "fewer than 10 clusters", id="few"),
        pytest.param(np.r_[np.zeros(400), 1.0], "fewer than 10 values", id="one-sided-mass"),
    ],
)
def test_where_the_bootstrap_does_not_serve(values: Any, said: str) -> None:
    n = len(values)
    draws = resampling.summed(n, values[:, None], 500, np.random.default_rng(1))[:, 0] / n
    none = contrast.Moved(0.0, np.zeros(n), np.arange(n))
    made = resampling.corrected(draws, contrast.contrast(none, contrast.mean(values, np.arange(n))))
    assert isinstance(made, str)
    assert said in made


# Ranks


def test_brunner_and_munzel_is_scipys() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(1, 6, 30).astype(float), rng.integers(2, 6, 25).astype(float)
    found = ranks.superiority(a, b, np.arange(30), 30 + np.arange(25))
    expected = stats.brunnermunzel(a, b)
    assert found.p() == pytest.approx(expected.pvalue)
    assert found.value + 0.5 == pytest.approx(np.mean([np.mean(b > one) + np.mean(b == one) / 2 for one in a]))


def test_signed_ranks_are_scipys() -> None:
    assert ranks.wilcoxon(FIRST - SECOND)[0] == 0.015625
    assert ranks.wilcoxon(np.zeros(9))[0] == 1.0
    assert ranks.signed_ranks(np.array([0.0, -2.0, 1.0, 2.0])).tolist() == [0, -2.5, 1, 2.5]
