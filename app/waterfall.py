"""The waterfall component: plain JavaScript and CSS beside it, no build step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent / "components" / "waterfall"

_component = st.components.v2.component(
    "assayline_waterfall", js=(_HERE / "waterfall.js").read_text(), css=(_HERE / "waterfall.css").read_text()
)


def waterfall(
    trace_id: str, rows: list[dict[str, Any]], ticks: list[dict[str, Any]], opened: str, height: int = 340
) -> str | None:
    """Draw the rows of `tree.rows`; returns the id of the span selected since, null before the first.

    `opened` is selected at first; later changes of it are ignored for the same trace, so that the rows are sent once.
    """
    result = _component(
        key=f"waterfall-{trace_id}",
        data={"trace": trace_id, "rows": rows, "ticks": ticks, "selected": opened, "height": height},
        on_selected_change=lambda: None,
    )
    selected = result.get("selected")
    return None if selected is None else str(selected)
