"""Suites: files of the suites' folder and those that are edited in the app; checked, set, and ordered to be run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import runs, suites
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.evals.preparing import MAX_SUITE
from server.suites import Held
from store import named as store
from store import runs as run_store

CHECK_S = 60.0

routes = router()
Name = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="As the suite calls itself."),
]
Document = Annotated[str, Field(max_length=MAX_SUITE, description="YAML.")]


@routes.get("/api/suites", tags=["suites"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The suites by name: `name`, `source` (stored: edited in the app; file), `file`, `version`, `set_at`, `run`.

    `run`: the newest of it, as in `GET /api/runs`; null: none was told. A stored suite goes before a file of its name.
    """
    found = suites.every(here.core, project)
    with here.core.readers.read() as cursor:
        newest = run_store.newest_runs(cursor, here.core.projects.id_of(project))
    told = [_shown(here, one) | {"run": runs.shown(newest[one.name]) if one.name in newest else None} for one in found]
    return json_response(request, {"folder": str(suites.folder_of(here.core.settings)), "suites": told})


@routes.get("/api/suite-templates", tags=["suites"], dependencies=[needs("read")])
def templates(request: Request, here: Here) -> Response:  # noqa: ARG001 - every route has it
    """Suites to begin with: `name` and `document`, as `assay eval new` copies them."""
    return json_response(request, [{"name": one.name, "document": one.document} for one in suites.templates()])


@routes.get("/api/suites/{name}", tags=["suites"], dependencies=[needs("read")])
def one(
    request: Request,
    here: Here,
    name: Name,
    version: Annotated[int | None, Query(ge=1, description="Of a stored one; default the newest.")] = None,
    project: Project = DEFAULT,
) -> Response:
    """One suite with its `document`, and its stored `versions`, the newest first."""
    found = _held(here, project, name, version)
    with here.core.readers.read() as cursor:
        kept = store.versions(cursor, "suites", here.core.projects.id_of(project), name)
    versions = [
        {"version": row.version, "set_at": row.set_at, "author": row.author, "away": not row.document} for row in kept
    ]
    return json_response(request, _shown(here, found) | {"document": found.document, "versions": versions})


class NewSuite(BaseModel):
    """What a suite says from now on."""

    model_config = ConfigDict(extra="forbid")

    document: Document
    author: Author = None


@routes.put("/api/suites/{name}", tags=["suites"], dependencies=[needs("edit")])
def set_suite(request: Request, here: Here, name: Name, body: NewSuite, project: Project = DEFAULT) -> Response:
    """Set a suite: a new version, unless it is the newest. Answers with `name` and `version`.

    422 `bad_suite` names line, key and value; a suite that is edited here starts no programs and reads no files outside
    the suites' folder, see ASSAY_SUITES_MAY_RUN_PROGRAMS.
    """
    _readable(here, project, name, body.document)
    project_id = here.core.projects.id_of(project)
    made = here.core.writer.call(
        lambda cursor: store.put(cursor, "suites", project_id, name, body.document, body.author)
    ).result(runs.WRITE_S)
    return json_response(request, {"name": name, "version": made})


@routes.delete("/api/suites/{name}", tags=["suites"], dependencies=[needs("edit")])
def forget(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """Take a stored suite away; its versions and runs stay. A file of its name counts again."""
    found = _held(here, project, name)
    if found.source == "file":
        detail = f"The suite {name!r} is a file of the suites' folder: delete {found.file} there."
        raise ProblemError(HTTPStatus.CONFLICT, "a_file", detail)
    project_id = here.core.projects.id_of(project)
    here.core.writer.call(lambda cursor: store.put(cursor, "suites", project_id, name, "", None)).result(runs.WRITE_S)
    return json_response(request, {"name": name})


class Draft(BaseModel):
    """A text that may be a suite."""

    model_config = ConfigDict(extra="forbid")

    document: Document
    name: str | None = Field(
        None, max_length=100, description="Of the suite whose place it would take; null: a new one."
    )


@routes.post("/api/suites/check", tags=["suites"], dependencies=[needs("edit")])
def check(request: Request, here: Here, body: Draft, project: Project = DEFAULT) -> Response:
    """What `assay eval check` says of a text: `problem` (null: it can be run), `line`, else `sentence`, `items`, ...

    Its dataset is read whole, its evaluators are made; nothing is asked.
    """
    held = suites.draft(here.core, project, body.name or "", body.document)
    return json_response(request, _checked(here, project, held, whole=True))


class Wish(BaseModel):
    """What is wanted of a run beside its suite."""

    model_config = ConfigDict(extra="forbid")

    repeats: int | None = Field(None, ge=1, le=100)
    sample: int | None = Field(None, ge=1)
    concurrency: int | None = Field(None, ge=1, le=1024)
    budget_usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    baseline: UUID | Literal["latest"] | None = Field(
        None,
        description="What gates compare with: a run, or the newest of the suite that passed; where none "
        "has, gates that compare are left open.",
    )
    again: UUID | None = Field(None, description="Go on with this run: ask again for what failed in it.")
    author: Author = None


@routes.post("/api/suites/{name}/run", tags=["suites"], dependencies=[needs("edit")])
def run(request: Request, here: Here, name: Name, body: Wish, project: Project = DEFAULT) -> Response:
    """Have a suite run by a worker. Answers as `GET /api/runs`.

    422 `bad_suite`: it cannot be read, or must not be run here. 409 `not_over`: only a run that was ordered here, and
    is over, can be gone on with.
    """
    wish = body.model_dump(mode="json", exclude={"author"}, exclude_none=True)
    if body.again is not None:
        run_id = _again(here, project, name, body.again, wish)
    else:
        found = _held(here, project, name)
        _readable(here, project, name, found.document)
        told = orjson.dumps(wish | {"source": found.source, "folder": str(found.folder)}).decode()
        project_id = here.core.projects.id_of(project)
        run_id = here.core.writer.call(
            lambda cursor: run_store.order(cursor, project_id, name, found.document, told, body.author)
        ).result(runs.WRITE_S)
    return json_response(request, runs.shown(runs.found(here.core, project, run_id)[0]))


def _again(here: Context, project: str, name: str, run_id: UUID, wish: dict[str, Any]) -> UUID:
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = run_store.run(cursor, project_id, run_id)
    done = False
    if found is not None and found[0].source == "app" and found[0].suite == name:
        # The text is that of the run, and so is what it may do.
        kept = {key: value for key, value in orjson.loads(found[0].wish or "{}").items() if key in {"source", "folder"}}
        told = orjson.dumps(wish | kept).decode()
        done = here.core.writer.call(lambda cursor: run_store.order_again(cursor, project_id, run_id, told)).result(
            runs.WRITE_S
        )
    if not done:
        detail = (
            f"The run {run_id.hex} is none that was ordered here of {name!r}, or is not over. A run of the command "
            "line is gone on with there: `assay eval run SUITE --again`."
        )
        raise ProblemError(HTTPStatus.CONFLICT, "not_over", detail)
    return run_id


def _held(here: Context, project: str, name: str, version: int | None = None) -> Held:
    try:
        return suites.held(here.core, project, name, version)
    except suites.UnknownSuiteError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_suite", str(error)) from error


def _readable(here: Context, project: str, name: str, document: str) -> None:
    """Raises ProblemError where a suite cannot be read, may not be run, or calls itself otherwise."""
    said = _checked(here, project, suites.draft(here.core, project, name, document), whole=False)
    problem = said["problem"]
    if problem is None and said["name"] != name:
        problem = f"The suite calls itself {said['name']!r} (`suite:`), not {name!r}. Name both alike."
    if problem is not None:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_suite", problem)


def _checked(here: Context, project: str, held: Held, *, whole: bool) -> dict[str, Any]:
    """Worked out in a process of its own: YAML and datasets are seconds of Python where they are long."""
    if here.aside is None:
        return suites.checked(held, here.core.settings, whole, project)
    told: dict[str, Any] = orjson.loads(
        here.aside.compute(CHECK_S, suites.checked, held, here.core.settings, whole, project)
    )
    return told


def _shown(here: Context, one: Held) -> dict[str, Any]:
    root = suites.folder_of(here.core.settings)
    file = None
    if one.file is not None:
        file = str(one.file.relative_to(root)) if one.file.is_relative_to(root) else str(one.file)
    return {
        "name": one.name, "source": one.source, "file": file, "version": one.version, "set_at": one.set_at,
        "author": one.author,
    }  # fmt: skip
