"""An endpoint that is asked over HTTP."""

from __future__ import annotations

from evaluators.judges.budget import Budget
from evaluators.targets.answer import Target
from evaluators.targets.config import HttpSettings


def HttpTarget(settings: HttpSettings, budget: Budget | None) -> Target:  # noqa: N802
    raise NotImplementedError(settings, budget)
