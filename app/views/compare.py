"""Compare: which variant is better, by how much, how sure, at what cost."""

from __future__ import annotations

from app import calls, compare, compare_runs, compare_traffic, widgets

source = compare.source()
waiting = calls.outline("Compare")
draw = compare_runs.page if source == "runs" else compare_traffic.page
widgets.guarded("The comparison did not come.", "What was chosen stays in the address.", lambda: draw(waiting))
