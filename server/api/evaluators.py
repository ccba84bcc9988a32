"""Which evaluators there are, and what one says of a row."""

from __future__ import annotations

from dataclasses import asdict, replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from evaluators import registry
from evaluators.errors import EvaluatorError
from server import trying
from server.api.answers import json_response, packed
from server.api.context import DEFAULT, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.judging import Bench, Files, bench

TRIAL_USD = 1.0  # what one trial of a judge may cost

routes = router()


@routes.get("/api/evaluators", tags=["evaluation"], dependencies=[needs("read")])
def listed(request: Request, here: Here) -> Response:
    """The card of every evaluator: `name`, `version`, `family`, `measures`, `needs`, `takes`, `scale`, `cost`, ...

    `quality` are published figures on rows that it was not made from (`data`, `measure`, `value`, its interval, `n`,
    and what a `naive` rule gets), `limits` sentences that are shown with its scores, `options` names. One that cannot
    be imported has `name` and `problem` alone, and stands last; of the others `problem` is null.
    """
    try:
        known = bench(Files.of(here.core.settings))
        told = [_card(known, name) for name in known.names()]
    except EvaluatorError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_evaluator", str(error)) from error
    found = sorted(told, key=lambda one: (one["problem"] is not None, one.get("family", ""), one["name"]))
    return json_response(request, found)


def _card(known: Bench, name: str) -> dict[str, Any]:
    """The card of one; of one that cannot be imported why, so that it takes none of the others with it."""
    try:
        maker = known.maker(name)
    except EvaluatorError as error:
        return {"name": name, "problem": str(error)}
    return asdict(maker.card) | {"options": registry.options_of(maker), "problem": None}


class Trial(BaseModel):
    """A row, and the evaluator's options."""

    model_config = ConfigDict(extra="forbid")

    row: dict[str, Any] = Field(description="As `assay score` reads it: question, answer, contexts, ...")
    options: dict[str, Any] = Field(default_factory=dict)


@routes.post("/api/evaluators/{name}/try", tags=["evaluation"], dependencies=[needs("read")])
def tried(
    request: Request,
    here: Here,
    name: Annotated[str, Path(max_length=200)],
    body: Trial,
    project: Project = DEFAULT,
) -> Response:
    """What the evaluator says of a row, as `assay score` tells it. Nothing is stored.

    422 `bad_evaluator`: there is no such evaluator or option, or the row is none.
    """
    files = replace(Files.of(here.core.settings), budget_usd=TRIAL_USD)
    try:
        found = here.desk.answer(here.core.projects.id_of(project), trying.tried, files, name, body.options, body.row)
    except EvaluatorError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_evaluator", str(error)) from error
    return packed(request, found, "application/json")
