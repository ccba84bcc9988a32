"""Forecasts by hand, against textbook formulas and another way to the same prediction, and laws of any spend."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics import budget

TODAY = date(2026, 10, 21)  # a Wednesday; 11 days are left, today among them


def history(values: list[float | None], today: date = TODAY) -> dict[date, float | None]:
    return {today - timedelta(days=len(values) - n): value for n, value in enumerate(values)}


def noisy(n: int, seed: int = 1, today: date = TODAY) -> dict[date, float | None]:
    """About 10 a working day and 5 a weekend day."""
    drawn = np.random.default_rng(seed).normal(0, 1, n)
    days = [today - timedelta(days=n - one) for one in range(n)]
    return {day: max(0.0, (5 if day.weekday() >= 5 else 10) + e) for day, e in zip(days, drawn, strict=True)}


def test_spend_that_never_varies_goes_on() -> None:
    found = budget.forecast(history([4.0] * 60), TODAY, budget_usd=101)
    assert found.spent_usd == 80  # 20 days
    assert (found.usd, found.low, found.high) == (pytest.approx(124), pytest.approx(124), pytest.approx(124))
    # 25 days make 100, and 26 days 104.
    assert (found.passed_on, found.chance_passed) == (date(2026, 10, 26), pytest.approx(1))
    assert [one.day.day for one in found.days] == list(range(1, 32))
    assert [one.usd for one in found.days] == pytest.approx([4 * n for n in range(1, 32)])


def test_the_season_of_the_week_is_seen() -> None:
    """Weekends of 1, working days of 6. From Wed the 21st to Sat the 31st: 8 working days and 3 weekend days."""
    days = [TODAY - timedelta(days=n) for n in range(1, 57)]
    found = budget.forecast({day: 1.0 if day.weekday() >= 5 else 6.0 for day in days}, TODAY)
    assert found.season == "weekday"
    # 1..20 October: Thu 1 to Tue 20 has 14 working days and 6 weekend days.
    assert found.spent_usd == 14 * 6 + 6
    assert found.usd == pytest.approx(found.spent_usd + 8 * 6 + 3)


@pytest.mark.parametrize(
    ("n", "season"),
    [
        pytest.param(56, "weekday", id="eight-weeks"),
        pytest.param(21, "weekday", id="three-of-each-weekday"),
        pytest.param(14, "weekend", id="two-weeks"),
        pytest.param(7, "none", id="one-week"),
    ],
)
def test_the_season_is_as_fine_as_the_history_is_long(n: int, season: str) -> None:
    assert budget.forecast(noisy(n), TODAY).season == season


def test_fewer_days_leave_a_wider_interval() -> None:
    def width(n: int) -> float:
        found = budget.forecast(noisy(n), TODAY)
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(7) > width(14) > width(56)


@pytest.mark.parametrize("known", [0, 6])
def test_too_few_days_are_said_and_not_forecast(known: int) -> None:
    found = budget.forecast(noisy(known), TODAY, today_usd=2.5, budget_usd=1000)
    assert found.refusal == f"A forecast needs 7 days of known spend, and there are {known}."
    assert (found.usd, found.low, found.high, found.chance_passed, found.passed_on) == (None,) * 5
    assert found.spent_usd == pytest.approx(sum(usd or 0 for usd in noisy(known).values()) + 2.5)


def test_a_budget_that_is_passed_is_passed_even_without_a_forecast() -> None:
    few = budget.forecast(history([5.0, 50.0, 5.0]), TODAY, budget_usd=40)
    assert (few.chance_passed, few.passed_on, few.usd) == (1.0, date(2026, 10, 19), None)
    today = budget.forecast(history([5.0]), TODAY, today_usd=50, budget_usd=40)
    assert today.passed_on == TODAY
    many = budget.forecast(history([4.0] * 30), TODAY, budget_usd=20)
    assert (many.chance_passed, many.passed_on) == (1.0, date(2026, 10, 6))
    assert many.passed_earliest == many.passed_latest == many.passed_on


def test_a_sum_of_independent_days_is_forecast_as_by_students_interval() -> None:
    """With neither steps nor trend the model is a mean: the sum of m more is m * mean +- t * s * sqrt(m + m^2 / n)."""
    y = np.random.default_rng(4).normal(10, 2, 10)
    fit = fitted(y, 4, 0.0)
    m, sums = np.arange(1, 5), np.tri(4)
    assert sums @ fit.mean == pytest.approx(m * y.mean())
    scales = np.sqrt(np.diag(sums @ fit.covariance @ sums.T) * fit.squares / fit.freedom)
    assert scales == pytest.approx(y.std(ddof=1) * np.sqrt(m + m**2 / 10))
    drawn = np.quantile(fit.draw(100_000, np.random.default_rng(1)).sum(axis=1), [0.025, 0.975])
    student = stats.t.ppf(0.975, 9) * scales[-1]
    assert drawn == pytest.approx([4 * y.mean() - student, 4 * y.mean() + student], rel=0.01)


def fitted(y: np.ndarray, ahead: int, step: float) -> budget._Fit:
    past, future = np.arange(len(y), dtype=float), len(y) + np.arange(ahead, dtype=float)
    return budget._Fit.of((past, np.ones((len(y), 1))), y, (future, np.ones((ahead, 1))), step, 0.0)


def test_a_wandering_level_is_forecast_as_by_the_kalman_filter() -> None:
    """An independent way: the filter and its diffuse start (Harvey 1989, 3.2), one day after the other."""
    y, step = np.random.default_rng(5).normal(10, 2, 12), 0.3
    level, variance, squares, logs = y[0], 1.0, 0.0, 0.0
    for value in y[1:]:
        variance += step
        error, spread = value - level, variance + 1
        squares, logs = squares + error**2 / spread, logs + np.log(spread)
        level, variance = level + variance / spread * error, variance / spread
    m, sums = np.arange(1, 6), np.tri(5)
    expected = [k**2 * variance + step * sum(j * j for j in range(1, k + 1)) + k for k in m]
    fit, still = fitted(y, 5, step), fitted(y, 5, 0.0)
    assert sums @ fit.mean == pytest.approx(m * level)
    assert fit.squares == pytest.approx(squares)
    assert np.diag(sums @ fit.covariance @ sums.T) == pytest.approx(expected)
    plain = -np.log(12) / 2 - 11 / 2 * np.log(((y - y.mean()) ** 2).sum())
    assert fit.restricted - still.restricted == pytest.approx(-logs / 2 - 11 / 2 * np.log(squares) - plain)


def test_a_trend_is_as_likely_as_the_density_of_the_days_says() -> None:
    """Oracle: scipy's multivariate normal density, with level and noise integrated by hand over a flat prior."""
    y = np.random.default_rng(6).normal(10, 2, 9) + np.arange(9)
    day, ones = np.arange(9.0), np.ones((9, 1))
    for trend in (0.0, 0.05**2, 1.0):
        cov = np.eye(9) + trend * np.outer(day, day)
        fit = budget._Fit.of((day, ones), y, (np.array([9.0]), np.ones((1, 1))), 0.0, trend)
        inverse = np.linalg.inv(cov)
        level = float((ones.T @ inverse @ y).item() / (ones.T @ inverse @ ones).item())
        variance = float((y - level) @ inverse @ (y - level)) / 9
        density = stats.multivariate_normal(np.full(9, level), variance * cov).logpdf(y)
        # At the likeliest level and variance: log density = profile - n/2 (1 + log(2 pi / n)).
        assert density == pytest.approx(fit.profile - 9 / 2 * (1 + np.log(2 * np.pi / 9)))
        assert fit.mean == pytest.approx(level + trend * 9 * day @ inverse @ (y - level))


def test_a_day_before_the_first_known_one_is_forecast_like_one_after_the_last() -> None:
    """The month began with a day of unknown spend. What is known is the same read backwards."""
    y, ones = np.random.default_rng(7).normal(10, 2, 9), np.ones((9, 1))
    numbers = np.arange(9.0)
    back = budget._Fit.of((numbers, ones), y, (np.array([-1.0, -2.0]), ones[:2]), 0.3, 0.04)
    ahead = budget._Fit.of((numbers, ones), y[::-1], (np.array([9.0, 10.0]), ones[:2]), 0.3, 0.04)
    assert back.mean == pytest.approx(ahead.mean)
    assert back.covariance == pytest.approx(ahead.covariance)
    found = budget.forecast(history([None] + [6.0] * 19), TODAY)
    assert (found.days_unknown, found.usd) == (1, pytest.approx(31 * 6))


def test_spend_that_multiplies_is_taken_in_logarithms() -> None:
    """Growth of 3 % a day with noise of 10 %: the last weeks' level would miss a fifth of what comes."""
    noise = np.random.default_rng(3).lognormal(0, 0.1, 56)
    values: list[float | None] = [float(10 * 1.03**n * e) for n, e in enumerate(noise)]
    found = budget.forecast(history(values), TODAY)
    truth = sum(usd or 0 for usd in values[36:]) + sum(10 * 1.03**n for n in range(56, 67))
    assert found.usd == pytest.approx(truth, rel=0.03)
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high


def test_days_without_calls_cost_nothing_and_unknown_days_are_forecast() -> None:
    values: list[float | None] = [6.0] * 20
    gone = history(values)
    del gone[date(2026, 10, 5)]
    assert budget.forecast(gone, TODAY).spent_usd == 19 * 6
    unknown = budget.forecast(history([6.0] * 15 + [None] + [6.0] * 4), TODAY)
    assert (unknown.days_unknown, unknown.days_known, unknown.spent_usd) == (1, 19, 19 * 6)
    assert unknown.usd == pytest.approx(31 * 6)
    assert [one.day.day for one in unknown.days] == list(range(1, 32))
    assert unknown.days[19].usd == pytest.approx(20 * 6)


def test_a_service_that_is_never_called_is_forecast_to_cost_nothing() -> None:
    found = budget.forecast(history([0.0] * 30), TODAY, budget_usd=10)
    assert (found.usd, found.high, found.chance_passed) == (pytest.approx(0), pytest.approx(0), pytest.approx(0))
    assert found.passed_on is None


@pytest.mark.parametrize(
    ("today", "days_left", "spent"),
    [
        pytest.param(date(2026, 10, 1), 31, 0, id="first-of-the-month"),
        pytest.param(date(2026, 10, 31), 1, 150, id="last-of-the-month"),
        pytest.param(date(2028, 2, 29), 1, 140, id="leap-day"),
        pytest.param(date(2026, 12, 31), 1, 150, id="end-of-the-year"),
    ],
)
def test_months_have_their_boundaries(today: date, days_left: int, spent: float) -> None:
    found = budget.forecast(history([5.0] * 60, today), today)
    assert (found.month, found.days[-1].day.month) == (today.replace(day=1), today.month)
    assert found.spent_usd == spent
    assert found.usd == pytest.approx(spent + 5 * days_left)


def test_a_day_that_has_passed_its_own_forecast_raises_the_months() -> None:
    steady = history([4.0] * 30)
    assert budget.forecast(steady, TODAY, today_usd=3.0).usd == pytest.approx(124)
    assert budget.forecast(steady, TODAY, today_usd=50.0).usd == pytest.approx(80 + 50 + 40)


@pytest.mark.parametrize(
    ("daily", "today_usd", "limit", "text"),
    [
        pytest.param({TODAY: 1.0}, 0.0, None, "not before today", id="today-among-whole-days"),
        pytest.param({date(2026, 10, 2): -1.0}, 0.0, None, "-1.0", id="negative"),
        pytest.param({date(2026, 10, 2): float("nan")}, 0.0, None, "nan", id="not-a-number"),
        pytest.param({}, -2.0, None, "-2.0", id="negative-today"),
        pytest.param({}, 0.0, 0.0, "budget", id="no-budget"),
    ],
)
def test_bad_amounts_are_refused(
    daily: dict[date, float | None], today_usd: float, limit: float | None, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        budget.forecast(daily, TODAY, today_usd, limit)


@settings(max_examples=25)
@given(
    values=st.lists(st.none() | st.floats(0, 1e4), min_size=10, max_size=70),
    limit=st.floats(1, 1e5), today=st.dates(date(2026, 1, 1), date(2026, 12, 31)), so_far=st.floats(0, 100),
)  # fmt: skip
def test_what_holds_for_any_spend(values: list[float | None], limit: float, today: date, so_far: float) -> None:
    found = budget.forecast(history(values, today), today, so_far, limit)
    if found.refusal:
        return
    assert found.low is not None
    assert found.usd is not None
    assert found.high is not None
    slack = 1e-6 * (1 + found.high)
    assert found.spent_usd - slack <= found.low <= found.usd <= found.high
    chances = [one.chance_passed or 0.0 for one in found.days if one.day >= today]
    assert all(0 <= chance <= 1 for chance in chances)
    assert (found.passed_on is None) == (max(one.chance_passed or 0.0 for one in found.days) < 0.5)
    if found.usd > limit + slack:
        assert found.passed_on is not None
    order = [found.passed_earliest, found.passed_on, found.passed_latest]
    assert [day or date.max for day in order] == sorted(day or date.max for day in order)


def test_ninety_five_of_a_hundred_months_lie_within_the_interval() -> None:
    """Days of the model: noise, season and a level that wanders. Fixed seed; more of it in benchmarks/coverage.py."""
    rng, held, runs = np.random.default_rng(8), 0, 150
    days = [date(2026, 10, 31) - timedelta(days=n) for n in range(51, -1, -1)]
    season = np.array([4.0 if day.weekday() >= 5 else 10.0 for day in days])
    for _ in range(runs):
        spend = np.maximum(0, 20 + season + np.cumsum(rng.normal(0, 0.3, 52)) + rng.normal(0, 1, 52))
        daily = {day: float(usd) for day, usd in zip(days, spend, strict=True)}
        found = budget.forecast({day: usd for day, usd in daily.items() if day < TODAY}, TODAY)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= sum(usd for day, usd in daily.items() if day.month == 10) <= found.high
    assert stats.binomtest(held, runs, 0.95).pvalue > 0.01
