"""What a trace retrieved: each retrieval with its query, and its documents by rank and score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import conversation, data_trace, span, state, tree, widgets
from app import format as fmt

Row = Mapping[str, Any]


@st.fragment
def documents(trace_id: str, version: str) -> None:
    """Retrievals in order; the rest a page further on."""
    key = f"documents-{trace_id}"
    skipped = int(st.session_state.get(key, 0))
    found = data_trace.documents(trace_id, version, skipped)
    if not found["retrievals"]:
        widgets.empty("Retrieved documents would be here.", "No span of the trace tells of any.")
        return
    for one in found["retrievals"]:
        _retrieval(trace_id, one)
    if (found["next"] is not None or skipped) and st.button(
        "Next retrievals" if found["next"] is not None else "Back to the first", key=f"{key}-next"
    ):
        st.session_state[key] = found["next"] or 0
        st.rerun(scope="fragment")


def _retrieval(trace_id: str, one: Row) -> None:
    held = [document for document in one["documents"] if isinstance(document, dict)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "views/trace.py", label=fmt.plain(fmt.clip(one["name"], 80, tree.UNNAMED)), help="The span in the timeline",
            query_params=state.trace_link(trace_id, None, one["span_id"]),
        )  # fmt: skip
        st.caption(fmt.plural(len(held), "document"), width="content")
    if one["query"]:
        conversation.text(one["query"], f"query-{one['span_id']}")
    scored = [score for document in held if (score := fmt.finite(document.get("score"))) is not None]
    for place, document in enumerate(held):
        span.document(document, place, f"{one['span_id']}-view", best=max(scored, default=None))
