"""Cost: what the model calls cost, of what, and which have no price."""

from __future__ import annotations

import streamlit as st

from app import budgets, calls, cost, hardware, prices, projects, state, success, widgets

row, waiting = st.container(), calls.outline("Cost")
with row:
    by, filters = cost.controls(widgets.window(*state.EVER))
window = calls.window(waiting)
widgets.guarded(
    "The costs did not come.",
    "Time range and filters stay as they are; the prices below stand by themselves.",
    lambda: cost.overview(window, by, filters, waiting),
)
widgets.guarded(
    "What other projects cost did not come.", "The costs above stand.", lambda: projects.section(window, filters)
)
widgets.guarded("The budgets did not come.", "The costs above stand.", budgets.section)
widgets.guarded(
    "What a success costs did not come.",
    "The costs above stand.",
    lambda: success.section(window, None if by == cost.TOKENS else by, filters),
)
widgets.guarded(
    "The comparison of hardware did not come.", "The costs above stand.", lambda: hardware.section(window, filters)
)
widgets.guarded("The calls without a price did not come.", "The costs above stand.", lambda: prices.unpriced(window))
widgets.guarded("The prices did not come.", "The costs above stand.", lambda: prices.own(window))
