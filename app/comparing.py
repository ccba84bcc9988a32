"""Ways to the page Compare traces, from a trace and from the list."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

PATH = "views/trace_compare.py"
A, B = "a", "b"  # of the URL: the two traces


def link_of(trace_id: str) -> None:
    """A link that opens the page with one trace, to choose the other."""
    st.page_link(
        PATH, label="Compare with …", icon=":material/compare:", query_params={A: trace_id.replace("-", "")},
        help="Another trace, step by step",
    )  # fmt: skip


def link_of_two(selected: Sequence[str]) -> None:
    """A link that compares two traces that are selected; nothing unless there are two."""
    if len(selected) == 2:
        one, other = (trace_id.replace("-", "") for trace_id in selected)
        st.page_link(PATH, label="Compare both", icon=":material/compare:", query_params={A: one, B: other})
