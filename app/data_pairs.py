"""Doors to two traces compared."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import data


def compared(a: str, b: str, only: str, skip: int, limit: int) -> dict[str, Any]:
    """A page of the steps of two traces; see `GET /api/traces/compare`."""
    return _compared(data.place(), data.watermark(), a, b, (only, skip, limit))


@st.cache_data(max_entries=16, show_spinner=False)
def _compared(place: data.Place, mark: str, a: str, b: str, page: tuple[str, int, int]) -> dict[str, Any]:  # noqa: ARG001 - keys the cache
    only, skip, limit = page
    return data.client_of(place).compare_traces(a, b, only=only, skip=skip, limit=limit)


def steps(a: str, a_span: str, b: str, b_span: str) -> dict[str, Any]:
    """Two steps word by word; see `GET /api/traces/compare/step`."""
    return _steps(data.place(), data.watermark(), (a, a_span), (b, b_span))


@st.cache_data(max_entries=64, show_spinner=False)
def _steps(place: data.Place, mark: str, one: tuple[str, str], other: tuple[str, str]) -> dict[str, Any]:  # noqa: ARG001 - keys the cache
    return data.client_of(place).compare_steps(*one, *other)


def alike(trace_id: str) -> pd.DataFrame:
    """Traces to compare one with; see query `pair_alike`."""
    return data.ask("pair_alike", trace_id=trace_id).frame
