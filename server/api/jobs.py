"""Orders to score stored traces, for those who give them and for the workers that carry them out."""

from __future__ import annotations

import json
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from evaluators.errors import EvaluatorError
from server import jobs
from server.api.answers import json_response
from server.api.context import DEFAULT, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store import jobs as store

MAX_WAIT_S = 5.0  # a server that ends waits for its requests
SHOWN = 100

routes = router()
JobId = Annotated[UUID, Path(description="Of the job.")]


class NewJob(jobs.Order):
    """An order; with `dry_run` nothing is scored, and the answer says what would be."""

    dry_run: bool = False


@routes.post("/api/jobs", tags=["evaluation"], dependencies=[needs("edit")])
def add(request: Request, here: Here, body: NewJob, project: Project = DEFAULT) -> Response:
    """Have stored traces scored by a worker. Answers as `GET /api/jobs/{id}`, with `matching` traces in all.

    With `dry_run`: `targets` and `matching` alone. 422 `bad_evaluator` names an evaluator or option that there is not.
    """
    order = jobs.Order(**body.model_dump(exclude={"dry_run"}))
    try:
        jobs.checked(here.core, order)
    except EvaluatorError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_evaluator", str(error)) from error
    if body.dry_run:
        count, matching = jobs.count_of(here.core, project, order)
        return json_response(request, {"targets": count, "matching": matching})
    targets, matching = jobs.targets_of(here.core, project, order)
    told = {"targets": len(targets), "matching": matching}
    return json_response(request, shown(jobs.add(here.core, project, order, targets)) | told)


@routes.get("/api/jobs", tags=["evaluation"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The newest 100 jobs, newest first; fields as in `GET /api/jobs/{id}`."""
    with here.core.readers.read() as cursor:
        found = store.jobs(cursor, here.core.projects.id_of(project), SHOWN)
    return json_response(request, [shown(one) for one in found])


@routes.get("/api/jobs/{job_id}", tags=["evaluation"], dependencies=[needs("read")])
def one(request: Request, here: Here, job_id: JobId, project: Project = DEFAULT) -> Response:
    """One job: `state` (waiting running done cancelled stopped), `order`, `targets`, how many are done, what they got.

    `ok`, `not_applicable` and `failed` count verdicts; `calls`, `cached` and `spent_usd` (null: nothing, or its price
    is unknown) are of judges. `targets_given_up` were lost with their workers, three times each; `fault` says why it
    stopped, `part_fault` why targets were given up.
    """
    return json_response(request, shown(_job(here, project, job_id)))


@routes.post("/api/jobs/{job_id}/cancel", tags=["evaluation"], dependencies=[needs("edit")])
def cancel(request: Request, here: Here, job_id: JobId, project: Project = DEFAULT) -> Response:
    """End a job; what was scored stays. One that is over is left as it is. Answers as `GET /api/jobs/{id}`."""
    _job(here, project, job_id)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.cancel(cursor, project_id, job_id)).result(jobs.WRITE_S)
    return json_response(request, shown(_job(here, project, job_id)))


class Retry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    budget_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="What all of the job may cost; null: as it was."
    )
    unbounded: bool = Field(default=False, description="Lift the budget.")


@routes.post("/api/jobs/{job_id}/retry", tags=["evaluation"], dependencies=[needs("edit")])
def retry(request: Request, here: Here, job_id: JobId, body: Retry, project: Project = DEFAULT) -> Response:
    """Go on with a job that was cancelled, stopped, or gave targets up: with those that are not done."""
    _job(here, project, job_id)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(
        lambda cursor: store.retry(cursor, project_id, job_id, body.budget_usd, unbounded=body.unbounded)
    ).result(jobs.WRITE_S)
    return json_response(request, shown(_job(here, project, job_id)))


class Take(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wait_s: float = Field(MAX_WAIT_S, ge=0, le=MAX_WAIT_S, description="How long to wait for something to do.")


@routes.post("/api/worker/take", tags=["evaluation"], dependencies=[needs("admin")])
def take(request: Request, here: Here, body: Take) -> Response:
    """For workers: the next targets to score, of any project, under a lease of 20 s; null: there are none.

    `job_id`, `lease`, `lease_s`, `project`, `order`, `targets` (`trace_id` and `span_id`, hex digits; `span_id` null:
    the whole trace; `session_id` not null: all of that session, whose newest trace this is), `since_us` and `until_us`
    between which their spans start, `left_usd` of the budget (null: no bound).
    """
    part = jobs.take(here.core, body.wait_s)
    if part is None:
        return json_response(request, None)
    told = {
        "job_id": str(part.job_id), "lease": str(part.lease), "lease_s": jobs.LEASE.total_seconds(),
        "project": here.core.projects.name_of(part.project_id), "left_usd": part.left_usd,
        "order": _order(part), "targets": [_target(one) for one in part.targets],
        "since_us": min(one.start_us for one in part.targets), "until_us": max(one.end_us for one in part.targets),
    }  # fmt: skip
    return json_response(request, told)


class Renewal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease: UUID


@routes.post("/api/worker/{job_id}/renew", tags=["evaluation"], dependencies=[needs("admin")])
def renew(request: Request, here: Here, job_id: JobId, body: Renewal, project: Project = DEFAULT) -> Response:
    """For workers: keep what was taken for another 20 s. `kept` false: the job is over, or another has it; stop."""
    _job(here, project, job_id)
    kept = here.core.writer.call(lambda cursor: store.renew(cursor, job_id, body.lease, jobs.LEASE)).result(
        jobs.WRITE_S
    )
    return json_response(request, {"kept": kept})


@routes.post("/api/worker/{job_id}/finish", tags=["evaluation"], dependencies=[needs("admin")])
def finish(request: Request, here: Here, job_id: JobId, body: jobs.Results, project: Project = DEFAULT) -> Response:
    """For workers: store the verdicts on what was taken as scores. `closed` false: another had taken it since.

    Then none of them is stored: it is that worker's verdicts that count.
    """
    _job(here, project, job_id)
    return json_response(request, {"closed": jobs.finish(here.core, project, job_id, body)})


@routes.get("/api/cases/{trace_id}", tags=["evaluation"], dependencies=[needs("read")])
def case(
    request: Request,
    here: Here,
    trace_id: Annotated[UUID, Path(description="32 hex digits.")],
    span_id: Annotated[
        str | None, Query(pattern=r"^[0-9a-fA-F]{16}$", description="Of one span; default of the whole trace.")
    ] = None,
    project: Project = DEFAULT,
) -> Response:
    """A trace, or one of its spans, as evaluators see it: the row that `assay score` reads.

    `question`, `answer`, `contexts`, `system`, `messages`, `tools`, `tool_calls`, `steps`, `usage`; what was not
    recorded is not there.
    """
    found = jobs.case_of(here.core, project, trace_id, None if span_id is None else span_id.lower())
    if found is None:
        what = f"trace {trace_id.hex}" if span_id is None else f"span {span_id} in trace {trace_id.hex}"
        detail = f"Project {project!r} has no {what}. It may not have arrived yet."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_span", detail)
    return json_response(request, found)


def _order(part: store.Part) -> dict[str, Any]:
    """What the part is to be scored by: of the order's evaluators those that it is for."""
    order: dict[str, Any] = json.loads(part.document)
    if part.evaluators is not None:
        named = [one for one in order["evaluators"] if one["name"] in part.evaluators]
        order["evaluators"] = named or order["evaluators"]  # the rule has others by now
    return order


def _target(one: store.Target) -> dict[str, str | None]:
    span_id = None if one.span_id is None else f"{one.span_id:016x}"
    return {"trace_id": one.trace_id.hex, "span_id": span_id, "session_id": one.session_id}


def _job(here: Here, project: str, job_id: UUID) -> store.Job:
    try:
        return jobs.one(here.core, project, job_id)
    except jobs.UnknownJobError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_job", str(error)) from error


def shown(job: store.Job) -> dict[str, Any]:
    """A job as the API tells it."""
    told = asdict(job)
    order = json.loads(told.pop("document"))
    del told["rule_id"]  # the order names it
    return {"job_id": str(told.pop("job_id")), "state": job.state, "order": order, **told}
