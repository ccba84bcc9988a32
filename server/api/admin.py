"""What changes a server, or looks across its projects: projects, sample data."""

from __future__ import annotations

import errno
import threading
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import demo, renormalise, sample
from server.api.answers import json_response
from server.api.context import Here, window
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store import export as exports
from store.errors import StoreBusyError, StoreError

routes = router()
_loading_demo = threading.Lock()
_renormalising = threading.Lock()


@routes.get("/api/projects", tags=["admin"], dependencies=[needs("read")])
def projects(request: Request, here: Here) -> Response:
    """Every project: `project_id` and `name`, oldest first."""
    return json_response(request, [asdict(project) for project in here.core.projects.all()])


class NewProject(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="1 to 100 letters, digits, dots, dashes or underscores.")


@routes.post("/api/projects", tags=["admin"], dependencies=[needs("admin")])
def add_project(request: Request, here: Here, body: NewProject) -> Response:
    """Make a project; one that exists is returned as it is. Senders name it in the header `x-assayline-project`."""
    try:
        made = here.core.projects.add(body.name)
    except StoreBusyError:
        raise
    except StoreError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_name", str(error)) from error
    return json_response(request, asdict(made))


@routes.post("/api/demo", tags=["admin"], dependencies=[needs("admin")])
def load_demo(request: Request, here: Here) -> Response:
    """Send the sample data through this server's own OTLP endpoint; takes some seconds. Its times end now."""
    if not _loading_demo.acquire(blocking=False):
        raise ProblemError(HTTPStatus.CONFLICT, "demo_loading", "The sample data is being loaded. Wait for its end.")
    try:
        report = sample.load(here.core, here.running.otlp_http_url)
    except (demo.DemoDataMissingError, demo.DemoRefusedError) as error:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "demo_not_loaded", str(error)) from error
    finally:
        _loading_demo.release()
    return json_response(request, asdict(report))


class Export(BaseModel):
    model_config = ConfigDict(extra="forbid")

    folder: str = Field(min_length=1, description="Absolute path on the server's machine: new, empty or an old export.")
    since: datetime | None = Field(None, description="Rows from this time on.")
    until: datetime | None = Field(None, description="Rows before this time.")


@routes.post("/api/export", tags=["admin"], dependencies=[needs("admin")])
def export(request: Request, here: Here, body: Export) -> Response:
    """Write every table as a Parquet file, as of one moment, of all projects. Answers with the manifest."""
    folder = Path(body.folder)
    if not folder.is_absolute():
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_folder", f"{folder} is not an absolute path.")
    if not _may_hold_an_export(folder):
        detail = f"{folder} holds other files. Name a new or empty folder, or one of an earlier export."
        raise ProblemError(HTTPStatus.CONFLICT, "folder_in_use", detail)
    try:
        manifest = exports.export(here.core.database, folder, *window(body.since, body.until))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # heard only now when folders above it had to be made
            raise _unusable(folder, error) from error
        raise ProblemError(HTTPStatus.CONFLICT, "folder_not_written", f"{folder} cannot be written: {error}") from error
    return json_response(request, asdict(manifest))


def _may_hold_an_export(folder: Path) -> bool:
    try:
        return exports.may_hold_an_export(folder)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: Exception) -> ProblemError:
    detail = f"The folder cannot be used: {getattr(error, 'strerror', None) or error}. It is {str(folder)!r}."
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_folder", detail)


@routes.post("/api/renormalise", tags=["admin"], dependencies=[needs("admin")])
def renormalise_all(request: Request, here: Here) -> Response:
    """Derive the columns of all stored spans anew from their attributes, then all traces. Ingest goes on meanwhile."""
    if not _renormalising.acquire(blocking=False):
        raise ProblemError(HTTPStatus.CONFLICT, "renormalising", "Stored spans are being renormalised already.")
    try:
        report = renormalise.run(here.core)
    finally:
        _renormalising.release()
    return json_response(request, asdict(report))
