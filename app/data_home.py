"""Doors of Home."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from app import data


def home_totals(since: datetime, until: datetime) -> pd.Series:
    """One record: see query `home_totals`."""
    return data.ask("home_totals", since=since, until=until).frame.iloc[0]


def home_series(since: datetime, until: datetime, bucket: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket with traces; see query `home_series`. `offset`: of the viewer's zone from UTC."""
    return data.ask(
        "home_series", since=since, until=until, bucket_us=data.micros(bucket), offset_us=data.micros(offset)
    ).frame


def home_latency(since: datetime, until: datetime, bucket: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket with model calls that ended well; buckets as in `home_series`."""
    return data.ask(
        "home_latency", since=since, until=until, bucket_us=data.micros(bucket), offset_us=data.micros(offset)
    ).frame


def home_latency_total(since: datetime, until: datetime) -> pd.Series:
    """One record: calls, p50_ns, p95_ns."""
    return data.ask("home_latency_total", since=since, until=until).frame.iloc[0]


def home_problems(since: datetime, until: datetime) -> pd.DataFrame:
    """One row per kind of failure, most recently seen first."""
    return data.ask("home_problems", since=since, until=until).frame


def load_demo() -> dict[str, Any]:
    """Have the server send itself the sample data; half a minute."""
    return data.client().load_demo()
