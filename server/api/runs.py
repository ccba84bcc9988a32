"""Runs of suites: told by the command line, ordered in the app, carried out by workers, read by pages."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
from duckdb import DuckDBPyConnection
from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from server import runs
from server.api.answers import JSON_LINES, json_response
from server.api.bodies import Bytes, described
from server.api.context import DEFAULT, Author, Context, Here, Project, in_utc
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Aside
from server.evals.preparing import MAX_SUITE
from server.when import utc
from store import experiments as experiment_store
from store import runs as store

T = TypeVar("T")
MAX_WAIT_S = 5.0  # a server that ends waits for its requests
WAIT_STEP_S = 0.25
REPORT_S = 120.0

routes = router()
LEASE_S = Field(30.0, ge=0.1, le=600, description="After so long without a word another worker takes the run.")
RunId = Annotated[UUID, Path(description="Of the run, 32 hex digits.")]


class NewRun(BaseModel):
    """A run that begins."""

    model_config = ConfigDict(extra="forbid")

    run_id: UUID
    suite: str = Field(min_length=1, max_length=100)
    manifest: dict[str, Any] = Field(description="As in manifest.json; its end may be missing.")
    document: str = Field(max_length=MAX_SUITE, description="The suite's text.")
    answers_total: int | None = Field(None, ge=0)
    author: Author = None


@routes.post("/api/runs", tags=["runs"], dependencies=[needs("edit")])
def begin(request: Request, here: Here, body: NewRun, project: Project = DEFAULT) -> Response:
    """Tell of a run that begins, or that is gone on with. `wanted` false: it was cancelled here.

    `experiment` of its manifest (id, name, arm) makes it an arm of that.
    Until its end say how far it is every few seconds: after a minute without a word it is taken for cut off.
    """
    try:
        started = utc(datetime.fromisoformat(str(body.manifest["started_at"])))
    except (KeyError, ValueError) as error:
        detail = f"A manifest tells `started_at`, a time as ISO 8601 writes it: {type(error).__name__} {error}."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_manifest", detail) from error
    try:
        told = runs.experiment_of(body.manifest, body.suite, body.author)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"A manifest's `experiment` has an id, a name and an arm: {type(error).__name__} {error}."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_manifest", detail) from error
    new = store.NewRun(
        body.run_id, body.suite, started, orjson.dumps(body.manifest).decode(), body.document,
        body.answers_total, body.author, None if told is None else told[0].experiment_id,
        None if told is None else told[1],
    )  # fmt: skip

    def write(cursor: DuckDBPyConnection, project_id: int) -> bool:
        if told is not None:
            experiment_store.begin(cursor, project_id, told[0])
        return store.begin(cursor, project_id, new, runs.SILENCE)

    wanted = _write(here, project, write)
    return json_response(request, {"run_id": body.run_id.hex, "wanted": wanted})


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid")

    done: int = Field(ge=0, description="Answers.")
    total: int | None = Field(None, ge=0)
    seconds_left: float | None = Field(None, ge=0, allow_inf_nan=False)
    cost_usd: float | None = Field(None, ge=0, allow_inf_nan=False)


@routes.post("/api/runs/{run_id}/progress", tags=["runs"], dependencies=[needs("edit")])
def progress(request: Request, here: Here, run_id: RunId, body: Progress, project: Project = DEFAULT) -> Response:
    """How far a run is. `wanted` false: it is over, or was cancelled here."""
    _found(here, project, run_id)
    far = store.Progress(body.done, body.total, body.seconds_left, body.cost_usd)
    wanted = _write(here, project, lambda cursor, project_id: store.tell(cursor, project_id, run_id, far, runs.SILENCE))
    return json_response(request, {"wanted": wanted})


@routes.post(
    "/api/runs/{run_id}/rows",
    tags=["runs"],
    dependencies=[needs("edit")],
    openapi_extra=described(JSON_LINES),
)
def add_rows(request: Request, here: Here, run_id: RunId, body: Bytes, project: Project = DEFAULT) -> Response:
    """Keep rows of results, lines of results.jsonl, at most 1,000: in place of those of the same place and repeat.

    422 `bad_rows` names the line that is none; then nothing is kept. 409 `not_running`: the run is over, or waits.
    """
    found, _ = _found(here, project, run_id)
    try:
        rows = runs.rows_of(body)
    except runs.BadRowError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_rows", str(error)) from error
    if rows.num_rows and not _write(here, project, lambda cursor, of: store.add_rows(cursor, of, run_id, rows)):
        detail = (
            f"The run {run_id.hex} is {found.state}, and takes rows only while it is carried out. Tell that it goes on "
            "(POST /api/runs), then its rows and its end."
        )
        raise ProblemError(HTTPStatus.CONFLICT, "not_running", detail)
    return json_response(request, {"rows": rows.num_rows})


class End(BaseModel):
    """What came of a run; or why nothing did."""

    model_config = ConfigDict(extra="forbid")

    summary: dict[str, Any] | None = Field(None, description="As in summary.json; null: it was cut off, or failed.")
    manifest: dict[str, Any] | None = Field(None, description="As in manifest.json.")
    fault: str | None = Field(None, max_length=10_000, description="Without a summary: why it failed; null: cut off.")


@routes.post("/api/runs/{run_id}/end", tags=["runs"], dependencies=[needs("edit")])
def end(request: Request, here: Here, run_id: RunId, body: End, project: Project = DEFAULT) -> Response:
    """End a run, once its rows are told. Rows that it has no longer are forgotten. Answers as `GET /api/runs/{id}`.

    409 `cancelled`: it was cancelled here; 422 `bad_summary`: what is told is none of a run.
    """
    _found(here, project, run_id)
    if body.summary is None or body.manifest is None:
        state: Literal["cut_off", "failed"] = "cut_off" if body.fault is None else "failed"
        _write(here, project, lambda cursor, project_id: store.stop(cursor, project_id, run_id, state, body.fault))
        return json_response(request, runs.shown(_found(here, project, run_id)[0]))
    try:
        told = runs.ending_of(body.summary, body.manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"This is no summary and manifest of a run: {type(error).__name__} {error}."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_summary", detail) from error
    if not _write(here, project, lambda cursor, project_id: store.end(cursor, project_id, run_id, told)):
        detail = f"The run {run_id.hex} was cancelled here, so its end is not kept."
        raise ProblemError(HTTPStatus.CONFLICT, "cancelled", detail)
    return json_response(request, runs.shown(_found(here, project, run_id)[0]))


@routes.get("/api/runs", tags=["runs"], dependencies=[needs("read")])
def listed(
    *,
    request: Request,
    here: Here,
    suite: Annotated[str | None, Query(max_length=100, description="Only its runs.")] = None,
    outcome: Annotated[
        str | None, Query(description="passed or failed; of runs without: their state, such as running or cut_off.")
    ] = None,
    before: Annotated[datetime | None, Query(description="Only runs that were created earlier: the next page.")] = None,
    arms: Annotated[bool, Query(description="With runs that are arms of experiments.")] = True,
    most: Annotated[int, Query(ge=1, le=1000)] = 200,
    project: Project = DEFAULT,
) -> Response:
    """Runs, the newest first; fields as in `GET /api/runs/{id}`, without manifest, summary and document."""
    with here.core.readers.read() as cursor:
        project_id = here.core.projects.id_of(project)
        found = store.runs(cursor, project_id, suite, outcome, in_utc(before), most, arms=arms)
    return json_response(request, [runs.shown(one) for one in found])


@routes.get("/api/runs/{run_id}", tags=["runs"], dependencies=[needs("read")])
def one(request: Request, here: Here, run_id: RunId, project: Project = DEFAULT) -> Response:
    """One run: `state` (waiting running done cut_off cancelled failed), `outcome` (passed failed; null: not judged).

    `source`: cli, app, or pushed by another harness. Of an arm `experiment_id` and `arm` (what is varied -> its value;
    null: it is of no experiment). `brief` tells items, repeats, gates by state; `wish` what was ordered in the app.
    `manifest`, `summary` and `document` (the suite's YAML) are as the run wrote them; null: not told yet.
    """
    return json_response(request, runs.whole(*_found(here, project, run_id)))


class Rows(BaseModel):
    """Which rows of a run."""

    failing: bool = Field(False, description="Without an answer, or with a verdict that failed or does not pass.")
    evaluator: str | None = Field(None, max_length=200, description="With failing or flaky: by this one.")
    flaky: bool = Field(False, description="Of items of which some repeats pass and others do not.")
    item: str | None = Field(None, max_length=2000, description="Of this item.")
    text: str | None = Field(None, max_length=1000, description="With this text anywhere in it.")
    after_place: int = Field(-1, description="The next page: `next` of the one before.")
    after_repeat: int = -1
    page_size: int = Field(50, ge=1, le=500)


@routes.get("/api/runs/{run_id}/rows", tags=["runs"], dependencies=[needs("read")])
def rows(
    *,
    request: Request,
    here: Here,
    run_id: RunId,
    wanted: Annotated[Rows, Query()],
    brief: Annotated[
        bool, Query(description="Cut long texts, and leave out what only one row's reader needs.")
    ] = False,
    project: Project = DEFAULT,
) -> Response:
    """Rows of a run in order: `rows`, `matching` (in all), `next` (of the page; null: there is no more).

    A row is that of results.jsonl, each with its `case`, and with `fails`.
    """
    _found(here, project, run_id)
    params = wanted.model_dump(exclude_none=True)
    return json_response(request, runs.page(here.core, project, run_id, params, brief=brief))


@routes.get("/api/runs/{run_id}/results", tags=["runs"], dependencies=[needs("read")])
def results(here: Here, run_id: RunId, project: Project = DEFAULT) -> Response:
    """All rows of a run as the lines of results.jsonl, in order: the bytes that were told."""
    _found(here, project, run_id)
    lines = runs.lines(here.core, here.core.projects.id_of(project), run_id)
    return StreamingResponse(lines, media_type=JSON_LINES)


@routes.get("/api/runs/{run_id}/report", tags=["runs"], dependencies=[needs("read")])
def report(here: Here, run_id: RunId, project: Project = DEFAULT) -> Response:
    """The report of a run that ended, as report.html: a page that stands alone. 409 `no_end`: it has none yet."""
    _, texts = _found(here, project, run_id)
    if texts.summary is None or texts.manifest is None:
        raise ProblemError(HTTPStatus.CONFLICT, "no_end", f"The run {run_id.hex} has no end to report.")
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        for part in runs.lines(here.core, here.core.projects.id_of(project), run_id):
            file.write(part)
        file.flush()
        asked = (file.name, texts.summary, texts.manifest)
        told = runs.report(*asked) if here.aside is None else _aside(here.aside, asked)
    return Response(told, media_type="text/html", headers={"content-security-policy": "sandbox"})


def _aside(aside: Aside, asked: tuple[str, str, str]) -> str:
    """In a process of its own: a template over many rows is seconds of Python."""
    return str(orjson.loads(aside.compute(REPORT_S, runs.report, *asked)))


@routes.delete("/api/runs/{run_id}", tags=["runs"], dependencies=[needs("edit")])
def forget(request: Request, here: Here, run_id: RunId, project: Project = DEFAULT) -> Response:
    """Forget a run and its rows; its folder stays where it is. 409 `running`: cancel it first."""
    found, _ = _found(here, project, run_id)
    if found.state == "running":
        detail = f"The run {run_id.hex} is being carried out. Cancel it, or end it where it runs, first."
        raise ProblemError(HTTPStatus.CONFLICT, "running", detail)
    _write(here, project, lambda cursor, project_id: store.remove(cursor, project_id, run_id))
    return json_response(request, {"run_id": run_id.hex})


@routes.post("/api/runs/{run_id}/cancel", tags=["runs"], dependencies=[needs("edit")])
def cancel(request: Request, here: Here, run_id: RunId, project: Project = DEFAULT) -> Response:
    """End a run that was ordered here; what was answered is kept, and `again` goes on with it.

    One that is over is left as it is. 409 `elsewhere`: the command line carries it out.
    """
    found, _ = _found(here, project, run_id)
    if found.source == "cli" and found.state == "running":
        detail = f"The command line carries the run {run_id.hex} out. Interrupt it there (Ctrl-C)."
        raise ProblemError(HTTPStatus.CONFLICT, "elsewhere", detail)
    _write(here, project, lambda cursor, project_id: store.cancel(cursor, project_id, run_id))
    return json_response(request, runs.shown(_found(here, project, run_id)[0]))


class Take(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wait_s: float = Field(MAX_WAIT_S, ge=0, le=MAX_WAIT_S, description="How long to wait for something to do.")
    lease_s: float = LEASE_S


@routes.post("/api/worker/run/take", tags=["runs"], dependencies=[needs("admin")])
def take(request: Request, here: Here, body: Take) -> Response:
    """For workers: the next run to carry out, of any project, under a lease of `lease_s`; null: there is none.

    `run_id`, `lease`, `project`, `suite`, `document`, `wish`; `experiment` (id, name, arm; null: it is of none), and
    `left_usd` of its budget (null: no bound).
    """
    taken = _taken(here, body)
    if taken is None:
        return json_response(request, None)
    told = {
        "run_id": taken.run_id.hex, "lease": str(taken.lease),
        "project": here.core.projects.name_of(taken.project_id), "suite": taken.suite, "document": taken.document,
        "wish": orjson.loads(taken.wish), "left_usd": taken.left_usd,
        "experiment": None if taken.experiment is None else orjson.loads(taken.experiment),
    }  # fmt: skip
    return json_response(request, told)


def _taken(here: Context, asked: Take) -> store.Taken | None:
    until, lasts = time.monotonic() + asked.wait_s, timedelta(seconds=asked.lease_s)
    while True:
        with here.core.readers.read() as cursor:
            there = store.waiting(cursor)
        found = None
        if there:
            found = here.core.writer.call(lambda cursor: store.take(cursor, lasts)).result(runs.WRITE_S)
        if found is not None or time.monotonic() >= until:
            return found
        time.sleep(min(WAIT_STEP_S, max(until - time.monotonic(), 0)))


class Lease(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease: UUID
    lease_s: float = LEASE_S


@routes.post("/api/worker/run/{run_id}/progress", tags=["runs"], dependencies=[needs("admin")])
def keep(request: Request, here: Here, run_id: RunId, body: Lease) -> Response:
    """For workers: keep a run for another `lease_s`. `kept` false: it is over, or another has it; stop."""
    lasts = timedelta(seconds=body.lease_s)
    kept = here.core.writer.call(lambda cursor: store.keep(cursor, run_id, body.lease, lasts)).result(runs.WRITE_S)
    return json_response(request, {"kept": kept})


class Letting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease: UUID
    fault: str | None = Field(None, max_length=10_000, description="Why it failed; null: another is to go on with it.")


@routes.post("/api/worker/run/{run_id}/let", tags=["runs"], dependencies=[needs("admin")])
def let(request: Request, here: Here, run_id: RunId, body: Letting) -> Response:
    """For workers: let go of a run that has no end. `let` false: it is over, or another has it."""
    done = here.core.writer.call(lambda cursor: store.give_back(cursor, run_id, body.lease, body.fault)).result(
        runs.WRITE_S
    )
    return json_response(request, {"let": done})


def _write(here: Context, project: str, work: Callable[[DuckDBPyConnection, int], T]) -> T:
    project_id = here.core.projects.id_of(project)
    return here.core.writer.call(lambda cursor: work(cursor, project_id)).result(runs.WRITE_S)


def _found(here: Context, project: str, run_id: UUID) -> tuple[store.Run, store.Texts]:
    try:
        return runs.found(here.core, project, run_id)
    except runs.UnknownRunError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_run", str(error)) from error
