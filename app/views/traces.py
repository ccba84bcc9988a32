"""Traces: find the ones that matter."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import traces, widgets

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # where all time begins: to ask for the oldest trace would only cost time

window = widgets.window(oldest=EVER)
row, waiting = st.container(), traces.outline()
with row:
    params = traces.controls(window)
widgets.guarded(
    "The list did not come.",
    "Time range and filters stay as they are; links to single traces too.",
    lambda: traces.results(window, params, waiting),
)
