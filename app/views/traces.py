"""Traces: find the ones that matter."""

from __future__ import annotations

import streamlit as st

from app import data, traces, widgets

try:
    newest = data.home_newest()
    window = widgets.title_row("Traces", newest["oldest"])
    params = traces.controls(window)
    with st.skeleton(height=400):
        answer = traces.load(params)
except data.ApiError as error:
    widgets.failed("The list did not come.", error, "Filters and the links of single traces stay as they are.")
    st.stop()

if answer.frame.empty:
    traces.nothing(window, newest)
    st.stop()

st.markdown(traces.finding(answer.frame, window, params))
traces.pager(answer.frame)
traces.table(answer.frame)
st.caption(f"Times in {widgets.zone()}; data to {widgets.known_to(newest)}.")
