"""Doors to orders to score stored traces. What moves is never cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import data


def score_targets(order: Mapping[str, Any]) -> dict[str, Any]:
    """How many `targets` an order to score has, of `matching` traces. Raises ApiError, `refused`, where it is none."""
    return data.client().add_job(order, dry_run=True)


def add_job(order: Mapping[str, Any]) -> dict[str, Any]:
    """Have stored traces scored; answers as `job`."""
    return data.client().add_job(order)


def jobs() -> list[dict[str, Any]]:
    """The newest 100 orders to score, newest first; never cached: they move without any new data."""
    return data.client().jobs()


def job(job_id: str) -> dict[str, Any]:
    """One order and how far it is; never cached."""
    return data.client().job(job_id)


def cancel_job(job_id: str) -> dict[str, Any]:
    """End an order; what was scored stays."""
    return data.client().cancel_job(job_id)


def retry_job(job_id: str, budget_usd: float | None) -> dict[str, Any]:
    """Go on with what is not done of an ended order; `budget_usd`: of all of it; null: as it was."""
    return data.client().retry_job(job_id, budget_usd)
