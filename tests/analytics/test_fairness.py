"""Paired tests, corrections, slices, suites of stereotypes: by published figures, scipy's tests, recorded answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics.fairness import Part, Slice, Whole, counterfactual, slices, slices_of_sums
from analytics.multiple import adjusted
from analytics.paired import flip_test, paired
from analytics.stereotypes import BbqRow, bbq, bbq_target, stereotype_share
from evaluators.checks.choice import chosen

RECORDED = Path(__file__).parents[1] / "evaluators" / "data" / "bbq.jsonl.gz"

# Corrections


def test_holm_of_its_article() -> None:
    """Four hypotheses, as in Wikipedia's example: at .05 the fourth and the first are rejected."""
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_bh_is_scipys(ps: list[float]) -> None:
    assert adjusted(ps, "bh") == pytest.approx(stats.false_discovery_control(ps).tolist())


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=10))
def test_corrections_raise_p_and_keep_its_order(ps: list[float | None]) -> None:
    for method in ("holm", "bh"):
        found = adjusted(ps, method)
        pairs = [(a, b) for a, b in zip(ps, found, strict=True) if a is not None and b is not None]
        assert [one is None for one in found] == [one is None for one in ps]
        assert all(a <= b <= 1 for a, b in pairs)
        assert [b for _, b in sorted(pairs)] == sorted(b for _, b in pairs)


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjusted([1.2])
    with pytest.raises(ValueError, match="holm or bh"):
        adjusted([0.1], "none")


# Paired

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)


def test_flips_of_fishers_example() -> None:
    """Fisher 1935, The Design of Experiments, section 21: Darwin's maize; 1,726 of 32,768 flips are as extreme."""
    assert flip_test(DARWIN) == pytest.approx(1726 / 32768)


@settings(max_examples=15)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9))
def test_flips_are_scipys(values: list[int]) -> None:
    expected = (
        stats.permutation_test(
            (np.array(values, float),), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        if any(values)
        else None
    )
    assert flip_test(np.array(values, float)) == pytest.approx(1.0 if expected is None else min(expected.pvalue, 1.0))


def test_paired_finds_what_is_there_and_says_what_it_could_have_seen() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, 80)
    there = paired(first, first + 0.5 + rng.normal(0, 0.5, 80))
    assert there.finding == "differs"
    assert there.effect.low is not None
    assert there.effect.low > 0
    absent = paired(first, first + rng.normal(0, 0.5, 80))
    assert absent.finding == "no difference found"
    assert absent.detectable == pytest.approx((stats.t.ppf(0.975, 79) + stats.norm.ppf(0.8)) * 0.5 / 80**0.5, rel=0.2)


def test_few_pairs_are_not_enough() -> None:
    found = paired([0.0] * 29, [1.0] * 29)
    assert (found.finding, found.p, found.effect.value) == ("not enough", None, 1)
    assert paired([], []).effect.value is None


def test_no_bound_lies_beyond_what_a_difference_can_be() -> None:
    wide, bounded = (paired([0.0, 0.0], [0.0, 1.0], reach=reach).effect for reach in (None, 1))
    assert wide.low is not None
    assert wide.low < -1
    assert (bounded.value, bounded.low, bounded.high) == (0.5, -1, 1)


def test_no_difference_at_all_still_leaves_doubt() -> None:
    found = paired([1.0] * 50, [1.0] * 50, reach=1)
    assert (found.p, found.finding, found.effect.value) == (1, "no difference found", 0)
    assert found.effect.high == pytest.approx(1 - 0.05 ** (1 / 50))
    assert paired([1.0] * 50, [1.0] * 50).effect.high is None


def test_rows_of_one_question_count_once() -> None:
    rng = np.random.default_rng(3)
    gaps = rng.normal(0, 1, 40)
    once = paired(np.zeros(40), gaps)
    often = paired(np.zeros(200), np.repeat(gaps, 5), np.repeat(np.arange(40), 5))
    assert (often.p, often.effect) == (once.p, once.effect)


def swapped(questions: int, source: str, target: str, original: float, other: float) -> list[dict[str, object]]:
    return [
        {
            "question": f"{source}{at}", "axis": "gender", "source": source, "target": target, "measure": "refused",
            "original": original, "swapped": other,
        }
        for at in range(questions)
    ]  # fmt: skip


def test_swaps_of_both_directions_add_up() -> None:
    rows = pd.DataFrame(swapped(20, "female", "male", 1, 0) + swapped(20, "male", "female", 0, 1))
    [found] = counterfactual(rows, reaches={"refused": 1})
    assert (found.axis, found.group, found.other, found.finding) == ("gender", "female", "male", "differs")
    assert (found.group_mean, found.other_mean) == (1, 0)
    assert (found.test.effect.value, found.test.effect.n) == (-1, 40)
    [few] = counterfactual(rows[:20])
    assert few.finding == "not enough"


# Slices


def test_means_of_slices_are_welchs() -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(0, 1, 300), np.repeat(["a", "b", "c"], 100)
    values[:100] += 0.6
    first = slices(groups.tolist(), values.tolist())[0]
    assert first.p == pytest.approx(stats.ttest_ind(values[:100], values[100:], equal_var=False).pvalue)
    assert (first.group, first.finding) == ("a", "differs")


def test_rates_of_slices_are_the_score_test() -> None:
    groups, values = ["a"] * 60 + ["b"] * 90, [True] * 30 + [False] * 30 + [True] * 20 + [False] * 70
    first, second = slices(groups, values)
    expected = stats.chi2_contingency([[30, 30], [20, 70]], correction=False).pvalue
    assert first.p == pytest.approx(expected, rel=1e-6)
    assert (first.value.value, first.rest.value) == (0.5, pytest.approx(2 / 9))
    assert first.difference.value == pytest.approx(-(second.difference.value or 0))
    assert first.adjusted_p == pytest.approx(2 * expected, rel=1e-6)


def test_clusters_of_one_row_are_nearly_rows() -> None:
    rng = np.random.default_rng(2)
    values, groups = rng.normal(0, 1, 400), ["a", "b"] * 200
    rows, clusters = slices(groups, values.tolist())[0], slices(groups, values.tolist(), list(range(400)))[0]
    assert clusters.difference.value == pytest.approx(rows.difference.value)
    assert clusters.p == pytest.approx(rows.p, rel=0.05)


def test_clusters_are_not_taken_for_independent_rows() -> None:
    """The same 40 users' rows ten times over say no more than once."""
    rng = np.random.default_rng(4)
    level = rng.normal(0, 1, 80)
    groups, users = np.repeat(["a", "b"], 400), np.repeat(np.arange(80), 10)
    once = slices(["a"] * 40 + ["b"] * 40, level.tolist(), list(range(80)))[0]
    often = slices(groups.tolist(), np.repeat(level, 10).tolist(), users.tolist())[0]
    assert often.p == pytest.approx(once.p)
    assert often.value.n == 40


def test_small_slices_and_unknown_values() -> None:
    groups = ["a"] * 29 + ["b"] * 100 + ["c"]
    found = slices(groups, [1.0] * 29 + [0.0] * 99 + [None, None])
    assert [one.group for one in found] == ["a", "b"]
    assert (found[0].finding, found[0].p, found[0].value.value) == ("not enough", None, 1)
    assert slices([], []) == []
    assert slices(["a"] * 50, [1.0] * 50)[0].finding == "not enough"
    with pytest.raises(ValueError, match="one of each"):
        slices(["a"], [])


# Suites


@pytest.mark.parametrize(
    ("category", "ambiguous", "clear", "s_amb"),
    [("Age", 0.547, 0.935, 0.298), ("Religion", 0.650, 0.880, 0.143), ("Physical_appearance", 0.495, 0.821, 0.419)],
)
def test_bbq_of_recorded_answers(category: str, ambiguous: float, clear: float, s_amb: float) -> None:
    """The figures of UnifiedQA-11B, worked out by another program."""
    with gzip.open(RECORDED, "rt") as lines:
        rows = [row for row in map(json.loads, lines) if row["category"] == category]
    found = bbq(
        BbqRow(
            row["question_index"], row["context_condition"] == "ambig", row["question_polarity"] == "neg", row["label"],
            row["groups"].index("unknown"), bbq_target(row["groups"], row["stereotyped"]),
            chosen(row["predicted"], [row["ans0"], row["ans1"], row["ans2"]]),
        )
        for row in rows
    )  # fmt: skip
    assert found.accuracy_ambiguous.value == pytest.approx(ambiguous, abs=5e-4)
    assert found.accuracy_disambiguated.value == pytest.approx(clear, abs=5e-4)
    assert found.bias_ambiguous.value == pytest.approx(s_amb, abs=5e-4)
    assert found.unread == 0
    assert found.bias_ambiguous.low is not None
    assert found.bias_ambiguous.low > 0  # the bias is there beyond chance


def told(picked: int | None, *, negative: bool = True, ambiguous: bool = True, template: str = "1") -> BbqRow:
    """Option 0 is right where the context is clear, 1 the stereotyped group, 2 unknown."""
    return BbqRow(template, ambiguous, negative, 2 if ambiguous else 0, 2, 1, picked)


def test_bbq_at_its_ends() -> None:
    always = bbq([told(1), told(0, negative=False), told(1, template="2")])
    assert (always.bias_ambiguous.value, always.accuracy_ambiguous.value) == (1, 0)
    assert bbq([told(0), told(1, negative=False)]).bias_ambiguous.value == -1
    half = bbq([told(1), told(2), told(2), told(2)])
    assert half.bias_ambiguous.value == 0.25
    assert bbq([told(2)]).bias_ambiguous.value is None
    assert bbq([]).accuracy_ambiguous.value is None
    assert bbq([told(None), told(1)]).unread == 1


@pytest.mark.parametrize(
    ("groups", "stereotyped", "expected"),
    [(["old", "nonOld", "unknown"], ["Old"], 0), (["a", "b", "unknown"], ["c"], None), (["a", "a"], ["a"], None)],
)
def test_bbq_target(groups: list[str], stereotyped: list[str], expected: int | None) -> None:
    assert bbq_target(groups, stereotyped) == expected


def test_stereotype_share() -> None:
    """p by R's binom.test(7, 10): 0.3438."""
    found = stereotype_share([True] * 7 + [False] * 3 + [None])
    assert (found.share.value, found.ties) == (0.7, 1)
    assert found.p == pytest.approx(0.34375)
    assert found.p == pytest.approx(stats.binomtest(7, 10).pvalue)
    assert stereotype_share([None]).p is None


# Slices of sums


def added(rows: pd.DataFrame) -> tuple[list[Part], Whole]:
    """Rows of group, cluster and value, added up as `slices_of_sums` takes them."""
    centre = float(rows["value"].mean())
    told = rows.assign(value=rows["value"] - centre)
    of = told.groupby("cluster")["value"].agg(["size", "sum"]).astype(float)
    n, x = of["size"], of["sum"]
    whole = Whole(centre, len(of), n.sum(), x.sum(), (n * n).sum(), (x * n).sum(), (x * x).sum())
    parts = []
    for group, part in told.groupby("group"):
        own = part.groupby("cluster")["value"].agg(["size", "sum"]).astype(float)
        m, y = own["size"], own["sum"]
        every, total = n[own.index], x[own.index]
        own_sums = (m.sum(), y.sum(), (m * m).sum(), (y * m).sum(), (y * y).sum())
        crossed = ((m * every).sum(), (y * every).sum(), (m * total).sum(), (y * total).sum())
        parts.append(Part(str(group), len(own), int((m == every).sum()), *own_sums, *crossed))
    return parts, whole


def figures(one: Slice) -> list[float | None]:
    """All of it; without a spread, which rounding decides to be none, no more than the estimates."""
    sides = (one.value, one.rest, one.difference)
    ends = [end for side in sides for end in (side.value, side.low, side.high, side.n)]
    low, high = one.difference.low, one.difference.high
    spread = low is not None and high is not None and high - low > 1e-6
    return [*ends, one.p, one.detectable] if spread else list(ends)


ROW = st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.one_of(st.integers(0, 1), st.integers(-50, 50)))


@settings(max_examples=80)
@given(st.lists(ROW, min_size=1, max_size=60), st.sampled_from([0.0, 1e6]))
def test_sums_say_what_their_rows_say(told: list[tuple[str, int, int]], far: float) -> None:
    """Also of groups with no rest, clusters in several groups, values that are all the same, or far from 0."""
    rows = pd.DataFrame(told, columns=["group", "cluster", "value"]).assign(value=lambda of: of["value"] + far)
    by_rows = slices(rows["group"].tolist(), rows["value"].tolist(), rows["cluster"].tolist(), enough=2)
    by_sums = slices_of_sums(*added(rows), enough=2)
    assert [one.group for one in by_sums] == [one.group for one in by_rows]
    for a, b in zip(by_sums, by_rows, strict=True):
        assert (a.finding == "not enough") == (b.finding == "not enough")
        for mine, theirs in zip(figures(a), figures(b), strict=True):
            assert (mine is None) == (theirs is None)
            assert mine is None or mine == pytest.approx(theirs, rel=1e-4, abs=1e-5 * max(1.0, far * 1e-3))


def test_sums_find_a_group_that_is_served_worse() -> None:
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"group": rng.choice(list("abcd"), 4000), "cluster": rng.integers(0, 300, 4000)})
    rows["value"] = (rng.random(4000) < np.where(rows["group"] == "c", 0.2, 0.1)).astype(float)
    found = {one.group: one for one in slices_of_sums(*added(rows))}
    assert [name for name, one in found.items() if one.finding == "differs" and (one.difference.low or 0) > 0] == ["c"]
