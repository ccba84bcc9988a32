"""Users: who used the application, how it went for them, and one of them over time."""

from __future__ import annotations

import streamlit as st

from app import calls, paging, state, user, users, widgets

if user_id := users.opened():
    waiting = paging.outline("Users")
    window = calls.window(waiting)
    widgets.guarded(
        "The user did not come.",
        "The list of users and their traces may still answer.",
        lambda: user.user(user_id, window, waiting),
    )
else:
    row, waiting = st.container(), paging.outline("Users")
    with row:
        params = paging.controls(widgets.window(*state.EVER), users.PATH, users.SORTS, "Find a user")
    window = calls.window(waiting)
    widgets.guarded(
        "The list did not come.",
        "Time range and filters stay as they are; links to single users too.",
        lambda: users.results(window, params | {"since": window.since, "until": window.until}, waiting),
    )
