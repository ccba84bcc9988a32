"""Doors of Cost integrity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data


def integrity_reported(since: datetime, until: datetime, filters: data.Filters) -> pd.Series | None:
    """Reported against computed cost over all calls, one record; null: there is no call."""
    frame = data.ask("integrity_reported", since=since, until=until, **filters).frame
    return None if frame.empty else frame.iloc[0]


def integrity_causes(since: datetime, until: datetime, filters: data.Filters) -> list[dict[str, Any]]:
    """Reported against computed cost of each model with its likely cause; see the API's `/api/integrity/causes`."""
    params: dict[str, data.Param] = {"since": since, "until": until, **filters}
    return _causes(data.place(), data.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _causes(place: data.Place, mark: str, params: data.Params) -> list[dict[str, Any]]:  # noqa: ARG001
    return data.client_of(place).integrity(**dict(params))


def integrity_excluded(since: datetime, until: datetime, filters: data.Filters) -> pd.DataFrame:
    """What no sum counts: one row per usage role and model."""
    return data.ask("integrity_excluded", since=since, until=until, **filters).frame


def integrity_untold(since: datetime, until: datetime, filters: data.Filters) -> pd.DataFrame:
    """Models with calls that ended well and did not tell their usage."""
    return data.ask("integrity_untold", since=since, until=until, **filters).frame


def integrity_calls(since: datetime, until: datetime, what: str, filters: data.Filters) -> pd.DataFrame:
    """The calls behind a figure, at most 100; `what`: compared, duplicate, aggregate, untold."""
    return data.ask("integrity_calls", since=since, until=until, what=what, **filters).frame
