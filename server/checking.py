"""Guardrail checks of texts that no span has brought: what `POST /api/check` works out, in a process of its own.

The checks are evaluators that ask no model. They are seconds of regular expressions when texts are hostile, and those
hold the interpreter's lock: in the server's own process they would hold up whoever sends spans.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from evaluators import registry
from evaluators.case import Case
from evaluators.errors import EvaluatorError
from evaluators.protocol import Evaluator, ruler
from evaluators.rows import read_case, verdict_row
from evaluators.scoring import begun
from evaluators.verdict import Verdict, failed

IDLE_S = 600.0  # an application asks again; a start costs a second
PLACES = 32
NICENESS = 0  # somebody waits for the answer before they answer
LIMIT_S = 5.0
MOST_CHARACTERS = 50_000
USUAL = ("prompt_injection", "jailbreak", "system_prompt_leak", "pii", "toxicity", "unsafe_urls", "unsafe_code")


class CheckError(Exception):
    """The user can act on it: the row is no case, or there is no such check, or not with these options."""


def check(row: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdict of each check on the row: `{flagged, results, took_ms}`. Of a check `{name, options?, threshold?}`.

    A check is flagged where its label is the worst of its scale, or its value is on the bad side of the threshold.

    Raises:
        CheckError: see there. The errors of evaluators do not travel between processes.
    """
    began = time.perf_counter()
    try:
        case = read_case(dict(row))
        results = [_result(case, one) for one in checks]
    except EvaluatorError as error:
        raise CheckError(str(error)) from None
    took_ms = round((time.perf_counter() - began) * 1e3, 3)
    return {"flagged": any(one["flagged"] for one in results), "results": results, "took_ms": took_ms}


def _result(case: Case, asked: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(asked.get("options") or {})
    if case.answer is None and "fields" not in options and "fields" in registry.options(asked["name"]):
        options["fields"] = ("question",)  # what there is of the texts that such checks look at
    evaluator = _made(asked["name"], json.dumps(options, sort_keys=True))
    began = time.perf_counter()
    said = begun(evaluator, case)
    verdict = said if isinstance(said, Verdict) else failed("asynchronous", "This evaluator cannot be used as a check.")
    row = verdict_row(None, evaluator.card.name, ruler(evaluator), verdict)
    del row["id"]
    took_ms = round((time.perf_counter() - began) * 1e3, 3)
    return {**row, "flagged": _flagged(evaluator, verdict, asked.get("threshold")), "took_ms": took_ms}


def _flagged(evaluator: Evaluator, verdict: Verdict, threshold: float | None) -> bool:
    scale = evaluator.card.scale
    if verdict.status != "ok":
        return False
    if threshold is not None and verdict.value is not None:
        return verdict.value >= threshold if scale.better == "lower" else verdict.value <= threshold
    return bool(scale.labels) and verdict.label == scale.labels[0]


@lru_cache(64)
def _made(name: str, options: str) -> Evaluator:
    """Made once: what is large is loaded at its first call."""
    told = {key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(options).items()}
    evaluator = registry.load(name, **told)
    if evaluator.card.cost != "free":
        raise EvaluatorError(f"{name!r} asks a model, so it cannot be a check. Checks: {', '.join(USUAL)}.")
    return evaluator
