"""What a team reconciles: totals per trace and the ledger; and how far the data has come."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import JSON_LINES, answer_of, form, json_response, rows_of
from server.api.asking import format_parameter, responses
from server.api.context import DEFAULT, Context, Here, Project, Since, Until, window
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.jsontext import dumps
from store.errors import StoreFullError
from store.readers import Answer

SETTLE_S = 30.0
CHUNK_ROWS = 5_000

routes = router()


def only_known(request: Request) -> None:
    """Refuse parameters that the route does not have: a bill over all of time is no answer to a mistyped filter."""
    known = {one.alias for one in request.scope["route"].dependant.query_params} | {"format"}
    for name in request.query_params:
        if name not in known:
            detail = f"There is no parameter {name!r}. There are: {', '.join(sorted(known))}."
            raise ProblemError(HTTPStatus.BAD_REQUEST, "unknown_query_or_parameter", detail)


STRICT = [needs("read"), Depends(only_known)]
FORMS: dict[str, Any] = {"parameters": [format_parameter("json")], "responses": responses()}


@routes.get("/api/totals", tags=["books"], dependencies=STRICT, openapi_extra=FORMS)
def totals(
    *,
    request: Request,
    here: Here,
    project: Project = DEFAULT,
    since: Since = None,
    until: Until = None,
    trace_id: Annotated[list[UUID] | None, Query(description="Only these traces; 32 hex digits.")] = None,
) -> Response:
    """One object per trace that started in [since, until), oldest first: calls, tool executions, tokens, cost.

    Settled first: everything acknowledged before the request is in. Never cut. Unknown tokens and cost are null. As
    JSON lines with `?format=jsonl` or `Accept: application/x-ndjson`, as Arrow with `?format=arrow`, else a JSON list.
    On a disk too full to resolve the newest spans they are missing, and the header `x-assay-unsettled` says why.
    """
    unsettled = settled_or_why(here)
    answer = here.core.totals(project, *window(since, until), trace_id)
    response = totals_response(request, answer)
    if unsettled:
        response.headers["x-assay-unsettled"] = unsettled
    return response


def settled_or_why(here: Context) -> str:
    """Wait until all is resolved; empty when it is, else why the disk does not let it, as a header can say it."""
    try:
        here.core.settle(SETTLE_S)
    except StoreFullError as error:
        return " ".join(str(error).split()).encode("ascii", "replace").decode()
    return ""


def totals_response(request: Request, answer: Answer) -> Response:
    if form(request, "json") != "jsonl":
        return answer_of(request, answer, "json")
    headers = {"x-assay-watermark": answer.watermark, "x-assay-rows": str(answer.table.num_rows)}
    return StreamingResponse(lines(answer.table), headers=headers, media_type=JSON_LINES)


def lines(table: pa.Table) -> Iterator[bytes]:
    """The rows as JSON lines, some thousand at a time."""
    for batch in table.to_batches(CHUNK_ROWS):
        yield b"".join(dumps(row) + b"\n" for row in rows_of(pa.Table.from_batches([batch])))


@routes.get("/api/ledger", tags=["books"], dependencies=STRICT, openapi_extra=FORMS)
def ledger(
    request: Request, here: Here, project: Project = DEFAULT, since: Since = None, until: Until = None
) -> Response:
    """Per hour of receipt, source, service and signal: received = stored + duplicate + rejected, with the reasons.

    Whole hours: all that [since, until) touches.
    """
    return answer_of(request, here.core.ledger(project, *window(since, until)), "json")


@routes.get("/api/watermark", tags=["books"], dependencies=[needs("read")])
def watermark(request: Request, here: Here) -> Response:
    """State of the data, `commit_seq-resolved_seq`. The same question has the same answer while it stands still."""
    return json_response(request, {"watermark": here.core.readers.watermark()})


class Settle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    timeout_s: float = Field(SETTLE_S, gt=0, le=600, description="Seconds to wait at most.")


@routes.post("/api/settle", tags=["books"], dependencies=[needs("read")])
def settle(here: Here, body: Settle) -> dict[str, Any]:
    """Wait until all that was acknowledged is resolved into traces; 503 when that takes longer or the disk is full."""
    here.core.settle(body.timeout_s)
    return {"watermark": here.core.readers.watermark()}
