"""Suites: what is evaluated by which evaluators under which gates; checked, edited and run from here."""

from __future__ import annotations

from app import suite, suites, widgets

if name := suites.chosen():
    widgets.guarded("The suite did not come.", "The list of suites may still answer.", lambda: suite.page(name))
else:
    widgets.guarded("The suites did not come.", "`assay eval run` needs no server.", suites.overview)
