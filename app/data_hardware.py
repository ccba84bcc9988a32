"""Doors to hardware by the hour."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from app import data


def hardware(since: datetime, until: datetime, filters: data.Filters) -> pd.DataFrame:
    """One row per model and price entry by the hour, most calls first; see `GET /api/hardware`."""
    params: dict[str, data.Param] = {"since": since, "until": until, **filters}
    return _hardware(data.place(), data.watermark(), tuple(sorted(params.items()))).frame


@st.cache_data(max_entries=data.KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _hardware(place: data.Place, mark: str, params: data.Params) -> data.Answer:  # noqa: ARG001
    return data.client_of(place).hardware(**dict(params))
