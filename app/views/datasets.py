"""Datasets: items by version, to be evaluated on and trained on; one with all that belongs to it."""

from __future__ import annotations

from app import dataset, datasets, widgets

if name := datasets.chosen():
    widgets.guarded("The dataset did not come.", "The list of datasets may still answer.", lambda: dataset.page(name))
else:
    widgets.guarded("The datasets did not come.", "Their exports stand where they were saved.", datasets.overview)
