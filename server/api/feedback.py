"""Feedback of end users: it comes in with a key that opens nothing else, also from pages in browsers."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from collectors.frames import score_table
from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.origin import FROM_PAGES, foreign
from server.api.problems import ProblemError, invalid, refusing
from server.api.rights import Policy, needs, router
from server.feedback import keys
from server.feedback.keys import FeedbackKeyError, UnknownFeedbackKeyError
from server.feedback.said import Feedback
from server.secret import hash_key
from store import feedback_keys as store
from store.batch import Batch
from store.feedback_keys import FeedbackKey

WRITE_S = 60.0
MOST_BYTES = 128 * 1024
HEADER = "x-assay-key"

routes = router()


class FromPages:
    """Lets browsers send feedback from other origins, and nothing else. Which ones may is the key's to say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Any origin is answered: the request before the request names no key. Cookies are never sent.
        self._open = CORSMiddleware(app, ["*"], ["POST"], ["content-type", HEADER], expose_headers=["retry-after"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sends = scope["type"] == "http" and scope["path"] == FROM_PAGES and scope["method"] in {"POST", "OPTIONS"}
        await (self._open if sends else self._app)(scope, receive, send)


async def _body(request: Request) -> bytes:
    """Whatever type it claims: `navigator.sendBeacon` sends text, for which browsers do not ask beforehand."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:  # whoever sends more is no page of ours: the rest is not read
            detail = f"Feedback has at most {MOST_BYTES:,} bytes, and this has more. Shorten the text."
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
    return bytes(body)


_DESCRIBED = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": Feedback.model_json_schema()}}}
}


@routes.post(FROM_PAGES, tags=["feedback"], dependencies=[needs("public")], openapi_extra=_DESCRIBED)
def take(request: Request, here: Here, body: Annotated[bytes, Depends(_body)], project: Project = DEFAULT) -> Response:
    """Store what an end user said of an answer, as a score of source `user`; answered after the commit.

    With a key, in the header `x-assay-key` or as `key` in the body, the project is the key's. Without one the right
    `label` is needed, and no page of another site is listened to. The answer to it may still be on its way: feedback of
    a trace that is not there waits for it. 403 `bad_key`: no such key, or the page is not among its origins. 429
    `too_fast`: the key's minute is full.
    """
    told = _read(body)
    given = request.headers.get(HEADER) or told.pop("key", None)
    key = None if given is None else _key(request, here, str(given))
    if key is None:
        _check_right(request)
    project_id = here.core.projects.id_of(project) if key is None else key.project_id
    said = _said(told)
    settings = here.core.settings
    facts = said.facts(
        hash_key(settings.data_dir) if settings.hash_user_ids else None, {} if key is None else {"key": key.name}
    )
    batch = Batch(project_id, "api", "scores", {}, scores=score_table([facts]))
    receipt = here.core.writer.submit(batch).result(WRITE_S)
    if receipt.rejected:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "store_refused", f"Nothing is stored: {receipt.message}")
    return json_response(request, {"accepted": 1})


def _read(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"The body is no JSON: {error}.") from error
    if not isinstance(told, dict):
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The body is no JSON object.")
    return told


def _said(told: dict[str, Any]) -> Feedback:
    try:
        return Feedback.model_validate(told)
    except ValidationError as error:
        detail = invalid(error.errors(), shown=False, whole="feedback")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail) from error


def _key(request: Request, here: Context, given: str) -> FeedbackKey:
    with here.core.readers.read() as con:
        key = store.of_hash(con, keys.hashed(given))
    if key is None:
        detail = "No feedback key that is in use is this one. `assay feedback keys` lists them, and `add` makes one."
        raise ProblemError(HTTPStatus.FORBIDDEN, "bad_key", detail)
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in key.origins:
        detail = f"Key {key.name!r} is not for pages of {origin!r}. Make one that names this origin."
        raise ProblemError(HTTPStatus.FORBIDDEN, "bad_key", detail)
    if wait := here.pace.wait_s(key.key_id, key.per_minute):
        detail = f"Key {key.name!r} brings at most {key.per_minute:,} a minute. Send this again in {wait:.0f} s."
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "too_fast", detail, wait)
    return key


def _check_right(request: Request) -> None:
    if fault := foreign(request.headers):
        detail = f"{fault} Send a feedback key in {HEADER}; `assay feedback add` makes one."
        raise ProblemError(HTTPStatus.FORBIDDEN, "foreign_origin", detail)
    policy: Policy = request.app.state.policy
    if not policy.allows(request, "label"):
        detail = "Feedback without a key needs the right 'label', which you do not have."
        raise ProblemError(HTTPStatus.FORBIDDEN, "forbidden", detail)


@routes.get("/api/feedback-keys", tags=["feedback"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's keys, the newest first, without themselves: `shown` are the first letters of each."""
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        found = store.keys(con, project_id)
    return json_response(request, [_shown(one) for one in found])


def _shown(key: FeedbackKey) -> dict[str, Any]:
    told = asdict(key)
    for name in ("project_id", "hash"):
        del told[name]
    return told


class NewKey(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[\w. -]{1,100}$", description="What it is for, such as the application.")
    origins: list[str] = Field(
        default_factory=list, max_length=50,
        description="Of the pages that may use it, such as https://app.example. None: programs alone may.",
    )  # fmt: skip
    per_minute: int = Field(600, ge=1, le=60_000, description="Feedback that it brings at most.")
    author: str = Field(min_length=1, max_length=200)


@routes.post("/api/feedback-keys", tags=["feedback"], dependencies=[needs("admin")])
def add(request: Request, here: Here, body: NewKey, project: Project = DEFAULT) -> Response:
    """Make a key. `key` is in this answer alone: what is kept is its hash. 422 `bad_key_terms`: an origin is none."""
    with refusing((FeedbackKeyError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_key_terms")):
        row, key = keys.made(here.core, project, body.name, body.origins, body.per_minute, body.author)
    return json_response(request, {**_shown(row), "key": key})


@routes.delete("/api/feedback-keys/{key_id}", tags=["feedback"], dependencies=[needs("admin")])
def revoke(
    request: Request, here: Here, key_id: UUID, project: Project = DEFAULT,
    author: Annotated[str | None, Query(max_length=200, description="Who does this.")] = None,
) -> Response:  # fmt: skip
    """Let a key open nothing any more; what it brought stays."""
    with refusing((UnknownFeedbackKeyError, HTTPStatus.NOT_FOUND, "unknown_key")):
        keys.revoked(here.core, project, key_id, author)
    return json_response(request, {"revoked": str(key_id)})
