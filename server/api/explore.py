"""Traces as a table, and one span as a conversation."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
import pyarrow as pa
from fastapi import Path, Request, Response

from collectors.frames import restored_attributes
from collectors.messages import messages, preview
from server.api.answers import answer_of, json_response, rows_of
from server.api.asking import parameters, params_of, project_of, responses
from server.api.context import DEFAULT, Context, Here, Project, Since, in_utc
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store import queries
from store.readers import Answer

SKEW = timedelta(hours=1)  # a span may start before the start of its trace was known
EARLIEST = datetime(1, 1, 2)  # noqa: DTZ001 - UTC without a zone; before it there is no hour to look back
CONTENT = ("input", "input_key", "output", "output_key")

routes = router()


@routes.get(
    "/api/traces",
    tags=["traces"],
    dependencies=[needs("read")],
    openapi_extra={"parameters": parameters(queries.get("traces")), "responses": responses()},
)
def traces(request: Request, here: Here) -> Response:
    """The query `traces`, with `input_preview` and `output_preview` in place of the texts: a line each, '' for none."""
    answer = here.core.run("traces", project_of(request), params_of(request))
    return answer_of(request, Answer(previewed(answer.table), answer.watermark, answer.truncated))


def previewed(table: pa.Table) -> pa.Table:
    """The table with one line of each text in place of the text."""
    for side in ("input", "output"):
        texts, keys = table.column(side).to_pylist(), table.column(f"{side}_key").to_pylist()
        lines = [preview(text, key, side) for text, key in zip(texts, keys, strict=True)]
        table = table.append_column(f"{side}_preview", pa.array(lines, pa.string()))
    return table.drop_columns(list(CONTENT))


@routes.get("/api/spans/{trace_id}/{span_id}", tags=["traces"], dependencies=[needs("read")])
def span(
    *,
    request: Request,
    here: Here,
    trace_id: Annotated[UUID, Path(description="32 hex digits.")],
    span_id: Annotated[str, Path(pattern=r"^[0-9a-fA-F]{16}$", description="16 hex digits.")],
    project: Project = DEFAULT,
    since: Since = None,
) -> Response:
    """All of one span: facts, conversation, documents, tools, and the attributes as they were received.

    `input`, `output` and `system` are canonical messages `[{"role", "parts": [{"type", ...}]}]`; `tool_definitions` and
    `documents` are lists; facts that nobody told are null. `since`, the start of the trace, makes it faster.
    """
    answer = found_span(here, project, trace_id, span_id, in_utc(since))
    response = json_response(request, detailed(rows_of(answer.table)[0]))
    response.headers["x-assay-watermark"] = answer.watermark
    return response


def found_span(here: Context, project: str, trace_id: UUID, span_id: str, start: datetime | None = None) -> Answer:
    """The row of `span_detail`. `start`: of the trace, null: unknown. Raises ProblemError when there is none."""
    params = {
        "trace_id": trace_id,
        "span_id": span_id,
        "since": None if start is None else max(start, EARLIEST) - SKEW,
    }
    answer = here.core.run("span_detail", project, params)
    if answer.table.num_rows == 0:
        detail = f"Project {project!r} has no span {span_id} in trace {trace_id.hex}. It may not have arrived yet."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_span", detail)
    return answer


def span_of(here: Context, project: str, trace_id: UUID, span_id: str) -> Answer:
    """As `found_span`, of a trace whose start nobody told: looked up first, which spares a search in all of time."""
    summary = here.core.run("trace_summary", project, {"trace_id": trace_id}).table
    start = summary["start_time"][0].as_py() if summary.num_rows else None
    return found_span(here, project, trace_id, span_id, start)


def restored(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `span_detail` with its attributes as they were received."""
    sent = [row[field] for field in ("input_key", "input", "output_key", "output")]
    return {**row, "attributes": restored_attributes(row["attributes"], *sent)}


def detailed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `span_detail` for people: messages read, JSON parsed, attributes whole."""
    sent = {field: row[field] for field in CONTENT}
    told = {side: row.pop(f"told_{side}") for side in ("input", "output", "system")}
    row["attributes"] = restored_attributes(
        row["attributes"], sent["input_key"], sent["input"], sent["output_key"], sent["output"]
    )
    for side in ("input", "output"):
        text, key = (told[side], None) if told[side] else (sent[side], sent[f"{side}_key"])
        row[side] = messages(text, key, side)
    row["system"] = _system(told["system"] or row.pop("system_instructions"))
    row.pop("system_instructions", None)
    row["tool_definitions"] = parsed(row["tool_definitions"])
    row["documents"] = parsed(row["documents"])
    row["links"] = [{**link, "span_id": f"{link['span_id']:016x}"} for link in row["links"]]
    return row


def _system(parts: str | None) -> list[dict[str, Any]]:
    found = parsed(parts)
    return [{"role": "system", "parts": found}] if found else []


def parsed(text: str | None) -> list[Any]:
    """A stored JSON list; empty when there is none."""
    return list(orjson.loads(text)) if text else []
