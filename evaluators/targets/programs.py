"""Programs and functions of the user's that are asked."""

from __future__ import annotations

from pathlib import Path

from evaluators.judges.budget import Budget
from evaluators.targets.answer import Target
from evaluators.targets.config import CommandSettings, PythonSettings


def command_target(settings: CommandSettings, folder: Path, budget: Budget | None) -> Target:
    raise NotImplementedError(settings, folder, budget)


def python_target(settings: PythonSettings, folder: Path, budget: Budget | None) -> Target:
    raise NotImplementedError(settings, folder, budget)
