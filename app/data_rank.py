"""Doors of rankings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def runs(ids: tuple[str, ...], params: Mapping[str, data.Param]) -> Row:
    """Runs ranked item by item; they do not change once they ended; see `GET /api/rank/runs`."""
    return _runs(data.place(), ids, tuple(sorted(params.items())))


@st.cache_data(max_entries=32, ttl=timedelta(minutes=10), show_spinner=False)
def _runs(place: data.Place, ids: tuple[str, ...], params: data.Params) -> Row:
    return data.client_of(place).rank_runs(ids, **dict(params))


def rows(told: bytes, params: Mapping[str, data.Param]) -> Row:
    """Rows of judgements ranked, as a file has them; see `POST /api/rank`."""
    return _rows(data.place(), told, tuple(sorted(params.items())))


@st.cache_data(max_entries=8, ttl=timedelta(minutes=10), show_spinner=False)
def _rows(place: data.Place, told: bytes, params: data.Params) -> Row:
    return data.client_of(place).rank(told, **dict(params))
