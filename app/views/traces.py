"""Traces: find the ones that matter."""

from __future__ import annotations

import streamlit as st

from app import paging, state, traces, widgets

window = widgets.window(*state.EVER)  # to ask for the oldest and the newest trace would only cost time
row, waiting = st.container(), paging.outline("Traces")
with row:
    params = traces.controls(window)
widgets.guarded(
    "The list did not come.",
    "Time range and filters stay as they are; links to single traces too.",
    lambda: traces.results(window, params, waiting),
)
