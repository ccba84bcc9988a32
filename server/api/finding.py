"""Finding traces by a line: the search itself, what the line means, what may be typed on, counts and courses."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, cast

import pyarrow as pa
from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from server.api.answers import JSON_LINES, answer_of, json_response
from server.api.asking import parameters, params_of, project_of, responses
from server.api.context import DEFAULT, Context, Here, Project, Since, Until, in_utc
from server.api.explore import previewed
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.client_base import text
from server.finding.completing import Scene, complete
from server.finding.downloading import Format, written
from server.finding.selecting import Choice, part_of
from server.finding.stopping import GoneError, Stop, while_asked
from server.jobs import PAGING
from server.when import utc_now
from store import queries
from store.errors import UnknownQueryError
from store.finding.errors import AskedError
from store.queries import backwards, within
from store.queries.search import Looked, place_of, search, search_rows
from store.readers import Answer, answered, watermark

GONE = 499  # nobody reads it
MOST = 500  # traces of one answer
Line = Annotated[str, Query(max_length=4_000, description="Such as `model:gpt-4o duration>2s`; see docs/finding.md.")]

routes = router()


def _parameters(name: str, *more: dict[str, Any], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    told = [one for one in parameters(queries.get(name)) if one["name"] not in without]
    return {"parameters": [*more, *told], "responses": responses()}


_FROM = {
    "name": "from", "in": "query", "required": False, "schema": {"type": "string"},
    "description": "Where to look on: `x-assay-cursor` of the answer before.",
}  # fmt: skip
_SIZE = {"name": "page_size", "in": "query", "required": False, "schema": {"type": "integer", "default": 50}}


@routes.get(
    "/api/traces/search",
    tags=["traces"],
    dependencies=[needs("read")],
    openapi_extra=_parameters("traces", _FROM, _SIZE, without=PAGING),
)
async def searched(request: Request, here: Here) -> Response:
    """Traces that meet the filters and the line `q`, newest first, as rows of `GET /api/traces`; it looks for a moment.

    What it had time for is told in headers: all that started after `x-assay-looked-to` was looked at,
    `x-assay-looked-traces` and `x-assay-looked-spans` by this answer. `x-assay-done` is true when nothing is left, else
    ask again with `from`, the header `x-assay-cursor`. `total` is null. An answer has `page_size` rows at most (50; up
    to 500). Whoever hangs up ends the search. A line that follows no rule: 400, with `at` and `length` of the fault.
    """
    given = params_of(request)
    try:
        return await while_asked(request, lambda stop: _searched(request, here, given, stop))
    except GoneError:
        return Response(status_code=GONE)


def _searched(request: Request, here: Context, given: dict[str, object], stop: Stop) -> Response:
    place, size = _place(given.pop("from", None)), _size(given.pop("page_size", "50"))
    choice, project_id = Choice.of(given), here.core.projects.id_of(project_of(request))
    wanted = choice.wanted(project_id)
    with here.core.readers.read() as con, stop.over(con):
        mark = watermark(con)
        looked = search(con, wanted, place, size, stopped=lambda: stop.stopped)
        rows = search_rows(con, project_id, looked)
    response = answer_of(request, Answer(previewed(rows), mark, truncated=not looked.done))
    response.headers.update(_headers(looked, choice))
    return response


def _headers(looked: Looked, choice: Choice) -> dict[str, str]:
    told = {
        "looked-to": text(looked.to(choice.since)), "looked-traces": str(looked.seen),
        "looked-spans": str(looked.spans), "done": str(looked.done).lower(),
    }  # fmt: skip
    told |= {} if looked.done else {"cursor": looked.place.text()}
    return {f"x-assay-{name}": value for name, value in told.items()}


def _place(given: object) -> Any:
    try:
        return place_of(None if given is None else str(given))
    except ValueError as error:
        raise UnknownQueryError(f"Parameter 'from': {error}.") from error


def _size(given: object) -> int:
    try:
        size = int(str(given))
        within("page_size", size, MOST)
    except ValueError as error:
        raise UnknownQueryError(f"Parameter 'page_size': {error}.") from error
    return size


@routes.get("/api/traces/asked", tags=["traces"], dependencies=[needs("read")])
def asked(request: Request, q: Line = "") -> Response:
    """What a line means, without any data: `search`, `fault`.

    `search`: it asks something of single spans, so that `GET /api/traces/search` alone answers it; else all routes and
    orders that take filters of traces take it as `q`. `fault`: null, or what is wrong: `detail`, `at` (the first
    character that is meant, from 0) and `length`.
    """
    try:
        choice = Choice(utc_now(), utc_now(), {"q": q})
        return json_response(request, {"search": choice.wide, "fault": None})
    except AskedError as error:
        fault = {"detail": str(error), "at": error.at, "length": error.length}
        return json_response(request, {"search": False, "fault": fault})


@routes.get("/api/traces/complete", tags=["traces"], dependencies=[needs("read")])
def completed(  # noqa: PLR0917 - as the request has it
    request: Request, here: Here, q: Line, since: Since, until: Until, at: int | None = None, project: Project = DEFAULT
) -> Response:
    """What may be typed on at character `at` of the line (null: its end): `start`, `end`, `offers`.

    An offer takes the place of [start, end): `text`, `label` (as it is shown), `help`, and `count` of a value: how many
    traces, or spans, have it. Values are those of the newest traces of [since, until).
    """
    since, until = in_utc(since), in_utc(until)
    if since is None or until is None or until < since:
        detail = "It needs `since` and `until`." if since is None or until is None else backwards(since, until)
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
    end = len(q) if at is None else max(0, min(at, len(q)))
    with here.core.readers.read() as con:
        told, offers = complete(Scene(con, here.core.projects.id_of(project), since, until), q, end)
    shown = [{"text": one.text, "label": one.label, "help": one.help, "count": one.count} for one in offers]
    return json_response(request, {"start": told.start if told else end, "end": end, "offers": shown})


@routes.get(
    "/api/traces/facets",
    tags=["traces"],
    dependencies=[needs("read")],
    openapi_extra=_parameters("trace_facets", without=frozenset({"traces"})),
)
def facets(request: Request, here: Here) -> Response:
    """The query `trace_facets`, also of lines that take a search: then of what a search of a moment finds.

    `x-assay-looked-to` says how far back that is: all newer traces were looked at. Without the header it is whole.
    """
    return _counted(request, here, "trace_facets", ("values", "field", "part"))


@routes.get(
    "/api/traces/histogram",
    tags=["traces"],
    dependencies=[needs("read")],
    openapi_extra=_parameters("trace_histogram", without=frozenset({"traces"})),
)
def histogram(request: Request, here: Here) -> Response:
    """The query `trace_histogram`, also of lines that take a search; see `GET /api/traces/facets`."""
    return _counted(request, here, "trace_histogram", ("bucket_us", "offset_us"))


def _counted(request: Request, here: Context, name: str, own: tuple[str, ...]) -> Response:
    given = params_of(request)
    more = {one: given.pop(one) for one in own if one in given}
    choice, project_id = Choice.of(given), here.core.projects.id_of(project_of(request))
    with here.core.readers.read() as con:
        mark = watermark(con)
        part = part_of(con, project_id, choice)
        table = _answered(con, project_id, name, {**part.params, **more})
    response = answer_of(request, Answer(table, mark, truncated=False))
    if part.looked_to is not None:
        response.headers["x-assay-looked-to"] = text(part.looked_to)
    return response


def _answered(con: DuckDBPyConnection, project_id: int, name: str, given: Mapping[str, object]) -> pa.Table:
    query = queries.get(name)
    arguments = query.parse({key: value for key, value in given.items() if value is not None})
    return answered(query, con, project_id, arguments)


_TYPES = {
    "csv": "text/csv; charset=utf-8", "jsonl": JSON_LINES, "parquet": "application/vnd.apache.parquet",
    "otlp": JSON_LINES,
}  # fmt: skip
_ENDS = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet", "otlp": "otlp.jsonl"}
_FORMAT = {
    "name": "format", "in": "query", "required": False,
    "schema": {"type": "string", "enum": list(_TYPES), "default": "csv"},
}  # fmt: skip


@routes.get(
    "/api/traces/download",
    tags=["traces"],
    dependencies=[needs("read")],
    openapi_extra={
        "parameters": [
            *(one for one in parameters(queries.get("traces")) if one["name"] not in {*PAGING, "format"}),
            _FORMAT,
        ]
    },
)
def downloaded(request: Request, here: Here) -> Response:
    """All traces that meet the filters and the line, newest first, as a file: `csv`, `jsonl`, `parquet` or `otlp`.

    A row has the columns of `GET /api/traces`. `otlp`: their spans and logs as they were received, a request a line in
    OTLP/JSON, which `assay import` and the Collector read. The file is made while it is sent; it is whole when the
    connection ends well, and broken off when something failed.
    """
    given = params_of(request)
    form = request.query_params.get("format") or "csv"
    if form not in _TYPES:
        raise UnknownQueryError(f"No download has the format {form!r}. Use one of {', '.join(_TYPES)}.")
    choice, project_id = Choice.of(given), here.core.projects.id_of(project_of(request))
    choice.wanted(project_id)  # a fault of the line is told before the file begins
    headers = {"content-disposition": f'attachment; filename="traces.{_ENDS[form]}"'}
    pieces = written(here.core, project_id, choice, cast("Format", form))
    return StreamingResponse(pieces, headers=headers, media_type=_TYPES[form])
