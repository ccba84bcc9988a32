"""Doors of What-if."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import data


def whatif_scores() -> pd.DataFrame:
    """One row per name of scores of calls and traces, most scores first; see query `whatif_scores`."""
    return data.ask("whatif_scores").frame


def whatif(
    what: Literal["caching", "routing", "carbon"],
    since: datetime,
    until: datetime,
    filters: data.Filters,
    **own: data.Param,
) -> dict[str, Any]:
    """What other choices would have come to, see the API's `/api/whatif/...`; at most a minute old: it is slow."""
    params = {"since": since, "until": until, **filters, **own}
    return _whatif(data.place(), what, tuple(sorted(params.items())))


@st.cache_data(max_entries=data.KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _whatif(place: data.Place, what: Literal["caching", "routing", "carbon"], params: data.Params) -> dict[str, Any]:
    return data.client_of(place).whatif(what, **dict(params))
