"""Drift explorer: two windows or groups, and every signal of both, ranked by how sure and how large its change is."""

from __future__ import annotations

from app import calls, drift, drift_controls, widgets

waiting = calls.outline("Drift explorer")
window = calls.window(waiting)
current, reference = drift_controls.controls(window)
waiting.empty()
if reference is not None:
    both = current, reference
    widgets.guarded(
        "The comparison did not come.",
        "Both windows stay as they are; Compare tests variants of one window.",
        lambda: drift.overview(*both),
    )
