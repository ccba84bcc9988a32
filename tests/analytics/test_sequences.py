"""Confidence sequences, the check of assignment, advice: against published figures and formulas written out anew."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from scipy import stats

from analytics import allocation, bounded_means, sequences, stopping
from analytics.intervals import Estimate
from analytics.sequences import Arm, Phase
from analytics.stopping import Advice


@pytest.mark.parametrize(
    ("r", "expected"),
    [
        pytest.param(1.0, 0.056818, id="r-of-one"),
        pytest.param(sequences.tuned(1000), 0.047995, id="tuned-at-1000"),
    ],
)
def test_half_widths_are_those_of_the_oracle(r: float, expected: float) -> None:
    assert sequences.half_width(0.5, 1000, r) == pytest.approx(expected, abs=5e-7)


def test_the_sequence_is_narrowest_near_where_it_is_tuned() -> None:
    widths = {units: sequences.half_width(1.0, 2000, sequences.tuned(units)) for units in (200, 2000, 20_000)}
    assert min(widths, key=widths.__getitem__) == 2000


def test_a_difference_of_unequal_arms_is_that_of_weighed_terms() -> None:
    """Each value weighed by one over the share of its arm, as a mean over all units with its deviation."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 900), rng.normal(1.4, 2, 100)
    arms = [Arm(side.size, side.mean(), side.var(ddof=1), 3.0) for side in (a, b)]
    terms = np.concatenate([-(a - a.mean()) * 1000 / 900, (b - b.mean()) * 1000 / 100])
    found = sequences.difference(*arms, sequences.tuned(1000))
    half = sequences.half_width(float(terms.std()), 1000, sequences.tuned(1000))
    assert found.value == pytest.approx(b.mean() - a.mean())
    assert found.high - found.value == pytest.approx(half, rel=0.01)  # type: ignore[operator]  # of n less one


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        pytest.param(Arm(0, None, None), Arm(50, 1.0, 1.0, 3.0), None, id="an-empty-arm"),
        pytest.param(Arm(1, 2.0, None), Arm(50, 1.0, 1.0, 3.0), -1.0, id="one-unit"),
        pytest.param(Arm(29, 2.0, 1.0, 1.0), Arm(50, 1.0, 1.0, 3.0), -1.0, id="too-few-units"),
        pytest.param(Arm(500, 0.0, 0.0), Arm(500, 0.01, 0.0099, 99.0), 0.01, id="no-event-yet"),
        pytest.param(Arm(500, 0.01, 0.0099, 99.0), Arm(500, 0.01, 0.0099, 99.0), 0.0, id="five-events"),
    ],
)
def test_there_is_no_interval_of_too_little(a: Arm, b: Arm, value: float | None) -> None:
    found = sequences.difference(a, b, 0.01)
    assert (found.value, found.low, found.high) == (value, None, None)


RARE = Arm(5_000, 14 / 5_000, 14 / 5_000 * (1 - 14 / 5_000), 5_000 / 14)
OFTEN = Arm(5_000, 0.2, 0.16, 3.25)
NEVER = Arm(5_000, 0.0, 0.0)


@pytest.mark.parametrize(
    ("a", "b", "state"),
    [
        pytest.param(NEVER, OFTEN, "hurt", id="none-against-many"),
        pytest.param(OFTEN, NEVER, "safe", id="many-against-none"),
        pytest.param(RARE, RARE, "safe", id="few-against-few"),
        pytest.param(NEVER, NEVER, "safe", id="none-against-none"),
        pytest.param(Arm(100, 0.0, 0.0), Arm(100, 0.0, 0.0), "open", id="none-of-few-units"),
        pytest.param(Arm(29, 0.0, 0.0), Arm(29, 1.0, 0.0), "open", id="too-few-units"),
    ],
)
def test_a_guardrail_of_rare_errors_is_decided(a: Arm, b: Arm, state: str) -> None:
    found = sequences.difference(a, b, sequences.tuned(4_000), share=True)
    assert stopping.guarded(found, "lower", 0.01) == state


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        pytest.param(Arm(1_000, 5.0, 0.0), Arm(1_000, 4.0, 0.5, 3.0), -1.2, -0.8, id="one-arm-agrees"),
        pytest.param(Arm(1_000, 0.01, 0.0), Arm(1_000, 0.01, 0.0), -2e-4, 2e-4, id="both-agree"),
        pytest.param(Arm(1_000, 0.0, 0.0), Arm(1_000, 0.0, 0.0), -0.02, 0.02, id="both-are-0"),
        pytest.param(NEVER, OFTEN, 0.17, 0.23, id="a-score-of-0-and-1"),
        pytest.param(RARE, OFTEN, 0.17, 0.23, id="few-events-that-add-little"),
    ],
)
def test_an_arm_whose_units_agree_has_bounds(a: Arm, b: Arm, low: float, high: float) -> None:
    found = sequences.difference(a, b, sequences.tuned(4_000))
    assert found.low is not None
    assert found.high is not None
    assert low < found.low < found.value < found.high < high  # type: ignore[operator]  # there is a value where bounds are
    assert found.value - found.low > 0.0001 * abs(a.mean or 1), "so many units do not prove that all agree"  # type: ignore[operator]


@pytest.mark.parametrize(("units", "mean"), [(1, 0.0), (40, 1.0), (300, 0.01), (5_000, 0.0), (2_000, 0.4137)])
def test_bounds_of_shares_are_where_the_odds_pass(units: int, mean: float) -> None:
    """The odds of a Beta-binomial law against a binomial one, at both ends."""
    hits = round(units * mean)
    low, high = bounded_means.bounds(units, hits / units, 0.05)
    assert low <= hits / units <= high
    for end in {low, high} - {0.0, 1.0}:
        odds = stats.betabinom.pmf(hits, units, 0.5, 0.5) / stats.binom.pmf(hits, units, end)
        assert odds == pytest.approx(20, rel=1e-6)
    assert bounded_means.bounds(0, 0.0, 0.05) == (0.0, 1.0)


def test_units_for_an_effect_are_the_first_that_do() -> None:
    r = sequences.tuned(1000)
    needed = sequences.units_for(0.1, 1.0, r)
    assert sequences.shown(needed, 1.0, r) <= 0.1 < sequences.shown(needed - 1, 1.0, r)
    fixed = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / 0.1**2
    assert 1.3 * fixed < needed < 2.5 * fixed, "the price of looking every day"
    with pytest.raises(ValueError, match="above 0"):
        sequences.units_for(0, 1, r)


def test_novelty_takes_the_covariance_of_units_that_stayed_off() -> None:
    """Against each unit's own change, where all units are there in both phases."""
    rng = np.random.default_rng(2)
    r, phases, changes = sequences.tuned(200), [], []
    for effect in (0.0, 0.5):
        own = rng.normal(0, 2, 100)
        early, late = own + effect + rng.normal(0, 0.5, 100), own + rng.normal(0, 0.5, 100)
        sides = [Arm(100, float(x.mean()), float(x.var(ddof=1)), 3.0) for x in (early, late)]
        phases.append(Phase(*sides, 100, float(np.cov(early, late)[0, 1])))
        changes.append(late - early)
    found = sequences.novelty(*phases, r)
    variance = sum(change.var(ddof=1) / 100 for change in changes)
    assert found.value == pytest.approx(changes[1].mean() - changes[0].mean())
    assert found.high - found.value == pytest.approx(sequences.half_width(sqrt(200 * variance), 200, r))  # type: ignore[operator]
    assert found.high < 0  # type: ignore[operator]
    nothing = Phase(Arm(50, 1.0, 1.0, 3.0), Arm(0, None, None))
    assert sequences.novelty(nothing, nothing, r) == Estimate(None, None, None, 0)


# Assignment.


def test_the_odds_are_those_of_a_dirichlet_mixture() -> None:
    counts, shares = np.array([[30.0, 50.0, 20.0]]), np.array([0.4, 0.4, 0.2])
    laws = [stats.dirichlet_multinomial(concentration * shares, 100) for concentration in (400, 10)]
    narrow, broad = (law.pmf([30, 50, 20]) / stats.multinomial(100, shares).pmf([30, 50, 20]) for law in laws)
    assert allocation.log_odds(counts, shares)[0] == pytest.approx(np.log(0.75 * narrow + 0.25 * broad))


@pytest.mark.parametrize(("counts", "weights"), [([480, 520], [1, 1]), ([90, 5], [9, 1]), ([30, 50, 20], [2, 2, 1])])
def test_one_look_alone_is_the_usual_test(counts: list[int], weights: list[float]) -> None:
    shares = np.array(weights) / sum(weights)
    if len(counts) == 2:
        law = stats.binom(sum(counts), shares[0])
        expected = min(1.0, 2 * min(law.cdf(counts[0]), law.sf(counts[0] - 1)))
    else:
        expected = stats.chisquare(counts, shares * sum(counts)).pvalue
    assert allocation.checked([counts], weights).p == pytest.approx(expected)


def test_a_mismatch_that_was_told_stays_told() -> None:
    looks = [[100, 300], [5_000, 5_000]]
    found = allocation.checked(looks, [0.5, 0.5])
    assert found.mismatched
    assert found.p_always < 1e-6 < found.p
    assert found.shares == (0.5, 0.5)
    assert not allocation.checked(looks[1:], [0.5, 0.5]).mismatched


def test_an_arm_that_loses_most_of_its_units_is_told_on_the_first_day() -> None:
    assert allocation.checked([[60, 20]], [0.5, 0.5]).mismatched
    assert not allocation.checked([[48, 32]], [0.5, 0.5]).mismatched


def test_no_unit_is_no_mismatch() -> None:
    found = allocation.checked([[0, 0]], [0.5, 0.5])
    assert (found.units, found.shares, found.p, found.mismatched) == (0, (), 1.0, False)
    assert found.p_always == pytest.approx(1.0)
    with pytest.raises(ValueError, match="each arm has one"):
        allocation.checked([[1, 2, 3]], [0.5, 0.5])


# Advice.


def estimate(low: float | None, high: float | None) -> Estimate:
    return Estimate(0.0, low, high, 400)


@pytest.mark.parametrize(
    ("low", "high", "more", "kind"),
    [
        pytest.param(0.01, 0.2, {}, "win", id="better"),
        pytest.param(-0.2, -0.01, {}, "loss", id="worse"),
        pytest.param(-0.2, -0.01, {"better": "lower"}, "win", id="better-where-less-is"),
        pytest.param(-0.2, 0.04, {}, "futile", id="no-gain-as-large-as-wanted"),
        pytest.param(-0.04, 0.2, {"better": "lower"}, "futile", id="futile-where-less-is-better"),
        pytest.param(-0.2, 0.2, {}, "go_on", id="open"),
        pytest.param(None, None, {}, "too_few", id="no-interval"),
        pytest.param(0.01, 0.2, {"guardrails": ["safe", "hurt"]}, "hurt", id="a-guardrail-is-before-a-win"),
        pytest.param(0.01, 0.2, {"guardrails": ["hurt"], "mismatched": True}, "mismatch", id="a-mismatch-first"),
    ],
)
def test_advice(low: float | None, high: float | None, more: dict[str, object], kind: str) -> None:
    better = more.pop("better", "higher")
    told = stopping.advised(estimate(low, high), better, 0.05, deviation=1.0, r=0.01, **more)  # type: ignore[arg-type]
    assert told.kind == kind
    assert told.needed == sequences.units_for(0.05, 1.0, 0.01)
    assert told.remaining == told.needed - 400


def test_nothing_is_known_of_what_is_needed_without_a_spread() -> None:
    told = stopping.advised(estimate(None, None), "higher", 0.05, deviation=None, r=0.01)
    assert told == Advice("too_few", None, None, None)


@pytest.mark.parametrize(
    ("low", "high", "better", "state"),
    [
        (-0.3, -0.11, "higher", "hurt"), (-0.3, -0.05, "higher", "open"), (-0.09, 0.4, "higher", "safe"),
        (0.11, 0.3, "lower", "hurt"), (-0.3, 0.09, "lower", "safe"), (None, None, "lower", "open"),
    ],
)  # fmt: skip
def test_guardrails(low: float | None, high: float | None, better: str, state: str) -> None:
    assert stopping.guarded(estimate(low, high), better, 0.1) == state  # type: ignore[arg-type]


def test_the_tuning_is_the_one_that_is_published() -> None:
    assert sequences.tuned(500) == pytest.approx((-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 500)
    for wrong in ((0, 0.05), (10, 0.0), (10, 1.0)):
        with pytest.raises(ValueError, match="alpha lies between"):
            sequences.tuned(*wrong)
