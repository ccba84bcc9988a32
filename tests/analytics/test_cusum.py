"""Cumulative sums against published run lengths; times of changes against drawn ones and LLMDrift's own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics import changes, cusum

ANSWERS = Path(__file__).resolve().parents[2] / "datasets/llmdrift/answers.jsonl.gz"


@pytest.mark.parametrize(
    ("height", "shift", "expected"),
    [
        pytest.param(4, 0.0, 335.37, id="4-none"),
        pytest.param(5, 0.0, 930.9, id="5-none"),
        pytest.param(4, 1.0, 8.38, id="4-one"),
        pytest.param(5, 1.0, 10.38, id="5-one"),
        pytest.param(5, 0.5, 38.0, id="5-half"),
    ],
)
def test_run_lengths_are_the_published_ones(height: float, shift: float, expected: float) -> None:
    """Of an allowance of 0.5 (Hawkins and Olwell 1998; R's `spc::xcusum.arl`)."""
    assert cusum.mean_run_length(0.5, height, shift) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("make", "told", "draw"),
    [
        pytest.param(cusum.of_shares, (0.1, 0.2), lambda rng, n: (rng.random(n) < 0.1) * 1.0, id="shares"),
        pytest.param(cusum.of_shares, (0.2, 0.1), lambda rng, n: (rng.random(n) < 0.2) * 1.0, id="falling"),
        pytest.param(cusum.of_means, (5, 6, 2), lambda rng, n: rng.normal(5, 2, n), id="means"),
    ],
)
def test_limits_give_the_run_length_asked_for(make: Any, told: tuple[float, ...], draw: Any) -> None:
    rule = make(*told, 400)
    rng, lengths, age, total = np.random.default_rng(1), [], np.zeros(500), np.zeros(500)
    for _ in range(4000):
        total = np.maximum(total + rule.steps(draw(rng, 500)), 0)
        age += 1
        alarmed = total > rule.limit
        lengths.append(alarmed.sum())
        total[alarmed] = 0
    assert 4000 * 500 / np.sum(lengths) == pytest.approx(400, rel=0.07)


def test_sums_are_those_of_the_recursion_and_know_where_a_shift_began() -> None:
    rng = np.random.default_rng(2)
    values = np.r_[rng.normal(0, 1, 300), rng.normal(1, 1, 100)]
    values[50] = np.nan
    rule, total, expected = cusum.of_means(0, 1, 1, 5000), 0.0, []
    for step in rule.steps(values):
        total = max(total + (0.0 if np.isnan(step) else step), 0.0)
        expected.append(total)
    assert rule.sums(values) == pytest.approx(np.array(expected), abs=1e-9)
    first = int(rule.alarms(values).argmax())
    assert 300 <= first < 330
    assert abs(rule.since(values, first) - 300) < 10


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda: cusum.of_shares(0.1, 0.1, 9), "Shares of 0.1 and 0.1", id="same"),
        pytest.param(lambda: cusum.of_shares(0.0, 0.1, 9), "Shares of 0 and 0.1", id="none"),
        pytest.param(lambda: cusum.of_means(1, 1, 1, 9), "there is no shift", id="no-shift"),
        pytest.param(lambda: cusum.of_means(1, 2, 1, 0.5), "A run length of 0.5", id="run-length"),
    ],
)
def test_what_is_no_rule_is_told(make, says: str) -> None:  # noqa: ANN001 - a function of nothing
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("seed", range(3))
def test_the_time_of_a_change_lies_in_its_interval(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 300)
    values[200:] += 1
    found = changes.change(values)
    assert found is not None
    assert found.low <= 200 <= found.high
    assert found.high - found.low < 60
    assert found.p < 1e-4
    assert found.after - found.before == pytest.approx(1, abs=0.3)


def test_memory_is_not_taken_for_a_change() -> None:
    """20 streams with much memory: 1 to 8 have p below 0.2; as if independent, most would."""
    few = 0
    for seed in range(20):
        values = np.random.default_rng(seed).normal(0, 1, 250)
        for at in range(1, 250):
            values[at] += 0.7 * values[at - 1]
        found = changes.change(values, draws=200)
        assert found is not None
        few += found.p < 0.2
    assert few <= 8


def test_missing_values_keep_their_places_and_weights_count() -> None:
    values = np.r_[np.zeros(60), np.ones(60)] + np.random.default_rng(3).normal(0, 0.3, 120)
    values[::3] = np.nan
    weights = np.ones(120)
    weights[1::3] = 4.0
    found = changes.change(values, weights)
    assert found is not None
    assert abs(found.at - 60) <= 3
    assert changes.change(np.ones(50)) is None
    assert changes.change(np.arange(10.0)) is None


def test_the_release_of_june_is_where_gpt_4_changed() -> None:
    """100 March and then 100 June answers of GPT-4 to the same sensitive questions: tokens and answered."""
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["dataset"] == "sensitiveq" and "gpt-4" in row["model"]]
    rows.sort(key=lambda row: row["model"])
    tokens = changes.change(np.log([float(row["answer_token"]) for row in rows]))
    assert tokens is not None
    assert tokens.p < 1e-6
    assert abs(tokens.at - 100) <= 2
    assert tokens.low <= 100 <= tokens.high


@pytest.mark.parametrize(("after", "found"), [(0.1, False), (0.5, True)])
def test_an_adaptive_window_is_cut_where_it_changed(after: float, found: bool) -> None:
    rng = np.random.default_rng(4)
    values = (np.r_[rng.random(500) < 0.1, rng.random(300) < after]).astype(float)
    at = changes.cut(values)
    assert (at is not None) == found
    assert at is None or abs(at - 500) < 60
