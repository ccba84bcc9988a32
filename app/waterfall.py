"""The waterfall component: the spans of a trace as a tree beside their times."""

from __future__ import annotations

import json
from collections.abc import Callable
from zlib import crc32

import streamlit as st

from app.component import component
from app.tree import Drawing

_component = component("waterfall")


def key(trace_id: str) -> str:
    """Key of the component's state, which Streamlit forgets when one leaves the page."""
    return f"waterfall-{trace_id}"


def waterfall(
    trace_id: str, drawing: Drawing, opened: str, *, asked: int, chosen: Callable[[str], None], height: int = 340
) -> None:
    """Draw a trace; `chosen` hears the id of a span that is selected in it, before the next run.

    `opened` is selected at first, and anew whenever `asked` changes. Rows travel as bytes behind a line of JSON about
    them: as a mapping they would be written as JSON three times a run, 1.3 s for 30,000 spans.
    """
    name = key(trace_id)
    head = {
        "trace": trace_id, "version": crc32(drawing.rows), "ticks": drawing.ticks, "selected": opened, "asked": asked,
        "height": height,
    }  # fmt: skip
    _component(
        key=name,
        data=json.dumps(head).encode() + b"\n" + drawing.rows,
        on_selected_change=lambda: chosen(str(st.session_state[name]["selected"])),
    )
