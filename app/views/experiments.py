"""Experiments: a suite run once for each model, prompt or parameter, to be compared."""

from __future__ import annotations

from app import experiment, experiments, widgets

if experiment_id := experiments.chosen():
    widgets.guarded(
        "The experiment did not come.", "Its runs are listed on Runs.", lambda: experiment.page(experiment_id)
    )
else:
    widgets.guarded("The experiments did not come.", "Their runs are listed on Runs.", experiments.overview)
