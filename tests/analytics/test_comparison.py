"""Comparisons of variants: what is paired, which test is taken, verdicts, and what must hold for any data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics import multiple, resampling
from analytics.compared import Compared, Metric, Options, frame
from analytics.comparison import compare
from analytics.samples import Samples, samples, side
from analytics.slices import sliced

RNG = np.random.default_rng(11)


def rows(a: Any, b: Any, *, items: Any = None, clusters: Any = None, other: bool = False, **more: Any) -> pd.DataFrame:
    """Two variants of one metric; `other`: of other items."""
    n, m = len(a), len(b)
    item = np.r_[np.arange(n), np.arange(m) + (1000 if other else 0)] if items is None else items
    found = {"variant": ["a"] * n + ["b"] * m, "item": item, "score": np.r_[a, b].astype(float), **more}
    return pd.DataFrame(found if clusters is None else {**found, "cluster": clusters})


def of(table: pd.DataFrame, **more: Any) -> Samples:
    cluster = "cluster" if "cluster" in table else None
    return samples(
        table, variant="variant", metrics=more.pop("metrics", ["score"]), item="item", cluster=cluster, **more
    )


def one(table: pd.DataFrame, options: Options | None = None, **metric: Any) -> Compared:
    [found] = compare(of(table), [Metric("score", **{"better": "higher", **metric})], options)
    return found


# Which test


def test_pairs_of_means_are_the_paired_t_test() -> None:
    a = RNG.normal(size=40)
    b = a + RNG.normal(0.2, 0.5, 40)
    found, expected = one(rows(a, b)), stats.ttest_rel(b, a)
    assert (found.test, found.paired, found.n_a, found.n_b) == ("paired t test", True, 40, 40)
    assert (found.p, found.difference) == (pytest.approx(expected.pvalue), pytest.approx((b - a).mean()))
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.effect == pytest.approx((b - a).mean() / (b - a).std(ddof=1))


def test_other_items_are_welchs_test() -> None:
    a, b = RNG.normal(size=40), RNG.normal(0.3, 2, 70)
    found, expected = one(rows(a, b, other=True)), stats.ttest_ind(b, a, equal_var=False)
    assert (found.test, found.paired, found.p) == ("Welch's t test", False, pytest.approx(expected.pvalue))
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.effect == pytest.approx(
        (b.mean() - a.mean()) / np.sqrt((39 * a.var(ddof=1) + 69 * b.var(ddof=1)) / 108)
    )


def test_unpaired_as_asked_takes_the_same_names_for_other_items() -> None:
    a, b = RNG.normal(size=40), RNG.normal(0.3, 2, 40)
    found = one(rows(a, b), Options(paired=False))
    assert found.p == pytest.approx(stats.ttest_ind(b, a, equal_var=False).pvalue)


def test_pairs_of_shares_are_mcnemars_with_newcombes_interval() -> None:
    a = np.repeat([1, 1, 0, 0], [36, 2, 12, 0])
    b = np.repeat([1, 0, 1, 0], [36, 2, 12, 0])
    found = one(rows(a, b))
    assert (found.test, found.statistic) == ("exact McNemar test", "share")
    assert found.p == pytest.approx(stats.binomtest(2, 14).pvalue)
    assert (found.ci_low, found.ci_high) == (pytest.approx(0.0569, abs=5e-5), pytest.approx(0.3404, abs=5e-5))


def test_shares_of_other_items_are_newcombes() -> None:
    """statsmodels' confint_proportions_2indep(method="newcomb"): (0.0524, 0.3339)."""
    a, b = np.repeat([1, 0], [48, 32]), np.repeat([1, 0], [56, 14])
    found = one(rows(a, b, other=True))
    assert (found.ci_low, found.ci_high) == (pytest.approx(0.0524315, abs=1e-6), pytest.approx(0.3338727, abs=1e-6))
    assert found.p == pytest.approx(stats.chi2_contingency([[48, 32], [56, 14]], correction=False).pvalue)
    assert found.effect == pytest.approx(2 * np.arcsin(0.8**0.5) - 2 * np.arcsin(0.6**0.5))


def test_few_pairs_are_tested_exactly() -> None:
    a = [0.9, 0.8, 0.7, 0.95, 0.6, 0.85, 0.7, 0.9]
    b = [0.8, 0.75, 0.72, 0.9, 0.5, 0.8, 0.65, 0.85]
    found = one(rows(a, b))
    assert (found.test, found.p, found.verdict) == ("exact sign-flip permutation test", 0.015625, "worse")
    by_t = one(rows(a, b), Options(test="t"))
    assert (by_t.test, by_t.p) == ("paired t test", pytest.approx(0.004775, abs=1e-6))


def test_drawn_flips_are_of_the_seed() -> None:
    drawn = np.random.default_rng(4)
    a = drawn.normal(0, 1, 40)
    table = rows(a, a + drawn.normal(0.2, 1, 40))
    told = [one(table, Options(test="permutation", seed=seed)).p for seed in (0, 0, 1)]
    oracle = stats.ttest_rel(table["score"][40:], table["score"][:40]).pvalue
    assert told[0] == told[1] != told[2]
    assert told == pytest.approx([oracle] * 3, abs=0.02)


def test_skewed_values_are_bootstrapped_and_it_is_said() -> None:
    a = RNG.lognormal(0, 0.1, 60)
    table = rows(a, a + RNG.lognormal(0, 2, 60))
    found, by_t, drawn = one(table), one(table, Options(test="t")), one(table, Options(test="bootstrap"))
    assert found.test == "paired t test, widened by the BCa bootstrap"
    assert found.p == max(by_t.p, drawn.p)  # type: ignore[type-var]
    assert (found.ci_low, found.ci_high) == (by_t.ci_low, drawn.ci_high)
    assert "skewed" in found.notes[0]


def test_a_bootstrap_that_does_not_serve_says_so() -> None:
    found = one(rows(np.r_[np.zeros(39), 0.5], np.zeros(40)), Options(test="bootstrap"))
    assert found.test == "paired t test"
    assert "does not serve" in found.notes[0]


def test_a_quantile_of_other_items_is_that_of_latency() -> None:
    a, b = RNG.lognormal(0, 1, 400), RNG.lognormal(1, 1, 400)
    found = one(rows(a, b, other=True), q=0.95, better="lower")
    assert (found.statistic, found.verdict) == ("p95", "worse")
    assert found.difference == pytest.approx(np.quantile(b, 0.95) - np.quantile(a, 0.95))
    assert one(rows(a[:30], b[:30], other=True), q=0.95).verdict == "not enough data"


def test_pairs_make_a_quantile_surer() -> None:
    a = RNG.lognormal(0, 1, 400)
    b = a * RNG.lognormal(0.1, 0.05, 400)
    widths = [found.ci_high - found.ci_low for found in (one(rows(a, b), q=0.5), one(rows(a, b, other=True), q=0.5))]  # type: ignore[operator]
    assert widths[0] < 0.5 * widths[1]


def test_a_ratio_is_checked_by_the_bootstrap() -> None:
    a, b = RNG.lognormal(0, 0.5, 300), RNG.lognormal(0.5, 0.5, 300)
    table = rows(a, b).assign(ok=RNG.random(600) < 0.7)
    [found] = compare(of(table, metrics=["score", "ok"]), [Metric("score", "lower", per="ok")])
    assert (found.metric, found.statistic, found.verdict) == ("score/ok", "ratio", "worse")
    assert found.mean_b == pytest.approx(b.sum() / table["ok"][300:].sum())
    assert "bootstrap" in found.notes[0]
    table["ok"] = False
    [none] = compare(of(table, metrics=["score", "ok"]), [Metric("score", "lower", per="ok")])
    assert (none.difference, none.verdict) == (None, "not enough data")


def test_ordered_scores_are_ranked() -> None:
    a, b = RNG.integers(1, 5, 60), RNG.integers(2, 6, 60)
    apart, paired = one(rows(a, b, other=True), ordinal=True), one(rows(a, b), ordinal=True)
    assert (apart.p, apart.test) == (pytest.approx(stats.brunnermunzel(a, b).pvalue), "Brunner-Munzel test")
    assert paired.p == pytest.approx(stats.wilcoxon(b - a).pvalue)
    ranked = stats.rankdata(np.abs(b - a)[b != a]) * np.sign(b - a)[b != a]
    assert paired.effect == pytest.approx(ranked.sum() / np.abs(ranked).sum())


@pytest.mark.parametrize(
    ("sizes", "spreads"),
    [
        pytest.param((4, 8), (4, 1), id="few-of-wide-spread"),
        pytest.param((5, 5), (1, 1), id="alike"),
    ],
)
def test_few_of_other_spreads_are_no_finding(sizes: tuple[int, int], spreads: tuple[float, float]) -> None:
    """Relabelling alone finds a difference in 17 % of the first; of 150, a chance of 5.5 % gives at most 15."""
    rng = np.random.default_rng(5)
    found = [
        one(rows(*(rng.normal(0, *two) for two in zip(spreads, sizes, strict=True)), other=True)) for _ in range(150)
    ]
    assert {row.test for row in found} == {"Welch's t test, widened by the exact permutation test"}
    assert sum(row.verdict in {"better", "worse"} for row in found) <= 15
    assert all(row.ci_low * row.ci_high > 0 for row in found if row.verdict in {"better", "worse"})  # type: ignore[operator]


def test_relabelling_as_asked_is_the_exact_test() -> None:
    a, b = FEW
    found, widened = one(rows(a, b, other=True), Options(test="permutation")), one(rows(a, b, other=True))
    expected = stats.permutation_test((b, a), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf, vectorized=False)
    assert (found.test, found.p) == ("exact permutation test", pytest.approx(expected.pvalue))
    assert widened.p == max(found.p, stats.ttest_ind(b, a, equal_var=False).pvalue)  # type: ignore[type-var]


FEW = np.array([0.9, 0.8, 0.7, 0.95]), np.array([0.5, 0.75, 0.72, 0.9, 0.4, 0.8])


@pytest.mark.parametrize("paired", [pytest.param(True, id="pairs"), pytest.param(False, id="others")])
def test_ordered_scores_have_the_side_of_their_ranks(paired: bool) -> None:
    """34 of 40 are lower, and the mean is higher."""
    found = one(rows([3] * 40, [2] * 34 + [10] * 6, other=not paired), ordinal=True)
    assert found.difference == pytest.approx(0.2)
    assert found.p is not None
    assert found.p < 0.01
    assert found.verdict == "worse"


def test_one_repeated_row_leaves_mcnemars_test() -> None:
    a, b = np.repeat([1, 1, 0, 0], [36, 2, 12, 10]), np.repeat([1, 0, 1, 0], [36, 2, 12, 10])
    table = rows(a, b)
    once, twice = one(table), one(pd.concat([table, table.iloc[[0]]]))
    assert (twice.test, twice.p, twice.ci_low) == ("exact McNemar test", once.p, once.ci_low)
    assert (once.notes, twice.notes) == ((), ("1 item has several rows, which were averaged.",))


def test_items_that_few_share_correlate_welchs_test() -> None:
    a, b, items = RNG.normal(size=40), RNG.normal(size=40), np.r_[np.arange(40), np.arange(25, 65)]
    found = one(rows(a, b, items=items))
    assert (found.test, found.paired) == ("Welch's t test, correlated by shared items", False)
    right = one(rows(a > 0, b > 0, items=items))
    assert (right.test, right.statistic) == ("Welch's t test, correlated by shared items", "share")
    assert "compared as means" in right.notes[0]


def test_unpaired_items_as_clusters_are_robust_by_item() -> None:
    """It is what the paired t test says, and its freedom: clusters that both sides have move them together."""
    a, b = RNG.normal(size=40), RNG.normal(0.3, 2, 40)
    found, expected = one(rows(a, b, clusters=[*range(40)] * 2), Options(paired=False)), stats.ttest_rel(b, a)
    assert (found.test, found.freedom) == ("cluster-robust t test by item", pytest.approx(39))
    assert found.p == pytest.approx(expected.pvalue)


# What counts as evidence


def test_sessions_of_each_variant_leave_pairs_as_pairs() -> None:
    """As if both variants' answers to a session's items were in one session: a0 and b0 share items 0 and 1."""
    common = RNG.normal(0, 2, 60)
    a, b, session = common + RNG.normal(0, 0.3, 60), common + RNG.normal(0.3, 0.3, 60), np.arange(60) // 2
    own = [f"{variant}{at}" for variant in "ab" for at in session]
    found, expected = one(rows(a, b, clusters=own)), one(rows(a, b, clusters=[*map(str, session)] * 2))
    assert (found.test, found.clusters_a, found.verdict) == ("cluster-robust paired t test", 30, "better")
    assert (found.p, found.ci_low, found.error) == near((expected.p, expected.ci_low, expected.error))
    assert "clusters that share an item were joined, which leaves 30" in found.notes[0]
    assert expected.notes == ()


def test_clusters_are_joined_through_others() -> None:
    """a0 = {0, 1}, b1 = {1, 2} and a2 = {2, 3} are one."""
    table = rows(RNG.normal(size=80), RNG.normal(size=80), clusters=[f"a{at // 2}" for at in range(80)] + B_SESSIONS)
    found = one(table)
    assert (found.clusters_a, found.clusters_b) == (20, 20)


B_SESSIONS = [f"b{at // 4 * 4 + (1 if at % 4 in {1, 2} else at % 4)}" for at in range(80)]


def test_unequal_clusters_have_the_freedom_that_they_count_for() -> None:
    """Kish's 70^2 / (20^2 + 50) = 10.9 clusters of 51; nothing is skewed."""
    codes = np.r_[np.zeros(20, int), np.arange(1, 51)]
    rng = np.random.default_rng(3)
    a, gaps = rng.normal(size=70), rng.normal(size=70)
    found = one(rows(a, a + gaps, clusters=[*codes] * 2))
    assert found.freedom == pytest.approx(70**2 / 450 - 1)
    summed = np.bincount(codes, gaps - gaps.mean()) / 70
    assert found.error == pytest.approx(np.sqrt(51 / 50 * np.square(summed).sum()))
    assert found.notes[0].startswith(
        "Clusters of a and b are of unequal sizes (the largest holds 29% of the items), so"
    )
    assert not any("skewed" in note for note in found.notes)


def test_unequal_clusters_are_not_called_skewed_values() -> None:
    """Each value is 0 or 1, and the largest cluster's sum makes the difference's skewness."""
    codes = np.r_[np.zeros(40, int), np.arange(1, 61)]
    gaps = np.r_[np.ones(30), np.zeros(10), np.tile([0, 0, 1], 20)]
    found = one(rows(np.zeros(100), 0.5 * gaps, clusters=[*codes] * 2))
    assert found.notes[0].startswith("Clusters of a and b are of unequal sizes (the largest holds 40% of the items)")
    assert not any("values are so skewed" in note for note in found.notes)
    assert "its clusters' sizes" in found.notes[1]


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        pytest.param({}, Options(), id="auto"),
        pytest.param({}, Options(test="t"), id="t"),
        pytest.param({}, Options(test="bootstrap"), id="bootstrap"),
        pytest.param({}, Options(paired=False), id="unpaired"),
        pytest.param({"ordinal": True}, Options(), id="ranks-of-pairs"),
        pytest.param({"ordinal": True}, Options(paired=False), id="ranks"),
        pytest.param({"per": "score"}, Options(), id="ratio"),
    ],
)
def test_one_cluster_of_nearly_all_items_tells_nothing(metric: dict[str, Any], options: Options) -> None:
    codes = np.r_[np.zeros(200, int), np.arange(1, 31)]
    found = one(rows(RNG.normal(size=230), RNG.normal(3, 1, 230), clusters=[*codes] * 2), options, **metric)
    assert (found.verdict, found.p, found.ci_low, found.notes) == ("not enough data", None, None, ())
    assert found.largest_a == pytest.approx(200 / 230)


def test_normal_values_are_seldom_taken_for_skewed() -> None:
    """By Cochran's rule alone 10 % of samples of 16; by chance a sample's skewness is above two errors in 4 %."""
    rng = np.random.default_rng(2)
    taken = ["BCa" in str(one(rows(np.zeros(16), rng.normal(size=16)), Options(draws=50)).test) for _ in range(150)]
    assert sum(taken) <= 14


def test_repeats_are_averaged_in_the_item_first() -> None:
    a, b = RNG.normal(size=(20, 3)), RNG.normal(1, 1, (20, 3))
    items = np.tile(np.repeat(np.arange(20), 3), 2)
    found = one(rows(a.ravel(), b.ravel(), items=items))
    expected = stats.ttest_rel(b.mean(axis=1), a.mean(axis=1))
    assert (found.n_a, found.p) == (20, pytest.approx(expected.pvalue))


def test_missing_and_failed_rows_are_counted_and_are_no_zeros() -> None:
    a, b = np.r_[RNG.normal(5, 1, 30), np.nan], np.r_[RNG.normal(5, 1, 29), np.nan, 7.0]
    table = rows(a, b).assign(failed=[False] * 10 + [True] + [False] * 51)
    [found] = compare(of(table, failed="failed"), [Metric("score")])
    assert (found.n_a, found.missing_a, found.failed_a, found.unpaired_a) == (28, 1, 1, 1)
    assert (found.n_b, found.missing_b, found.failed_b, found.unpaired_b) == (28, 1, 0, 2)
    kept = np.delete(np.arange(29), 10)
    assert found.mean_a == pytest.approx(a[kept].mean())


def test_a_user_in_both_variants_is_no_independent_evidence() -> None:
    users = RNG.normal(0, 3, 40)
    clusters = np.r_[np.repeat(np.arange(40), 5), np.repeat(np.arange(40), 5)]
    values = users[clusters] + RNG.normal(0, 1, 400) + np.r_[np.zeros(200), np.full(200, 0.5)]
    table = rows(values[:200], values[200:], clusters=clusters, other=True)
    found = one(table)
    assert found.test == "cluster-robust t test"
    apart = one(table.assign(cluster=np.r_[clusters[:200], 100 + clusters[200:]]))
    assert (found.ci_high - found.ci_low) < 0.5 * (apart.ci_high - apart.ci_low)  # type: ignore[operator]


def test_an_item_of_two_clusters_is_refused() -> None:
    table = rows([1, 2, 3], [1, 2, 4], items=[0, 0, 1, 0, 1, 2], clusters=list("xyzxyz"))
    with pytest.raises(ValueError, match="item 0 belong to several clusters"):
        one(table)


# Verdicts


@pytest.mark.parametrize(
    ("gap", "more", "options", "verdict"),
    [
        pytest.param(0.5, {}, Options(), "better", id="better"),
        pytest.param(-0.5, {}, Options(), "worse", id="worse"),
        pytest.param(-0.5, {"better": "lower"}, Options(), "better", id="lower-is-better"),
        pytest.param(0.5, {"better": None}, Options(), "higher", id="nobody-says-which-is-better"),
        pytest.param(0.0, {}, Options(), "no difference found", id="none"),
        pytest.param(0.0, {"margin": 0.1}, Options(), "non-inferior", id="non-inferior"),
        pytest.param(-0.05, {"margin": 0.1}, Options(), "non-inferior", id="worse-by-less-than-matters"),
        pytest.param(-0.5, {"margin": 0.1}, Options(), "worse", id="worse-by-more"),
        pytest.param(0.5, {"margin": 0.1}, Options(), "better", id="better-than-asked"),
        pytest.param(0.0, {"margin": 0.1}, Options(equivalence=True), "equivalent", id="equivalent"),
        pytest.param(0.0, {"margin": 0.001}, Options(equivalence=True), "no difference found", id="not-shown"),
    ],
)
def test_verdicts(gap: float, more: dict[str, Any], options: Options, verdict: str) -> None:
    a = np.sin(np.arange(200))
    assert one(rows(a, a + gap + 0.1 * np.cos(np.arange(200) * 2.7)), options, **more).verdict == verdict


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_items_have_no_verdict(n: int) -> None:
    found = one(rows(np.arange(n) * 1.0, np.arange(n) + 1 + 0.1 * np.arange(n)).pipe(lambda t: pd.concat([t, EMPTY])))
    assert found.verdict == "not enough data"
    assert found.n_a == n


EMPTY = pd.DataFrame({"variant": ["a", "b"], "item": [-1, -1], "score": [np.nan, np.nan]})


def test_p_values_are_adjusted_over_metrics_and_pairs() -> None:
    table = pd.DataFrame({"variant": np.repeat(list("abc"), 50), "item": np.tile(np.arange(50), 3)})
    table = table.assign(x=RNG.normal(size=150), y=RNG.normal(size=150))
    found = compare(of(table, metrics=["x", "y"]), [Metric("x"), Metric("y")], Options(adjust="bh"))
    assert [(row.metric, row.a, row.b) for row in found][:4] == [
        ("x", "a", "b"),
        ("x", "a", "c"),
        ("x", "b", "c"),
        ("y", "a", "b"),
    ]
    assert [row.p_adjusted for row in found] == pytest.approx(multiple.adjusted([row.p for row in found], "bh"))
    only = compare(of(table, metrics=["x"]), [Metric("x")], Options(baseline="c"))
    assert [(row.a, row.b) for row in only] == [("c", "a"), ("c", "b")]
    with pytest.raises(ValueError, match="No variant is named 'd'"):
        compare(of(table, metrics=["x"]), [Metric("x")], Options(baseline="d"))
    assert list(frame([]).columns) == list(frame(found).columns)


def mixed(gap: float, other: float, n: int = 60) -> Samples:
    """Two metrics whose differences are the same shape and not correlated, of these means."""
    first, second = (stats.zscore(np.sin(np.arange(n) * step), ddof=1) for step in (1.7, 2.9))
    table = rows(np.zeros(n), first + gap).assign(other=np.r_[np.zeros(n), second + other])
    return of(table, metrics=["score", "other"])


@pytest.mark.parametrize("equivalence", [False, True])
@pytest.mark.parametrize("method", ["holm", "bh"])
@pytest.mark.parametrize("gap", [-0.5, -0.27, -0.05, 0.0, 0.05, 0.27, 0.5])
@pytest.mark.parametrize("margin", [0.1, 0.3, 0.35])
def test_the_verdict_is_by_the_p_value_that_is_shown(margin: float, gap: float, method: Any, equivalence: bool) -> None:
    metrics = [Metric("score", "higher", margin=margin), Metric("other", "higher")]
    for row in compare(mixed(gap, 0.28), metrics, Options(adjust=method, equivalence=equivalence)):
        assert row.p_adjusted is not None
        assert (row.p_adjusted < 0.05) == (row.verdict != "no difference found")


def test_a_margin_elsewhere_makes_a_metric_no_less_sure() -> None:
    """A difference and one beyond the margin are not both absent, so that a metric with a margin counts once."""
    for margin in (None, 0.3):
        metrics = [Metric("score", "higher", margin=margin), Metric("other", "higher")]
        other = compare(mixed(0.1, 0.27), metrics)[1]
        assert other.p_adjusted == pytest.approx(2 * (other.p or 0))


def test_non_inferiority_is_one_sided_at_half_the_error() -> None:
    """The p-value is doubled, so that it says the same as the interval's lower end, at one threshold."""
    found = compare(mixed(-0.05, 0), [Metric("score", "higher", margin=0.35)])[0]
    gaps = stats.zscore(np.sin(np.arange(60) * 1.7), ddof=1) - 0.05
    expected = stats.ttest_1samp(gaps, -0.35, alternative="greater").pvalue
    assert found.p_margin == pytest.approx(2 * expected)
    assert (found.verdict, found.p, found.p_adjusted) == ("non-inferior", found.p_margin, found.p_margin)
    assert found.test == "non-inferiority within 0.35: paired t test"


def test_groups_count_once_while_any_of_them_is_left() -> None:
    """Shaffer's procedure: at most two of four null hypotheses are true at first, and one once "y" is through."""
    found = multiple.adjusted([0.01, 0.02, 0.03, 0.9], "holm", ["y", "y", "x", "x"])
    assert found == pytest.approx([0.02, 0.04, 0.04, 0.9])
    assert multiple.adjusted([0.01, 0.04], groups=["x", "y"]) == multiple.adjusted([0.01, 0.04])


def test_the_difference_that_would_be_found_is_found_in_80_percent() -> None:
    a = RNG.normal(size=2000)
    found = one(rows(a, a + RNG.normal(0, 1, 2000)))
    assert found.mde == pytest.approx(2.8 / 2000**0.5, rel=0.05)


def test_variants_that_agree_throughout_leave_something_possible() -> None:
    found = one(rows(np.ones(100), np.ones(100)))
    assert (found.p, found.verdict) == (1, "no difference found")
    assert found.mde is not None
    assert stats.binom.sf(5, 100, found.mde) == pytest.approx(0.8)  # the exact test takes six that differ
    assert (found.ci_low, found.ci_high) == (pytest.approx(-0.0370, abs=1e-4), pytest.approx(0.0370, abs=1e-4))


def test_pairs_without_an_item_in_common() -> None:
    found = one(rows([1, 2, 3], [1, 2, 4], other=True), Options(paired=True))
    assert (found.verdict, found.n_a, found.unpaired_a, found.unpaired_b) == ("not enough data", 0, 3, 3)


# For any data


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(4, 60))
    whole = draw(st.sampled_from([1, 4, 1000]))
    values = np.array(draw(st.lists(st.integers(0, whole), min_size=n, max_size=n)), float)
    items = np.array(draw(st.lists(st.integers(0, n // 2), min_size=n, max_size=n)))
    variants = np.array(draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n)))
    table = pd.DataFrame({"variant": variants, "item": items, "score": values})
    table.loc[:1, "variant"] = ["a", "b"]
    return table.assign(cluster=items % 7) if draw(st.booleans()) else table


KINDS: list[dict[str, Any]] = [{}, {"q": 0.5}, {"ordinal": True}]
near = pytest.approx


@settings(deadline=None, max_examples=60)
@given(table=tables(), kind=st.sampled_from(KINDS), paired=st.sampled_from([True, False, None]))
def test_swapping_the_variants_turns_signs_only(table: pd.DataFrame, kind: dict[str, Any], paired: bool | None) -> None:
    options = Options(paired=paired, draws=200)
    found = one(table, options, **kind)
    other = one(table.assign(variant=table["variant"].map({"a": "b", "b": "a"})), options, **kind)
    if found.difference is None or other.difference is None:
        assert found.difference == other.difference
        return
    assert other.difference == near(-found.difference, abs=1e-9)
    if found.test is None or "BCa" not in found.test:  # whose draws are others
        assert other.p == near(found.p, abs=1e-9)
        for mine, theirs in ((found.ci_low, other.ci_high), (found.ci_high, other.ci_low)):
            assert (mine is None) == (theirs is None)
            assert mine is None or -mine == near(theirs, abs=1e-7)


@settings(deadline=None, max_examples=40)
@given(table=tables(), kind=st.sampled_from(KINDS), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(table: pd.DataFrame, kind: dict[str, Any], seed: int) -> None:
    found, other = (
        one(rows_, Options(draws=200), **kind) for rows_ in (table, table.sample(frac=1, random_state=seed))
    )
    assert replace(found, notes=()) == near_row(replace(other, notes=()))


@settings(deadline=None, max_examples=40)
@given(table=tables())
def test_a_repeated_row_is_no_new_evidence(table: pd.DataFrame) -> None:
    """Every row twice: items, means and p-values are the same."""
    once, twice = (one(rows_, Options(test="t")) for rows_ in (table, pd.concat([table, table])))
    if once.statistic == "mean":
        assert (twice.p, twice.n_a, twice.ci_low) == (near(once.p), once.n_a, near(once.ci_low))


@settings(deadline=None, max_examples=40)
@given(table=tables(), shift=st.integers(-1000, 1000))
def test_adding_a_constant_changes_no_difference(table: pd.DataFrame, shift: int) -> None:
    found, other = (one(rows_, Options(test="t")) for rows_ in (table, table.assign(score=table["score"] + shift)))
    if found.statistic == other.statistic == "mean" and found.difference is not None:
        assert other.difference == near(found.difference, abs=1e-9)
        assert (other.p, other.verdict) == (near(found.p, abs=1e-9), found.verdict)


def near_row(found: Compared) -> Any:
    """Equal but for rounding."""
    floats = {
        name: near(value, abs=1e-9) for name in Compared.__slots__ if isinstance(value := getattr(found, name), float)
    }
    return _Near(found, floats)


class _Near:
    def __init__(self, found: Compared, floats: dict[str, Any]) -> None:
        self.found, self.floats = found, floats

    def __eq__(self, other: object) -> bool:
        return all(
            getattr(other, name) == self.floats.get(name, getattr(self.found, name)) for name in Compared.__slots__
        )

    __hash__ = None  # type: ignore[assignment]


# Draws


def test_draws_of_all_metrics_are_those_of_one() -> None:
    table = rows(RNG.normal(size=50), RNG.normal(1, 2, 50)).assign(other=RNG.random(100))
    found = of(table, metrics=["score", "other"])
    sides = [[side(found, at, metric) for at in (0, 1)] for metric in ("score", "other")]
    draws = resampling.together(sides, 4000, seed=1)
    assert draws.shape == (4000, 2, 2)
    gaps = draws[:, 0, 1] - draws[:, 0, 0]
    exact = (table["score"][50:].to_numpy() - table["score"][:50].to_numpy()).std() / 50**0.5
    assert gaps.std() == pytest.approx(exact, rel=0.05)
    assert draws[:, 1].mean(axis=0) == pytest.approx(table.groupby("variant")["other"].mean().to_numpy(), abs=0.01)


def test_draws_of_other_items_know_nothing_of_each_other() -> None:
    found = of(rows(RNG.normal(size=50), RNG.normal(size=50), other=True))
    draws = resampling.together([[side(found, at, "score") for at in (0, 1)]], 4000)
    assert abs(np.corrcoef(draws[:, 0, 0], draws[:, 0, 1])[0, 1]) < 0.05


# Slices


def test_simpsons_paradox_is_found() -> None:
    """Kidney stones (Charig et al. 1986): 78 against 83 % over all, and the first is better in both sizes of stone."""
    counts = [("a", "small", 81, 87), ("a", "large", 192, 263), ("b", "small", 234, 270), ("b", "large", 55, 80)]
    table = pd.DataFrame(
        [
            {"variant": variant, "size": size, "score": float(at < hits)}
            for variant, size, hits, n in counts
            for at in range(n)
        ]
    )
    found = samples(table, variant="variant", metrics=["score"])
    decided, [paradox] = sliced(found, table["size"].tolist(), [Metric("score", "higher")], Options(level=0.8))
    assert [(row.slice, row.n_a) for row in decided] == [(None, 350), ("large", 263), ("small", 87)]
    assert (paradox.total, paradox.slices, paradox.against) == (pytest.approx(289 / 350 - 273 / 350), 2, 2)
    weights = np.array([343, 357]) / 700
    assert paradox.alike == pytest.approx(weights @ [55 / 80 - 192 / 263, 234 / 270 - 81 / 87])
    assert [row.p_adjusted for row in decided] == pytest.approx(multiple.adjusted([row.p for row in decided]))


def test_slices_that_agree_are_no_paradox() -> None:
    table = rows(RNG.normal(0, 1, 200), RNG.normal(1, 1, 200), other=True)
    _, found = sliced(of(table), ["x", "y", None, float("nan")] * 100, [Metric("score", "higher")])
    assert found == []
