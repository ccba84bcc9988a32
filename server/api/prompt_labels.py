"""Labels of prompts: moved with a history, protected, removed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from duckdb import DuckDBPyConnection
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import prompts
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import ProblemError
from server.api.prompt_parts import Confirm, Name, Number, fetched, known, move_label, told, write
from server.api.rights import needs, router
from store import prompt_versions as store

routes = router()
Label = Annotated[str, Path(max_length=100, description="Such as production.")]


class Move(BaseModel):
    """Where a label goes."""

    model_config = ConfigDict(extra="forbid")

    version: Number
    protected: bool | None = Field(None, description="Whether moving it asks for a confirmation; null: as it was.")
    confirm: Confirm = None
    reason: str = Field("", max_length=1000)
    author: Author = None


@routes.put("/api/prompt-labels/{label}/{name:path}", tags=["prompts"], dependencies=[needs("edit")])
def move(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, label: Label, name: Name, body: Move, project: Project = DEFAULT
) -> Response:
    """Let a label name a version, and protect it or not. Moving a protected one needs the right admin and `confirm`.

    404 `unknown_prompt`: there is no such prompt or version. 409 `protected`: `confirm` does not name the label.
    """
    project_id = here.core.projects.id_of(project)
    with told():
        prompts.check_label(label)
    known(here, project, name)
    fetched(here, project, name, prompts.LATEST, body.version)
    write(
        here, project_id, name,
        lambda cursor: move_label(request, cursor, project_id, name, label, body.version, body, body.protected),
    )  # fmt: skip
    return json_response(request, {"name": name, "label": label, "version": body.version})


class Removal(BaseModel):
    """Why a label goes."""

    confirm: Confirm = None
    reason: str = Field("", max_length=1000)
    author: Author = None


@routes.delete("/api/prompt-labels/{label}/{name:path}", tags=["prompts"], dependencies=[needs("edit")])
def remove(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    label: Label,
    name: Name,
    removal: Annotated[Removal, Query()],
    project: Project = DEFAULT,
) -> Response:
    """Remove a label; its history stays. A protected one as in `PUT`."""
    project_id = here.core.projects.id_of(project)
    with told():
        prompts.check_label(label)
    known(here, project, name)

    def work(cursor: DuckDBPyConnection) -> bool:
        if label not in store.labels(cursor, project_id, name):
            return False
        move_label(request, cursor, project_id, name, label, None, removal)
        return True

    if not write(here, project_id, name, work):
        detail = f"The prompt {name!r} has no label {label!r}."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_prompt", detail)
    return json_response(request, {"name": name, "label": label})
