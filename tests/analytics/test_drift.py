"""Two samples, column by column: against scipy, published figures, all relabellings counted, and laws."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from analytics import categories, distributions, drift, embedded, relabelling, stability
from analytics.drifted import BY_RANKS, EFFECTS, Drift, Options
from analytics.relabelling import Two


def one(
    kind: Any, reference: Any, current: Any, clusters: Any = None, options: Options | None = None, failed: Any = None
) -> Drift:
    return drift.drift({"x": drift.column(kind, reference, current, failed)}, clusters, options)[0]


def codes(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


TABLES = [
    pytest.param((40, 30, 30), (30, 30, 45), id="three"),
    pytest.param((300, 5, 95), (150, 50, 0), id="one-vanished"),
    pytest.param((10, 20), (400, 700), id="unequal-sizes"),
]


@pytest.mark.parametrize(("a", "b"), TABLES)
def test_chi_squared_and_the_distance_are_those_of_scipy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    found = categories.shift(Two(codes(*a), codes(*b), len(a)), [*"abc"][: len(a)])
    oracle = stats.chi2_contingency([a, b], correction=False)
    assert found.statistic == pytest.approx(oracle.statistic)
    assert found.distance == pytest.approx(distance.jensenshannon(a, b, base=2))
    assert found.p == pytest.approx(oracle.pvalue)


def test_few_rows_of_categories_are_relabelled() -> None:
    a, b = (9, 1, 2), (2, 6, 4)
    found = categories.shift(Two(codes(*a), codes(*b), 3), ["a", "b", "c"])
    oracle = stats.chi2_contingency([a, b], correction=False, method=stats.PermutationMethod(n_resamples=4000, rng=1))
    assert found.test == "chi-squared permutation test"
    assert found.p == pytest.approx(oracle.pvalue, abs=0.012)


def test_the_rarest_of_very_many_categories_are_tested_as_one() -> None:
    rng = np.random.default_rng(1)
    a, b = (np.minimum(rng.zipf(1.3, 20_000), 9_000) for _ in range(2))
    same = one("categorical", a.astype(str), b.astype(str))
    moved = one("categorical", a.astype(str), np.where(rng.random(b.size) < 0.1, 7, b).astype(str))
    assert (same.verdict, moved.verdict) == ("no drift", "drift")
    assert same.test == "chi-squared permutation test, rarest as one"
    assert same.p is not None
    assert same.p > 0.05
    assert moved.moved[0][0] == "7"


def test_names_that_each_row_has_alone_tell_nothing() -> None:
    found = one("categorical", [f"a{at}" for at in range(99)], [f"b{at}" for at in range(99)])
    assert (found.verdict, found.p) == ("insufficient data", None)
    assert found.why == "0 rows have a value that another row has too, and 30 are the least"


def test_new_and_vanished_categories_are_named_the_most_frequent_first() -> None:
    found = one("categorical", ["a"] * 50 + ["b"] * 30 + ["z"], ["a"] * 50 + ["d"] * 9 + ["c"] * 20)
    assert (found.new, found.vanished) == (("c", "d"), ("b", "z"))
    assert found.moved[0][0] == "b"
    assert sum(gap for _, gap in found.moved) == pytest.approx(0)


@pytest.mark.parametrize(("seed", "rows"), [(0, 80), (1, 80), (2, 80), (3, 6000)])
def test_ks_and_wasserstein_are_those_of_scipy(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1, rows), rng.normal(0.4 * 80 / rows, 1 + 40 / rows, rows + 50)
    found = distributions.move(a, b, None)
    oracle = stats.ks_2samp(a, b)
    assert (found.statistic, found.p) == pytest.approx((oracle.statistic, oracle.pvalue))
    assert found.distance == pytest.approx(stats.wasserstein_distance(a, b) / a.std(ddof=1))


def test_tied_numbers_are_relabelled() -> None:
    """Grades of 1 to 5, of which KS's own distribution is too careful."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(1, 6, 200).astype(float), np.minimum(rng.integers(1, 7, 200), 5).astype(float)
    found = distributions.move(a, b, None)

    def gap(x: np.ndarray, y: np.ndarray) -> float:
        return float(stats.ks_2samp(x, y, method="asymp").statistic)

    oracle = stats.permutation_test((a, b), gap, n_resamples=500, alternative="greater", rng=1)
    assert found.p == pytest.approx(oracle.pvalue, abs=0.03)
    assert found.p < stats.ks_2samp(a, b).pvalue


@pytest.mark.parametrize(
    ("shift", "verdict"), [pytest.param(0.8, "drift", id="much"), pytest.param(0.09, "no drift", id="below-the-floor")]
)
def test_heavy_tails_hide_no_move(shift: float, verdict: str) -> None:
    """Cauchy's distribution, of which one value can make the whole standard deviation."""
    a, b = stats.cauchy.rvs(size=(2, 20_000), random_state=1)
    found = one("numeric", a, b + shift)
    assert found.verdict == verdict
    assert found.p is not None
    assert found.p < 0.01
    assert found.effect_name == BY_RANKS
    assert found.statistic == pytest.approx(2 * stats.norm.cdf((found.effect or 0) / 2) - 1)
    normal = stats.norm.rvs(size=(2, 2000), random_state=1)
    assert one("numeric", normal[0], normal[1] + 9e3).effect_name == EFFECTS["numeric"]


def test_a_shift_of_half_a_deviation_is_an_effect_of_half() -> None:
    a = np.random.default_rng(1).normal(7, 2, 500)
    assert distributions.standardised(a, a + a.std(ddof=1) / 2) == pytest.approx(0.5)
    assert distributions.standardised(np.ones(5), np.ones(9)) is None
    assert distributions.standardised(np.ones(5), np.full(9, 2.0)) is not None


def test_the_threshold_of_psi_is_the_published_one() -> None:
    """Ten bins, 200 rows a side: 0.1692 at 5 %, 0.2167 at 1 %; and 0.0338 at 1,000 rows."""
    for rows, alpha, expected in ((200, 0.05, 0.1692), (200, 0.01, 0.2167), (1000, 0.05, 0.0338)):
        two = Two(np.arange(rows) % 10, np.arange(rows) % 10, 10)
        assert stability.index(two, alpha).threshold == pytest.approx(expected, abs=5e-5)


def test_psi_by_its_formula_with_edges_that_the_reference_froze() -> None:
    reference, current = np.arange(1000.0), np.arange(500.0, 1500.0)
    frozen = stability.edges(reference)
    counts = [np.bincount(stability.placed(side, frozen), minlength=10) for side in (reference, current)]
    assert counts[0].tolist() == [100] * 10
    assert counts[1].tolist() == [0] * 5 + [100] * 4 + [600]
    p, q = ((side + 0.5) / (1000 + 5) for side in counts)
    two = Two(stability.placed(reference, frozen), stability.placed(current, frozen), 10)
    assert stability.index(two).value == pytest.approx(sum((q - p) * np.log(q / p)))


def test_few_distinct_values_have_fewer_bins() -> None:
    assert stability.edges(np.array([1.0] * 50 + [2.0] * 50)).tolist() == [1.0]
    assert stability.edges(np.full(9, np.nan)).size == 0


@pytest.mark.parametrize(
    ("clusters", "few"),
    [
        pytest.param(([0, 0, 1, 2], [3, 4, 4, 4]), 10, id="apart"),
        pytest.param(([0, 0, 1, 2], [0, 1, 2, 2]), 8, id="shared"),
        pytest.param(([0, 0, 1, 2], [0, 3, 4, 4]), 12, id="some-shared"),
    ],
)
def test_draws_are_all_relabellings_of_whole_clusters(clusters: tuple[list[int], list[int]], few: int) -> None:
    a, b = np.array([0, 1, 1, 0]), np.array([2, 0, 1, 2])
    own = tuple(np.array(side) for side in clusters)
    two = Two(a, b, 3, own)
    expected = {tuple(one) for one in enumerated(a, b, own)}
    reference, current = two.drawn(2000, seed=1)
    assert {tuple(row) for row in current.astype(int).tolist()} == expected
    assert (reference + current == two.counts()[0] + two.counts()[1]).all()
    assert two.least() == pytest.approx(1 / few)


def enumerated(a: np.ndarray, b: np.ndarray, own: tuple[np.ndarray, ...]) -> list[list[int]]:
    """Counts of the current side in every relabelling, one by one."""
    first, second = set(own[0].tolist()), set(own[1].tolist())
    shared, single = sorted(first & second), sorted(first ^ second)
    found = []
    for swapped in product([False, True], repeat=len(shared)):
        for chosen in combinations(single, len(second - first)):
            rows = [*a[np.isin(own[0], chosen)], *b[np.isin(own[1], chosen)]]
            for cluster, swap in zip(shared, swapped, strict=True):
                rows += [*(a[own[0] == cluster] if swap else b[own[1] == cluster])]
            found.append(np.bincount(np.array(rows, int), minlength=3).tolist())
    return found


@pytest.mark.parametrize("p", [0.2, 0.02, 1e-3, 1e-5])
def test_small_p_values_go_on_along_the_tail(p: float) -> None:
    """2,000 draws of chi-squared with 5 degrees of freedom tell a p of 1e-5 within a factor of 5."""
    draws = np.random.default_rng(1).chisquare(5, 2000)
    found = relabelling.p_value(float(stats.chi2.isf(p, 5)), draws)
    assert np.log(found / p) == pytest.approx(0, abs=np.log(1.2 if p > 0.01 else 5))


def test_a_p_value_is_not_below_what_so_few_clusters_can_give() -> None:
    assert relabelling.p_value(1e6, np.zeros(500), least=1 / 70) == pytest.approx(1 / 70)


def test_the_kernel_statistic_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 1, (12, 3)), rng.normal(0.5, 1, (9, 3))
    width = np.median(distance.pdist(np.vstack([a, b]), "sqeuclidean"))

    def mean(x: np.ndarray, y: np.ndarray, same: bool) -> float:
        kernel = np.exp(-distance.cdist(x, y, "sqeuclidean") / width)
        return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))) if same else float(kernel.mean())

    expected = mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)
    assert embedded.discrepancy(a, b, None).squared == pytest.approx(expected)


def test_a_classifier_tells_far_embeddings_apart_and_its_auc_is_that_of_ranks() -> None:
    rng = np.random.default_rng(2)
    found = embedded.told_apart(rng.normal(0, 1, (80, 5)), rng.normal(2, 1, (80, 5)), None)
    assert found.auc > 0.95
    assert found.p is not None
    assert found.p < 1e-10
    assert sum(found.tested) == 80


@pytest.mark.parametrize(
    ("kind", "clustered"),
    [(kind, clustered) for kind in ("rate", "numeric", "categorical", "embedding") for clustered in (False, True)],
)
def test_p_values_of_no_change_are_not_too_small(kind: str, clustered: bool) -> None:
    """40 samples of 12 clusters of 6 a side: at 20 %, 2 to 15 of 40 reject (1 in 300 tests has another number).

    Rows that are taken for independent, though their clusters are alike, reject in half.
    """
    rng, rejected = np.random.default_rng(11), 0
    own = (np.arange(72) // 6, 100 + np.arange(72) // 6) if clustered else None
    for seed in range(40):
        sides = [np.repeat(rng.normal(0, 1, 12), 6) * clustered + rng.normal(0, 1, 72) for _ in range(2)]
        values = {
            "rate": lambda x: (x > 0.5).astype(float),
            "numeric": lambda x: x,
            "categorical": lambda x: np.array(["a", "b", "c"], object)[np.digitize(x, [-1, 0.5])],
            "embedding": lambda x: np.column_stack([x, rng.normal(0, 1, 72)]),
        }[kind]
        found = one(kind, *(values(side) for side in sides), own, Options(seed=seed))
        assert found.p is not None
        rejected += found.p < 0.2
    assert 2 <= rejected <= 15


@pytest.mark.parametrize(
    ("kind", "reference", "current", "clusters", "why"),
    [
        pytest.param("rate", [0, 1] * 10, [1] * 40, None, "the reference sample has 20 rows", id="few-rows"),
        pytest.param("numeric", [1.0] * 40, [], None, "the current sample has 0 rows", id="none"),
        pytest.param("numeric", [1.0, 2] * 40, [None] * 40, None, "the current sample has 0 rows", id="all-null"),
        pytest.param(
            "numeric", np.arange(40.0), np.arange(40.0) + 99, (np.arange(40), np.arange(40) // 10 + 50),
            "the current sample has 4 clusters, and 8 are the least", id="few-clusters",
        ),
    ],
)  # fmt: skip
def test_too_little_is_never_no_drift(kind: str, reference: Any, current: Any, clusters: Any, why: str) -> None:
    found = one(kind, reference, current, clusters)
    assert (found.verdict, found.p, found.p_adjusted) == ("insufficient data", None, None)
    assert found.why.startswith(why)


def test_rows_without_a_value_are_a_signal_of_their_own() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.normal(0, 1, 200), rng.normal(0, 1, 200)
    current[:40] = np.nan
    failed = (np.zeros(200, bool), np.arange(200) < 30)
    found = one("numeric", reference, current, failed=failed)
    assert (found.verdict, found.n_current) == ("no drift", 160)
    assert found.gaps is not None
    assert (found.gaps.verdict, found.gaps.current, found.gaps.failed_current) == ("drift", 0.2, 30)
    assert one("numeric", reference, rng.normal(0, 1, 200)).gaps is None


def test_a_sure_change_below_the_floor_is_no_drift() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(0, 1, 20_000), rng.normal(0.05, 1, 20_000)
    found = one("numeric", a, b)
    assert found.p_adjusted is not None
    assert found.p_adjusted < 1e-3
    assert found.effect == pytest.approx(0.05, abs=0.03)
    assert found.verdict == "no drift"
    assert one("numeric", a, b, options=Options(floors={"x": 0.02})).verdict == "drift"


def test_p_values_are_adjusted_over_columns_and_gaps() -> None:
    rng = np.random.default_rng(8)
    reference, current = rng.normal(0, 1, (5, 60)), rng.normal(0.3, 1, (5, 60))
    current[0, :20] = np.nan
    columns = {f"c{at}": drift.column("numeric", reference[at], current[at]) for at in range(5)}
    found = drift.drift(columns)
    ps = [each.p for each in found] + [found[0].gaps.p]  # type: ignore[union-attr]  # there are gaps
    expected = stats.false_discovery_control(np.array(ps, float))
    assert [each.p_adjusted for each in found] == pytest.approx(expected[:5].tolist())
    assert found[0].gaps.p_adjusted == pytest.approx(expected[5])  # type: ignore[union-attr]


ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=10, max_size=40)


@settings(max_examples=25, deadline=None)
@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_of_samples_matters(a: Any, b: Any, random: Any) -> None:
    """Samples swapped: effects and statistics stay, differences turn their signs."""
    options = Options(least_rows=5, least_clusters=2)

    def found(first: Any, second: Any) -> dict:
        sides = [np.array([row[0] for row in side], float) for side in (first, second)]
        own = tuple([row[1] for row in side] for side in (first, second))
        return asdict(one("numeric", *sides, own, options))

    plain, swapped = found(a, b), found(b, a)
    shuffled = [random.sample(side, len(side)) for side in (a, b)]
    again = found(*shuffled)
    assert again["p"] == plain["p"]
    for name in ("statistic", "effect", "difference", "psi"):
        assert again[name] == pytest.approx(plain[name], abs=1e-9)
    assert swapped["statistic"] == pytest.approx(plain["statistic"])
    assert swapped["difference"] == pytest.approx(-plain["difference"], abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_what_is_settled_early_has_the_verdict_of_all_draws(shift: float) -> None:
    """Below the bound nothing is told by fewer draws; above it p stays above."""
    rng = np.random.default_rng(int(100 * shift))
    values = rng.normal(size=400), rng.normal(size=200) + shift
    sessions = rng.integers(0, 100, 400), 100 + rng.integers(0, 50, 200)
    (whole,), (few,) = (
        drift.drift({"x": drift.column("numeric", *values)}, sessions, Options(settled=settled))
        for settled in (None, 0.05)
    )
    assert whole.p is not None
    assert few.p is not None
    assert (few.p == whole.p) if whole.p < 0.05 else few.p >= 0.05
    assert few.p == pytest.approx(whole.p, rel=0.4)


def test_labels_that_are_dealt_are_as_many_and_fall_anywhere() -> None:
    dealt = relabelling.dealt(np.random.default_rng(1), 5_000, 20, 7)
    assert set(dealt.sum(axis=1).tolist()) == {7}
    together = (dealt.T.astype(float) @ dealt) / 5_000
    assert np.diag(together) == pytest.approx(np.full(20, 7 / 20), abs=0.03)
    pairs = together[~np.eye(20, dtype=bool)]
    assert pairs == pytest.approx(np.full(pairs.size, 7 * 6 / (20 * 19)), abs=0.03)


def test_indices_that_no_verdict_is_by_may_be_left_out() -> None:
    rng = np.random.default_rng(3)
    column = drift.column("numeric", rng.normal(size=300), rng.normal(size=300))
    with_them, without = (drift.drift({"x": column}, None, Options(beside=beside))[0] for beside in (True, False))
    assert with_them.psi is not None
    assert without == replace(with_them, psi=None, psi_threshold=None, psi_p=None)
