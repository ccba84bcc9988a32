"""Monitors that would suit a project."""

from __future__ import annotations

from fastapi import Request, Response

from server.api.answers import json_response
from server.api.context import DEFAULT, Here, Project
from server.api.rights import needs, router
from server.monitors import suggesting
from server.monitors.rounds import readable
from server.when import utc_now
from store import monitors as store

routes = router()


@routes.get("/api/monitors/suggestions", tags=["monitors"], dependencies=[needs("read")])
def suggested(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """Monitors that would suit the project, at most 8, the most useful first: `name`, `terms`, `why`.

    By what it has of the last 28 days: calls, costs, scores, retrievals, tools, budgets. What a monitor that is there
    watches already is left out. `terms` can be sent to `PUT /api/monitors/{name}` as they are; what they leave out is
    as usual.
    """
    with here.core.readers.read() as con:
        known = store.monitors(con, here.core.projects.id_of(project))
    there = [terms for one in known if (terms := readable(one)) is not None]
    found = suggesting.seen(here.core, project, utc_now())
    told = [
        {"name": one.name, "terms": one.terms.model_dump(mode="json", exclude_defaults=True), "why": one.why}
        for one in suggesting.suggestions(found, there)
    ]
    return json_response(request, told)
