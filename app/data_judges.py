"""Doors to judges against people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]
BRIEFLY_S = 0.2  # how long a page waits for what the newest labels tell; after it those before are shown
_BRIEF = timedelta(seconds=15)


def judges(*, wait_s: float | None = None) -> Row:
    """A line for each ruler, and whether newer ones are being worked out; see `GET /api/judges`. Never cached here."""
    return data.client().judges(wait_s)


def trust() -> dict[str, Row]:
    """By name of scores what their badge says, some seconds old; none while the server does not tell."""
    try:
        return _trust(data.place())
    except data.ApiError:
        return {}


@st.cache_data(max_entries=8, ttl=_BRIEF, show_spinner=False)
def _trust(place: data.Place) -> dict[str, Row]:
    return data.client_of(place).trust(BRIEFLY_S)


def judge(score: str, **params: data.Param) -> Row:
    """The card of a ruler; the server keeps it while labels stay. Raises ApiError, `refused`, where there is none."""
    return data.client().judge(score, **params)
