"""Queues: set, followed, opened and closed, taken away."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.problems import ProblemError
from server.api.queue_labels import Name, told
from server.api.rights import needs, router
from server.labelling import describing, queues, telling
from server.labelling.gold import accuracies
from server.labelling.terms import Terms
from server.when import utc_now
from store import queues as store
from store import standings
from store.queues import Queue

routes = router()


@routes.get("/api/queues", tags=["queues"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's queues: higher priority first, then the nearer deadline, then by name.

    `terms` is what a queue says. `items` (gold ones and removed ones left out) are `done`, `started`, `waiting` or
    `skipped` (by three people, and labelled by nobody). `labels` of `labels_needed`; `leased`: items in hand now.
    `pace` by the labels of the last 24 hours: `labels_per_hour`, `hours_left`, `ready_at`; null: fewer than five, or
    nothing is left. `fields_version`, `guidelines_version`: the version that made them what they are.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = describing.overviews(cursor, project_id, store.queues(cursor, project_id), utc_now())
    return json_response(request, found)


@routes.get("/api/queues/{name}", tags=["queues"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """A queue as an entry of the list, with `versions` (the newest first) and `labellers`.

    Of a labeller: `labels` (of items that are not gold), `skipped`, `seconds_median`, `last_at`, and `gold`: of `n`
    answers to gold items, the share `right` with its 95 % interval `low` to `high` (Wilson); null: none yet.
    """
    return _answer(request, here, project, name)


def _answer(request: Request, here: Context, project: str, name: str) -> Response:
    with told():
        queue = queues.one(here.core, project, name)
    with here.core.readers.read() as cursor:
        found = whole(cursor, queue, utc_now())
    return json_response(request, found)


def whole(cursor: DuckDBPyConnection, queue: Queue, now: datetime) -> dict[str, Any]:
    """A queue with its versions and labellers."""
    (found,) = describing.overviews(cursor, queue.project_id, [queue], now)
    right = accuracies(cursor, queue)
    people = [
        {
            "author": one.author, "labels": one.labels, "skipped": one.skipped, "seconds_median": one.seconds_median,
            "last_at": one.last_at, "gold": right.get(one.author),
        }
        for one in standings.labellers(cursor, queue.queue_id)
    ]  # fmt: skip
    return found | {"versions": telling.version_rows(store.versions(cursor, queue.queue_id)), "labellers": people}


class NewQueue(Terms):
    """A queue as it is set."""

    author: Author = None
    upon: int | None = Field(None, ge=0, description="Version that this follows, 0: none; null: whichever is newest.")


@routes.put("/api/queues/{name}", tags=["queues"], dependencies=[needs("edit")])
def put(request: Request, here: Here, name: Name, body: NewQueue, project: Project = DEFAULT) -> Response:
    """Set a queue; answers as `GET /api/queues/{name}`. The same again makes no new version.

    Labels keep the versions that they were made under. 409 `stale_version`: another version than `upon` is newest.
    """
    terms = Terms(**body.model_dump(exclude={"author", "upon"}))
    with told():
        queues.put(here.core, project, name, terms, body.author, body.upon)
    return _answer(request, here, project, name)


@routes.delete("/api/queues/{name}", tags=["queues"], dependencies=[needs("edit")])
def delete(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    confirm: Annotated[str | None, Query(description="The name again.")] = None,
    author: Annotated[str | None, Query(max_length=200, description="Who does this, for the audit trail.")] = None,
) -> Response:  # fmt: skip
    """Take a queue away with its items and drafts. Its versions stay, and so do the scores that its labels made."""
    if confirm != name:
        detail = f"Deleting {name!r} takes its name again as `confirm`, and {confirm!r} is not it."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "not_confirmed", detail)
    with told():
        queues.delete(here.core, project, name, author)
    return json_response(request, {"deleted": name})


class Setter(BaseModel):
    """Who opens or closes."""

    model_config = ConfigDict(extra="forbid")

    author: Author = None


@routes.post("/api/queues/{name}/open", tags=["queues"], dependencies=[needs("edit")])
def open_(request: Request, here: Here, name: Name, body: Setter, project: Project = DEFAULT) -> Response:  # noqa: ARG001 - who does this, for what signs in later
    """Let people label again; answers as `GET /api/queues/{name}`."""
    with told():
        queues.set_open(here.core, project, name, is_open=True)
    return _answer(request, here, project, name)


@routes.post("/api/queues/{name}/close", tags=["queues"], dependencies=[needs("edit")])
def close(request: Request, here: Here, name: Name, body: Setter, project: Project = DEFAULT) -> Response:  # noqa: ARG001 - as above
    """Hand nobody an item and save no label until it is opened; what is in hand is given back, drafts stay."""
    with told():
        queues.set_open(here.core, project, name, is_open=False)
    return _answer(request, here, project, name)
