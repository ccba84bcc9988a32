"""Cost: what the model calls cost, of what, and which have no price."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import cost, data, prices, widgets

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # where all time begins for what the filters offer

row, waiting = st.container(), cost.outline()
with row:
    by, filters = cost.controls(widgets.window(EVER))
try:
    oldest = data.home_newest()["oldest"]
except data.ApiError as error:
    waiting.empty()
    widgets.failed("The server does not answer.", error, "Nothing here works without it.")
    st.stop()

window = widgets.window(oldest)
widgets.guarded(
    "The costs did not come.",
    "Time range and filters stay as they are; the prices below stand by themselves.",
    lambda: cost.overview(window, by, filters, waiting),
)
widgets.guarded("The calls without a price did not come.", "The costs above stand.", lambda: prices.unpriced(window))
widgets.guarded("The prices did not come.", "The costs above stand.", lambda: prices.own(window))
