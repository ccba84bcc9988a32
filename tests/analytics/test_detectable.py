"""Sizes of differences that would have been found, against the power of the tests that find them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.compared import Compared, Metric, Options
from analytics.comparison import compare
from analytics.samples import samples

WAVE = np.sin(np.arange(100))


def one(a: Any, b: Any, *, other: bool = False, clusters: Any = None, **options: Any) -> Compared:
    items = np.r_[np.arange(len(a)), np.arange(len(b)) + 1000 * other]
    table = pd.DataFrame({"variant": ["a"] * len(a) + ["b"] * len(b), "item": items, "score": [*a, *b]}, dtype=object)
    if clusters is not None:
        table["cluster"] = clusters
    found = samples(
        table, variant="variant", metrics=["score"], item="item", cluster=None if clusters is None else "cluster"
    )
    return compare(found, [Metric("score", "higher")], Options(**options))[0]


@pytest.mark.parametrize(("n", "level", "differ"), [(30, 0.95, 6), (6, 0.95, 6), (200, 0.99, 8)])
def test_of_pairs_that_all_agree_it_is_what_mcnemars_exact_test_finds(n: int, level: float, differ: int) -> None:
    found = one(np.ones(n), np.ones(n), level=level)
    assert stats.binomtest(0, differ).pvalue < 1 - level <= stats.binomtest(0, differ - 1).pvalue
    assert stats.binom.sf(differ - 1, n, found.mde) == pytest.approx(0.8)


@pytest.mark.parametrize(("n", "differ"), [(40, 8), (60, 24), (190, 20)])
def test_of_pairs_it_is_what_mcnemars_exact_test_finds(n: int, differ: int) -> None:
    a = np.arange(n) < differ // 2
    b = (np.arange(n) >= differ // 2) & (np.arange(n) < differ)
    found = one(a, b)
    assert found.mde is not None
    better = (1 + found.mde * n / differ) / 2
    power = sum(
        stats.binom.pmf(many, n, differ / n) * stats.binom.pmf(hits, many, better)
        for many in range(int(stats.binom.isf(1e-4, n, differ / n)) + 1)
        for hits in range(many + 1)
        if many and stats.binomtest(hits, many).pvalue < 0.05
    )
    expected = stats.binom.sf(5, n, found.mde) if better > 1 else power
    assert expected == pytest.approx(0.8, abs=0.002)


def test_of_others_that_all_agree_it_is_what_fishers_test_finds() -> None:
    found = one(np.ones(30), np.ones(20), other=True)
    differ = next(k for k in range(20) if stats.fisher_exact([[30, 0], [20 - k, k]]).pvalue < 0.05)
    other = next(k for k in range(30) if stats.fisher_exact([[20, 0], [30 - k, k]]).pvalue < 0.05)
    powers = [stats.binom.sf(differ - 1, 20, found.mde), stats.binom.sf(other - 1, 30, found.mde)]
    assert min(powers) == pytest.approx(0.8)


def test_of_six_pairs_all_are_on_one_side() -> None:
    gaps = WAVE[:6]
    found = one(np.zeros(6), gaps)
    assert found.mde is not None
    assert stats.norm.cdf(found.mde / gaps.std(ddof=1)) ** 6 == pytest.approx(0.8)


def test_of_few_pairs_it_is_found_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    size = (one(np.zeros(8), WAVE[:8]).mde or 0.0) / WAVE[:8].std(ddof=1)
    samples_of = rng.normal(size, 1, (200, 8))
    kept = {"permutation_type": "samples", "n_resamples": np.inf, "vectorized": True, "axis": -1}
    found = [stats.permutation_test((row,), np.mean, **kept).pvalue < 0.05 for row in samples_of]
    assert np.mean(found) == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(lambda: one([1, 0], [0, 1]), id="two-pairs-of-a-share"),
        pytest.param(lambda: one(np.ones(5), np.ones(5)), id="five-pairs-that-agree"),
        pytest.param(lambda: one(WAVE[:3], WAVE[3:6]), id="three-pairs"),
        pytest.param(lambda: one(WAVE[:5], WAVE[5:10]), id="five-pairs"),
        pytest.param(lambda: one(WAVE[:3], WAVE[3:6], other=True), id="three-others"),
        pytest.param(lambda: one([1, 0], [0, 1], other=True), id="two-others-of-a-share"),
        pytest.param(lambda: one(np.ones(40), np.ones(40), clusters=[*range(20)] * 4), id="clusters-that-agree"),
        pytest.param(lambda: one(np.full(30, 2.5), np.full(30, 2.5)), id="values-that-agree"),
        pytest.param(lambda: one([1, 0, 1, 0], [1, 1, 0, 0], clusters=[1, 1, 2, 2] * 2, test="t"), id="beyond-reach"),
    ],
)
def test_nothing_is_sure_to_be_found(found: Any) -> None:
    assert found().mde is None
