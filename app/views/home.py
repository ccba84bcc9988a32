"""Home: what came in, whether it was kept, what went wrong."""

from __future__ import annotations

import streamlit as st

from app import data, home, widgets

try:
    newest = data.home_newest()
except data.ApiError as error:
    st.title("Home", anchor=False)
    widgets.failed(
        "The server does not answer.",
        error,
        "Nothing here works without it; spans sent meanwhile are retried by their senders.",
    )
    st.stop()

if not newest["traces"]:
    st.title("Home", anchor=False)
    home.first_steps()
    st.stop()

window = widgets.title_row(
    "Home", newest["oldest"], lambda: st.toggle("Refresh every 10 s", value=True, key="live", bind="query-params")
)


@st.fragment(run_every=10 if st.session_state["live"] else None)
def overview() -> None:
    widgets.guarded(
        "The totals did not come.",
        "The ledger and the problems below stand by themselves.",
        lambda: home.totals(window, newest),
    )
    widgets.guarded("The ledger did not come.", "Ingest does not depend on this page.", home.ledger)
    widgets.guarded("The problems did not come.", "Traces lists every failed trace.", lambda: home.problems(window))


overview()
