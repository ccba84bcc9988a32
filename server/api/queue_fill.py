"""Queues filled from traffic, runs, datasets and alerts."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project
from server.api.problems import refusing
from server.api.queue_labels import Name
from server.api.queue_labels import told as told_of_queues
from server.api.rights import needs, router
from server.labelling import feeding, filling, queues
from server.labelling.ordering import FillError
from server.labelling.wishes import From

routes = router()
told = partial(refusing, (FillError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_fill"))


class Fill(BaseModel):
    """Where items come from, and how they are drawn."""

    model_config = ConfigDict(extra="forbid")

    source: From = Field(alias="from")
    dry_run: bool = Field(False, description="Tell what would be put in, and put nothing in.")
    author: Author = None


@routes.post("/api/queues/{name}/fill", tags=["queues"], dependencies=[needs("edit")])
def fill(request: Request, here: Here, name: Name, body: Fill, project: Project = DEFAULT) -> Response:
    """Put items into a queue from what is stored.

    `from.kind` is filter (or sample), score (failed, below, above, label), disagreement (of judges), alert, targets,
    run (rows of one, or `compare` of several), or dataset. `matching` in all, `candidates` that were looked at,
    `chosen`, `added`, `there` (in the queue already), `refused`; `numbers` of new items, `refusals` with why, `samples`
    of the items with why each was taken, how it was drawn and its `weight` (one over its chance; null: unknown), a
    `sentence`. The same again adds nothing. 422 `bad_fill`: the source is not there, or does not fit the queue.
    """
    with told_of_queues(), told():
        done = filling.fill(
            here.core, here.desk, project, name, body.source, body.author,
            dry_run=body.dry_run,
        )  # fmt: skip
    return json_response(request, done)


@routes.get("/api/queues/{name}/feeds", tags=["queues"], dependencies=[needs("read")])
def feeds(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """The feeds of a queue: new traces that become items by themselves.

    Each has its terms as `feed`, `looks_for` in words, `looked_at` (null: not yet), `added_today` and `left_out_today`
    (for `per_day`; of the day of UTC), `added` and `left_out` ever, `fault` (why it cannot look), a `sentence`.
    """
    with told_of_queues():
        queue = queues.one(here.core, project, name)
    return json_response(request, feeding.told(here.core, queue))
