"""The questions of the What-if page: how each is asked, and what stands around its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import calls, data, data_whatif, state, whatif_caching, whatif_carbon, whatif_routing, widgets

VIEW = "view"  # key of the control, and its name in the URL
PATH = "views/whatif.py"
Choices = Mapping[str, data.Param]
Name = Literal["caching", "routing", "carbon"]


@dataclass(frozen=True, slots=True)
class Question:
    """One of the page's questions."""

    controls: Callable[[], Choices]  # draws them; parameters of the API
    draw: Callable[[state.Window, Mapping[str, Any]], None]  # of the answer
    reading: str  # what the server does meanwhile
    lacking: str  # what would be here, were there a call
    usual_s: float = 3.0


VIEWS: dict[Name, Question] = {
    "caching": Question(
        whatif_caching.controls, whatif_caching.view, "Reading a sample of the calls and their texts",
        "What caches would have saved would be here.",
    ),
    "routing": Question(
        whatif_routing.controls, whatif_routing.view, "Reading a sample of traces",
        "What other models would have cost would be here.",
    ),
    "carbon": Question(
        whatif_carbon.controls, whatif_carbon.view, "Adding up what was generated",
        "Energy and emissions of model calls would be here.", usual_s=1.0,
    ),
}  # fmt: skip


def controls(window: state.Window) -> tuple[Name, data.Filters, Choices]:
    """Which question, the filters, and the question's own parameters of the API."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "Question", list(VIEWS), default="caching", required=True, key=VIEW, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        filters = widgets.call_filters(window, PATH)
    return view, filters, VIEWS[view].controls()


def answer(  # noqa: PLR0917 - of one page
    view: Name, window: state.Window, filters: data.Filters, chosen: Choices, bar: DeltaGenerator,
    waiting: DeltaGenerator,
) -> None:  # fmt: skip
    """Ask and draw; `waiting` stood in the answer's place and is cleared, `bar` is for the progress."""
    question = VIEWS[view]
    try:
        found: Mapping[str, Any] = widgets.patiently(
            bar,
            question.reading,
            lambda: data_whatif.whatif(view, window.since, window.until, filters, **chosen),
            question.usual_s,
        )
    finally:
        waiting.empty()
    if found.get("whole", found)["calls"]:
        question.draw(window, found)
    else:
        calls.nothing(window, question.lacking, "model", PATH, narrowed=bool(filters))
