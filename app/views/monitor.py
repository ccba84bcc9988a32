"""One monitor: what it saw, against what, how often it would fire for nothing, and what may be done with it."""

from __future__ import annotations

from app import monitor, monitors, widgets

widgets.guarded("The monitor did not come.", monitors.STANDING, lambda: monitor.page(monitors.chosen(monitors.NAME)))
