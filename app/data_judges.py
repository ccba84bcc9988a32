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


def plan_labels(score: str, told: Row) -> Row:
    """How many more labels, and of which items; with `queue` they are put into it. Raises ApiError."""
    return data.client().plan_labels(score, **told)


def recheck(score: str, told: Row) -> Row:
    """Have what people labelled scored again. Raises ApiError."""
    return data.client().recheck_judge(score, **told)


def write(score: str, told: Row) -> Row:
    """What labels teach as a new version of the evaluator; see `POST /api/judges/{score}/version`. Raises ApiError."""
    return data.client().write_judge(score, **told)
