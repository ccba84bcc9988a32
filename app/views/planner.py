"""Planner: before a run, how many items a comparison needs."""

from __future__ import annotations

from app import calls, planner, widgets

waiting = calls.outline("Planner")
widgets.guarded("The plan did not come.", "What was chosen stays in the address.", lambda: planner.page(waiting))
