"""Runs: what came of evaluation suites, against their gates; one run with all that it rests on."""

from __future__ import annotations

from app import run, runs, widgets

if run_id := runs.chosen():
    widgets.guarded("The run did not come.", "The list of runs may still answer.", lambda: run.page(run_id))
else:
    widgets.guarded("The runs did not come.", "Their files stand where they were run.", runs.overview)
