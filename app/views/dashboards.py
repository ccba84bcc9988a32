"""Dashboards: charts of questions in SQL, kept by the project."""

from __future__ import annotations

import streamlit as st

from app import calls, dashboards, sql_pin, widgets

waiting = calls.outline("Dashboards")
window = calls.window(waiting)
waiting.empty()
chosen = str(st.query_params.get(sql_pin.CHOSEN) or "")
widgets.guarded(
    "The dashboards did not come.",
    "Everything else works on.",
    lambda: dashboards.page(chosen, window) if chosen else dashboards.overview(),
)
