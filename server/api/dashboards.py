"""Dashboards: which there are, what they show, and changing them. Their charts are drawn from `POST /api/sql`."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from server import dashboards
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import refusing
from server.api.rights import needs, router
from server.dashboards import Content, DashboardError, NameTakenError, StaleDashboardError, UnknownDashboardError

routes = router()
told = partial(
    refusing,
    (UnknownDashboardError, HTTPStatus.NOT_FOUND, "unknown_dashboard"),
    (NameTakenError, HTTPStatus.CONFLICT, "name_taken"),
    (StaleDashboardError, HTTPStatus.CONFLICT, "stale_version"),
    (DashboardError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_dashboard"),
)
Version = Annotated[int, Field(ge=1, description="That was seen: another one is newest by now, 409 `stale_version`.")]


class New(Content):
    """A dashboard that is to be made."""

    author: Author = None


class Changed(Content):
    """A dashboard as it is to be, whole."""

    version: Version
    author: Author = None


@routes.get("/api/dashboards", tags=["dashboards"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's dashboards by name; `charts` is how many each has."""
    return json_response(request, dashboards.every(here.core, here.core.projects.id_of(project)))


@routes.post("/api/dashboards", tags=["dashboards"], dependencies=[needs("edit")])
def add(request: Request, here: Here, body: New, project: Project = DEFAULT) -> Response:
    """Make a dashboard; 409 `name_taken` when the project has one of this name. Each chart must be one question."""
    content = Content(name=body.name, charts=body.charts)
    with told():
        made = dashboards.add(here.core, here.core.projects.id_of(project), content, body.author)
    return json_response(request, made)


@routes.get("/api/dashboards/{dashboard_id}", tags=["dashboards"], dependencies=[needs("read")])
def one(request: Request, here: Here, dashboard_id: UUID, project: Project = DEFAULT) -> Response:
    """A dashboard with its charts in order. What they ask reads all projects, so it needs the right of `/api/sql`."""
    with told():
        found = dashboards.one(here.core, here.core.projects.id_of(project), dashboard_id)
    return json_response(request, found)


@routes.put("/api/dashboards/{dashboard_id}", tags=["dashboards"], dependencies=[needs("edit")])
def change(request: Request, here: Here, dashboard_id: UUID, body: Changed, project: Project = DEFAULT) -> Response:
    """Make a dashboard what the body says, whole: its name, its charts and their order."""
    content, project_id = Content(name=body.name, charts=body.charts), here.core.projects.id_of(project)
    with told():
        made = dashboards.change(here.core, project_id, dashboard_id, content, version=body.version, author=body.author)
    return json_response(request, made)


@routes.delete("/api/dashboards/{dashboard_id}", tags=["dashboards"], dependencies=[needs("edit")])
def remove(
    request: Request, here: Here, dashboard_id: UUID, version: Annotated[Version, Query()], project: Project = DEFAULT
) -> Response:
    """Take a dashboard away for good."""
    with told():
        dashboards.remove(here.core, here.core.projects.id_of(project), dashboard_id, version)
    return json_response(request, {"removed": str(dashboard_id)})
