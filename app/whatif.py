"""What the views of the What-if page share: the choice of one, how an estimate is written, what a sample is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state, whatif_caching, whatif_carbon, whatif_routing, widgets

VIEW = "view"  # key of the control, and its name in the URL
Draw = Callable[[state.Window, Mapping[str, str], DeltaGenerator], None]
VIEWS: dict[str, Draw] = {
    "caching": whatif_caching.view, "routing": whatif_routing.view, "carbon": whatif_carbon.view,
}  # fmt: skip


def controls(window: state.Window) -> tuple[str, dict[str, str]]:
    """Which question, and the filters, in one row; what else a question has to choose stands in its view."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "Question", list(VIEWS), default="caching", required=True, key=VIEW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        filters = widgets.call_filters(window, "views/whatif.py")
    return str(view), filters
