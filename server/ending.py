"""What those are told whose requests the end of the server cuts short."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.problems import problem

RETRY_S = 5.0  # a restart takes about that long


class Ending:
    """Answers a request that is cancelled with a 503, which senders send again.

    The HTTP server cancels what has not ended within its time to drain. Left to itself it answers with a plain 500,
    after which exporters drop their spans, and logs a traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not begun:  # else the connection is closed on half an answer, which says the same
                detail = "The server is shutting down. Send the request again."
                await problem(HTTPStatus.SERVICE_UNAVAILABLE, "shutting_down", detail, RETRY_S)(scope, receive, send)
