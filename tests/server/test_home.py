"""What Home asks, over a few traces whose answers are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest


def home(few: Any, name: str, hours: tuple[float, float], **params: int) -> pd.Series:
    """The one row of a query over the time from `hours[0]` to `hours[1]` ago."""
    since, until = (datetime.now(UTC) - timedelta(hours=ago) for ago in hours)
    with few.client() as client:
        return client.query(name, since=since, until=until, **params).frame.iloc[0]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [pytest.param((1, 0), (0, 0, 0.793), id="none-failed"), pytest.param((4, 2), (1, 0.207, 1), id="all-failed")],
)
def test_the_interval_of_a_rate_ends_at_the_rate_itself(few: Any, hours: tuple[float, float], expected: Any) -> None:
    totals = home(few, "home_totals", hours)
    found = tuple(totals[name] for name in ("error_rate", "error_rate_low", "error_rate_high"))
    assert found == pytest.approx(expected, abs=6e-4)
    assert expected[0] in found[1:]


def test_a_rate_over_no_traces_is_unknown(few: Any) -> None:
    totals = home(few, "home_totals", (99, 98))
    assert totals["traces"] == 0
    assert totals[["error_rate", "error_rate_low", "error_rate_high"]].isna().all()


@pytest.mark.parametrize(
    ("hours", "half", "unknown"),
    [
        pytest.param((1, 0), 1, 0, id="half"),
        pytest.param((4, 2), 0, 0, id="failed"),
        pytest.param((6, 4.5), 1, 1, id="half-and-unknown"),
    ],
)
def test_half_told_calls_are_counted_apart(few: Any, hours: tuple[float, float], half: int, unknown: int) -> None:
    totals = home(few, "home_totals", hours)
    assert (totals["half_told_calls"], totals["unknown_usage_calls"]) == (half, unknown)


@pytest.mark.parametrize("name", ["home_series", "home_latency"])
@pytest.mark.parametrize("offset_h", [0, 1, 5.5, -8])
def test_days_begin_at_midnight_of_the_zone(few: Any, name: str, offset_h: float) -> None:
    offset = timedelta(hours=offset_h)
    day_us, offset_us = 86_400_000_000, int(offset.total_seconds() * 1e6)
    start = home(few, name, (1, 0), bucket_us=day_us, offset_us=offset_us)["bucket"]
    local = start + offset
    assert local == local.floor("D")
    assert start <= pd.Timestamp.now("UTC") < start + pd.Timedelta(days=1, minutes=5)
