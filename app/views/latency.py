"""Latency: how long model calls take, whether that changed, and where the time of traces goes."""

from __future__ import annotations

import streamlit as st

from app import calls, latency, state, widgets

row, waiting = st.container(), calls.outline("Latency")
with row:
    by, filters = latency.controls(widgets.window(*state.EVER))
window = calls.window(waiting)
widgets.guarded(
    "The durations did not come.",
    "Time range and filters stay as they are.",
    lambda: latency.overview(window, by, filters, waiting),
)
