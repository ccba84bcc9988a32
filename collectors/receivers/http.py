"""OTLP over HTTP: a Starlette app that reads, bounds and inflates bodies and hands them to a `Sink`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from collectors.model import Signal
from collectors.receivers.connection import Connection
from collectors.receivers.limits import (
    PROJECT_HEADER,
    BadCompressionError,
    Draining,
    Held,
    ReceiverConfig,
    StalledError,
    TooLargeError,
    capped,
    inflated,
)
from collectors.receivers.refusals import RefusedError, record, too_large
from collectors.receivers.sink import ExportRequest, Sink, Source
from collectors.receivers.status import (
    CONTENT_TYPES,
    INVALID_ARGUMENT,
    NOT_FOUND,
    UNIMPLEMENTED,
    Encoding,
    Refusal,
    refusal_body,
    refusal_of,
    retry_after_header,
    success_body,
)

_SOURCES: dict[Encoding, Source] = {"protobuf": "http-protobuf", "json": "http-json"}
_PATHS = "POST /v1/traces, /v1/logs or /v1/metrics"

# For `uvicorn.Config(app, **UVICORN)`. Batch exporters send every 5 s, which is also uvicorn's own idle limit: a
# connection would be closed just as it is used again.
# h11, and not httptools: that one drops the body of a request that offers to upgrade to HTTP/2, as Java's client does,
# so that an empty request would be acknowledged; and it holds headers of any length.
UVICORN: dict[str, Any] = {
    "http": Connection,
    "h11_max_incomplete_event_size": 64 * 1024,  # of the headers, in bytes
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 120,
    "log_config": None,
}


def http_app(sink: Sink, config: ReceiverConfig, draining: Draining | None = None) -> Starlette:
    """The ASGI app of OTLP/HTTP. `draining` is shared with whoever stops the server."""
    receiver = _HttpReceiver(sink, config, draining or Draining(config.retry_after_s))
    routes = [
        Route(f"{prefix}/v1/{signal}", partial(receiver.export, signal), methods=["POST"])
        for prefix in _prefixes(config.prefixes)
        for signal in get_args(Signal)
    ]
    app = Starlette(routes=routes, middleware=_cors(config), exception_handlers={HTTPException: _not_routed})
    app.router.redirect_slashes = False
    return app


def _prefixes(extra: Sequence[str]) -> list[str]:
    named = [stripped for prefix in extra if (stripped := prefix.strip("/"))]
    return list(dict.fromkeys(["", *(f"/{name}" for name in named)]))


def _cors(config: ReceiverConfig) -> list[Middleware]:
    if not config.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(config.cors_origins),
            allow_methods=["POST"],
            allow_headers=["*"],  # exporters are configured with headers of their own
            expose_headers=["Retry-After"],
            max_age=7200,
        )
    ]


class _HttpReceiver:
    def __init__(self, sink: Sink, config: ReceiverConfig, draining: Draining) -> None:
        self._sink, self._config, self._draining = sink, config, draining
        self._held = Held(config)

    async def export(self, signal: Signal, request: Request) -> Response:
        """Answer one export request."""
        try:
            encoding = _encoding(request)
            with self._draining.admit():
                return await self._export(signal, encoding, request)
        except RefusedError as error:
            return _refused(request, error.refusal)
        except StalledError as error:
            return _refused(request, refusal_of(error), {"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except asyncio.CancelledError:
            # The time of the drain is over. uvicorn would answer 500, at which senders drop what they sent.
            return _refused(request, refusal_of(self._draining.error()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender may send again
            return _refused(request, refusal_of(error))

    async def _export(self, signal: Signal, encoding: Encoding, request: Request) -> Response:
        project = request.headers.get(PROJECT_HEADER) or None
        holding = _Holding(self._held)
        try:
            body = await self._body(request, holding)
            outcome = await self._sink.accept(ExportRequest(signal, _SOURCES[encoding], body, project))
        except RefusedError as error:
            await record(self._sink, ExportRequest(signal, _SOURCES[encoding], b"", project), error)
            raise
        finally:
            holding.release()
        return Response(success_body(signal, outcome, encoding), media_type=CONTENT_TYPES[encoding])

    async def _body(self, request: Request, holding: _Holding) -> bytes:
        _need_length(request)
        encoding = ", ".join(request.headers.getlist("content-encoding")).strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            message = f"Content-Encoding {encoding[:100]!r} is not supported; send gzip or none."
            raise RefusedError(Refusal(415, INVALID_ARGUMENT, message), "unsupported_compression", _length(request))
        limit = self._config.max_bytes
        try:
            wire = capped(_arriving(request, self._config), limit, _length(request))
            return await _joined(capped(inflated(wire), limit) if encoding.endswith("gzip") else wire, holding)
        except TooLargeError as error:
            raise too_large(limit, error.size) from error
        except BadCompressionError as error:
            message = f"The body is not a whole gzip stream: {error}."
            raise RefusedError(Refusal(400, INVALID_ARGUMENT, message), "bad_compression", error.size) from error


class _Holding:
    """What one request adds to the bytes held, given back at its end."""

    def __init__(self, held: Held) -> None:
        self._held, self._size = held, 0

    def add(self, size: int) -> None:
        self._size += size
        self._held.add(size)

    def release(self) -> None:
        self._held.release(self._size)
        self._size = 0


async def _arriving(request: Request, config: ReceiverConfig) -> AsyncIterator[bytes]:
    """The body as it comes. Raises StalledError when it was waited for too long, and ClientDisconnect.

    Neither an idle limit nor an average alone would do: with these, one byte now and then holds what came before it.
    """
    # Not `request.stream()`: it is asked three times for a body of one piece, and each question needs a timer.
    clock, patience, more = asyncio.get_running_loop().time, config.stall_s, True
    while more:
        began = clock()
        try:
            async with asyncio.timeout(patience):
                message = await request.receive()
        except TimeoutError:
            told = f"The request stopped, or came at less than {config.min_bytes_per_s} bytes/s. Send it again."
            raise StalledError(told, config.retry_after_s) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        patience = min(config.stall_s, patience - (clock() - began) + len(piece) / config.min_bytes_per_s)
        yield piece


async def _joined(pieces: AsyncIterator[bytes], holding: _Holding) -> bytes:
    parts = []
    async for piece in pieces:
        holding.add(len(piece))
        parts.append(piece)
    return b"".join(parts)


def _need_length(request: Request) -> None:
    """Without one there is no body, by the rules; but one that was to end with its connection would be lost."""
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        message = "The request names no length. Send Content-Length, or Transfer-Encoding: chunked."
        raise RefusedError(Refusal(411, INVALID_ARGUMENT, message), "no_length")


def _length(request: Request) -> int:
    """Content-Length; 0 when the body is chunked. The server has checked that it is a number."""
    value = request.headers.get("content-length", "")
    return int(value) if value.isdecimal() else 0


def _encoding(request: Request) -> Encoding:
    encoding = _named_encoding(request)
    if encoding is None:
        given = request.headers.get("content-type", "")[:100]
        message = f"Content-Type {given!r} is not supported; send application/x-protobuf or application/json."
        raise RefusedError(Refusal(415, INVALID_ARGUMENT, message))
    return encoding


def _named_encoding(request: Request) -> Encoding | None:
    name = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return next((encoding for encoding, content_type in CONTENT_TYPES.items() if content_type == name), None)


def _refused(request: Request, refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    """A Status in the request's encoding; in JSON when that is neither of the two."""
    encoding = _named_encoding(request) or "json"
    headers = dict(headers or {})
    if request.headers.get("expect", "").lower() == "100-continue":
        # Its body may have been left out, for all we know, and the next request would be taken for it.
        headers["Connection"] = "close"
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = retry_after_header(refusal.retry_after_s)
    return Response(refusal_body(refusal, encoding), refusal.http_status, headers, CONTENT_TYPES[encoding])


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    if error.status_code == 404:
        return _refused(request, Refusal(404, NOT_FOUND, f"Nothing is served here. Use {_PATHS}."))
    message = f"{request.method} is not allowed. Use {_PATHS}."
    return _refused(request, Refusal(error.status_code, UNIMPLEMENTED, message), dict(error.headers or {}))
