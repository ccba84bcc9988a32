"""Doors of Traces, and to what one trace holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data

WITHDRAWN = "withdrawn"
"""The error_type of a score that was taken back."""


def traces(**params: data.Param) -> data.Answer:
    """One page of traces; see query `traces`. Has `input_preview` and `output_preview` too, one line each."""
    return _traces(data.place(), data.watermark(), tuple(sorted(params.items())))


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _traces(place: data.Place, mark: str, params: data.Params) -> data.Answer:  # noqa: ARG001
    return data.client_of(place).traces(**dict(params))


def trace_summary(trace_id: str) -> pd.Series | None:
    """The summary of one trace; null when it is unknown or not resolved yet."""
    frame = data.ask("trace_summary", trace_id=trace_id).frame
    return None if frame.empty else frame.iloc[0]


def trace_spans(trace_id: str, since: datetime, until: datetime) -> data.Answer:
    """The spans that a waterfall draws, in order of start."""
    return data.ask("trace_spans", trace_id=trace_id, since=since, until=until)


def trace_logs(trace_id: str) -> pd.DataFrame:
    """Log records, oldest first."""
    return data.ask("trace_logs", trace_id=trace_id).frame


def trace_scores(trace_id: str) -> pd.DataFrame:
    """Scores of the trace, its spans and its model calls, newest first, without those that were taken back."""
    found = data.ask("trace_scores", trace_id=trace_id).frame
    return found[found["error_type"].fillna("") != WITHDRAWN]


def span(trace_id: str, span_id: str, since: datetime | None) -> dict[str, Any]:
    """All of one span; `input`, `output` and `system` are canonical messages."""
    return _span(data.place(), data.watermark(), trace_id, span_id, since)


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _span(place: data.Place, mark: str, trace_id: str, span_id: str, since: datetime | None) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).span(trace_id, span_id, since)


def case(trace_id: str, span_id: str | None = None) -> dict[str, Any]:
    """The trace, or one of its spans, as evaluators see it; see `GET /api/cases/{trace_id}`."""
    return _case(data.place(), data.watermark(), trace_id, span_id)


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _case(place: data.Place, mark: str, trace_id: str, span_id: str | None) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).case(trace_id, span_id)
