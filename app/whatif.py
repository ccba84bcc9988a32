"""The questions of the What-if page, and what stands above the answer: which question, which calls, what it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data, state, whatif_caching, whatif_carbon, whatif_routing, widgets

VIEW = "view"  # key of the control, and its name in the URL
Choices = Mapping[str, data.Param]
Ask = Callable[[], Choices]
Draw = Callable[[state.Window, Mapping[str, str], Choices, DeltaGenerator, DeltaGenerator], None]
VIEWS: dict[str, tuple[Ask, Draw]] = {
    "caching": (whatif_caching.controls, whatif_caching.view),
    "routing": (whatif_routing.controls, whatif_routing.view),
    "carbon": (whatif_carbon.controls, whatif_carbon.view),
}


def controls(window: state.Window) -> tuple[str, dict[str, str], Choices]:
    """Which question, the filters, and the question's own parameters of the API."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "Question", list(VIEWS), default="caching", required=True, key=VIEW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        filters = widgets.call_filters(window, "views/whatif.py")
    return str(view), filters, VIEWS[str(view)][0]()
