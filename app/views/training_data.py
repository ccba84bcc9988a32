"""Training data: what labels become: training files, golden sets, examples for judges."""

from __future__ import annotations

from app import training, widgets

widgets.guarded("What labels become did not come.", training.STANDING, training.page)
