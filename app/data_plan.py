"""Doors of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from app import data

Row = dict[str, Any]


def numbers(params: Mapping[str, data.Param]) -> Row:
    """A plan from numbers; see `GET /api/plan`."""
    return _numbers(data.place(), tuple(sorted(params.items())))


@st.cache_data(max_entries=64, show_spinner=False)
def _numbers(place: data.Place, params: data.Params) -> Row:
    return data.client_of(place).plan(**dict(params))


def runs(ids: tuple[str, ...], params: Mapping[str, data.Param]) -> Row:
    """A plan from one run or two, which do not change once they ended; see `GET /api/plan/pilot`."""
    return _runs(data.place(), ids, tuple(sorted(params.items())))


@st.cache_data(max_entries=64, ttl=timedelta(minutes=10), show_spinner=False)
def _runs(place: data.Place, ids: tuple[str, ...], params: data.Params) -> Row:
    return data.client_of(place).plan_from_runs(ids, **dict(params))


def traffic(by: str, values: tuple[str, ...], params: Mapping[str, data.Param]) -> Row:
    """A plan from live traffic, a minute old at most; see `GET /api/plan/pilot`."""
    return _traffic(data.place(), by, values, tuple(sorted(params.items())))


@st.cache_data(max_entries=32, ttl=timedelta(minutes=1), show_spinner=False)
def _traffic(place: data.Place, by: str, values: tuple[str, ...], params: data.Params) -> Row:
    return data.client_of(place).plan_from_traffic(by, values, **dict(params))
