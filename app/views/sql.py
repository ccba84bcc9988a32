"""SQL: questions of one's own over what is stored, as table or chart."""

from __future__ import annotations

from app import calls, sql, widgets

waiting = calls.outline("SQL")
window = calls.window(waiting)
waiting.empty()
widgets.guarded("The page cannot be drawn.", "The question stays as it is.", lambda: sql.page(window))
