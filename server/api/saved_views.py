"""Lists of traces that a project keeps under a name."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import refusing
from server.api.rights import needs, router
from server.finding.selecting import Choice
from store import trace_views as store
from store.finding.grammar import LONGEST

routes = router()
Name = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\s/]([^/]*[^\s/])?$", description="Of the view.")]
_REFUSED = (
    (store.OtherVersionError, HTTPStatus.CONFLICT, "changed_elsewhere"),
    (store.TooManyViewsError, HTTPStatus.CONFLICT, "too_many"),
)


class Wish(BaseModel):
    """What a view shows."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=LONGEST, description="The line; see docs/finding.md.")
    filter: dict[str, Any] = Field(
        default_factory=dict, max_length=30, description="Filters of the query `traces`, without a window."
    )
    order: Literal["newest", "slowest", "tokens", "errors"] = "newest"
    columns: list[Annotated[str, Field(max_length=100)]] = Field(
        default_factory=list, max_length=20, description="Of the table, in order; empty: the usual ones."
    )
    upon: int = Field(0, ge=0, description="The version that this changes; 0: it is a new view.")
    author: Author = None


@routes.get("/api/trace-views", tags=["traces"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's views, by name: `name`, `version`, `q`, `filter`, `order`, `columns`, `set_at`, `author`."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.views(cursor, project_id)
    return json_response(request, [_told(one) for one in found])


@routes.put("/api/trace-views/{name}", tags=["traces"], dependencies=[needs("edit")])
def put(request: Request, here: Here, name: Name, body: Wish, project: Project = DEFAULT) -> Response:
    """Set a view; answers with it. 409 `changed_elsewhere`: somebody else changed it since version `upon`.

    400: a filter is none, or the line follows no rule (`at`, `length`).
    """
    window = {"since": datetime(1970, 1, 1), "until": datetime(1970, 1, 2)}  # noqa: DTZ001 - as the store holds it
    choice = Choice.of({**body.filter, "q": body.q, **window})
    choice.wanted(0)
    document = json.dumps(body.model_dump(include={"q", "filter", "order", "columns"}))
    project_id = here.core.projects.id_of(project)
    with refusing(*_REFUSED):
        made = here.core.writer.call(
            lambda cursor: store.put(cursor, project_id, name, document, body.upon, body.author)
        ).result()
    return json_response(request, _told(made))


@routes.delete("/api/trace-views/{name}", tags=["traces"], dependencies=[needs("edit")])
def delete(
    request: Request,
    here: Here,
    name: Name,
    upon: Annotated[int, Query(ge=1, description="Its version.")],
    project: Project = DEFAULT,
) -> Response:
    """Take a view away; answers with `deleted`. 409 `changed_elsewhere`: it has another version, or is gone."""
    project_id = here.core.projects.id_of(project)
    with refusing(*_REFUSED):
        here.core.writer.call(lambda cursor: store.delete(cursor, project_id, name, upon)).result()
    return json_response(request, {"deleted": name})


def _told(view: store.View) -> dict[str, Any]:
    return {
        "name": view.name, "version": view.version, **json.loads(view.document), "set_at": view.set_at,
        "author": view.author,
    }  # fmt: skip
