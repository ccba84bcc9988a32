"""PPI++ against the published form counted by hand, its strata and differences against resampling, and its plan."""

from __future__ import annotations

import numpy as np
import pytest

from analytics import prediction_powered as ppi
from analytics.misclassified import Counts, rogan_gladen
from analytics.prediction_powered import Rows

LABELS, SCORES = [1.0, 0, 1, 1], [0.9, 0.2, 0.8, 0.6, 0.5, 0.7, 0.9, 0.3, 0.6, 0.8]
SMALL = Rows(np.array(LABELS + [np.nan] * 6), np.array(SCORES), np.arange(10))


def drawn(
    n: int, total: int, seed: int = 0, *, sensitivity: float = 0.9, false: float = 0.3
) -> tuple[Rows, np.ndarray]:
    """A judge that is too kind, over three strata of other rates; the first `n` of the rows are labelled."""
    rng = np.random.default_rng(seed)
    strata = rng.integers(0, 3, total)
    truth = (rng.random(total) < np.array([0.3, 0.6, 0.9])[strata]).astype(float)
    judge = (rng.random(total) < np.where(truth == 1, sensitivity, false)).astype(float)
    human = np.where(np.arange(total) < n, truth, np.nan)
    return Rows(human, judge, np.arange(total)), strata


def test_the_published_estimate_and_interval() -> None:
    """As ppi_py says it with lam = 1."""
    found = ppi.powered(SMALL, 1.0).estimate(normal=True)
    assert found.value == pytest.approx(0.758333, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.493918, 1.022749), abs=1e-6)


def test_the_weight_is_the_papers() -> None:
    rows, _ = drawn(200, 2000)
    there = rows.labelled
    human, score, rest = rows.human[there], rows.judge[there], rows.judge[~there]
    tuned = np.cov(human, score, ddof=0)[0, 1] / ((1 + 200 / 1800) * np.var(np.r_[score, rest], ddof=1))
    found = ppi.powered(rows)
    assert found.tuned == pytest.approx(tuned)
    assert found.value == pytest.approx(tuned * rest.mean() + (human - tuned * score).mean())
    spread = tuned**2 * rest.var() / 1800 + (human - tuned * score).var() / 200
    told = found.estimate(normal=True)
    assert told.high is not None
    assert told.high - found.value == pytest.approx(1.959964 * np.sqrt(spread), rel=1e-6)


@pytest.mark.parametrize(
    ("rows", "weight"),
    [
        pytest.param(Rows(SMALL.human, np.ones(10), np.arange(10)), 0.0, id="a-judge-that-says-one-thing"),
        pytest.param(Rows(SMALL.human, 1 - SMALL.judge, np.arange(10)), 0.0, id="a-judge-that-is-against-people"),
        pytest.param(SMALL.of(SMALL.labelled), 0.0, id="every-row-has-a-label"),
        pytest.param(Rows(SMALL.human, SMALL.judge / 100, np.arange(10)), 1.0, id="clipped"),
    ],
)
def test_the_weight_lies_between_0_and_1(rows: Rows, weight: float) -> None:
    found = ppi.powered(rows)
    assert found.tuned == weight
    if weight == 0:
        assert found.value == pytest.approx(0.75)


def test_a_good_judge_narrows_the_interval_and_a_poor_one_does_not_widen_it() -> None:
    widths = {}
    for name, (sensitivity, false) in {"good": (0.98, 0.05), "fair": (0.9, 0.3), "none": (0.5, 0.5)}.items():
        rows, _ = drawn(200, 4000, sensitivity=sensitivity, false=false)
        both = [one.estimate(share=True) for one in (ppi.powered(rows), ppi.labelled(rows))]
        widths[name] = (both[0].high - both[0].low) / (both[1].high - both[1].low)  # type: ignore[operator]  # bounds
    assert widths["good"] < 0.5 < widths["fair"] < 0.95 < widths["none"] < 1.03


def test_strata_may_be_labelled_unevenly() -> None:
    """Ten times as many labels in the stratum of low rates: the plain estimate is off, the stratified one is not."""
    rng = np.random.default_rng(2)
    misses, within = [], 0
    for seed in range(60):
        rows, strata = drawn(3000, 3000, seed)
        asked = rng.random(3000) < np.where(strata == 0, 0.3, 0.05)
        rows = Rows(np.where(asked, rows.human, np.nan), rows.judge, rows.clusters)
        found = ppi.stratified(rows, ppi.pooled(rows, strata)).estimate(share=True)
        misses.append(ppi.powered(rows).value - 0.6)
        within += found.low <= 0.6 <= found.high  # type: ignore[operator]  # it has bounds
    assert np.mean(misses) < -0.04
    assert within >= 53


def test_strata_of_few_labels_are_put_together() -> None:
    labels = np.array([1.0] * 12 + [np.nan] * 5 + [0, 1.0, 1.0])
    strata = np.array([0] * 12 + [1] * 5 + [2, 2, 3], np.intp)
    found = ppi.pooled(Rows(labels, np.ones(20), np.arange(20)), strata)
    assert np.unique(found).tolist() == [0]
    labels = np.array([1.0] * 30)
    strata = np.array([0] * 14 + [1] * 6 + [2] * 10, np.intp)
    found = ppi.pooled(Rows(labels, np.ones(30), np.arange(30)), strata)
    assert [np.unique(found[strata == at]).tolist() for at in range(3)] == [[1], [0], [0]]


def test_a_difference_over_the_same_items_knows_it() -> None:
    """Two variants that answer the same items alike: their difference is surer than of two samples."""
    rows, _ = drawn(200, 2000)
    other = Rows(rows.human, np.where(np.arange(2000) % 17 == 0, 1 - rows.judge, rows.judge), rows.clusters)
    same = ppi.powered(other).plus(ppi.powered(rows).times(-1)).estimate()
    apart = Rows(other.human, other.judge, other.clusters + 2000)
    independent = ppi.powered(apart).plus(ppi.powered(rows).times(-1)).estimate()
    assert same.value == pytest.approx(independent.value)
    assert same.high - same.low < 0.6 * (independent.high - independent.low)  # type: ignore[operator]  # bounds


def test_clusters_widen_the_interval() -> None:
    rows, _ = drawn(200, 2000)
    doubled = Rows(np.repeat(rows.human, 4), np.repeat(rows.judge, 4), np.repeat(rows.clusters, 4))
    alone, whole = (ppi.powered(one).estimate() for one in (rows, doubled))
    assert (whole.low, whole.high) == pytest.approx((alone.low, alone.high), rel=0.01)


def test_the_plan_is_what_so_many_labels_give() -> None:
    rows, _ = drawn(100, 5000)
    found = ppi.plan(rows, 0.08)
    assert found is not None
    assert found.labels is not None
    assert found.more == found.labels - 100
    assert found.labels < found.without_judge
    widths = []
    for seed in range(20):
        again, _ = drawn(found.labels, 5000, seed)
        told = ppi.powered(again).estimate()
        widths.append(told.high - told.low)  # type: ignore[operator]  # it has bounds
    assert np.mean(widths) == pytest.approx(0.08, rel=0.1)


@pytest.mark.parametrize(
    ("rows", "width", "labels"),
    [
        pytest.param(drawn(100, 400)[0], 0.001, None, id="not-of-so-few-rows"),
        pytest.param(drawn(300, 400)[0], 0.5, 300, id="there-are-enough"),
    ],
)
def test_plans_at_the_ends(rows: Rows, width: float, labels: int | None) -> None:
    found = ppi.plan(rows, width)
    assert found is not None
    assert (found.labels is None) == (labels is None)
    assert found.more in {None, 0}


def test_a_judge_without_weight_leaves_the_labels_interval() -> None:
    """All rows with a label agree, and one row has none."""
    rows = Rows(np.array([1.0, 1, 1, np.nan]), np.array([1.0, 1, 1, 0]), np.arange(4))
    alone, both = ppi.labelled(rows).estimate(share=True), ppi.powered(rows).estimate(share=True)
    assert (both.value, both.low, both.high) == (alone.value, alone.low, alone.high)
    assert both.low is not None
    assert both.low < 0.5
    assert ppi.plan(rows, 0.1) is None


def test_one_label_has_no_plan_and_no_interval() -> None:
    rows = Rows(np.array([1.0, np.nan, np.nan]), np.array([1.0, 0, 1]), np.arange(3))
    assert ppi.plan(rows, 0.1) is None
    assert ppi.powered(rows).estimate().low is None


def test_labels_go_where_the_judge_is_wrong() -> None:
    human = np.array([1.0, 1, 1, 1, 0, 1, 0, 1])
    judge = np.array([1.0, 1, 1, 1, 1, 0, 0, 1])
    counts = ppi.allocation(Rows(human, judge, np.arange(8)), np.array([0, 0, 0, 0, 1, 1, 1, 1], np.intp), 10)
    assert list(counts) == [0, 10]
    assert sum(ppi.allocation(drawn(100, 900)[0], drawn(100, 900)[1], 101)) == 101


def test_rogan_gladen_is_the_authors() -> None:
    """Lee and others 2025: a judge of specificity .85 and sensitivity .9 that says .75."""
    found = rogan_gladen(Counts(750, 1000, 90, 100, 85, 100))
    assert not isinstance(found, str)
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.731632, 0.886894), abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        pytest.param(Counts(0, 0, 9, 10, 9, 10), "no row without a label", id="no-rows"),
        pytest.param(Counts(5, 10, 9, 10, 0, 0), "people said one thing alone", id="no-negatives"),
        pytest.param(Counts(5, 10, 4, 10, 5, 10), "no better than chance", id="chance"),
    ],
)
def test_rogan_gladen_says_why_there_is_none(counts: Counts, why: str) -> None:
    found = rogan_gladen(counts)
    assert isinstance(found, str)
    assert why in found


def test_rogan_gladen_stays_within_bounds() -> None:
    found = rogan_gladen(Counts(10, 1000, 90, 100, 85, 100))
    assert not isinstance(found, str)
    assert (found.value, found.low) == (0.0, 0.0)


def test_the_naive_interval_misses_and_the_corrected_hold() -> None:
    """A small share of what benchmarks/agreement.py draws."""
    held = dict.fromkeys(["judge", "ppi", "stratified"], 0)
    for seed in range(100):
        rows, strata = drawn(150, 1500, seed)
        made = {"judge": ppi.judged(rows), "ppi": ppi.powered(rows), "stratified": ppi.stratified(rows, strata)}
        for name, one in made.items():
            told = one.estimate(share=True)
            held[name] += told.low <= 0.6 <= told.high  # type: ignore[operator]  # it has bounds
    assert held["judge"] < 10
    assert min(held["ppi"], held["stratified"]) >= 89
