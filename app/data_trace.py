"""Doors to one trace: its outline, windows of its rows, what is found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data

_FEW = 32  # windows of rows, kept apart from answers about whole traces


def outline(trace_id: str) -> dict[str, Any] | None:
    """What to know before the rows, see `GET /api/traces/{trace_id}/outline`; null: no span of it is stored."""
    try:
        return _outline(data.place(), data.watermark(), trace_id)
    except data.ApiError as error:
        if error.status == 404:
            return None
        raise


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _outline(place: data.Place, mark: str, trace_id: str) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).trace_outline(trace_id)


def findings(trace_id: str, version: str) -> dict[str, Any]:
    """The critical path by kind, repeats and rounds, once for each state of the trace."""
    return _findings(data.place(), trace_id, version)


@st.cache_data(max_entries=data.KEPT, show_spinner=False)
def _findings(place: data.Place, trace_id: str, version: str) -> dict[str, Any]:  # noqa: ARG001
    return data.client_of(place).trace_findings(trace_id)


def rows(trace_id: str, version: str, first: int, count: int, *, path: bool = False) -> pd.DataFrame:
    """Lines of the tree from `first` on. Raises ApiError with status 409 when the trace is another by now."""
    return _rows(data.place(), trace_id, version, first, count, path)


@st.cache_data(max_entries=_FEW, show_spinner=False)
def _rows(  # noqa: PLR0917 - what names a window
    place: data.Place, trace_id: str, version: str, first: int, count: int, path: bool
) -> pd.DataFrame:
    return data.client_of(place).trace_rows(trace_id, first, count, version, path=path).frame


def places(trace_id: str, version: str, spans: Sequence[str]) -> pd.DataFrame:
    """The rows of these spans, 200 at most; those that the trace has not are left out."""
    return _places(data.place(), trace_id, version, tuple(spans[:200]))


@st.cache_data(max_entries=_FEW, show_spinner=False)
def _places(place: data.Place, trace_id: str, version: str, spans: tuple[str, ...]) -> pd.DataFrame:
    return data.client_of(place).trace_places(trace_id, spans, version).frame


def found(trace_id: str, version: str, text: str) -> dict[str, Any]:
    """Rows of spans that hold the text in name, error, input or output; `cut` when there are more."""
    return data.client().trace_found(trace_id, text, version)


def graph(trace_id: str, version: str, *, expanded: bool) -> dict[str, Any]:
    """See `GET /api/traces/{trace_id}/graph`; `version` keys the cache, as below."""
    return _of("trace_graph", data.place(), trace_id, version, expanded=expanded)


def conversation(trace_id: str, version: str, skipped: int) -> dict[str, Any]:
    """See `GET /api/traces/{trace_id}/conversation`."""
    return _of("trace_conversation", data.place(), trace_id, version, skipped=skipped)


def documents(trace_id: str, version: str, skipped: int) -> dict[str, Any]:
    """See `GET /api/traces/{trace_id}/documents`."""
    return _of("trace_documents", data.place(), trace_id, version, skipped=skipped)


@st.cache_data(max_entries=_FEW, show_spinner=False)
def _of(name: str, place: data.Place, trace_id: str, version: str, **params: int) -> dict[str, Any]:  # noqa: ARG001
    found: dict[str, Any] = getattr(data.client_of(place), name)(trace_id, **params)
    return found


def otlp(trace_id: str, span_id: str) -> dict[str, Any]:
    """One span as it was received, an OTLP/JSON request."""
    return data.client().span_otlp(trace_id, span_id)


def curl(trace_id: str, span_id: str) -> str | None:
    """The command that makes a model call again; null: the span is none, or told no messages."""
    return data.client().span_curl(trace_id, span_id)
