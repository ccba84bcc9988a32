"""Compare: which variant is better, by how much, how sure, at what cost."""

from __future__ import annotations

from app import calls, compare, compare_controls, compare_runs, compare_tabs, compare_traffic, widgets

compare_tabs.tabs(compare_controls.PATH)
source = compare.source()
waiting = calls.outline("Compare")
draw = compare_runs.page if source == "runs" else compare_traffic.page
widgets.guarded("The comparison did not come.", "What was chosen stays in the address.", lambda: draw(waiting))
