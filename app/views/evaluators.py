"""Evaluators: what each measures, needs and costs, how good it is; and what is being scored."""

from __future__ import annotations

from app import data, data_evaluators, evaluators, jobs, widgets

try:
    found = data_evaluators.evaluators()
except data.ApiError as error:
    widgets.failed("The evaluators did not come.", error, "Scores that are stored stand on the Trace page.")
    widgets.end()

if evaluators.controls(found) == jobs.NAME:
    widgets.guarded("The jobs did not come.", "Workers go on without this page.", jobs.section)
elif name := evaluators.chosen():
    evaluators.card(found, name)
else:
    evaluators.overview(found)
    evaluators.broken()
