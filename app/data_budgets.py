"""Doors to the project's budgets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from app import data


def budgets(zone: str) -> dict[str, Any]:
    """The project's budgets and how the calendar month of the zone goes, a minute old at most."""
    return _budgets(data.place(), data.watermark(), zone)


@st.cache_data(max_entries=8, ttl=timedelta(minutes=1), show_spinner=False)
def _budgets(place: data.Place, mark: str, zone: str) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).budgets(zone)


def set_budgets(document: str) -> dict[str, Any]:
    """Set the budgets; raises ApiError, `refused`, with the line, key and value that break a rule."""
    answer = data.client().set_budgets(document)
    _budgets.clear()
    return answer
