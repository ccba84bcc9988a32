"""What-if: what a cache or another model would have saved, and what energy the calls took."""

from __future__ import annotations

import streamlit as st

from app import calls, state, whatif, widgets

row, waiting = st.container(), calls.outline("What-if")
with row:
    view, filters, chosen = whatif.controls(widgets.window(*state.EVER))
    bar = st.container()
window = calls.window(waiting)
widgets.guarded(
    "The answer did not come.",
    "Time range, filters and choices stay as they are.",
    lambda: whatif.answer(view, window, filters, chosen, bar, waiting),
)
