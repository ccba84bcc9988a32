"""Plain checks at their bounds. The burn rates are those of the Site Reliability Workbook, table 5-8."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from server.monitors import plain
from server.monitors.series import Series
from server.monitors.terms import Terms

AT = datetime(2026, 11, 26, 12)  # noqa: DTZ001 - UTC without a zone, as the store holds times
HOUR = timedelta(hours=1)


def window(values: list[float | None], weights: list[float]) -> Series:
    known = np.array([np.nan if one is None else one for one in values])
    return Series(AT - len(values) * HOUR, HOUR, known, np.array(weights), [None] * len(values))


def alert(kind: str, **terms: Any) -> Any:
    signal = {"signal": "cost"} if kind == "threshold" else {}
    return Terms.model_validate({**signal, "alert": {"kind": kind, **terms}}).alert


@pytest.mark.parametrize(
    ("terms", "values", "weights", "value", "counts"),
    [
        pytest.param({"above": 2}, [1.0, 3.0], [10, 10], 2.0, False, id="on-it-is-not-above"),
        pytest.param({"above": 2}, [1.0, 3.0], [10, 11], 43 / 21, True, id="weighted-and-above"),
        pytest.param({"below": 2}, [1.0, 3.0], [10, 10], 2.0, False, id="on-it-is-not-below"),
        pytest.param({"below": 2}, [1.0, None], [1, 0], 1.0, True, id="unknown-is-left-out"),
        pytest.param({"above": 2, "least": 20}, [9.0], [20], 9.0, True, id="least-is-enough"),
        pytest.param({"above": 2, "least": 21}, [9.0], [20], 9.0, None, id="below-least"),
        pytest.param({"above": 2}, [None], [0], None, None, id="nothing"),
        pytest.param({"above": 0}, [0.0], [5], 0.0, False, id="zero-is-a-value"),
    ],
)
def test_thresholds(terms: Any, values: Any, weights: Any, value: float | None, counts: bool | None) -> None:
    found = plain.threshold(alert("threshold", **terms), window(values, weights), AT)
    assert (found.value, found.counts) == (value if value is None else pytest.approx(value), counts)
    assert (found.why is None) == (counts is not None)


@pytest.mark.parametrize(
    ("calls", "ever", "counts"),
    [
        pytest.param([0.0, 0.0], True, True, id="nothing-came"),
        pytest.param([0.0, 1.0], True, False, id="one-call-is-data"),
        pytest.param([None, None], False, None, id="nothing-ever-came"),
        pytest.param([1.0], False, False, id="the-first-call"),
    ],
)
def test_no_data(calls: Any, ever: bool, counts: bool | None) -> None:
    weights = [0.0 if one is None else 1.0 for one in calls]
    found = plain.no_data(window(calls, weights), AT, ever=ever)
    assert found.counts is counts
    assert ("nobody can say" in str(found.why)) == (counts is None)


@pytest.mark.parametrize(
    ("failed", "calls", "counts"),
    [
        pytest.param(5, 25, True, id="both-at-their-bound"),
        pytest.param(4, 20, False, id="one-failure-short"),
        pytest.param(5, 26, False, id="a-smaller-share"),
        pytest.param(0, 0, False, id="no-call-no-failure"),
    ],
)
def test_bursts(failed: int, calls: int, counts: bool) -> None:
    share = failed / calls if calls else None
    found = plain.burst(alert("error_burst", failed=5, share=0.2), window([share], [calls]), AT)
    assert found.counts is counts


def counts(**bad: float) -> dict[int, tuple[int, int]]:
    """Windows of 10,000 calls; of those named by their minutes, so many bad."""
    return {minutes: (10_000, round(bad.get(f"m{minutes}", 0))) for minutes in plain.burn_minutes()}


# A service level of 99.9 % over 30 days: the workbook alerts above 1.44 %, 0.6 % and 0.1 % of errors.
@pytest.mark.parametrize(
    ("bad", "counts_", "rate"),
    [
        pytest.param({"m60": 144, "m5": 144}, False, 14.4, id="1h-5m-at-14.4"),
        pytest.param({"m60": 145, "m5": 145}, True, 14.4, id="1h-5m-above-14.4"),
        pytest.param({"m60": 145, "m5": 144}, False, 14.4, id="the-short-one-is-over"),
        pytest.param({"m60": 144, "m5": 500}, False, 14.4, id="the-long-one-is-not-there-yet"),
        pytest.param({"m360": 60, "m30": 60}, False, 6, id="6h-30m-at-6"),
        pytest.param({"m360": 61, "m30": 61}, True, 6, id="6h-30m-above-6"),
        pytest.param({"m4320": 10, "m360": 10}, False, 1, id="3d-6h-at-1"),
        pytest.param({"m4320": 11, "m360": 11}, True, 1, id="3d-6h-above-1"),
        pytest.param({}, False, None, id="no-errors"),
    ],
)
def test_burn_rates(bad: dict[str, float], counts_: bool, rate: float | None) -> None:
    found = plain.burn(alert("slo_burn", objective=0.999), counts(**bad), AT)
    assert found.counts is counts_
    if rate is not None:
        assert found.expected == pytest.approx(rate)


@pytest.mark.parametrize(
    ("period", "rates"), [("30d", [14.4, 6, 1]), ("28d", [13.44, 5.6, 0.9333]), ("7d", [3.36, 1.4, 0.2333])]
)
def test_burn_rates_are_of_the_period(period: str, rates: list[float]) -> None:
    from server.monitors.terms import length  # noqa: PLC0415

    assert [pair.rate(length(period)) for pair in plain.PAIRS] == pytest.approx(rates, abs=1e-3)


def test_a_service_level_without_calls_is_no_verdict() -> None:
    found = plain.burn(alert("slo_burn", objective=0.999), {}, AT)
    assert found.counts is None
    assert found.why == "No call that matches came in 3 days."


def spent(usd: float, low: float | None = None) -> dict[str, Any]:
    return {
        "usd_per_month": 100.0, "spent_usd": usd, "low": low, "forecast_usd": None if low is None else low + 20,
        "calls": 10, "verdict": "Unlikely to pass $100.", "refusal": "A forecast needs 7 days of known spend.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "found", "counts"),
    [
        pytest.param({"spent": 0.8}, spent(80), True, id="spent-to-the-share"),
        pytest.param({"spent": 0.8}, spent(79.99), False, id="below-the-share"),
        pytest.param({}, spent(10, low=100.01), True, id="forecast-above"),
        pytest.param({}, spent(10, low=100.0), False, id="forecast-may-stay-below"),
        pytest.param({"forecast": False, "spent": 2}, spent(101, low=150), False, id="forecast-not-asked"),
        pytest.param({}, spent(101), True, id="passed-without-a-forecast"),
        pytest.param({}, spent(10), None, id="no-forecast-yet"),
        pytest.param({}, None, None, id="no-budget"),
    ],
)
def test_budgets(terms: Any, found: Any, counts: bool | None) -> None:
    seen = plain.budget(alert("budget", **terms), found, AT)
    assert seen.counts is counts
    assert (seen.why is None) == (counts is not None)
