"""Doors to drift between two windows or groups, and to what changed of an application over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def drift(asked: Mapping[str, Any]) -> Row:
    """Every signal of two samples, ranked; see `POST /api/drift`. Takes seconds; whoever asks keeps the answer."""
    return data.client().drift(asked)


def markers(since: datetime, until: datetime) -> list[Row]:
    """Releases, prompt versions and labels, models and evaluators that changed, alerts; a minute old at most."""
    return _markers(data.place(), since, until)


@st.cache_data(max_entries=64, ttl=timedelta(minutes=1), show_spinner=False)
def _markers(place: data.Place, since: datetime, until: datetime) -> list[Row]:
    return data.client_of(place).markers(since, until)
