"""Ranking: which of several variants is best, by pairs."""

from __future__ import annotations

from app import calls, rank, widgets

waiting = calls.outline("Ranking")
widgets.guarded("The ranking did not come.", "What was chosen stays in the address.", lambda: rank.page(waiting))
