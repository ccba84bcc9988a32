"""What changed between two groups of calls, and what happened on the axis of time."""

from __future__ import annotations

from datetime import datetime
from difflib import get_close_matches
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import packed
from server.api.asking import parameters, params_of, project_of
from server.api.context import DEFAULT, Here, Project, in_utc
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Inline
from server.drift.groups import MOST, SCORES, Asked, Group
from server.monitors import marks
from server.monitors.signals import SIGNALS
from store import queries
from store.errors import UnknownQueryError

SHARED = {
    "parameters": [one for one in parameters(queries.get("calls_totals")) if one["name"] != "format"]
}  # fmt: skip

routes = router()


class GroupBody(BaseModel):
    """One side."""

    model_config = ConfigDict(extra="forbid")

    since: datetime = Field(description="Inclusive; UTC when it names no zone.")
    until: datetime = Field(description="Exclusive.")
    where: dict[str, Any] = Field(
        default_factory=dict, description="Filters of the query `calls_totals`, without a window."
    )


class DriftBody(BaseModel):
    """What is compared with what."""

    model_config = ConfigDict(extra="forbid")

    reference: GroupBody
    current: GroupBody
    signals: Annotated[list[str], Field(min_length=1, max_length=len(SIGNALS))] | None = Field(
        None, description="Names of signals as monitors have them; none: all that a call has by itself."
    )
    scores: Annotated[list[str], Field(max_length=50)] | None = Field(
        None, description=f"Names of scores; none: the {SCORES} with most values."
    )
    alpha: float = Field(0.05, ge=1e-6, le=0.5, description="Of p-values adjusted over all signals.")
    most: int = Field(
        MOST,
        ge=100,
        le=MOST,
        description="Rows a side; more are drawn from, the same ones each time.",
    )


@routes.post("/api/drift", tags=["monitors"], dependencies=[needs("read")])
def drift(request: Request, here: Here, body: DriftBody, project: Project = DEFAULT) -> Response:
    """Every signal of two groups of calls, those that moved first: `signals`, rows as of `assay drift --json`.

    A row has `column`, `type`, `test`, `statistic`, `effect`, `p`, `p_adjusted` (over all signals and their missing
    values), `n_reference`, `n_current`, `verdict` (drift, no drift, insufficient data), its `sentence`, and `signal`,
    `score`, `label`, `unit`. Calls of a session, else of a user, else of a trace vary together. `map`: `points` (x, y,
    side, trace_id, text) of both groups' inputs in their first two principal components, which explain `explained` of
    the variance; null: too little. `n` and `drawn_of`: calls read, and of how many. `markers`: what happened from the
    earlier beginning to the later end. `left_out`: what was not asked or not read whole, and why, a sentence each.
    `sentence`: what moved. 422 `invalid`: a window that ends before it begins, a filter or signal that there is not.
    """
    from server.drift import explorer  # noqa: PLC0415 - a process beside works with it, and the server's start need not

    project_id = here.core.projects.id_of(project)
    asked = Asked(
        _group(body.reference, "reference"), _group(body.current, "current"), _known(body.signals), body.scores,
        body.alpha, body.most,
    )  # fmt: skip
    return packed(request, here.desk.answer(project_id, explorer.explored, asked), "application/json")


@routes.get("/api/markers", tags=["monitors"], dependencies=[needs("read")], openapi_extra=SHARED)
def markers(request: Request, here: Here) -> Response:
    """What happened in a window: releases, prompt versions and labels, models, evaluators, the normaliser, alerts.

    `markers`, by time: `at`, `what` (release prompt label model evaluator normaliser alert), `name` (of the service,
    prompt, requested model, score or monitor; null: unknown), `before` (null: it replaced nothing), `after`, `text` (a
    sentence). `cut`: there are more than 500, and these are the first. Filters are of the calls that releases, prompts
    and models are seen in.
    """
    given = params_of(request)
    asked = queries.get("calls_totals").parse(given)
    since, until = cast("datetime", asked.pop("since")), cast("datetime", asked.pop("until"))
    project_id = here.core.projects.id_of(project_of(request))
    found = Inline(here.core.readers).answer(project_id, marks.answer, since, until, asked)
    return packed(request, found, "application/json")


def _group(told: GroupBody, name: str) -> Group:
    since, until = (cast("datetime", in_utc(at)) for at in (told.since, told.until))
    if until <= since:
        raise _invalid(f"{name}: until ({until.isoformat()}) is not after since ({since.isoformat()}).")
    if refused := sorted({"since", "until", "max_rows"} & set(told.where)):
        raise _invalid(f"{name}: {refused[0]!r} is no filter of calls; leave it out of `where`.")
    try:
        where = queries.get("calls_totals").parse({**told.where, "since": since, "until": until})
    except (UnknownQueryError, ValueError) as error:
        raise _invalid(f"{name}: {error}") from error
    return Group(since, until, {key: value for key, value in where.items() if key not in {"since", "until"}})


def _known(names: list[str] | None) -> list[str] | None:
    for name in names or ():
        if name not in SIGNALS:
            close = get_close_matches(name, SIGNALS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise _invalid(f"signals: there is none named {name!r}.{hint} Known: {', '.join(SIGNALS)}.")
    return None if names is None else list(dict.fromkeys(names))


def _invalid(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
