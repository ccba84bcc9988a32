"""A model that is asked at its provider."""

from __future__ import annotations

from evaluators.judges.budget import Budget
from evaluators.judges.model import Price
from evaluators.targets.answer import Target
from evaluators.targets.config import ModelSettings


def ModelTarget(settings: ModelSettings, *, price: Price | None, budget: Budget | None) -> Target:  # noqa: N802
    raise NotImplementedError(settings, price, budget)
