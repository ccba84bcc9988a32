"""Items of queues: added, listed, looked at, changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project
from server.api.queue_labels import Name, told
from server.api.rights import needs, router
from server.labelling import adding, filling, listing, queues
from server.labelling.adding import NewItem
from server.labelling.content import Content
from server.labelling.filling import Completed
from server.labelling.listing import State
from server.labelling.people import known_as
from server.labelling.wishes import Named

routes = router()
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="Of the item.")]


class Item(BaseModel):
    """One item as it is put into a queue."""

    model_config = ConfigDict(extra="forbid")

    content: Content | None = Field(None, description="What is shown; null: what is stored of the trace or session.")
    unit: Literal["call", "trace", "session", "pair", "ranking", "own"] | None = Field(
        None, description="Null: as the ids say."
    )
    trace_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{32}$", description="What is labelled; 32 hex digits.")
    span_id: str | None = Field(None, pattern=r"^[0-9a-fA-F]{16}$", description="This span of the trace.")
    session_id: str | None = Field(None, min_length=1, max_length=1_000)
    key: str | None = Field(None, min_length=1, max_length=500, description="Your name for it, once in a queue.")
    gold: dict[str, Any] | None = Field(None, description="Right answers by field.")
    priority: float = Field(0.0, allow_inf_nan=False, description="Higher ones are handed out first.")
    needed: int | None = Field(None, ge=1, le=20, description="Labels by different people; null: as the queue says.")
    why: str | None = Field(None, max_length=1_000)
    attributes: dict[str, str] = Field(default_factory=dict, description="By which labels can be told apart.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.content is None and (self.trace_id is None) == (self.session_id is None):
            raise ValueError("an item without content names a trace or a session, whose content is shown")
        return self

    def named(self) -> Named:
        """What it is about, where it brings no content."""
        return Named(trace_id=self.trace_id, span_id=self.span_id, session_id=self.session_id)

    def with_content(self, found: Completed) -> Item:
        """With what is stored of its target."""
        told = {"content": found.content, "attributes": {**found.attributes, **self.attributes}}
        return self.model_copy(update={**told, "unit": "session" if self.session_id else self.unit})

    def made(self) -> NewItem:
        """As a queue takes it."""
        assert self.content is not None  # noqa: S101 - as `with_content` gave it
        first = self.content.sides[0]
        trace, span = self.trace_id or first.trace_id, self.span_id or first.span_id
        return NewItem(
            self.content, self.unit or self._unit(self.content), UUID(hex=trace) if trace else None,
            int(span, 16) if span else None, self.session_id, self.key, self.gold, self.priority, self.needed, "hand",
            self.why, self.attributes,
        )  # fmt: skip

    def _unit(self, content: Content) -> str:
        sides = len(content.sides)
        if sides > 1:
            return "pair" if sides == 2 else "ranking"
        if self.span_id or content.sides[0].span_id:
            return "call"
        if self.trace_id or content.sides[0].trace_id:
            return "trace"
        return "session" if self.session_id else "own"


class Items(BaseModel):
    """Up to 1,000 items."""

    model_config = ConfigDict(extra="forbid")

    author: Author = None
    items: list[Item] = Field(min_length=1, max_length=1_000)


@routes.post("/api/queues/{name}/items", tags=["queues"], dependencies=[needs("edit")])
def add(request: Request, here: Here, name: Name, body: Items, project: Project = DEFAULT) -> Response:
    """Put items into a queue. `added`: their numbers; `there`: numbers of items of the same target or key, which stay
    as they are; `refused`: `at` (place in what was sent, from 0) and `why`. Of an item without content, what is stored
    of its trace, call or session is shown.
    """  # noqa: D205 - one thought
    with told():
        queue = queues.one(here.core, project, name)
        sound, refused = _completed(here, project, body.items)
        done = adding.add(here.core, queue, [one.made() for one in sound.values()], body.author)
    places = list(sound)
    refused += [{**one, "at": places[one["at"]]} for one in done.refused]
    told_ = {"added": done.added, "there": done.there, "refused": sorted(refused, key=lambda one: one["at"])}
    return json_response(request, told_)


def _completed(here: Context, project: str, items: Sequence[Item]) -> tuple[dict[int, Item], list[dict[str, Any]]]:
    """Items with content by their place, and why others have none."""
    without = [at for at, one in enumerate(items) if one.content is None]
    named = [items[at].named() for at in without]
    found = dict(zip(without, filling.completed(here.core, here.desk, project, named) if named else [], strict=True))
    refused = [{"at": at, "why": one.why_not} for at, one in found.items() if one.content is None]
    sound = {
        at: one.with_content(found[at]) if at in found else one
        for at, one in enumerate(items)
        if at not in found or found[at].content is not None
    }
    return sound, refused


@routes.get("/api/queues/{name}/items", tags=["queues"], dependencies=[needs("read")])
def listed(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT, state: State = "all",
    search: Annotated[str | None, Query(max_length=200, description="Words of title or key, or an id.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    after: Annotated[int, Query(ge=0, description="From the item after this number on.")] = 0,
) -> Response:  # fmt: skip
    """Items by number: `items`, `total` (of all that match), `cut` (there are more).

    `state`: waiting, started (it has a label and needs more), done, skipped (by three people, labelled by nobody),
    gold, removed. `labels` of `needed` by different people; `decided`: somebody adjudicated.
    """
    with told():
        queue = queues.one(here.core, project, name)
    with here.core.readers.read() as cursor:
        return json_response(request, listing.listed(cursor, queue, state, search, limit, after))


@routes.get("/api/queues/{name}/items/{number}", tags=["queues"], dependencies=[needs("read")])
def one(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, number: Number, project: Project = DEFAULT,
    labeller: Annotated[str | None, Query(max_length=200, description="For whom it is shown.")] = None,
) -> Response:  # fmt: skip
    """One item with its `content`, `gold` (the right answers; null: unknown), `labels`, `scores` and `decisions`.

    A label has its earlier `edits`.

    For a labeller of a blind queue `hidden` is true until they have saved a label: labels of others, scores, decisions
    and names of variants are not in the answer. Whether an item is gold is never told to a labeller.
    """
    with told():
        project_id = here.core.projects.id_of(project)
        with here.core.readers.read() as cursor:
            queue = queues.found(cursor, project_id, name)
            who = labeller and known_as(cursor, queue, labeller)
            return json_response(request, listing.detail(cursor, queue, number, who))


class Change(BaseModel):
    """What changes of an item; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    author: Author = None
    priority: float | None = Field(None, allow_inf_nan=False)
    needed: int | None = Field(None, ge=1, le=20, description="Null: as the queue says.")
    gold: dict[str, Any] | None = Field(None, description="Right answers by field; null: nobody knows them.")
    removed: bool | None = Field(None, description="True: it is handed out no more, and its labels count no more.")
    back: bool | None = Field(None, description="True: put it back into the turn; skips of before count no more.")

    def told(self) -> dict[str, Any]:
        """The fields that were sent; null of those that cannot be null is none."""
        found = {name: getattr(self, name) for name in self.model_fields_set - {"author"}}
        return {name: value for name, value in found.items() if value is not None or name in {"needed", "gold"}}


@routes.patch("/api/queues/{name}/items/{number}", tags=["queues"], dependencies=[needs("edit")])
def change(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, number: Number, body: Change, project: Project = DEFAULT
) -> Response:
    """Change an item; answers as `GET /api/queues/{name}/items/{number}`."""
    with told():
        queue = queues.one(here.core, project, name)
        listing.change(here.core, queue, number, body.told())
        with here.core.readers.read() as cursor:
            return json_response(request, listing.detail(cursor, queue, number, None))
