"""Doors of Cost: sums over model calls, and what a success costs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from app import data


def calls_totals(since: datetime, until: datetime, filters: data.Filters) -> pd.Series:
    """One record of sums over the calls of the window; see query `calls_totals`."""
    return data.ask("calls_totals", since=since, until=until, **filters).frame.iloc[0]


def calls_cost_per(since: datetime, until: datetime, unit: str, filters: data.Filters) -> pd.Series:
    """One record: n, mean, low, high in US dollars; `unit`: trace or session."""
    return data.ask("calls_cost_per", since=since, until=until, unit=unit, **filters).frame.iloc[0]


def calls_cost_series(  # noqa: PLR0917 - as the query
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, dimension: str, filters: data.Filters
) -> pd.DataFrame:
    """One row per bucket and value of the dimension; see query `calls_cost_series`."""
    steps = {"bucket_us": data.micros(bucket), "offset_us": data.micros(offset)}
    return data.ask("calls_cost_series", since=since, until=until, dimension=dimension, **steps, **filters).frame


def calls_cost_classes(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: data.Filters
) -> pd.DataFrame:
    """One row per bucket: cost by class of tokens."""
    steps = {"bucket_us": data.micros(bucket), "offset_us": data.micros(offset)}
    return data.ask("calls_cost_classes", since=since, until=until, **steps, **filters).frame


def calls_cost_by(since: datetime, until: datetime, dimension: str, filters: data.Filters) -> pd.DataFrame:
    """One row per value of the dimension, dearest first; see query `calls_cost_by`."""
    return data.ask("calls_cost_by", since=since, until=until, dimension=dimension, **filters).frame


def cost_per_success(since: datetime, until: datetime, filters: data.Filters, **rule: data.Param) -> pd.DataFrame:
    """One row, or one per value of `dimension`, dearest first; see query `cost_per_success`; `rule`: its parameters."""
    return data.ask("cost_per_success", since=since, until=until, **rule, **filters).frame


def calls_totals_of(project: str, since: datetime, until: datetime, filters: data.Filters) -> pd.Series:
    """`calls_totals` of another project."""
    return data.ask_of(project, "calls_totals", since=since, until=until, **filters).frame.iloc[0]


def calls_cost_per_of(project: str, since: datetime, until: datetime, filters: data.Filters) -> pd.Series:
    """`calls_cost_per` trace, of another project."""
    return data.ask_of(project, "calls_cost_per", since=since, until=until, unit="trace", **filters).frame.iloc[0]
