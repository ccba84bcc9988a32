"""Latency: how long model calls take, whether that changed, and where the time of traces goes."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import data, latency, widgets

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # where all time begins for what the filters offer

row, waiting = st.container(), latency.outline()
with row:
    by, filters = latency.controls(widgets.window(EVER))
try:
    oldest = data.home_newest()["oldest"]
except data.ApiError as error:
    waiting.empty()
    widgets.failed("The server does not answer.", error, "Nothing here works without it.")
    st.stop()

window = widgets.window(oldest)
widgets.guarded(
    "The durations did not come.",
    "Time range and filters stay as they are.",
    lambda: latency.overview(window, by, filters, waiting),
)
