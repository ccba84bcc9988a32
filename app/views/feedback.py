"""Feedback: what end users said of answers, and the keys with which applications send it."""

from __future__ import annotations

from app import calls, feedback, feedback_keys, widgets

if feedback.part() == "keys":
    widgets.guarded("The keys did not come.", "Keys in use go on working.", feedback_keys.overview)
else:
    waiting = calls.outline("Feedback")
    window = calls.window(waiting)
    widgets.guarded(
        "The feedback did not come.", "What is sent is taken in.", lambda: feedback.overview(window, waiting)
    )
