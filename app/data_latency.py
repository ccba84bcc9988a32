"""Doors of Latency."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import pandas as pd
import streamlit as st

from app import data


def latency_periods(since: datetime, until: datetime, measure: str, filters: data.Filters) -> pd.DataFrame:
    """A measure in the window and in as much time before: a row per quantile; see the API's `/api/latency/periods`."""
    return _of_latency("periods", since=since, until=until, measure=measure, **filters)


def latency_paths(since: datetime, until: datetime, filters: data.Filters) -> pd.DataFrame:
    """Share of each kind of span on the critical path of a sample of traces; see the API's `/api/latency/paths`."""
    return _of_latency("paths", since=since, until=until, **filters)


def _of_latency(what: Literal["periods", "paths"], **params: data.Param) -> pd.DataFrame:
    return _latency(data.place(), what, data.watermark(), tuple(sorted(params.items()))).frame


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _latency(place: data.Place, what: Literal["periods", "paths"], mark: str, params: data.Params) -> data.Answer:  # noqa: ARG001
    return data.client_of(place).latency(what, **dict(params))


def latency_series(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: data.Filters
) -> pd.DataFrame:
    """One row per bucket with calls that ended well: n, p50 and p95 of the duration (ns) with their intervals."""
    steps = {"bucket_us": data.micros(bucket), "offset_us": data.micros(offset)}
    return data.ask("latency_series", since=since, until=until, **steps, **filters).frame


def latency_heat(
    since: datetime, until: datetime, bucket: timedelta, offset: timedelta, filters: data.Filters
) -> pd.DataFrame:
    """Calls per bucket and bin of their duration; see query `latency_heat`."""
    steps = {"bucket_us": data.micros(bucket), "offset_us": data.micros(offset)}
    return data.ask("latency_heat", since=since, until=until, **steps, **filters).frame


def latency_by(since: datetime, until: datetime, dimension: str, measure: str, filters: data.Filters) -> pd.DataFrame:
    """One row per value of the dimension, most calls first; see query `latency_by`."""
    return data.ask("latency_by", since=since, until=until, dimension=dimension, measure=measure, **filters).frame


def latency_marks(since: datetime, until: datetime, filters: data.Filters) -> pd.DataFrame:
    """Releases and prompt versions that replaced another one in the window, by time."""
    return data.ask("latency_marks", since=since, until=until, **filters).frame
