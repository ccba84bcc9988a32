"""Doors to experiments. What moves is never cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import data

Row = dict[str, Any]


def experiments(**params: Any) -> list[Row]:
    """Experiments, the newest first; see `GET /api/experiments` for parameters and fields."""
    return data.client().experiments(**params)


def experiment(experiment_id: str) -> Row:
    """One experiment with its arms."""
    return data.client().experiment(experiment_id)


def order(told: Mapping[str, Any]) -> Row:
    """Order, or plan, an experiment; raises ApiError, `refused`, saying what cannot be varied so."""
    return data.client().order_experiment(told)


def again(experiment_id: str) -> Row:
    """Run all of its arms again as a new experiment."""
    return data.client().rerun_experiment(experiment_id)


def cancel(experiment_id: str) -> Row:
    """End those of its runs that are not over; what was answered is kept."""
    return data.client().cancel_experiment(experiment_id)


def forget(experiment_id: str) -> None:
    """Forget an experiment with its runs."""
    data.client().forget_experiment(experiment_id)
