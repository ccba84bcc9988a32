"""What changes a server, or looks across its projects: projects, sample data."""

from __future__ import annotations

import threading
from dataclasses import asdict
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import BaseModel, Field

from server import demo, sample
from server.api.answers import json_response
from server.api.context import Here
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store.errors import StoreBusyError, StoreError

routes = router()
_loading_demo = threading.Lock()


@routes.get("/api/projects", tags=["admin"], dependencies=[needs("read")])
def projects(request: Request, here: Here) -> Response:
    """Every project: `project_id` and `name`, oldest first."""
    return json_response(request, [asdict(project) for project in here.core.projects.all()])


class NewProject(BaseModel):
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
