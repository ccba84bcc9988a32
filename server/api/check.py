"""Guardrail checks over HTTP: an application asks before it answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import checking
from server.api.answers import packed
from server.api.context import Here
from server.api.problems import ProblemError
from server.api.rights import needs, router

routes = router()


class Check(BaseModel):
    """One check, with options other than the usual ones."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    options: dict[str, Any] = Field(default_factory=dict, max_length=20)
    threshold: float | None = Field(
        None, allow_inf_nan=False, description="Value from which it is flagged; null: as shipped."
    )


class Texts(BaseModel):
    """What is checked; at most 50,000 characters in all."""

    model_config = ConfigDict(extra="forbid")

    input: str | None = Field(None, description="What the user said.")
    output: str | None = Field(None, description="What the model answered.")
    contexts: list[str] | None = Field(None, max_length=200, description="What was retrieved.")
    system: str | None = Field(None, description="The system prompt.")
    messages: list[dict[str, Any]] | None = Field(
        None, max_length=500, description="The conversation, as OpenAI has it."
    )
    checks: list[str | Check] = Field(list(checking.USUAL), min_length=1, max_length=20)


@routes.post("/api/check", tags=["checks"], dependencies=[needs("read")])
def check(request: Request, here: Here, body: Texts) -> Response:
    """Whether texts should be let through: `{flagged, results, took_ms}`. Nothing is stored, and no model is asked.

    A result is a row of `assay score` with `flagged` and `took_ms`: `value` on the evaluator's scale, `label`, `reason`
    and `highlights` (characters). Flagged is what has the worst label, or is past the check's `threshold`. Checks of
    texts look at `output`, or at `input` when there is none, unless the option `fields` names others. Without `checks`:
    prompt_injection, jailbreak, system_prompt_leak, pii, toxicity, unsafe_urls and unsafe_code. A process of its own
    works it out, which starts with the first request: that takes a second longer.
    """
    told = body.model_dump(exclude={"checks"}, exclude_none=True)
    _bound(told)
    checks: list[dict[str, Any]] = [{"name": one} if isinstance(one, str) else one.model_dump() for one in body.checks]
    try:
        if here.checker is None:
            answer = orjson.dumps(checking.check(told, checks))
        else:
            answer = here.checker.compute(checking.LIMIT_S, checking.check, told, checks)
    except checking.CheckError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)) from error
    return packed(request, answer, "application/json")


def _bound(told: dict[str, Any]) -> None:
    """Raises ProblemError for more text than a check may take."""
    size = sum(len(one) if isinstance(one, str) else len(orjson.dumps(one)) for one in told.values())
    if not told:
        detail = "There is nothing to check. Give input, output, contexts, system or messages."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
    if size > checking.MOST_CHARACTERS:
        most = f"{checking.MOST_CHARACTERS:,}"
        detail = f"The texts have {size:,} characters; a check takes {most}. Send what is to be checked in parts."
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
