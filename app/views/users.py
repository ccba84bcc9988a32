"""Users: who used the application, how it went for them, and one of them over time."""

from __future__ import annotations

from app import calls, state, user, users, widgets

if user_id := users.opened():
    waiting = users.frame()[1]
    window = calls.window(waiting)
    widgets.guarded(
        "The user did not come.",
        "The list of users and their traces may still answer.",
        lambda: user.user(user_id, window, waiting),
    )
else:
    row, waiting = users.frame()
    with row:
        params = users.controls(widgets.window(*state.EVER))
    window = calls.window(waiting)
    widgets.guarded(
        "The list did not come.",
        "Time range and filters stay as they are; links to single users too.",
        lambda: users.results(window, params | {"since": window.since, "until": window.until}, waiting),
    )
