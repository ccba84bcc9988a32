"""Imports of files: begun, taken a step at a time, ended, shown."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from collectors.errors import UndecodableError
from collectors.importers.pieces import Format
from server import imports
from server.api.answers import json_response
from server.api.bodies import Bytes, described
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.problems import refusing
from server.api.rights import needs, router
from server.imports import About, Step, StepError, UnknownImportError
from store.imports import Import

routes = router()
Id = Annotated[UUID, Path(description="Of the import.")]

_told = partial(
    refusing,
    (UnknownImportError, HTTPStatus.NOT_FOUND, "unknown_import"),
    (StepError, HTTPStatus.CONFLICT, "step_out_of_order"),
    (UndecodableError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_piece"),
)
"""What is wrong with an import, in the words of the API."""


class NewImport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    work: str = Field(min_length=8, max_length=128, description="Hash of the file's bytes, the format and the mapping.")
    file: str = Field(min_length=1, max_length=500, description="Name of the file.")
    bytes: int = Field(ge=0, description="Of the file.")
    format: Format
    mapping: str | None = Field(None, max_length=10_000, description="Of plain calls: JSON object, column to field.")
    author: Author = None


@routes.get("/api/imports", tags=["imports"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The newest 100 imports of the project, newest first: as `GET /api/imports/{import_id}`, less `rejections`."""
    return json_response(request, imports.listed(here.core, here.core.projects.id_of(project)))


@routes.post("/api/imports", tags=["imports"], dependencies=[needs("ingest")])
def begin(request: Request, here: Here, body: NewImport, project: Project = DEFAULT) -> Response:
    """Begin an import, or find the one of the same work that has not ended; `steps` of the answer are stored."""
    about = About(body.work, body.file, body.bytes, body.format, body.mapping, body.author)
    return json_response(request, imports.begin(here.core, here.core.projects.id_of(project), about))


@routes.get("/api/imports/{import_id}", tags=["imports"], dependencies=[needs("read")])
def show(request: Request, here: Here, import_id: Id, project: Project = DEFAULT) -> Response:
    """One import: what it reads, how far it went, the ledger's counts of it, and why items were rejected.

    `received` = `stored` + `duplicate` + `rejected`. `ended_at` is null while it goes on, or after it broke off.
    `first_time` and `last_time` bound its spans and logs.
    """
    with _told():
        found = imports.find(here.core, here.core.projects.id_of(project), import_id)
    return json_response(request, imports.shown(here.core, found))


@routes.post(
    "/api/imports/{import_id}/steps/{step}", tags=["imports"], dependencies=[needs("ingest")], openapi_extra=described()
)
async def take(
    request: Request,
    here: Here,
    *,
    import_id: Id,
    step: Annotated[int, Path(ge=1, description="From 1, in order.")],
    body: Bytes,
    read_bytes: Annotated[int, Query(ge=0, description="Bytes of the file that were read so far.")] = 0,
    project: Project = DEFAULT,
) -> Response:
    """Store one piece: a line of JSON (`signal`, `encoding`, `first`, `rejected`), then its body; after the commit.

    A step that is stored already is not stored again: `{"stored": false}`. 409 `step_out_of_order`: one before it is
    missing.
    """
    with _told():
        made, stored = await asyncio.to_thread(_found, here, project, import_id, step)
        done = step > stored and await imports.take(here.core, here.intake, made, Step(step, read_bytes, body))
    return json_response(request, {"stored": done})


def _found(here: Context, project: str, import_id: UUID, step: int) -> tuple[Import, int]:
    made = imports.find(here.core, here.core.projects.id_of(project), import_id)
    return made, imports.check_step(here.core, made, step)


@routes.post("/api/imports/{import_id}/end", tags=["imports"], dependencies=[needs("ingest")])
def end(request: Request, here: Here, import_id: Id, project: Project = DEFAULT) -> Response:
    """Say that all of the file was read; answers as `GET /api/imports/{import_id}`."""
    with _told():
        made = imports.find(here.core, here.core.projects.id_of(project), import_id)
        return json_response(request, imports.end(here.core, made))
