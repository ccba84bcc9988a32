"""Bounds what a request may bring, while it is read: a body is held in memory, and more than once."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.problems import problem
from server.settings import MIB

MAX_BYTES = 16 * MIB
MAX_UPLOAD = 512 * MIB
MAX_PUSH = 64 * MIB
PUSHED = "/api/experiments/pushed"
UPLOADS = re.compile(r"/api/datasets/[^/]+/import")  # written to a file as they come
KIND = "too_large"
BINARY = "application/octet-stream"


def described(media_type: str = BINARY, **more: str) -> dict[str, Any]:
    """What the API's description says of a body that a route reads itself. `more`: such as `description`."""
    schema = {"type": "string"} | ({"format": "binary"} if media_type == BINARY else {})
    return {"requestBody": {"required": True, **more, "content": {media_type: {"schema": schema}}}}


async def _body(request: Request) -> bytes:
    return await request.body()


Bytes = Annotated[bytes, Depends(_body)]
"""A body as it came."""


class TooLargeError(HTTPException):
    """The body passed the limit. An HTTPException, because FastAPI takes every other error for a malformed body."""

    def __init__(self, limit: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _told(limit))
        self.kind = KIND


class BodyLimit:
    """Refuses a body that is announced as larger, or turns out to be. FastAPI's own limit answers in plain text."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BYTES) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MAX_UPLOAD if UPLOADS.fullmatch(scope["path"]) else self._max_bytes
        most = max(most, MAX_PUSH) if scope["path"] == PUSHED else most
        if _announced(scope) > most:
            answer = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, KIND, _told(most))
            await answer(scope, receive, send)
        else:
            await self._app(scope, _Counted(receive, most), send)


class _Counted:
    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive, self._max_bytes, self._read = receive, max_bytes, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._max_bytes:
            raise TooLargeError(self._max_bytes)
        return message


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _told(limit: int) -> str:
    return f"The body is larger than {limit // MIB} MiB. Send it in parts."
