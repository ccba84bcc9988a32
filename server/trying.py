"""One row by one evaluator, for whoever tries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evaluators import registry
from evaluators.case import Case
from evaluators.protocol import ruler
from evaluators.rows import read_case, verdict_row
from evaluators.scoring import judged
from server.aside import Ask


def tried(_: Ask, name: str, options: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The line that `assay score` would write for the row.

    Raises:
        EvaluatorError: there is no such evaluator or option, or the row is no case.
    """
    evaluator = registry.load(name, **options)
    case: Case = read_case(row)
    return verdict_row(case.id, name, ruler(evaluator), asyncio.run(judged(evaluator, case)))
