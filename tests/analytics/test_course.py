"""What was known of a difference over time, against live tests' sequences and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics import sequences
from analytics.compared import Metric
from analytics.course import UNITS, course
from analytics.samples import samples
from analytics.sequences import Arm

RNG = np.random.default_rng(11)


def looks(a: Any, b: Any, *, clusters: Any = None, q: float | None = None, **more: Any) -> Any:
    """The course of rows that came in turns, one of each variant a second."""
    table = pd.DataFrame({"variant": ["a"] * len(a) + ["b"] * len(b), "score": np.r_[a, b].astype(float)})
    table["item"] = range(len(table))
    table["cluster"] = table["item"] if clusters is None else clusters
    found = samples(table, variant="variant", metrics=["score"], item="item", cluster="cluster")
    times = np.r_[np.arange(len(a)), np.arange(len(b))].astype(np.int64) * 1_000_000
    return course(found, Metric("score", q=q), times, "a", **more)


def test_bounds_of_single_items_are_those_of_live_tests() -> None:
    a, b = RNG.normal(1, 2, 400), RNG.normal(1.2, 2, 400)
    told = looks(a, b, looks=4)
    assert [(one.variant, one.n_a, one.n_b) for one in told] == [("b", 100 * n, 100 * n) for n in (1, 2, 3, 4)]
    arms = [Arm(300, one.mean(), one.var(ddof=1), stats.kurtosis(one, fisher=False)) for one in (a[:300], b[:300])]
    oracle = sequences.difference(*arms, sequences.tuned(UNITS))
    assert (told[2].found.low, told[2].found.high) == pytest.approx((oracle.low, oracle.high))
    assert told[-1].found.value == pytest.approx(b.mean() - a.mean())


def test_rows_of_a_cluster_count_as_one() -> None:
    a, b = np.repeat(RNG.normal(0, 1, 60), 10), np.repeat(RNG.normal(0, 1, 60), 10)
    told = looks(a, b, clusters=np.r_[np.arange(600) // 10, 1000 + np.arange(600) // 10], looks=1)[0]
    alone = looks(a[::10], b[::10], looks=1)[0]
    assert (told.found.low, told.found.high) == pytest.approx((alone.found.low, alone.found.high))
    assert (told.n_a, told.found.n) == (600, 120)


def test_clusters_of_both_variants_make_it_surer() -> None:
    shared = RNG.normal(0, 1, 200)
    a, b = shared + RNG.normal(0, 0.2, 200), shared + RNG.normal(0, 0.2, 200)
    both, apart = (looks(a, b, clusters=one, looks=1)[0].found for one in (np.tile(np.arange(200), 2), None))
    assert both.high - both.low < 0.5 * (apart.high - apart.low)
    squared = (b - a).var(ddof=1) / 200
    half = sequences.half_width((400 * squared) ** 0.5, 400, sequences.tuned(UNITS))
    assert both.high - both.value == pytest.approx(half)


def test_variants_share_the_error() -> None:
    table = pd.DataFrame({"variant": np.repeat(["a", "b", "c"], 100), "score": RNG.normal(0, 1, 300)})
    found = samples(table, variant="variant", metrics=["score"])
    told = course(found, Metric("score"), np.tile(np.arange(100), 3), "a", looks=1)
    arms = [Arm(100, one.mean(), one.var(ddof=1)) for _, one in table.groupby("variant")["score"]]
    oracle = sequences.difference(arms[0], arms[2], sequences.tuned(UNITS, 0.025), 0.025)
    assert [one.variant for one in told] == ["b", "c"]
    assert (told[1].found.low, told[1].found.high) == pytest.approx((oracle.low, oracle.high))


@pytest.mark.parametrize(
    ("a", "b", "bounded"),
    [
        pytest.param(RNG.normal(0, 1, 29), RNG.normal(0, 1, 400), False, id="few-units"),
        pytest.param(RNG.lognormal(0, 2, 100), RNG.lognormal(0, 2, 100), False, id="skewed"),
        pytest.param(np.zeros(60), np.ones(60), True, id="yes-and-no-that-all-agree"),
        pytest.param(np.full(60, 0.3), np.full(60, 0.3), True, id="all-alike"),
    ],
)
def test_too_little_has_no_bounds(a: Any, b: Any, bounded: bool) -> None:
    (told,) = looks(a, b, looks=1)
    assert (told.found.low is not None, told.found.high is not None) == (bounded, bounded)


def test_a_quantile_has_bounds_that_hold_the_true_one() -> None:
    a, b = RNG.exponential(100, 3000), RNG.exponential(100, 3000) + 80
    told = looks(a, b, q=0.9, looks=6)
    assert told[-1].found.value == pytest.approx(np.quantile(b, 0.9) - np.quantile(a, 0.9))
    assert all(one.found.low <= 80 <= one.found.high for one in told if one.found.low is not None)
    fixed = stats.bootstrap((a, b), lambda x, y, axis: np.quantile(y, 0.9, axis) - np.quantile(x, 0.9, axis),
                            n_resamples=500, rng=1, method="percentile").confidence_interval  # fmt: skip
    assert 1 < (told[-1].found.high - told[-1].found.low) / (fixed.high - fixed.low) < 3.5
    assert looks(a[:40], b[:40], q=0.9, looks=1)[0].found.low is None


def test_nothing_is_known_of_nothing() -> None:
    assert looks([np.nan] * 5, [np.nan] * 5) == []
    assert [one.n_a for one in looks([np.nan, 1.0], [np.nan, 2.0], looks=3)] == [1]
