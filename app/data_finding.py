"""Doors of what finds traces: the line, the search, facets and the histogram."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from app import data
from server.client_finding import Counted, Found

__all__ = ["Counted", "Found"]


def search(cursor: str | None, params: dict[str, Any]) -> Found:
    """Look on from `cursor` for a moment. Not cached: each answer is another step."""
    return data.client().search_traces(cursor, **params)


def asked(q: str) -> dict[str, Any]:
    """What a line means: `search` (only a search answers it) and `fault`; see `GET /api/traces/asked`."""
    return _asked(data.place(), q)


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _asked(place: data.Place, q: str) -> dict[str, Any]:
    return data.client_of(place).asked_of_traces(q)


def offers(q: str, at: int, since: datetime, until: datetime) -> dict[str, Any]:
    """What may be typed on at a place of a line; a minute old at most."""
    return _offers(data.place(), q, at, since, until)


@st.cache_data(max_entries=data.KEPT, ttl=timedelta(minutes=1), show_spinner=False)
def _offers(place: data.Place, q: str, at: int, since: datetime, until: datetime) -> dict[str, Any]:
    return data.client_of(place).complete_line(q, at, since, until)


def facets(params: dict[str, Any]) -> Counted:
    """How many traces have which values."""
    return _facets(data.place(), data.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _facets(place: data.Place, mark: str, params: data.Params) -> Counted:  # noqa: ARG001 - `mark` keys the cache
    return data.client_of(place).trace_facets(**dict(params))


def histogram(params: dict[str, Any]) -> Counted:
    """Traces, failed ones and durations by bucket."""
    return _histogram(data.place(), data.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _histogram(place: data.Place, mark: str, params: data.Params) -> Counted:  # noqa: ARG001 - `mark` keys the cache
    return data.client_of(place).trace_histogram(**dict(params))
