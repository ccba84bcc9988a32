"""Arrow tables as answers: an Arrow stream or JSON rows, with what a cache must know in the headers."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa
from fastapi import Request, Response

from server.api.problems import ProblemError
from store.readers import Answer

ARROW = "application/vnd.apache.arrow.stream"
JSON_LINES = "application/x-ndjson"
FORMATS = ("arrow", "json", "jsonl")
GZIP_FROM_BYTES = 16_384
JSON_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def answer_of(request: Request, answer: Answer, default: str = "arrow") -> Response:
    """The table in the form that `?format=` or the Accept header asks for, else in the default one."""
    wanted = form(request, default)
    table = plain(answer.table)
    if wanted == "arrow":
        response = Response(stream(table), media_type=ARROW)
    else:
        response = rows_response(request, rows_of(table), lines=wanted == "jsonl")
    response.headers["x-assay-watermark"] = answer.watermark
    response.headers["x-assay-truncated"] = str(answer.truncated).lower()
    response.headers["x-assay-rows"] = str(answer.table.num_rows)
    return response


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


def stream(table: pa.Table) -> bytes:
    """An Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def plain(table: pa.Table) -> pa.Table:
    """The table without extension types, of which readers of other languages see the storage: uuids as text."""
    for index, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            table = table.set_column(index, field.name, _plain_column(table.column(index), field.type))
    return table


def _plain_column(column: pa.ChunkedArray, kind: pa.BaseExtensionType) -> pa.ChunkedArray | pa.Array:
    if kind == pa.uuid():
        return pa.array([None if value is None else value.hex for value in column.to_pylist()], pa.string())
    if isinstance(kind, pa.OpaqueType) and kind.type_name in ("hugeint", "uhugeint"):
        return _whole_numbers(column.cast(kind.storage_type).to_pylist(), signed=kind.type_name == "hugeint")
    return column.cast(pa.int8()).cast(pa.bool_()) if kind == pa.bool8() else column.cast(kind.storage_type)


def _whole_numbers(values: list[bytes | None], *, signed: bool) -> pa.Array:
    """What a sum of bigints is in DuckDB: 16 bytes a number. As int64 where all fit, else as decimals."""
    numbers = [None if value is None else int.from_bytes(value, "little", signed=signed) for value in values]
    fits = all(number is None or -(2**63) <= number < 2**63 for number in numbers)
    return pa.array(numbers, pa.int64() if fits else pa.decimal256(39))


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Plain rows: maps as objects; of a repeated key the last one counts."""
    rows: list[dict[str, Any]] = table.to_pylist(maps_as_pydicts="lossy")
    return rows


def dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, _plain, JSON_OPTIONS)
    except orjson.JSONEncodeError:  # integers beyond 64 bits, lone surrogates: the standard library takes them
        return json.dumps(_finite(value), default=_plain, separators=(",", ":")).encode()


def _finite(value: Any) -> Any:
    """NaN and infinities as null, which JSON has no words for; orjson does the same."""
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
