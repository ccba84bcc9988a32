"""Doors of Compare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import streamlit as st

from app import data

Row = dict[str, Any]
Source = Literal["runs", "traffic"]
_BRIEF = timedelta(minutes=1)


def runs(ids: tuple[str, ...], **params: data.Param) -> Row:
    """Runs against the first of them; see `GET /api/compare/runs`. Runs that ended do not change."""
    return _runs(data.place(), ids, tuple(sorted(params.items())))


@st.cache_data(max_entries=32, ttl=timedelta(minutes=10), show_spinner=False)
def _runs(place: data.Place, ids: tuple[str, ...], params: data.Params) -> Row:
    return data.client_of(place).compare_runs(ids, **dict(params))


def rows(ids: tuple[str, str], **params: data.Param) -> Row:
    """Items of two runs, those that got worse first; see `GET /api/compare/rows`."""
    return _rows(data.place(), ids, tuple(sorted(params.items())))


@st.cache_data(max_entries=64, ttl=timedelta(minutes=10), show_spinner=False)
def _rows(place: data.Place, ids: tuple[str, str], params: data.Params) -> Row:
    return data.client_of(place).compare_rows(ids, **dict(params))


def traffic(by: str, values: tuple[str, ...], params: Mapping[str, data.Param]) -> Row:
    """Values of a dimension against the first of them, a minute old at most; see `GET /api/compare/traffic`."""
    return _traffic(data.place(), by, values, tuple(sorted(params.items())))


@st.cache_data(max_entries=32, ttl=_BRIEF, show_spinner=False)
def _traffic(place: data.Place, by: str, values: tuple[str, ...], params: data.Params) -> Row:
    return data.client_of(place).compare_traffic(by, values, **dict(params))


def people(source: Source, params: Mapping[str, data.Param]) -> Row:
    """Variants as people would say, a minute old at most; see `GET /api/compare/runs/people`."""
    return _people(data.place(), source, tuple(sorted(params.items())))


@st.cache_data(max_entries=32, ttl=_BRIEF, show_spinner=False)
def _people(place: data.Place, source: Source, params: data.Params) -> Row:
    return data.client_of(place).compare_people(source, **dict(params))


def report(source: Source, form: Literal["html", "markdown"], params: Mapping[str, data.Param]) -> str:
    """The report of a comparison, which stands alone."""
    return data.client().compare_report(source, form, **params)
