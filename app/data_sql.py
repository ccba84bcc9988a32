"""Doors to questions in SQL, and to dashboards of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import data
from app.data import Answer, Place

ROWS = 10_000  # of an answer on a page; downloads have all that the server gives
MB = 10**6
PAGE_BYTES, CHART_BYTES = 24 * MB, 4 * MB  # of an answer that a session holds, and of one that is kept for a dashboard
_AT_ONCE = (
    2  # questions of this app: the server keeps half of its places for them, four where nobody set another number
)
_places = threading.BoundedSemaphore(_AT_ONCE)

Dashboard = dict[str, Any]


def answer(place: Place, text: str, since: datetime, until: datetime, most: int = PAGE_BYTES) -> Answer:
    """Of one question, cut to ROWS and to `most` bytes; nothing is kept. Raises ApiError."""
    with _places:
        return data.client_of(place).sql(text, since, until, ROWS, most)


@st.cache_data(max_entries=64, ttl=timedelta(hours=1), show_spinner=False)
def kept(place: Place, text: str, since: datetime, until: datetime, mark: str) -> Answer:  # noqa: ARG001 - `mark` keys the cache
    """As `answer`, cut to CHART_BYTES, once for each state of the data, `mark`. Raises ApiError."""
    return answer(place, text, since, until, CHART_BYTES)


def whole(place: Place, text: str, since: datetime, until: datetime) -> Answer:
    """Of one question, with all rows that the server gives; nothing is kept. Raises ApiError."""
    with _places:
        return data.client_of(place).sql(text, since, until)


def schema() -> dict[str, Any]:
    """What can be asked of, and the limits; see `GET /api/sql/schema`. Raises ApiError."""
    return _schema(data.place())


@st.cache_data(max_entries=4, ttl=timedelta(minutes=10), show_spinner=False)
def _schema(place: Place) -> dict[str, Any]:
    return data.client_of(place).sql_schema()


def dashboards() -> list[Dashboard]:
    """Those of the project by name. Raises ApiError."""
    return data.client().dashboards()


def dashboard(dashboard_id: str) -> Dashboard:
    """One with its charts. Raises ApiError."""
    return data.client().dashboard(dashboard_id)


def add(name: str, charts: Sequence[Mapping[str, Any]], author: str) -> Dashboard:
    """Make one. Raises ApiError."""
    return data.client().add_dashboard(name, charts, author)


def change(board: Dashboard, author: str, **now: Any) -> Dashboard:
    """Make a dashboard that was read what it was, but for `name` or `charts`. Raises ApiError."""
    told = {"name": board["name"], "charts": board["charts"]} | now
    return data.client().change_dashboard(board["dashboard_id"], board["version"], author=author, **told)


def remove(board: Dashboard) -> None:
    """Take away one that was read. Raises ApiError."""
    data.client().remove_dashboard(board["dashboard_id"], board["version"])
