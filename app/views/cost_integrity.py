"""Cost integrity: do our sums agree with what was reported and billed, and what do they leave out."""

from __future__ import annotations

import streamlit as st

from app import calls, integrity, state, widgets

row, waiting = st.container(), calls.outline("Cost integrity")
with row:
    show, filters = integrity.controls(widgets.window(*state.EVER))
window = calls.window(waiting)
widgets.guarded(
    "The sums did not come.",
    "Time range and filters stay as they are.",
    lambda: integrity.page(window, show, filters, waiting),
)
