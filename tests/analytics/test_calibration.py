"""The calibration card against counts, its threshold against a known best one, and PandaLM's judges against people."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats

from analytics import intervals
from analytics.agreement import Agreement
from analytics.calibration import Decided, card, leaning, length_lean, reliability, threshold, trust

PANDALM = Path(__file__).parent / "data/pandalm/labels.csv"


def decided(both: int, judge_only: int, human_only: int, neither: int) -> Decided:
    cells = [(True, True, both), (True, False, judge_only), (False, True, human_only), (False, False, neither)]
    rows = np.array([cell[:2] for cell in cells for _ in range(cell[2])], bool).reshape(-1, 2)
    return Decided(rows[:, 0], rows[:, 1], None)


def test_shares_are_those_of_the_table() -> None:
    found = card(decided(20, 10, 5, 15))
    assert (found.true_positives, found.false_positives, found.false_negatives, found.true_negatives) == (20, 10, 5, 15)
    assert found.sensitivity == intervals.rate(20, 25)
    assert found.specificity == intervals.rate(15, 25)
    assert found.precision == intervals.rate(20, 30)
    assert found.agreement == intervals.rate(35, 50)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.ac1.value == pytest.approx(0.405941, abs=1e-6)


def test_clusters_widen_every_share() -> None:
    one = decided(40, 20, 10, 30)
    alone = card(one)
    whole = card(Decided(*(np.repeat(side, 3) for side in (one.judge, one.human)), np.repeat(np.arange(100), 3)))
    for name in ("sensitivity", "specificity", "agreement", "kappa"):
        first, second = getattr(alone, name), getattr(whole, name)
        assert second.value == pytest.approx(first.value)
    assert (whole.kappa.ci_low, whole.kappa.ci_high) == pytest.approx(
        (alone.kappa.ci_low, alone.kappa.ci_high), abs=0.02
    )
    assert (whole.agreement.low, whole.agreement.high) == pytest.approx(
        (alone.agreement.low, alone.agreement.high), abs=0.01
    )


@pytest.mark.parametrize(
    ("n", "ends", "expected"),
    [
        pytest.param(200, (0.62, 0.8), "high", id="high"),
        pytest.param(200, (0.45, 0.7), "moderate", id="moderate"),
        pytest.param(200, (0.1, 0.35), "low", id="low"),
        pytest.param(200, (0.3, 0.7), "unsure", id="over-a-bound"),
        pytest.param(20, (0.62, 0.8), "unsure", id="few-rows"),
        pytest.param(200, (None, None), "unsure", id="no-interval"),
    ],
)
def test_trust(n: int, ends: tuple[float | None, float | None], expected: str) -> None:
    kappa = Agreement("cohen_kappa", 0.5, *ends, n, 2, 2 * n, 0, 2, "bootstrap", 2000, 0, None)
    assert trust(kappa) == expected


def test_one_answer_alone_has_no_kappa() -> None:
    found = card(decided(40, 0, 0, 0))
    assert (found.kappa.value, found.specificity.value, found.trust) == (None, None, "unsure")
    assert found.sensitivity.value == 1.0


def scores(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of yes and no about 1 and -1: the best threshold is 0, where sensitivity and specificity are .841."""
    rng = np.random.default_rng(seed)
    human = rng.random(n) < 0.3
    return np.where(human, 1, -1) + rng.normal(size=n), human


def test_the_threshold_is_the_best_one_and_its_interval_holds_it() -> None:
    within, reached = 0, []
    for seed in range(20):
        found = threshold(*scores(150, seed), None, seed=seed)
        assert not isinstance(found, str)
        within += found.low <= 0 <= found.high
        reached.append(found.youden)
    assert within >= 16
    # What the choice flatters is taken off.
    assert np.mean(reached) == pytest.approx(2 * stats.norm.cdf(1) - 1, abs=0.05)


def test_a_plateau_has_its_middle() -> None:
    judge = np.repeat([1.0, 2, 3, 4, 5], 20)
    human = judge > 3
    found = threshold(judge, human, None)
    assert not isinstance(found, str)
    assert (found.value, found.low, found.high) == (3.5, 3.5, 3.5)


def test_very_many_scores_are_tried_at_a_grid() -> None:
    found = threshold(*scores(3_000), None)
    assert not isinstance(found, str)
    assert found.value == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(
    ("judge", "human", "why"),
    [
        pytest.param([0, 1, 0, 1], [0, 1, 1, 1], "fewer than three scores", id="two-scores"),
        pytest.param([1, 2, 3, 4], [1, 1, 1, 1], "one thing alone", id="one-label"),
    ],
)
def test_no_threshold(judge: list[int], human: list[int], why: str) -> None:
    found = threshold(np.array(judge, float), np.array(human, bool), None)
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize(
    ("judge", "bins"),
    [
        pytest.param([1.0, 2, 2, 3, 3, 3], [(1, 1, 1), (2, 2, 2), (3, 3, 3)], id="a-bin-a-score"),
        pytest.param(list(range(100)), [(10 * at, 10 * at + 9, 10) for at in range(10)], id="tenths"),
        pytest.param([], [], id="none"),
    ],
)
def test_the_reliability_curve(judge: list[float], bins: list[tuple[float, float, int]]) -> None:
    human = np.arange(len(judge)) % 2
    found = reliability(np.array(judge, float), human.astype(float), None)
    assert [(one.low, one.high, one.human.n) for one in found] == bins
    assert sum(one.human.value * one.human.n for one in found) == pytest.approx(human.sum())  # type: ignore[operator]


def test_the_curve_of_scores_is_of_means() -> None:
    human = np.array([1.0, 5, 3, 4, 2, 2])
    found = reliability(np.array([1.0, 1, 1, 2, 2, 2]), human, None)
    told = intervals.mean(human[:3])
    assert (found[0].human.value, found[0].human.low) == pytest.approx((told.value, told.low))


def test_a_judge_that_leans_to_a_place_is_found() -> None:
    rng = np.random.default_rng(1)
    human = (rng.random(600) < 0.5).astype(float)
    place = np.where(rng.random(600) < 0.5, "first", "second")
    judge = np.where((place == "first") & (rng.random(600) < 0.3), 1.0, human)
    found = leaning(judge, human, place.tolist(), None)
    assert [one.value for one in found.leans] == ["first", "second"]
    assert found.leans[1].error.value == 0
    assert found.difference is not None
    expected = (judge - human)[place == "second"].mean() - (judge - human)[place == "first"].mean()
    assert found.difference.value == pytest.approx(expected)
    assert found.p_value is not None
    assert found.p_value < 1e-6
    three = leaning(judge, human, (["a", "b", "c"] * 200), None)
    assert (len(three.leans), three.difference) == (3, None)


def test_a_judge_that_leans_to_length_is_found_beside_what_people_say() -> None:
    """People like longer answers too; a logistic regression by another optimiser says the same."""
    rng = np.random.default_rng(2)
    doublings = rng.normal(7, 1.5, 800)
    human = rng.random(800) < special.expit(0.5 * (doublings - 7))
    judge = rng.random(800) < special.expit(2 * human - 1 + 0.6 * (doublings - 7))
    found = length_lean(Decided(judge, human, None), 2**doublings)
    x = np.column_stack([np.ones(800), doublings, human])
    fit = optimize.minimize(lambda w: float(np.logaddexp(0, x @ w).sum() - (x @ w)[judge].sum()), np.zeros(3))
    assert found.value == pytest.approx(fit.x[1], abs=1e-3)
    assert found.low is not None
    assert found.low > 0
    gone = length_lean(Decided(judge, human, None), np.where(np.arange(800) < 400, 0.0, 2**doublings))
    assert gone.n == 400


def test_pandalms_judges_are_held_against_people() -> None:
    """Of its pairs on whose winner two people agree: how often the recorded judges name it, counted here."""
    with PANDALM.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["annotator1"] == row["annotator2"] != "0"]
    human = np.array([row["annotator1"] == "1" for row in rows])
    for name in ("gpt35", "pandalm7b"):
        judge = np.array([row[name] == "1" for row in rows])
        found = card(Decided(judge, human, None))
        assert found.agreement.value == pytest.approx(np.mean(judge == human))
        assert found.sensitivity.value == pytest.approx(judge[human].mean())
        seen, chance = np.mean(judge == human), judge.mean() * human.mean() + (1 - judge.mean()) * (1 - human.mean())
        assert found.kappa.value == pytest.approx((seen - chance) / (1 - chance))
        assert found.trust in {"moderate", "low", "unsure", "high"}
