"""Channels: whom alerts are told to. Addresses go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.monitors.terms import NAME
from server.notify import setting
from server.notify.setting import ChannelError, Post, Terms, UnknownChannelError
from server.notify.vault import VaultError
from store import channels as store
from store import deliveries
from store.channels import Channel
from store.deliveries import Try

routes = router()
Name = Annotated[str, Path(pattern=NAME, description="Of the channel: letters, digits, dot, dash, underscore.")]


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a channel, in the words of the API."""
    try:
        yield
    except UnknownChannelError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_channel", str(error)) from error
    except ChannelError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_channel", str(error)) from None
    except VaultError as error:
        raise ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "channel_addresses", str(error)) from error


@contextmanager
def _post(here: Context) -> Iterator[Post]:
    if here.notifier is not None:
        yield Post(here.notifier.vault, here.notifier.sender)
        return
    with setting.alone(here.core) as post:
        yield post


@routes.get("/api/channels", tags=["alerts"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's channels, by name: what each is told (`severities`, `events`), and how the last try went.

    `shown` is all that anybody sees of an address: its kind, its host if that is no secret, and a mask. `signed`:
    whether there is a key. `last`: `state` of the delivery that was tried last, when (`at`), `outcome`, `detail`; null:
    none was tried. `waiting`: how many deliveries are still to be made.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        found = store.channels(con, project_id)
        last, waiting = deliveries.last_of_channels(con, project_id), deliveries.waiting_of_channels(con, project_id)
    return json_response(request, [_shown(one, last.get(one.name), waiting.get(one.name, 0)) for one in found])


def _shown(channel: Channel, last: tuple[str, Try] | None, waiting: int) -> dict[str, Any]:
    tried = None
    if last is not None:
        state, done = last
        tried = {"state": state, "at": done.began_at, "outcome": done.outcome, "detail": done.detail}
    told = asdict(channel)
    for name in ("project_id", "place"):
        del told[name]
    return {**told, "waiting": waiting, "last": tried}


class NewChannel(Terms):
    """A channel as it is set."""

    author: str = Field(min_length=1, max_length=200, description="Who does this, for the audit trail.")


@routes.put("/api/channels/{name}", tags=["alerts"], dependencies=[needs("admin")])
def put(request: Request, here: Here, name: Name, body: NewChannel, project: Project = DEFAULT) -> Response:
    """Set a channel; answers as an entry of `GET /api/channels`. Nothing is sent: `test` does that.

    422 `bad_channel`: the address cannot be one of its kind, or there is none yet.
    """
    with _told(), _post(here) as post:
        setting.put(here.core, post, project, name, Terms(**body.model_dump(exclude={"author"})), body.author)
    return _answer(request, here, project, name)


def _answer(request: Request, here: Context, project: str, name: str) -> Response:
    with _told():
        channel = setting.one(here.core, project, name)
    with here.core.readers.read() as con:
        last = deliveries.last_of_channels(con, channel.project_id).get(name)
        waiting = deliveries.waiting_of_channels(con, channel.project_id).get(name, 0)
    return json_response(request, _shown(channel, last, waiting))


@routes.delete("/api/channels/{name}", tags=["alerts"], dependencies=[needs("admin")])
def delete(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    author: Annotated[str | None, Query(max_length=200, description="Who does this, for the audit trail.")] = None,
    confirm: Annotated[str | None, Query(description="The name once more.")] = None,
) -> Response:  # fmt: skip
    """Take a channel and its address away, and what waits for it; the log of what it was told stays."""
    if confirm != name:
        detail = f"This forgets the address of channel {name!r} and what waits for it. Send confirm={name} to do so."
        raise ProblemError(HTTPStatus.CONFLICT, "unconfirmed", detail)
    with _told(), _post(here) as post:
        setting.delete(here.core, post, project, name, author)
    return json_response(request, {"deleted": name})


class Tester(BaseModel):
    """Who tries it out."""

    model_config = ConfigDict(extra="forbid")

    author: str = Field(min_length=1, max_length=200, description="Named in the message.")


@routes.post("/api/channels/{name}/test", tags=["alerts"], dependencies=[needs("edit")])
def try_out(request: Request, here: Here, name: Name, body: Tester, project: Project = DEFAULT) -> Response:
    """Send a test message and wait for what becomes of it, 10 seconds at most.

    `outcome`: sent, refused (answered, and not by 2xx), failed (no answer), timeout; `detail`, `took_ms`, `began_at`.
    """
    with _told(), _post(here) as post:
        done = setting.try_out(here.core, post, project, name, body.author)
    return json_response(request, asdict(done))
