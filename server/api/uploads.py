"""Files that the app sends in parts, to be looked at and imported."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from collectors.importers.pieces import Format, ImportFileError
from collectors.importers.reading import How
from server.api.answers import json_response
from server.api.bodies import Bytes, described
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router
from server.uploads import UploadError, Uploads

routes = router()
Id = Annotated[UUID, Path(description="Of the upload.")]
Column = tuple[str, str]

_told = partial(
    refusing,
    (UploadError, HTTPStatus.CONFLICT, "bad_upload"),
    (ImportFileError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_file"),
)
"""What is wrong with an upload, in the words of the API."""


def _uploads(here: Context) -> Uploads:
    if here.uploads is None:
        detail = "Files are uploaded to a running server. Import a file with `assay import FILE`."
        raise ProblemError(HTTPStatus.CONFLICT, "no_uploads", detail)
    return here.uploads


class NewUpload(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=500, description="Name of the file.")


@routes.post("/api/uploads", tags=["imports"], dependencies=[needs("ingest")])
def begin(request: Request, here: Here, body: NewUpload) -> Response:
    """Begin to upload a file: `upload_id`. Its parts follow; what is not imported goes after a day."""
    with _told():
        return json_response(request, {"upload_id": _uploads(here).begin(body.name)})


@routes.post(
    "/api/uploads/{upload_id}/parts", tags=["imports"], dependencies=[needs("ingest")], openapi_extra=described()
)
async def add(
    request: Request,
    here: Here,
    upload_id: Id,
    body: Bytes,
    offset: Annotated[int, Query(ge=0, description="Bytes that are there.")],
) -> Response:
    """Put a part, of at most 16 MiB, behind those that are there: `bytes` so far. 409: it does not follow on them."""
    with _told():
        size = await asyncio.to_thread(_uploads(here).add, upload_id.hex, offset, body)
    return json_response(request, {"bytes": size})


class Reading(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format | None = Field(None, description="Null: what it looks like.")
    mapping: list[Column] = Field([], max_length=500, description="Of plain calls: column and field, or - for none.")


@routes.post("/api/uploads/{upload_id}/preview", tags=["imports"], dependencies=[needs("ingest")])
def preview(here: Here, upload_id: Id, body: Reading) -> Response:
    """What the file looks like: `format`, `columns`, `mapping`, the first `rows`; `fault`: what the mapping lacks."""
    with _told():
        found = _uploads(here).preview(upload_id.hex, body.format, tuple(body.mapping))
    return Response(orjson.dumps(found), media_type="application/json")


class Wanted(Reading):
    format: Format
    fingerprint: str = Field(min_length=8, max_length=128, description="As the preview has it.")
    author: Author = None


@routes.post("/api/uploads/{upload_id}/import", tags=["imports"], dependencies=[needs("ingest")])
def import_it(request: Request, here: Here, upload_id: Id, body: Wanted, project: Project = DEFAULT) -> Response:
    """Have the file imported, after those that wait: `import_id`; `GET /api/imports/{import_id}` tells more."""
    with _told():
        how = How(body.format, body.fingerprint, tuple(body.mapping))
        return json_response(request, {"import_id": _uploads(here).import_it(upload_id.hex, project, how, body.author)})


@routes.delete("/api/uploads/{upload_id}", tags=["imports"], dependencies=[needs("ingest")])
def forget(request: Request, here: Here, upload_id: Id) -> Response:
    """Remove a file that is not wanted."""
    with _told():
        _uploads(here).forget(upload_id.hex)
    return json_response(request, {"removed": True})
