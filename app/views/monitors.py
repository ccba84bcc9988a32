"""Monitors: standing checks of what comes in, by state; the form that sets one; what would suit the project."""

from __future__ import annotations

from app import data_monitors, monitor_form, monitor_suggestions, monitors, widgets


def draw() -> None:
    monitor_suggestions.done()
    if told := monitors.chosen(monitors.MAKE):
        monitor_form.form(None, told)
    elif name := monitors.chosen(monitors.EDIT):
        monitor_form.form(data_monitors.monitor(name), "")
    elif monitors.chosen(monitors.SUGGEST):
        monitor_suggestions.section()
    elif found := data_monitors.monitors():
        monitors.overview(found)
    else:
        monitor_suggestions.first()


widgets.guarded("The monitors did not come.", monitors.STANDING, draw)
