"""Streams that are looked at again and again: baselines, looks, alerts, and how often they are false."""

from __future__ import annotations

import numpy as np
import pytest

from analytics import alerting, blocks, false_alarms, watching
from analytics.alerting import Look
from analytics.false_alarms import TooShortError
from analytics.watching import Policy

DAY = 24
MONTH = 28 * DAY


def remembering(steps: int, streams: int, memory: float, seed: int) -> np.ndarray:
    """Autoregressive streams of deviation 1: [step, stream]."""
    new = np.random.default_rng(seed).normal(0, np.sqrt(1 - memory**2), (steps + 100, streams))
    for at in range(1, len(new)):
        new[at] += memory * new[at - 1]
    return new[100:]


def test_a_baseline_and_a_look_by_hand() -> None:
    """Two hours that alternate, weights of 1 and 3; windows of two."""
    values, weights = np.array([1.0, 10, 3, 10, 2, 13, 2, 11, 1, 12]), np.array([1.0, 3] * 5)
    policy = Policy(window=2, period=2)
    found = watching.baseline(values[:, None], weights, policy)
    assert found is not None
    assert found.profile[:, 0].tolist() == pytest.approx([1.8, 11.2])
    off = values - np.tile([1.8, 11.2], 5)
    sums = [(weights * off)[at : at + 2].sum() for at in range(9)]
    assert found.scale[0, 0] == pytest.approx(np.mean(np.square(sums) / 4) / (1 - 2 / 10))
    looks = watching.looks(found, np.array([[3.0], [12.2]]), np.array([1.0, 3.0]), policy)
    assert looks.effects[0, 0] == pytest.approx((1.2 + 3 * 1.0) / 4)
    error = np.sqrt(found.scale[0, 0] * (1 / 4 + (1 / 5 + 9 / 15) / 16))
    assert looks.scores[0, 0] == pytest.approx(looks.effects[0, 0] / error)


@pytest.mark.parametrize(
    ("memory", "period"),
    [pytest.param(0.0, 1, id="none"), pytest.param(0.6, 1, id="memory"), pytest.param(0.5, DAY, id="season")],
)
def test_p_values_of_a_quiet_stream_are_what_they_say(memory: float, period: int) -> None:
    """300 streams, a look a day for a month: 4 to 6 % are below 5 %. As if independent, 20 % and more would be."""
    streams = remembering(MONTH + 30 * DAY, 300, memory, 3)
    streams += 3 * np.sin(np.arange(len(streams)) / DAY * 2 * np.pi)[:, None] * (period > 1)
    policy = Policy(window=DAY, every=DAY, period=period)
    ones = np.ones(len(streams))
    found = watching.baseline(streams[:MONTH], ones[:MONTH], policy)
    assert found is not None
    ps = watching.looks(found, streams[MONTH:], ones[MONTH:], policy).p_values()
    assert ps.shape == (30, 300)
    assert 0.04 <= (ps < 0.05).mean() <= 0.062


def test_a_season_is_no_change_and_hides_none() -> None:
    """Days of 10 and nights of 0: at every hour the window of 3 hours is expected to be what it is."""
    rng = np.random.default_rng(1)
    values = np.where(np.arange(40 * DAY) % DAY < 12, 10.0, 0.0) + rng.normal(0, 0.5, 40 * DAY)
    values[35 * DAY :] += 1.0
    policy = Policy(window=3, period=DAY, alpha=1e-4)
    ones = np.ones(values.size)
    found = watching.baseline(values[:MONTH, None], ones[:MONTH], policy)
    assert found is not None
    counts = watching.looks(found, values[MONTH:, None], ones[MONTH:], policy).counts(policy)[:, 0]
    assert not counts[: 7 * DAY - 2].any()
    assert counts[7 * DAY + 2 :].mean() > 0.5


def test_windows_with_too_little_say_nothing() -> None:
    values, weights = remembering(MONTH + 48, 1, 0.0, 2), np.ones(MONTH + 48)
    weights[MONTH + 12 :] = 0
    policy = Policy(window=DAY)
    found = watching.baseline(values[:MONTH], weights[:MONTH], policy)
    assert found is not None
    looks = watching.looks(found, values[MONTH:], weights[MONTH:], policy)
    assert np.isnan(looks.effects[:, 0]).tolist() == [False] + [True] * 24
    assert not looks.counts(policy)[1:].any()


@pytest.mark.parametrize(
    ("values", "policy"),
    [
        pytest.param(np.zeros((MONTH, 1)), Policy(window=24), id="nothing-varies"),
        pytest.param(remembering(100, 1, 0, 1), Policy(window=24), id="four-windows"),
        pytest.param(remembering(300, 1, 0, 1), Policy(window=24, period=168), id="one-week"),
    ],
)
def test_there_is_no_baseline_of_too_little(values: np.ndarray, policy: Policy) -> None:
    assert watching.baseline(values, np.ones(len(values)), policy) is None
    with pytest.raises(TooShortError, match="this policy takes"):
        false_alarms.alarms(false_alarms.stream(values[:, 0], None, DAY), policy)


def test_a_round_adjusts_over_its_monitors_and_leaves_out_who_knows_nothing() -> None:
    looks = [
        Look(0.01, 0.3),
        Look(0.04, 0.3),
        Look(0.02, -0.3, floor=0.2),
        Look(0.02, 0.1, floor=0.2),
        Look(None, None),
    ]
    assert alerting.counted(looks, 0.05) == [True, True, True, False, None]
    assert alerting.counted([Look(0.04, 1.0)] + [Look(0.5, 1.0)] * 9, 0.05) == [False] * 10


@pytest.mark.parametrize(
    ("recent", "firing", "expected"),
    [
        pytest.param([True, False, True], False, "firing", id="two-of-three"),
        pytest.param([True, True, False, True], False, "firing", id="older-looks-do-not-matter"),
        pytest.param([True, False, False], False, "ok", id="one-of-three"),
        pytest.param([True, False, False], True, "firing", id="it-goes-on-while-one-counts"),
        pytest.param([True, False, False, False], True, "ok", id="it-is-over"),
        pytest.param([False, False, None], False, "insufficient data", id="newest-unknown"),
        pytest.param([None, None, False], False, "insufficient data", id="too-few-known"),
        pytest.param([None, False, False], False, "ok", id="enough-known"),
        pytest.param([True, True, None], False, "firing", id="known-enough-to-fire"),
        pytest.param([], False, "insufficient data", id="none-yet"),
    ],
)
def test_states(recent: list[bool | None], firing: bool, expected: str) -> None:
    assert alerting.state(recent, 2, 3, firing=firing) == expected


def test_alerts_of_many_streams_begin_where_states_turn() -> None:
    counts = np.random.default_rng(4).random((60, 20)) < 0.25
    found = alerting.begins(counts, 2, 3)
    for stream in range(20):
        firing, begins = False, []
        for at in range(60):
            now = alerting.state([bool(one) for one in counts[: at + 1, stream]], 2, 3, firing=firing) == "firing"
            begins.append(now and not firing)
            firing = now
        assert found[:, stream].tolist() == begins


def test_streams_drawn_anew_have_the_memory_and_the_spread() -> None:
    values = remembering(3000, 1, 0.7, 5)[:, 0]
    made = blocks.drawn(blocks.remembered(values), 2000, 40, np.random.default_rng(1))
    assert made.std() == pytest.approx(values.std(), rel=0.05)
    for lag in (1, 3):
        own = np.corrcoef(values[lag:], values[:-lag])[0, 1]
        assert np.mean(made[lag:] * made[:-lag]) / made.var() == pytest.approx(own, abs=0.06)


@pytest.mark.parametrize(("longest", "share"), [pytest.param(1, 0.0, id="single"), pytest.param(None, 0.8, id="five")])
def test_blocks_are_as_long_as_is_asked(longest: int | None, share: float) -> None:
    """Of 125 values in order, blocks of 5: four of five steps go on to the next value."""
    memory = blocks.Memory(np.empty(0), np.arange(125.0))
    made = blocks.drawn(memory, 500, 20, np.random.default_rng(1), longest=longest)
    assert (np.diff(made, axis=0) == 1).mean() == pytest.approx(share, abs=0.02)


def test_hours_that_vary_more_go_on_doing_so() -> None:
    spread = np.where(np.arange(60 * DAY) % DAY < 12, 3.0, 0.5)
    values = np.random.default_rng(6).normal(0, spread)
    made = blocks.drawn(blocks.remembered(values), 10 * DAY, 50, np.random.default_rng(2), phase=DAY)
    by_hour = made.reshape(10, DAY, 50).std(axis=(0, 2))
    assert by_hour[:12].mean() == pytest.approx(3.0, rel=0.1)
    assert by_hour[12:].mean() < 1.0


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_false_alarms_come_as_often_as_they_are_said_to(memory: float) -> None:
    """200 streams for a month; `benchmarks/drift.py` measures it closer."""
    streams = remembering(MONTH + 30 * DAY, 200, memory, 8)
    policy = Policy(window=DAY, alpha=0.02, hits=2, of=3)
    ones = np.ones(len(streams))
    found = watching.baseline(streams[:MONTH], ones[:MONTH], policy)
    assert found is not None
    counts = watching.looks(found, streams[MONTH:], ones[MONTH:], policy).counts(policy)
    seen = alerting.begins(counts, 2, 3).sum(axis=0).mean()
    told = [
        false_alarms.alarms(false_alarms.stream(streams[:MONTH, at], None, DAY), policy, 50) for at in range(0, 200, 10)
    ]
    assert seen == pytest.approx(np.mean([one.per_month.value for one in told]), rel=0.25)


def test_an_alpha_is_found_for_a_rate_and_a_change_is_found_in_time() -> None:
    reference = false_alarms.stream(remembering(MONTH, 1, 0.3, 9)[:, 0], None, DAY)
    policy = false_alarms.calibrated(reference, Policy(window=DAY, hits=2, of=3), 0.5, draws=200)
    assert false_alarms.alarms(reference, policy, draws=200, seed=1).per_month.value == pytest.approx(0.5, abs=0.25)
    small, large = (false_alarms.delay(reference, policy, effect, draws=100) for effect in (0.3, 1.0))
    assert large.found == 1.0
    assert large.median is not None
    assert large.median <= 1.5
    assert small.median is None or small.median > large.median


def test_no_alarm_in_any_month_drawn_has_a_bound_above_none() -> None:
    reference = false_alarms.stream(remembering(MONTH, 1, 0.0, 9)[:, 0], None, DAY)
    found = false_alarms.alarms(reference, Policy(window=DAY, floor=5.0), draws=100)
    assert (found.per_month.value, found.quiet) == (0.0, 1.0)
    assert found.per_month.high == pytest.approx(0.0369, abs=1e-4)


def test_weights_are_one_a_value() -> None:
    with pytest.raises(ValueError, match="one a value"):
        false_alarms.stream(np.ones(5), np.ones(4), DAY)


def test_nights_that_are_noisier_have_wider_bounds() -> None:
    """Noise of 3 by day and 0.5 by night: p is below 5 % in 5 % at both, with one variance for all in 10 % by day."""
    spread = np.where(np.arange(MONTH + 30 * DAY) % DAY < 12, 3.0, 0.5)[:, None]
    streams = np.random.default_rng(5).normal(0, 1, (spread.size, 200)) * spread
    ones = np.ones(spread.size)
    shares = {}
    for day in (DAY, 1):
        policy = Policy(window=3, period=DAY, day=day)
        found = watching.baseline(streams[:MONTH], ones[:MONTH], policy)
        assert found is not None
        looks = watching.looks(found, streams[MONTH:], ones[MONTH:], policy)
        by_hour = [(looks.p_values()[looks.at % DAY == hour] < 0.05).mean() for hour in (8, 20)]
        shares[day] = by_hour
    assert shares[DAY] == pytest.approx([0.05, 0.05], abs=0.015)
    assert shares[1][0] > 0.1
    assert shares[1][1] < 0.01


def test_hours_that_do_not_differ_share_their_variance() -> None:
    """Nothing of the power is lost: degrees of freedom are those of all windows, in most streams."""
    streams = np.random.default_rng(6).normal(0, 1, (MONTH, 100))
    policy = Policy(window=3, period=DAY, day=DAY)
    found = watching.baseline(streams, np.ones(MONTH), policy)
    assert found is not None
    assert np.median(found.freedom) > 100
    assert (found.freedom >= 27).all()


@pytest.mark.parametrize("monitors", [1, 3, 200])
def test_the_threshold_is_what_the_procedure_rejects_on_average(monitors: int) -> None:
    rng, alpha, rounds = np.random.default_rng(7), 0.1, 4000
    ps = np.sort(rng.random((rounds, monitors)), axis=1)
    fits = ps <= alpha * np.arange(1, monitors + 1) / monitors
    rejected = np.where(fits.any(axis=1), monitors - fits[:, ::-1].argmax(axis=1), 0)
    expected = Policy(window=1, alpha=alpha, monitors=monitors).threshold * monitors
    assert rejected.mean() == pytest.approx(expected, rel=0.15)


def test_a_night_of_as_many_calls_as_nights_have_is_told_of() -> None:
    """Of windows of six hours: those of nights with a seventh of a day's calls, and not those that lack theirs."""
    hours = np.arange(28 * 24)
    calls = np.where(hours % 24 < 8, 20.0, 140.0)
    policy = Policy(window=6, period=24, day=24)
    own = watching.baseline(np.random.default_rng(3).normal(0, 1, (hours.size, 1)), calls, policy)
    assert own is not None
    days = np.tile(calls[:24], 2)
    days[24:30] = 5.0  # of the second night
    found = watching.looks(own, np.zeros((48, 1)), days, policy)
    told = np.isfinite(found.effects[:, 0])
    assert told[found.at < 24].all()
    assert not told[found.at == 29].any()
