"""One row by one evaluator, for whoever tries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evaluators.case import Case
from evaluators.protocol import Evaluator, ruler
from evaluators.rows import read_case, verdict_row
from evaluators.scoring import judged, release
from evaluators.verdict import Verdict
from server.aside import Ask
from server.judging import Files, bench


def tried(_: Ask, files: Files, name: str, options: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The line that `assay score` would write for the row; judges and own evaluators are those of the files.

    Raises:
        EvaluatorError: there is no such evaluator or option, or the row is no case.
    """
    evaluator = bench(files).make(name, options)
    case = read_case(row)
    return verdict_row(case.id, name, ruler(evaluator), asyncio.run(_judged(evaluator, case)))


async def _judged(evaluator: Evaluator, case: Case) -> Verdict:
    try:
        return await judged(evaluator, case)
    finally:
        await release([evaluator])
