"""Errors as the API tells them: `application/problem+json` (RFC 9457) with a `kind` for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from collectors.errors import UnavailableError
from store.errors import (
    QueryTimeoutError,
    RefusedSqlError,
    StoreBrokenError,
    StoreBusyError,
    StoreError,
    UnknownProjectNameError,
    UnknownQueryError,
)
from store.finding.errors import AskedError

SECRET = ("/api/channels",)  # routes whose bodies hold what no answer repeats
MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[Exception], tuple[HTTPStatus, str]] = {
    UnknownQueryError: (HTTPStatus.BAD_REQUEST, "unknown_query_or_parameter"),
    UnknownProjectNameError: (HTTPStatus.NOT_FOUND, "unknown_project"),
    RefusedSqlError: (HTTPStatus.BAD_REQUEST, "refused_sql"),
    QueryTimeoutError: (HTTPStatus.GATEWAY_TIMEOUT, "query_timeout"),
    StoreBusyError: (HTTPStatus.SERVICE_UNAVAILABLE, "store_busy"),
    UnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    StoreBrokenError: (HTTPStatus.SERVICE_UNAVAILABLE, "store_busy"),  # an export that a reopening cut short
    StoreError: (HTTPStatus.INTERNAL_SERVER_ERROR, "store_error"),
}


class ProblemError(Exception):
    """A refusal with a status of its own. `retry_after_s`: when to ask again; null: that would not help."""

    def __init__(self, status: HTTPStatus, kind: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.retry_after_s = status, kind, detail, retry_after_s


Refusal = tuple[type[Exception] | tuple[type[Exception], ...], HTTPStatus, str]
"""Errors that a person can act on, with the status and the kind that they are answered with."""


@contextmanager
def refusing(*refusals: Refusal) -> Iterator[None]:
    """Errors of these kinds, in the words of the API: the first that fits, so the narrower kinds come first."""
    try:
        yield
    except Exception as error:
        for kinds, status, name in refusals:
            if isinstance(error, kinds):
                raise ProblemError(status, name, str(error)) from error
        raise


def problem(
    status: HTTPStatus,
    kind: str,
    detail: str,
    retry_after_s: float | None = None,
    place: Mapping[str, int] | None = None,
) -> Response:
    """The answer that tells a person (`detail`) and a program (`kind`) what is wrong; `place`: where it is."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "kind": kind,
        "detail": detail,
    }
    body |= place or {}
    headers = {} if retry_after_s is None else {"retry-after": str(max(1, math.ceil(retry_after_s)))}
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def of_error(error: Exception) -> Response:
    """The answer to an expected error."""
    if isinstance(error, ProblemError):
        return problem(error.status, error.kind, error.detail, error.retry_after_s)
    known = next(told for kind, told in STATUS.items() if isinstance(error, kind))
    place = {"at": error.at, "length": error.length} if isinstance(error, AskedError) else None
    return problem(*known, str(error), getattr(error, "retry_after_s", None), place)


def install(api: FastAPI) -> None:
    """Answer every expected error, and every bug, in the same form."""
    for kind in (*STATUS, ProblemError):
        api.add_exception_handler(kind, _expected)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(Exception, _bug)


async def _expected(_: Request, error: Exception) -> Response:
    return of_error(error)


async def _http(request: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        detail = f"Nothing stands at {request.url.path}. The API is documented at /docs."
        return problem(status, "not_found", detail)
    kind = str(getattr(error, "kind", status.name.lower()))
    answer = problem(status, kind, str(getattr(error, "detail", "") or status.description))
    answer.headers.update(getattr(error, "headers", None) or {})  # such as Allow
    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    secret = request.url.path.startswith(SECRET)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", invalid(faults, shown=not secret))


def invalid(faults: Sequence[Mapping[str, Any]], *, shown: bool, whole: str = "") -> str:
    """What pydantic found wrong, in words. `shown`: with what was given; `whole`: what a fault of all is called."""
    told = "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or whole}: {fault['msg']}{f', got {_short(fault)}' if shown else ''}"
        for fault in faults
    )
    return f"{told}. The fields are documented at /docs."


def _short(fault: Mapping[str, Any]) -> str:
    shown = repr(fault.get("input"))
    return shown if len(shown) <= 80 else shown[:79] + "…"


async def _bug(_: Request, __: Exception) -> Response:
    # Starlette raises it once more, so that the HTTP server logs it.
    detail = "The server failed on this request; its log says more."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "bug", detail)
