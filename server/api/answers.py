"""Arrow tables as answers: an Arrow stream or JSON rows, with what a cache must know in the headers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import pyarrow as pa
from fastapi import Request, Response

from server.api.plain import plain
from server.api.problems import ProblemError
from server.jsontext import dumps
from server.tables import written
from store.readers import Answer

ARROW = "application/vnd.apache.arrow.stream"
JSON_LINES = "application/x-ndjson"
FORMATS = ("arrow", "json", "jsonl")
GZIP_FROM_BYTES = 16_384
NAMES_BYTES = 8_192  # of column names in a header: clients take some 64 KiB of headers


def answer_of(request: Request, answer: Answer, default: str = "arrow") -> Response:
    """The table in the form that `?format=` or the Accept header asks for, else in the default one."""
    wanted = form(request, default)
    table = plain(answer.table)
    if wanted == "arrow":
        response = Response(written(table).to_pybytes(), media_type=ARROW)
    else:
        response = rows_response(request, rows_of(table), lines=wanted == "jsonl")
        response.headers.update(_names(table))
    response.headers["x-assay-watermark"] = answer.watermark
    response.headers["x-assay-truncated"] = str(answer.truncated).lower()
    response.headers["x-assay-rows"] = str(answer.table.num_rows)
    return response


def _names(table: pa.Table) -> dict[str, str]:
    """The columns as a header, in JSON: rows that are not there name none. Left out when they are very long."""
    names = json.dumps(table.column_names)
    return {"x-assay-columns": names} if len(names) <= NAMES_BYTES else {}


def form(request: Request, default: str = "arrow") -> str:
    """`arrow`, `json` or `jsonl`: what the caller wants. The parameter `format` goes before the Accept header.

    Raises ProblemError for another format.
    """
    given = request.query_params.get("format")
    if given in FORMATS:
        return given
    if given:
        detail = f"No answer has the format {given!r}. Use one of {', '.join(FORMATS)}."
        raise ProblemError(HTTPStatus.BAD_REQUEST, "unknown_query_or_parameter", detail)
    accept = request.headers.get("accept", "")
    if "ndjson" in accept or "jsonl" in accept:
        return "jsonl"
    if "application/json" in accept:
        return "json"
    return "arrow" if ARROW in accept else default


def rows_response(request: Request, rows: Iterable[dict[str, Any]], *, lines: bool) -> Response:
    """A JSON list, or one object a line."""
    if lines:
        return packed(request, b"".join(dumps(row) + b"\n" for row in rows), JSON_LINES)
    return json_response(request, list(rows))


def json_response(request: Request, value: Any) -> Response:
    return packed(request, dumps(value), "application/json")


def packed(request: Request, body: bytes, media_type: str) -> Response:
    """The body, gzipped when it is large and the caller takes that. Runs in a thread, not on the event loop."""
    headers = {"vary": "accept-encoding"}
    if len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = gzip.compress(body, 1), "gzip"
    return Response(body, headers=headers, media_type=media_type)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Plain rows: maps as objects; of a repeated key the last one counts.

    Raises ProblemError when a list or struct holds a time that no calendar of ours can tell.
    """
    try:
        rows: list[dict[str, Any]] = table.to_pylist(maps_as_pydicts="lossy")
    except OverflowError as error:
        detail = "A list or struct holds a time that is infinite, before the year 1 or after 9999. Cast it to varchar."
        raise ProblemError(HTTPStatus.BAD_REQUEST, "refused_sql", detail) from error
    return rows
