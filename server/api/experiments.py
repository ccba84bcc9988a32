"""Experiments: a suite's arms ordered together, followed, compared, cancelled."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import experiments, runs, suites
from server.api.answers import JSON_LINES, json_response
from server.api.bodies import Bytes, described
from server.api.context import DEFAULT, Author, Context, Here, Project, in_utc
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.evals import grid, pushed
from server.evals.preparing import MAX_SUITE
from server.experiments import Base
from store import experiments as store

CHECK_S, PUSH_S = 60.0, 120.0
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
    over: dict[str, Values | str] = Field(
        default_factory=dict,
        max_length=MOST_KEYS,
        description="Path in the suite -> values; short names: model, prompt (NAME@VERSION, NAME@LABEL; a number or "
        "label alone where the suite's prompt is stored), system, url, and parameters such as temperature. Null for a "
        "value leaves the key out; in place of a list a text between whose commas the values stand as YAML scalars. "
        "All combinations are run, 50 at most.",
    )
    repeats: int | None = Field(None, ge=1, le=100, description="Answers to each item, in place of the suite's.")
    sample: int | None = Field(None, ge=1, description="So many items, in place of the suite's.")
    concurrency: int | None = Field(None, ge=1, le=1024)
    budget_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False,
        description="What all runs may cost together. They go one after other: each may use what is left of it, and "
        "no more than the suite's own `budget_usd`; once nothing is left the others are not begun.",
    )  # fmt: skip
    plan: bool = Field(False, description="Tell the arms and order nothing: their `run_id` is null.")
    author: Author = None


@routes.post("/api/experiments", tags=["experiments"], dependencies=[needs("edit")])
def order(request: Request, here: Here, body: NewExperiment, project: Project = DEFAULT) -> Response:
    """Have a suite run once for each combination of what is varied, by a worker, one run after other.

    `experiment_id`, `name`, and `runs` with `run_id`, `arm` (what is varied -> its value) and `name`. Versions of a
    stored dataset or prompt that the suite leaves open are those of now, in all runs. Gates against a baseline are left
    open: arms are compared with one another, and are no baseline of later runs. A run that is run again with nothing
    varied and no name is a run of its own, `experiment_id` null, unless it was an arm. 422 `bad_experiment`: what
    cannot be varied so, or is no suite, or may not be run here; 404: there is no such suite or run.
    """
    base, over = _base(here, project, body), _over(body)
    plan = _planned(here, project, [(base, over)])
    alone = body.like is not None and body.name is None and not over and not plan[0]["values"]
    # The bound of an experiment is told to the worker as what its other arms have left; that of a run alone is its own.
    options = {"repeats", "sample", "concurrency", *(["budget_usd"] if alone else [])}
    wish = base.wish(body.model_dump(include=options, exclude_none=True))
    varied = [key for key, path in experiments.VARIED_AS.items() if path in over]
    for key in [*varied, *([] if alone else ["baseline"])]:
        wish.pop(key, None)
    arms = [one | {"wish": wish | {"source": one["source"]}} for one in plan]
    new = store.NewExperiment(
        uuid4(), body.name or experiments.name_of(arms[0]["suite"], over), arms[0]["suite"], "app", body.author,
        orjson.dumps(over).decode(), body.budget_usd, body.like,
    )  # fmt: skip
    return json_response(request, _ordered(here, project, new, arms, alone=alone, plan=body.plan))


def _over(body: NewExperiment) -> dict[str, list[Any]]:
    try:
        return {
            key: grid.values_of(key, told.strip()) if isinstance(told, str) else told for key, told in body.over.items()
        }
    except grid.GridError as error:
        raise _refused(str(error)) from error


@routes.post(
    "/api/experiments/pushed",
    tags=["experiments"],
    dependencies=[needs("edit")],
    openapi_extra=described(JSON_LINES),
)
def push(request: Request, here: Here, body: Bytes, project: Project = DEFAULT) -> Response:
    """Keep a run of another harness: JSON lines, the first says what was run, each other what came of an item.

    First line: `experiment` (its name), `variant` (a text) or `arm` (an object), what sets the run apart; and, where
    wanted, `id` (a push of the same takes its place; else the same lines are the same run), `suite`, `dataset` (a text,
    or {name, version} of a stored one), `cluster` (key of the rows' metadata), `scores` (name -> {version, better,
    low, high}), `metadata`, `harness`, `started_at`, `ended_at`, `author`.

    Other lines: `item`, `repeat` (0, 1, ...), `input`, `output`, `expected`, `metadata`, `scores` (name -> number, true
    or false, null, or {value, label, passed, reason, error}), `latency_ms`, `ttft_ms`, `cost_usd`, `input_tokens`,
    `output_tokens`, `trace_id`, and `error` where there is no answer. What is not told is unknown.

    `run_id`, `experiment_id`, `suite`, `rows`, `items`. At most 20,000 rows and 64 MiB. 422 `bad_push` names the lines
    that are none; then nothing is kept.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    told: dict[str, Any] = (
        pushed.built(body, project, now)
        if here.aside is None
        else orjson.loads(here.aside.compute(PUSH_S, pushed.built, body, project, now))
    )
    if told["problem"] is not None:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_push", told["problem"])
    experiments.keep(here.core, here.core.projects.id_of(project), told)
    return json_response(request, {key: told[key] for key in ("run_id", "experiment_id", "suite", "rows", "items")})


def _base(here: Context, project: str, body: NewExperiment) -> Base:
    given = [name for name in ("suite", "document", "like") if getattr(body, name) is not None]
    if len(given) != 1:
        raise _refused(f"An experiment is of a suite, a document, or like a run: one of them, not {given or 'none'}.")
    for key, path in experiments.VARIED_AS.items():
        if path in body.over and getattr(body, key) is not None:
            raise _refused(f"`{path}` is varied by `over`, and `{key}` sets it. Leave one of them out.")
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


def _planned(here: Context, project: str, asked: list[tuple[Base, dict[str, list[Any]]]]) -> list[dict[str, Any]]:
    """Worked out in a process of its own: YAML is seconds of Python where it is long."""
    texts = [text for base, over in asked for text in (base.held.document, orjson.dumps(over).decode())]
    pins = experiments.newest(here.core, project, *texts)
    plan: dict[str, Any] = (
        experiments.planned(asked, pins, here.core.settings)
        if here.aside is None
        else orjson.loads(here.aside.compute(CHECK_S, experiments.planned, asked, pins, here.core.settings))
    )
    if plan["problem"] is not None:
        raise _refused(plan["problem"])
    found: list[dict[str, Any]] = plan["arms"]
    return found


def _ordered(
    here: Context, project: str, new: store.NewExperiment, arms: list[dict[str, Any]], *, alone: bool = False,
    plan: bool = False,
) -> dict[str, Any]:  # fmt: skip
    made = [
        store.NewArm(orjson.dumps(one["values"]).decode(), one["document"], orjson.dumps(one["wish"]).decode())
        for one in arms
    ]
    ids: list[UUID | None] = [None] * len(made)
    if not plan:
        project_id, order_ = here.core.projects.id_of(project), store.order_alone if alone else store.order
        ids = [*here.core.writer.call(lambda cursor: order_(cursor, project_id, new, made)).result(runs.WRITE_S)]
    told = [
        {"run_id": None if run_id is None else run_id.hex, "arm": one["values"], "name": one["name"] or one["suite"]}
        for run_id, one in zip(ids, arms, strict=True)
    ]
    return {"experiment_id": None if alone or plan else new.experiment_id.hex, "name": new.name, "runs": told}


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
    """One experiment, with what came of its runs.

    `state`: waiting running done; ended: not all of its runs came to an end. `counts`: its runs by outcome, else by
    state (could_not_run: before its gates were judged). `arms` are its runs in their order, as in `GET /api/runs`, each
    with its `name` and `arm` (what is varied -> its value). `cost_usd`: what is known of the cost of all;
    `cost_unknown`: of how many runs not all is known. `compare`: ids of the runs that ended, ten at most, for
    `GET /api/compare/runs`; the run that was varied comes first.
    """
    return json_response(request, _found(here, project, experiment_id))


@routes.post("/api/experiments/{experiment_id}/cancel", tags=["experiments"], dependencies=[needs("edit")])
def cancel(request: Request, here: Here, experiment_id: ExperimentId, project: Project = DEFAULT) -> Response:
    """End those of its runs that were ordered here and are not over; what was answered is kept. Answers as `GET`."""
    _found(here, project, experiment_id)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.cancel(cursor, project_id, experiment_id)).result(runs.WRITE_S)
    return json_response(request, _found(here, project, experiment_id))


class Again(BaseModel):
    model_config = ConfigDict(extra="forbid")

    author: Author = None


@routes.post("/api/experiments/{experiment_id}/again", tags=["experiments"], dependencies=[needs("edit")])
def again(
    request: Request, here: Here, experiment_id: ExperimentId, body: Again, project: Project = DEFAULT
) -> Response:
    """Run all of its arms again as a new experiment: the same texts, options and versions. Answers as the order does.

    422 `bad_experiment`: one of them keeps no suite, or may not be run here.
    """
    told = _found(here, project, experiment_id)
    bases = [_of_run(here, project, UUID(run["run_id"])) for run in told["arms"]]
    if not bases:
        raise _refused(f"The experiment {told['name']!r} has no runs. Order a new one.")
    plan = _planned(here, project, [(base, {}) for base in bases])
    arms = [
        one | {"wish": base.wish({}) | {"source": one["source"]}, "name": run["name"]}
        for base, one, run in zip(bases, plan, told["arms"], strict=True)
    ]
    new = store.NewExperiment(
        uuid4(), told["name"], told["suite"], "app", body.author, orjson.dumps(told["varied"]).decode(),
        told["budget_usd"],
    )  # fmt: skip
    return json_response(request, _ordered(here, project, new, arms))


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
