"""Home: what came in, whether it was kept, what went wrong."""

from __future__ import annotations

import streamlit as st

from app import data, home, ledger, widgets

waiting = home.outline()
try:
    newest = data.home_newest()
except data.ApiError as error:
    waiting.empty()
    widgets.failed(
        "The server does not answer.",
        error,
        "Nothing here works without it; spans sent meanwhile are retried by their senders.",
    )
    widgets.end()

if not newest["traces"]:
    waiting.empty()
    home.first_steps()
    widgets.end()


@st.fragment(run_every=10 if st.session_state[home.LIVE] else None)
def overview() -> None:
    shown = widgets.window(newest["oldest"], newest["newest"])  # moves with the clock on a page that is left open
    widgets.guarded(
        "The totals did not come.",
        "The ledger and the problems below stand by themselves.",
        lambda: home.totals(shown, waiting),
    )
    widgets.guarded("The ledger did not come.", "Ingest does not depend on this page.", ledger.ledger)
    widgets.guarded("The problems did not come.", "Traces lists every failed trace.", lambda: home.problems(shown))


overview()
waiting.empty()
