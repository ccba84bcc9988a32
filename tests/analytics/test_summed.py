"""Cumulative sums over streams: what a bucket adds, by hand; limits from draws; the delay beside that of windows."""

from __future__ import annotations

import numpy as np
import pytest

from analytics import false_alarms, summed
from analytics.watching import Looks, Policy

DAY = 24


def reference() -> false_alarms.Stream:
    values = np.random.default_rng(2).normal(0, 1, 28 * DAY)
    for at in range(1, values.size):
        values[at] += 0.5 * values[at - 1]
    return false_alarms.stream(values, None, DAY)


def test_what_a_bucket_adds_is_the_log_odds_of_the_change() -> None:
    """Of normal values with error 2: ln of the density about 1 over that about 0, and about -1; without a value 0."""
    looks = Looks(np.arange(2), np.array([[3.0], [np.nan]]), np.array([[1.5], [np.nan]]), np.ones((2, 1)))
    found = summed.steps(looks, 1.0)
    assert found[0, 0].tolist() == pytest.approx([(3**2 - 2**2) / 8, (3**2 - 4**2) / 8])
    assert found[1, 0].tolist() == [0.0, 0.0]


def test_sums_begin_again_after_an_alarm() -> None:
    added = np.array([1.0, 1, 1, -5, 2, 2])[:, None, None] * np.array([1.0, 0])
    assert summed.alarms(added, 1.5)[:, 0].tolist() == [False, True, False, False, True, True]


def test_nine_of_ten_lasting_changes_are_found_sooner_than_by_windows_with_as_many_false_alarms() -> None:
    own, policy = reference(), Policy(window=DAY, hits=2, of=3)
    rule, alarms = summed.calibrated(own, policy, 0.7, 0.5, draws=150)
    assert alarms.per_month.value == pytest.approx(0.5, abs=0.25)
    sums = summed.delay(own, policy, rule, 0.7, draws=100)
    windows = false_alarms.delay(own, false_alarms.calibrated(own, policy, 0.5, draws=150), 0.7, draws=100)
    assert sums.found >= windows.found > 0.9
    assert sums.late is not None
    assert windows.late is not None
    assert sums.late < 0.8 * windows.late


def test_a_change_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="name the least that matters"):
        summed.calibrated(reference(), Policy(window=DAY), 0.0, 1.0)
