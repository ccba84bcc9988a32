"""Labelling: items taken, labels saved, skipped, taken back; how far a queue is."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from duckdb import DuckDBPyConnection
from fastapi import Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project, in_utc
from server.api.problems import refusing
from server.api.rights import needs, router
from server.labelling import importing, queues, refusals, saving, taking, telling
from server.labelling.answers import AnswerError
from server.labelling.label_scores import About
from server.labelling.people import known_as
from server.labelling.progress import progress
from server.labelling.queues import QueueError, StaleVersionError, UnknownQueueError, terms_of
from server.labelling.saving import Saying
from server.labelling.taking import Taken, read_standing
from server.labelling.terms import NAME, person
from server.when import utc_now
from store import labels as store_labels
from store.queues import Queue

routes = router()
Name = Annotated[str, Path(pattern=NAME, description="Of the queue: letters, digits, dot, dash, underscore.")]
Person = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(person),
    Field(description="Who labels: the name that they give. One that the queue knows with other letter cases is that."),
]  # fmt: skip
Number = Annotated[int, Field(ge=1, le=2_000_000_000, description="Of the item.")]

told = partial(
    refusing,
    (UnknownQueueError, HTTPStatus.NOT_FOUND, "unknown_queue"),
    (refusals.UnknownItemError, HTTPStatus.NOT_FOUND, "unknown_item"),
    (refusals.NotALabellerError, HTTPStatus.FORBIDDEN, "not_a_labeller"),
    (refusals.QueueClosedError, HTTPStatus.CONFLICT, "queue_closed"),
    (refusals.RemovedError, HTTPStatus.CONFLICT, "removed"),
    (refusals.PlaceTakenError, HTTPStatus.CONFLICT, "place_taken"),
    (refusals.FieldsChangedError, HTTPStatus.CONFLICT, "fields_changed"),
    (refusals.LabelledError, HTTPStatus.CONFLICT, "labelled"),
    (refusals.LabelIdError, HTTPStatus.CONFLICT, "label_id_taken"),
    (StaleVersionError, HTTPStatus.CONFLICT, "stale_version"),
    (AnswerError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_answers"),
    (QueueError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_queue"),
)
"""What is wrong with a queue, an item or a label, in the words of the API."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Take(_Body):
    """Who wants items, and how many they want before them."""

    labeller: Person
    most: int = Field(1, ge=1, le=10, description="Items before the labeller, those that they have among them.")
    number: int | None = Field(None, ge=1, description="This item, also one that they have labelled, to correct that.")


@routes.post("/api/queues/{name}/take", tags=["queues"], dependencies=[needs("label")])
def take(request: Request, here: Here, name: Name, body: Take, project: Project = DEFAULT) -> Response:
    """Hand a labeller items, each for `lease_minutes`; what they have comes first, so asking again gives the same.

    Of an item: `number`, `lease_id`, `expires_at`, `content` (without names of variants while labelling is blind),
    `order` (keys of its sides as they are shown), `answers` and `comment` (theirs, saved; null: none), `draft`. No
    items: `why_none` is done (nothing is left for them), `all taken` (others have what is left), closed, or
    `not a labeller`. `progress` as `GET /api/queues/{name}/progress`.
    """
    now = utc_now()
    with told():
        queue, who = _met(here, project, name, body.labeller)
        return json_response(request, _taken(here, queue, who, body.most, body.number, now))


def _met(here: Context, project: str, name: str, labeller: str) -> tuple[Queue, str]:
    """A queue, and the name under which it knows who asks."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        queue = queues.found(cursor, project_id, name)
        return queue, known_as(cursor, queue, labeller)


def _taken(  # noqa: PLR0917 - of one request
    here: Context, queue: Queue, labeller: str, most: int, number: int | None, now: datetime
) -> dict[str, Any]:
    if number is None:
        got = taking.take(here.core, queue, labeller, most, now)
    else:
        got = taking.take_one(here.core, queue, labeller, number, now)
    with here.core.readers.read() as cursor:
        items, far = _shown(cursor, queue, labeller, got, now)
    return {"items": items, "why_none": got.why_none, "progress": far}


def _shown(
    cursor: DuckDBPyConnection, queue: Queue, labeller: str, got: Taken, now: datetime
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    standing = got.standing or read_standing(cursor, queue, labeller, now)
    return telling.handed(cursor, queue, labeller, got.leases), progress(cursor, queue, standing, labeller, now)


class Leases(_Body):
    """Items that somebody has before them."""

    labeller: Person
    lease_ids: list[UUID] = Field(min_length=1, max_length=20)


@routes.post("/api/queues/{name}/renew", tags=["queues"], dependencies=[needs("label")])
def renew(request: Request, here: Here, name: Name, body: Leases, project: Project = DEFAULT) -> Response:
    """Keep items in hand for another `lease_minutes`; those of `leases` are kept, the others went to somebody else."""
    with told():
        queue, who = _met(here, project, name, body.labeller)
        kept = taking.renew(here.core, queue, who, body.lease_ids, utc_now())
    rows = [{"number": one.number, "lease_id": str(one.lease_id), "expires_at": one.expires_at} for one in kept]
    return json_response(request, {"leases": rows})


@routes.post("/api/queues/{name}/release", tags=["queues"], dependencies=[needs("label")])
def release(request: Request, here: Here, name: Name, body: Leases, project: Project = DEFAULT) -> Response:
    """Give items in hand back, so that others can have them at once. Drafts stay."""
    with told():
        queue, who = _met(here, project, name, body.labeller)
        numbers = taking.release(here.core, queue, who, body.lease_ids)
    return json_response(request, {"released": numbers})


class NewLabel(_Body):
    """What somebody says of one item."""

    label_id: UUID = Field(description="Chosen by the sender: the same again changes nothing.")
    labeller: Person
    number: Number
    lease_id: UUID | None = Field(None, description="As it was handed out; a label without one needs a free place.")
    answers: dict[str, Any] = Field(description="By field.")
    comment: str | None = Field(None, max_length=20_000)
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False, description="Spent on it.")
    fields_version: int = Field(ge=1, description="Of the form that was filled in.")
    take: int = Field(0, ge=0, le=10, description="Hand so many items afterwards.")


@routes.post("/api/queues/{name}/labels", tags=["queues"], dependencies=[needs("label")])
def save(request: Request, here: Here, name: Name, body: NewLabel, project: Project = DEFAULT) -> Response:
    """Keep a label, with the scores that it makes; answered after the commit. Saving again corrects it.

    `edit`: 1, 2, ... of this person on this item. `others`: what blind labelling hid until now, labels of others and
    scores; null where nothing was hidden. `next`: items as of `take`. 422 `bad_answers` names field, value and rule;
    409 `fields_changed`, `place_taken` (both keep what was filled in as a draft), `removed`, `queue_closed`.
    """
    now = utc_now()
    with told():
        queue, who = _met(here, project, name, body.labeller)
        saying = Saying(body.label_id, who, body.number, body.answers, body.fields_version, body.comment, body.seconds)
        saved = saving.save(here.core, queue, saying, now)
        answer = {"label_id": str(saved.label_id), "edit": saved.edit, "place": "kept", "others": None}
        told_of = saved.about if terms_of(queue).blind else None
        return json_response(request, answer | _next(here, queue, who, body.take, utc_now(), told_of))


def _others(cursor: DuckDBPyConnection, queue: Queue, about: About) -> dict[str, Any]:
    """What others say of what somebody has labelled, and what judges do."""
    said = store_labels.of_items(cursor, queue.queue_id, [about.number])
    scores = telling.scores_of(cursor, queue.project_id, about, about.content)
    labels = [one for one in telling.label_rows(said) if one["author"] != about.author and one["state"] == "saved"]
    return {"labels": labels, "scores": [one for one in scores if one["evaluator"] != queue.name]}


def _next(  # noqa: PLR0917 - of one request
    here: Context, queue: Queue, labeller: str, most: int, now: datetime, about: About | None
) -> dict[str, Any]:
    """What follows what somebody said: the next items, how far they are, and what was hidden of `about` until now."""
    got = taking.take(here.core, queue, labeller, most, now) if most else Taken([], None)
    with here.core.readers.read() as cursor:
        items, far = _shown(cursor, queue, labeller, got, now)
        others = {} if about is None else {"others": _others(cursor, queue, about)}
    return others | {"next": items, "why_none": got.why_none, "progress": far}


class Skip(_Body):
    """An item that somebody will not label."""

    label_id: UUID
    labeller: Person
    number: Number
    reason: str = Field("", max_length=2_000)
    take: int = Field(0, ge=0, le=10)


@routes.post("/api/queues/{name}/skip", tags=["queues"], dependencies=[needs("label")])
def skip(request: Request, here: Here, name: Name, body: Skip, project: Project = DEFAULT) -> Response:
    """Skip an item: it is not offered to this person again. Skipped by three, and labelled by nobody, it rests."""
    with told():
        queue, who = _met(here, project, name, body.labeller)
        done = saving.skip(here.core, queue, body.label_id, who, body.number, body.reason, utc_now())
        answer = {"label_id": str(done.label_id), "edit": done.edit}
        return json_response(request, answer | _next(here, queue, who, body.take, utc_now(), None))


class Undo(_Body):
    """Who takes back what they said last."""

    labeller: Person
    label_id: UUID | None = Field(None, description="Chosen by the sender: the same again takes nothing more back.")


@routes.post("/api/queues/{name}/undo", tags=["queues"], dependencies=[needs("label")])
def undo(request: Request, here: Here, name: Name, body: Undo, project: Project = DEFAULT) -> Response:
    """Take back what somebody saved or skipped last, and hand them the item again with what they had said as a draft.

    `item` null: there is nothing to take back. Its scores are followed by such as have no value.
    """
    now = utc_now()
    with told():
        queue, who = _met(here, project, name, body.labeller)
        done = saving.undo(here.core, queue, who, now, body.label_id)
        with here.core.readers.read() as cursor:
            items, far = _shown(cursor, queue, who, Taken(done.leases if done else [], None), now)
    return json_response(request, {"item": items[0] if items else None, "progress": far})


class NewDraft(_Body):
    """What somebody has filled in so far."""

    labeller: Person
    number: Number
    answers: dict[str, Any]
    comment: str | None = Field(None, max_length=20_000)
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)


@routes.put("/api/queues/{name}/drafts", tags=["queues"], dependencies=[needs("label")])
def draft(request: Request, here: Here, name: Name, body: NewDraft, project: Project = DEFAULT) -> Response:
    """Keep what is filled in and not saved; it comes back with the item. Nobody else is shown it."""
    with told():
        queue, who = _met(here, project, name, body.labeller)
        saving.draft(here.core, queue, who, body.number, body.answers, body.comment, body.seconds, utc_now())
    return json_response(request, {"kept": True})


class Brought(_Body):
    """One label that was made elsewhere."""

    number: int | None = Field(None, ge=1, description="Of the item ...")
    key: str | None = Field(None, max_length=500, description="... or its key.")
    labeller: Person
    answers: dict[str, Any]
    comment: str | None = Field(None, max_length=20_000)
    seconds: float | None = Field(None, ge=0, le=86_400, allow_inf_nan=False)
    at: datetime | None = Field(None, description="When it was made; null: now.")

    def made(self) -> importing.Told:
        """As a queue takes it."""
        return importing.Told(
            self.labeller, self.answers, self.number, self.key, self.comment, self.seconds, in_utc(self.at)
        )


class Import(_Body):
    """Up to 1,000 labels."""

    author: str | None = Field(None, max_length=200, description="Who brings them, for the audit trail.")
    labels: list[Brought] = Field(min_length=1, max_length=1_000)


@routes.post("/api/queues/{name}/import", tags=["queues"], dependencies=[needs("edit")])
def bring(request: Request, here: Here, name: Name, body: Import, project: Project = DEFAULT) -> Response:
    """Put labels of elsewhere into a queue, each of its labeller and time; they need no place. Repeats change nothing.

    `added`, `there` (the same person says the same of the item already), `refused`: `at` (place in what was sent, from
    0) and `why`.
    """
    with told():
        queue = queues.one(here.core, project, name)
        done = importing.bring(here.core, queue, [one.made() for one in body.labels])
    return json_response(request, {"added": done.added, "there": done.there, "refused": done.refused})


@routes.get("/api/queues/{name}/progress", tags=["queues"], dependencies=[needs("read")])
def far(
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    labeller: Annotated[str, Query(max_length=200, description="Whose part `mine` tells.")] = "",
) -> Response:  # fmt: skip
    """How far a queue is: `items` and those `done`, `labels` of `labels_needed`; gold items count nowhere.

    For a labeller the gold items that they labelled, or will be handed, count as any other, so that no number tells
    which they are.

    `mine`: labels, skipped, `seconds_median` of a label (null: unknown), of today (UTC) and of the last hour.
    `left_for_me`: items that this person may still label, those that others have before them among them.
    """
    now = utc_now()
    with told():
        queue, who = _met(here, project, name, labeller)
    with here.core.readers.read() as cursor:
        standing = read_standing(cursor, queue, who, now)
        return json_response(request, progress(cursor, queue, standing, who, now))
