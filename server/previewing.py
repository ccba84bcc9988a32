"""What a rule's evaluators say of a few traces, for whoever sets it. Nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from evaluators.case import Case, Unreadable
from evaluators.errors import UnreadableCaseError
from evaluators.protocol import Evaluator, ruler
from evaluators.rows import read_case, verdict_row
from evaluators.runner import run
from evaluators.scoring import release
from server.aside import Ask
from server.judging import Files, bench

CONCURRENCY = 8


def previewed(
    _: Ask, files: Files, wanted: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[list[dict[str, Any]]]:
    """For each row of a case what each evaluator says of it, as the lines of `assay score`.

    Raises:
        EvaluatorError: there is no such evaluator or option.
    """
    made = bench(files)
    evaluators = [made.make(one["name"], one["options"]) for one in wanted]
    cases = [_case(row) for row in rows]
    return asyncio.run(_judged(evaluators, cases))


def _case(row: Mapping[str, Any]) -> Case | Unreadable:
    try:
        return read_case(dict(row))
    except UnreadableCaseError as error:
        return Unreadable(str(row.get("id")), str(error))


async def _judged(evaluators: Sequence[Evaluator], cases: Sequence[Case | Unreadable]) -> list[list[dict[str, Any]]]:
    try:
        async with aclosing(run(cases, evaluators, CONCURRENCY)) as scored:
            said = [
                verdict_row(None, one.evaluator.card.name, ruler(one.evaluator), one.verdict) async for one in scored
            ]
    finally:
        await release(evaluators)
    size = len(evaluators)
    return [said[start : start + size] for start in range(0, len(said), size)]
