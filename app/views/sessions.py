"""Sessions: the conversations of users across their traces, and one of them turn by turn."""

from __future__ import annotations

import streamlit as st

from app import calls, paging, session, sessions, state, widgets

if session_id := session.opened():
    widgets.guarded(
        "The session did not come.",
        "The list of sessions and its traces may still answer.",
        lambda: session.session(session_id),
    )
else:
    row, waiting = st.container(), paging.outline("Sessions")
    with row:
        params = paging.controls(widgets.window(*state.EVER), sessions.PATH, sessions.SORTS)
    window = calls.window(waiting)
    widgets.guarded(
        "The list did not come.",
        "Time range and filters stay as they are; links to single sessions too.",
        lambda: sessions.results(window, params | {"since": window.since, "until": window.until}, waiting),
    )
