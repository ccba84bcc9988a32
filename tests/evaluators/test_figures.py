"""Figures of quality against scipy and by their definitions."""

from __future__ import annotations

import math
from pathlib import Path

import benchmark
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

figures = benchmark.loaded("figures")
PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=40)


@given(PAIRS)
def test_auroc_is_the_statistic_of_mann_and_whitney(pairs: list[tuple[int, int]]) -> None:
    found = [score for truth, score in pairs if truth]
    others = [score for truth, score in pairs if not truth]
    got = figures.auroc(*zip(*pairs, strict=True))
    if not found or not others:
        assert math.isnan(got)
    else:
        expected = mannwhitneyu(found, others).statistic / (len(found) * len(others))
        assert got == pytest.approx(expected)


@given(PAIRS)
def test_best_f1_is_the_best_of_all_thresholds(pairs: list[tuple[int, int]]) -> None:
    truth, score = zip(*pairs, strict=True)
    if not any(truth):
        return
    best, threshold = figures.best_f1(truth, score)
    assert best == pytest.approx(max(figures.at(truth, score, t).f1 for t in set(score)))
    assert figures.at(truth, score, threshold).f1 == pytest.approx(best)


@given(PAIRS, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_recall_at_keeps_within_the_false_alarms(pairs: list[tuple[int, int]], bound: float) -> None:
    truth, score = zip(*pairs, strict=True)
    if not any(truth) or all(truth):
        return
    recall, threshold = figures.recall_at(truth, score, bound)
    counts = figures.at(truth, score, threshold)
    assert counts.recall == pytest.approx(recall)
    assert counts.false_alarm_rate <= bound + 1e-9
    worse = [figures.at(truth, score, t) for t in set(score) if t < threshold]
    assert all(c.false_alarm_rate > bound for c in worse)


def test_average_precision_by_hand() -> None:
    # Ranks 1 and 3 of four are to be found: 1/2 * 1/1 + 1/2 * 2/3.
    assert figures.average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]) == pytest.approx(5 / 6)
    assert figures.average_precision([1, 0, 0, 0], [1, 1, 1, 1]) == pytest.approx(0.25)
    assert math.isnan(figures.average_precision([0, 0], [1, 2]))


def test_counts_by_hand() -> None:
    counts = figures.at([1, 1, 0, 0, 0], [0.9, 0.2, 0.9, 0.1, 0.1], 0.5)
    assert (counts.hits, counts.false_alarms, counts.misses, counts.passed) == (1, 1, 1, 2)
    assert (counts.precision, counts.recall, counts.f1, counts.accuracy) == (0.5, 0.5, 0.5, 0.6)
    assert counts.balanced_accuracy == pytest.approx((0.5 + 2 / 3) / 2)


def test_clusters_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    truth = np.repeat(random.integers(0, 2, 40), 10)
    score = truth * 0.4 + np.repeat(random.random(40), 10)  # ten equal rows each
    clusters = np.repeat(np.arange(40), 10).tolist()
    rows = figures.interval(figures.auroc, truth, score, draws=200)
    whole = figures.interval(figures.auroc, truth, score, clusters, draws=200)
    assert rows == figures.interval(figures.auroc, truth, score, draws=200)
    assert whole[0] < rows[0] < figures.auroc(truth, score) < rows[1] < whole[1]


def test_the_table_is_markdown() -> None:
    row = figures.figure("set", "rule", "AUROC", figures.auroc, truth=[1, 0], score=[2, 1], draws=0)
    assert figures.table([row]).splitlines() == [
        "| data | rule | measure | value | 95 % | n | positive |",
        "| ---- | ---- | ------- | ----- | ---- | - | -------- |",
        "| set  | rule | AUROC   | 1.000 |      | 2 | 1        |",
    ]


def test_data_that_is_absent_is_said_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    assert figures.data("nothing") is None
    assert "is absent" in capsys.readouterr().out
