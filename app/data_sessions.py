"""Doors to sessions, their turns, and users."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import data


def sessions(**params: data.Param) -> data.Answer:
    """One page of sessions; see query `sessions`."""
    return data.ask("sessions", **params)


def session_summary(session_id: str) -> pd.Series | None:
    """One session over all its traces; null: no trace of it is resolved."""
    frame = data.ask("session_summary", session_id=session_id).frame
    return None if frame.empty else frame.iloc[0]


def session_turns(session_id: str, skip: int, trace_id: str | None, page_size: int) -> dict[str, Any]:
    """One page of its turns; see `GET /api/sessions/turns`."""
    return _session_turns(data.place(), data.watermark(), session_id, skip, trace_id, page_size)


@st.cache_data(max_entries=32, show_spinner=False)  # few: a page may have a megabyte
def _session_turns(  # noqa: PLR0917 - what keys the cache
    place: data.Place,
    mark: str,  # noqa: ARG001 - keys the cache
    session_id: str,
    skip: int,
    trace_id: str | None,
    page_size: int,
) -> dict[str, Any]:
    return data.client_of(place).session_turns(session_id, skip, trace_id, page_size)


def users(**params: data.Param) -> data.Answer:
    """One page of users; see query `users`."""
    return data.ask("users", **params)


def user_series(user_id: str, since: datetime, until: datetime, step: timedelta, offset: timedelta) -> pd.DataFrame:
    """One row per bucket in which a trace of the user started; see query `user_series`."""
    return data.ask(
        "user_series", user_id=user_id, since=since, until=until, bucket_us=data.micros(step),
        offset_us=data.micros(offset),
    ).frame  # fmt: skip
