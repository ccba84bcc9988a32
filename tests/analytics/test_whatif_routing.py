"""Moves between models by hand, verdicts at their thresholds, and Pareto fronts against their definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics import differences, intervals
from analytics import whatif_routing as routing
from analytics.intervals import Estimate

SIZES = routing.Complexity({"input_tokens": (1000, 10_000), "tools": (1,)})
PRICES = {"large": 10.0, "small": 1.0}  # a thousand tokens of output


def reprice(calls: pd.DataFrame, model: str) -> np.ndarray:
    return calls["output_tokens"].to_numpy() * PRICES[model] / 1000 if model in PRICES else np.full(len(calls), np.nan)


def calls(model: str, scores: list[float | None], **columns: object) -> pd.DataFrame:
    n = len(scores)
    frame = pd.DataFrame(
        {
            "price_model": model, "failed": False, "input_tokens": 500, "tools": 0,
            "output_tokens": 100 + np.arange(n), "score": pd.array(scores, dtype="Float64"),
        }
    ).assign(**columns)  # fmt: skip
    return frame.assign(cost_usd=reprice(frame, model))


def only(frame: pd.DataFrame, source: str, target: str, **options: float) -> routing.Move:
    found = routing.moves(frame, SIZES, reprice, **options)
    (move,) = [one for one in found if (one.source, one.target) == (source, target)]
    return move


@pytest.mark.parametrize(
    ("tokens", "tools", "level"),
    [
        pytest.param(0, 0, 0, id="nothing"),
        pytest.param(999, 0, 0, id="below"),
        pytest.param(1000, 0, 1, id="at-the-threshold"),
        pytest.param(10_000, 0, 2, id="two-up"),
        pytest.param(5, 3, 1, id="the-highest-of-both"),
        pytest.param(50_000, 3, 2, id="both"),
        pytest.param(None, 0, None, id="unknown"),
        pytest.param(50_000, None, None, id="unknown-beside-known"),
    ],
)
def test_levels(tokens: int | None, tools: int | None, level: int | None) -> None:
    frame = pd.DataFrame({"input_tokens": [tokens], "tools": [tools]}).astype("Int64")
    found = SIZES.levels(frame).item()
    assert np.isnan(found) if level is None else found == level


def test_thresholds_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="input_tokens must rise"):
        routing.Complexity({"input_tokens": (10, 5)})
    with pytest.raises(ValueError, match="margin"):
        routing.moves(calls("small", [1.0]), SIZES, reprice, margin=-0.1)


def test_the_cost_of_a_move_by_hand() -> None:
    """Output tokens 100, 101, 102, 103 = 406: 4.06 at 10 a thousand, 0.406 at 1. The fifth call has no cost."""
    frame = pd.concat([calls("large", [None] * 5), calls("small", [None])], ignore_index=True)
    frame.loc[4, "cost_usd"] = np.nan
    move = only(frame, "large", "small")
    assert (move.level, move.calls, move.priced) == (0, 5, 4)
    assert (move.cost_usd, move.target_usd, move.saved_usd) == (
        pytest.approx(4.06), pytest.approx(0.406), pytest.approx(3.654),
    )  # fmt: skip
    assert move.saved.value == pytest.approx(0.9)
    assert (move.output_tokens.value, move.target_output_tokens.value) == (102, 100)
    back = only(frame, "small", "large")
    assert back.saved_usd == pytest.approx(0.1 - 1.0)
    assert [one.source for one in routing.moves(frame, SIZES, reprice)] == ["large", "small"]


def test_savings_are_ratios_over_traces() -> None:
    frame = calls("large", [None] * 12).assign(trace_id=np.arange(12) // 3)
    frame["cost_usd"] *= np.random.default_rng(1).uniform(0.5, 2, 12)
    frame = pd.concat([frame, calls("small", [None]).assign(trace_id=99)], ignore_index=True)
    here = frame.iloc[:12].groupby("trace_id")["cost_usd"].sum()
    there = frame.iloc[:12].groupby("trace_id")["output_tokens"].sum() / 1000
    expected = intervals.ratio(here - there, here)
    found = only(frame, "large", "small").saved
    assert (found.low, found.high, found.n) == (pytest.approx(expected.low), pytest.approx(expected.high), 4)


def test_a_model_of_unknown_price_saves_nothing_that_is_known() -> None:
    frame = pd.concat([calls("large", [None] * 3), calls("odd", [None] * 2)], ignore_index=True)
    move = only(frame, "large", "odd")
    assert (move.priced, move.cost_usd, move.saved.value) == (0, 0, None)


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        pytest.param((60, 100), (90, 100), "better", id="better"),
        pytest.param((900, 1000), (895, 1000), "no worse", id="within-the-margin"),
        pytest.param((90, 100), (50, 100), "worse", id="worse"),
        pytest.param((90, 100), (85, 100), "not enough evidence", id="neither"),
        pytest.param((29, 29), (0, 100), "not enough evidence", id="too-few-of-the-source"),
        pytest.param((90, 100), (0, 29), "not enough evidence", id="too-few-of-the-target"),
        pytest.param((90, 100), (0, 0), "not enough evidence", id="none-of-the-target"),
    ],
)
def test_verdicts_of_rates(source: tuple[int, int], target: tuple[int, int], verdict: str) -> None:
    """Counts of good answers; the oracle is Newcombe's interval, which has its own published table."""
    sides = [
        calls(name, [1.0] * hits + [0.0] * (n - hits)) for name, (hits, n) in (("large", source), ("small", target))
    ]
    elsewhere = calls("small", [None], input_tokens=5000)  # so that the target is a model that is known
    move = only(pd.concat([*sides, elsewhere], ignore_index=True), "large", "small", margin=0.05)
    assert move.verdict == verdict
    assert move.quality == differences.rate_difference(*source, *target)
    assert (move.source_scores, move.target_scores) == (source[1], target[1])


def test_scores_between_are_compared_as_means_with_the_effect_they_could_show() -> None:
    rng = np.random.default_rng(4)
    large, small = rng.normal(0.8, 0.1, 60), rng.normal(0.78, 0.15, 40)
    frame = pd.concat([calls("large", [*large]), calls("small", [*small, None, None])], ignore_index=True)
    move = only(frame, "large", "small", margin=0.01)
    expected = stats.ttest_ind(small, large, equal_var=False).confidence_interval(0.95)
    assert (move.quality.low, move.quality.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (move.verdict, move.target_scores) == ("not enough evidence", 40)
    error = np.sqrt(large.var(ddof=1) / 60 + small.var(ddof=1) / 40)
    assert move.detectable == pytest.approx((1.959964 + 0.841621) * error, rel=1e-5)


def test_the_effect_that_could_be_shown_is_shown_four_times_of_five() -> None:
    rng, shown, runs = np.random.default_rng(5), 0, 1000
    large, small = (stats.zscore(rng.normal(size=n), ddof=1) for n in (200, 100))  # a spread of exactly 1
    frame = pd.concat([calls("large", [*large]), calls("small", [*small])], ignore_index=True)
    effect = only(frame, "large", "small").detectable
    assert effect is not None
    for _ in range(runs):
        found = differences.mean_difference(rng.normal(0, 1, 200), rng.normal(effect, 1, 100))
        shown += bool(differences.clear(found))
    assert shown / runs == pytest.approx(0.8, abs=0.04)


def test_moves_of_unknown_saving_come_last_the_best_known_quality_first() -> None:
    frame = pd.concat(
        [
            calls("free", [1.0] * 2), calls("own", [1.0] * 40), calls("large", [1.0] * 3), calls("small", [1.0] * 3),
            calls("own2", [1.0] * 30),
        ], ignore_index=True,
    )  # fmt: skip
    found = routing.moves(frame, SIZES, reprice)
    assert [one.source for one in found[:2]] == ["large", "small"]
    unknown = found[2:]
    assert all(one.priced == 0 for one in unknown)
    assert [min(one.source_scores, one.target_scores) for one in unknown[:2]] == [30, 30]
    assert {unknown[0].source, unknown[0].target} == {"own", "own2"}


def test_groups_are_apart_and_failed_unknown_and_hard_calls_do_not_mix() -> None:
    frame = pd.concat(
        [
            calls("large", [1.0] * 40), calls("small", [1.0] * 40),
            calls("large", [0.0] * 40, tools=2), calls("large", [0.0] * 5, failed=True),
            calls("small", [0.0] * 5, input_tokens=np.nan), calls("large", [0.0] * 5).assign(price_model=None),
        ],
        ignore_index=True,
    )  # fmt: skip
    found = {(move.level, move.source): move for move in routing.moves(frame, SIZES, reprice)}
    assert sorted(found) == [(0, "large"), (0, "small"), (1, "large")]
    assert (found[0, "large"].calls, found[0, "large"].quality.value) == (40, 0)
    hard = found[1, "large"]
    assert (hard.calls, hard.target_scores, hard.quality) == (40, 0, Estimate(None, None, None, 0))
    assert (hard.verdict, hard.target_output_tokens.value) == ("not enough evidence", None)
    assert hard.priced == 40
    assert routing.moves(frame.iloc[:0], SIZES, reprice) == []


def test_a_front_by_hand() -> None:
    cost, quality = [1, 2, 2, 3, 4, np.nan, 0.5, 2], [0.5, 0.7, 0.6, 0.7, 0.9, 1.0, np.nan, 0.7]
    assert routing.pareto(cost, quality).tolist() == [True, True, False, False, True, False, False, True]
    assert routing.pareto([], []).tolist() == []
    with pytest.raises(ValueError, match="1 costs and 2 qualities"):
        routing.pareto([1], [1, 2])


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30)


@given(POINTS)
def test_a_front_is_what_no_point_beats(points: list[tuple[int, int]]) -> None:
    expected = [
        not any(c <= cost and q >= quality and (c < cost or q > quality) for c, q in points) for cost, quality in points
    ]
    assert routing.pareto([c for c, _ in points], [q for _, q in points]).tolist() == expected


def scored(model: str, good: int, n: int, **columns: object) -> pd.DataFrame:
    return calls(model, [1.0] * good + [0.0] * (n - good), **columns)


def test_only_drawn_calls_cost_and_all_scores_count() -> None:
    """Three traces were drawn, of one call each; those that are there for their scores cost nothing."""
    drawn = pd.concat([calls("large", [None] * 2), calls("small", [None])]).assign(drawn=True, trace_id=["a", "b", "c"])
    judged = pd.concat([scored("large", 40, 40), scored("small", 40, 40)]).assign(
        drawn=False, trace_id=np.arange(80).astype(str)
    )
    move = only(pd.concat([drawn, judged], ignore_index=True), "large", "small")
    assert (move.calls, move.priced, move.source_scores) == (2, 2, 40)
    assert move.saved_usd == pytest.approx(0.9 * (1.00 + 1.01))
    assert move.saved_per_trace.value == pytest.approx(move.saved_usd / 3)
    assert move.saved_per_trace == intervals.mean([0.9 * 1.00, 0.9 * 1.01, 0])


def test_the_best_moves_are_cheaper_and_no_worse() -> None:
    frame = pd.concat(
        [scored("large", 90, 100), scored("small", 100, 100), scored("large", 90, 100, tools=1),
         scored("small", 50, 100, tools=1)], ignore_index=True,
    )  # fmt: skip
    best = routing.best_moves(routing.moves(frame, SIZES, reprice))
    assert [(move.level, move.source, move.target, move.verdict) for move in best] == [(0, "large", "small", "better")]


def test_policies_by_hand() -> None:
    """Half of the calls are hard: right 90 of 100 times at the large model, 50 at the small one; easy ones always."""
    frame = pd.concat(
        [scored("large", 100, 100), scored("small", 100, 100), scored("large", 90, 100, tools=1),
         scored("small", 50, 100, tools=1)], ignore_index=True,
    )  # fmt: skip
    found = {tuple(one.models.values()): one for one in routing.policies(frame, SIZES, reprice)}
    mean_tokens = 149.5
    assert set(found) == {(), ("large", "large"), ("large", "small"), ("small", "large"), ("small", "small")}
    mixed = found["small", "large"]
    assert mixed.usd_per_call == pytest.approx(0.5 * mean_tokens / 1000 + 0.5 * mean_tokens / 100)
    assert mixed.quality.value == pytest.approx(0.95)
    easy, hard = intervals.rate(100, 100), intervals.rate(90, 100)
    below = np.hypot(0.5 * (1 - (easy.low or 0)), 0.5 * (0.9 - (hard.low or 0)))
    assert mixed.quality.low == pytest.approx(0.95 - below)
    assert {models for models, one in found.items() if one.front} == {("small", "small"), ("small", "large")}
    assert found[()].quality.value == pytest.approx((1 + 1 + 0.9 + 0.5) / 4)


def test_policies_need_scores_and_calls() -> None:
    assert routing.policies(calls("large", []), SIZES, reprice) == []
    frame = pd.concat([scored("large", 40, 40), calls("small", [None] * 5)], ignore_index=True)
    found = {tuple(one.models.values()): one for one in routing.policies(frame, SIZES, reprice)}
    assert found["small",].quality.value is None
    assert not found["small",].front
    assert found["large",].quality.value == 1
