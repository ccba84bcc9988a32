"""Experiments: a suite's arms ordered together, followed, compared, cancelled."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import experiments, runs, suites
from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project, in_utc
from server.api.prices import Author
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.evals import grid
from server.evals.preparing import MAX_SUITE
from server.experiments import Base
from store import experiments as store

CHECK_S = 60.0
MOST_KEYS, MOST_VALUES = 10, grid.MOST_ARMS

routes = router()
ExperimentId = Annotated[UUID, Path(description="Of the experiment, 32 hex digits.")]
Values = Annotated[list[Any], Field(min_length=1, max_length=MOST_VALUES)]


class NewExperiment(BaseModel):
    """What is run with what varied."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        None, min_length=1, max_length=experiments.MOST_NAME, description="Null: of the suite and what is varied."
    )
    suite: str | None = Field(None, max_length=100, description="Name of a suite that the app knows.")
    document: str | None = Field(None, max_length=MAX_SUITE, description="In place of a name: a suite as YAML.")
    like: UUID | None = Field(
        None, description="In place of a suite: a run, with its text, its options and the versions that it read."
    )
    over: dict[str, Values] = Field(
        default_factory=dict,
        max_length=MOST_KEYS,
        description="Path in the suite -> values; short names: model, prompt (NAME@VERSION, NAME@LABEL; a number or "
        "label alone where the suite's prompt is stored), system, url, and parameters such as temperature. Null for a "
        "value leaves the key out. All combinations are run, 50 at most.",
    )
    repeats: int | None = Field(None, ge=1, le=100, description="Answers to each item, in place of the suite's.")
    sample: int | None = Field(None, ge=1, description="So many items, in place of the suite's.")
    concurrency: int | None = Field(None, ge=1, le=1024)
    budget_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False,
        description="What all runs may cost together. They go one after other: each may use what is left of it, and "
        "no more than the suite's own `budget_usd`; once nothing is left the others are not begun.",
    )  # fmt: skip
    author: Author = None


@routes.post("/api/experiments", tags=["experiments"], dependencies=[needs("edit")])
def order(request: Request, here: Here, body: NewExperiment, project: Project = DEFAULT) -> Response:
    """Have a suite run once for each combination of what is varied, by a worker, one run after other.

    `experiment_id`, `name`, and `runs` with `run_id`, `arm` (what is varied -> its value) and `name`. Versions of a
    stored dataset or prompt that the suite leaves open are those of now, in all runs. Gates against a baseline are left
    open: arms are compared with one another, and are no baseline of later runs. A run that is run again with nothing
    varied is a run of its own, `experiment_id` null, unless it was an arm. 422 `bad_experiment`: what cannot be varied
    so, or is no suite, or may not be run here; 404: there is no such suite or run.
    """
    base = _base(here, project, body)
    plan = _planned(here, project, base, body)
    given = body.model_dump(include={"repeats", "sample", "concurrency"}, exclude_none=True)
    wish = {**base.wish, **given, "source": plan["source"], "folder": str(base.held.folder)}
    if "repeats" in body.over:
        wish.pop("repeats", None)
    return json_response(request, _ordered(here, project, body, plan, wish))


def _base(here: Context, project: str, body: NewExperiment) -> Base:
    given = [name for name in ("suite", "document", "like") if getattr(body, name) is not None]
    if len(given) != 1:
        raise _refused(f"An experiment is of a suite, a document, or like a run: one of them, not {given or 'none'}.")
    if body.repeats is not None and "repeats" in body.over:
        raise _refused("`repeats` is varied by `over` and set beside it. Leave one of them out.")
    if body.document is not None:
        return Base(suites.draft(here.core, project, None, body.document))
    if body.like is not None:
        return _of_run(here, project, body.like)
    try:
        return Base(suites.held(here.core, project, str(body.suite)))
    except suites.UnknownSuiteError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_suite", str(error)) from error


def _of_run(here: Context, project: str, run_id: UUID) -> Base:
    try:
        return experiments.of_run(here.core, project, *runs.found(here.core, project, run_id))
    except runs.UnknownRunError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_run", str(error)) from error
    except grid.GridError as error:
        raise _refused(str(error)) from error


def _planned(here: Context, project: str, base: Base, body: NewExperiment) -> dict[str, Any]:
    """Worked out in a process of its own: YAML is seconds of Python where it is long."""
    pins = experiments.newest(here.core, project, base.held.document, orjson.dumps(body.over).decode())
    asked = (base, body.over, pins, here.core.settings)
    if here.aside is None:
        plan: dict[str, Any] = experiments.planned(*asked)
    else:
        plan = orjson.loads(here.aside.compute(CHECK_S, experiments.planned, *asked))
    if plan["problem"] is not None:
        raise _refused(plan["problem"])
    return plan


def _ordered(
    here: Context, project: str, body: NewExperiment, plan: dict[str, Any], wish: dict[str, Any]
) -> dict[str, Any]:
    new = store.NewExperiment(
        uuid4(), body.name or experiments.name_of(plan["suite"], body.over), plan["suite"], "app", body.author,
        orjson.dumps(body.over).decode(), body.budget_usd, body.like,
    )  # fmt: skip
    said = orjson.dumps(wish).decode()
    arms = [store.NewArm(orjson.dumps(one["values"]).decode(), one["document"], said) for one in plan["arms"]]
    project_id = here.core.projects.id_of(project)
    alone = body.like is not None and not body.over and not plan["arms"][0]["values"]
    ids = here.core.writer.call(
        lambda cursor: (
            store.order_alone(cursor, project_id, new, arms[0]) if alone else store.order(cursor, project_id, new, arms)
        )
    ).result(runs.WRITE_S)
    told = [
        {"run_id": run_id.hex, "arm": one["values"], "name": one["name"] or plan["suite"]}
        for run_id, one in zip(ids, plan["arms"], strict=True)
    ]
    return {"experiment_id": None if alone else new.experiment_id.hex, "name": new.name, "runs": told}


@routes.get("/api/experiments", tags=["experiments"], dependencies=[needs("read")])
def listed(
    *,
    request: Request,
    here: Here,
    suite: Annotated[str | None, Query(max_length=100, description="Only its experiments.")] = None,
    before: Annotated[datetime | None, Query(description="Only those that were created earlier.")] = None,
    most: Annotated[int, Query(ge=1, le=200)] = 50,
    project: Project = DEFAULT,
) -> Response:
    """Experiments, the newest first; fields as in `GET /api/experiments/{id}`."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.experiments(cursor, project_id, suite, in_utc(before), most)
        arms = store.runs_of(cursor, project_id, [one.experiment_id for one in found])
    return json_response(request, [experiments.shown(one, arms[one.experiment_id]) for one in found])


@routes.get("/api/experiments/{experiment_id}", tags=["experiments"], dependencies=[needs("read")])
def one(request: Request, here: Here, experiment_id: ExperimentId, project: Project = DEFAULT) -> Response:
    """One experiment: `state` (waiting running done; ended: not all of its runs came to an end), `counts` of its runs.

    `arms` are its runs in their order, as in `GET /api/runs`, each with its `name` and `arm` (what is varied -> its
    value). `cost_usd` is what is known of the cost of all, `cost_unknown` of how many runs not all is known. `compare`:
    ids of the runs that ended, ten at most, for `GET /api/compare/runs`; the run that was varied comes first.
    """
    return json_response(request, _found(here, project, experiment_id))


@routes.post("/api/experiments/{experiment_id}/cancel", tags=["experiments"], dependencies=[needs("edit")])
def cancel(request: Request, here: Here, experiment_id: ExperimentId, project: Project = DEFAULT) -> Response:
    """End those of its runs that were ordered here and are not over; what was answered is kept. Answers as `GET`."""
    _found(here, project, experiment_id)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.cancel(cursor, project_id, experiment_id)).result(runs.WRITE_S)
    return json_response(request, _found(here, project, experiment_id))


@routes.delete("/api/experiments/{experiment_id}", tags=["experiments"], dependencies=[needs("edit")])
def forget(request: Request, here: Here, experiment_id: ExperimentId, project: Project = DEFAULT) -> Response:
    """Forget an experiment with its runs and their rows. 409 `running`: one of them is being carried out."""
    told = _found(here, project, experiment_id)
    if any(run["state"] == "running" for run in told["arms"]):
        detail = f"A run of the experiment {experiment_id.hex} is being carried out. Cancel it first."
        raise ProblemError(HTTPStatus.CONFLICT, "running", detail)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.remove(cursor, project_id, experiment_id)).result(runs.WRITE_S)
    return json_response(request, {"experiment_id": experiment_id.hex})


def _found(here: Context, project: str, experiment_id: UUID) -> dict[str, Any]:
    try:
        return experiments.found(here.core, project, experiment_id)
    except experiments.UnknownExperimentError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_experiment", str(error)) from error


def _refused(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_experiment", detail)
