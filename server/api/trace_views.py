"""Other ways to look at one trace: agent graph, conversation, documents; and one span as it was received."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from server.api.answers import json_response, rows_of
from server.api.context import DEFAULT, Context, Here, Project
from server.api.explore import detailed, parsed, restored, span_of
from server.api.rights import needs, router
from server.api.trace import TraceId, opened_now
from server.trace import curl, graph, talk, wire
from server.trace.opened import Opened
from store.readers import Answer

STEPS = 60  # of a page of the conversation
RETRIEVALS = 40  # of a page of documents

routes = router()

Skipped = Annotated[int, Query(ge=0, description="Steps to leave out: `next` of the page before.")]
SpanId = Annotated[str, Path(pattern=r"^[0-9a-fA-F]{16}$", description="16 hex digits.")]


@routes.get("/api/traces/{trace_id}/graph", tags=["traces"], dependencies=[needs("read")])
def agents(
    request: Request,
    here: Here,
    trace_id: TraceId,
    expanded: Annotated[bool, Query(description="A node for each span, not for each name.")] = False,
    project: Project = DEFAULT,
) -> Response:
    """Agents, models, tools and retrievers, and who called whom.

    `nodes`: kind, name, count, errors, duration_ns (sums, as all), tokens and cost_usd (null: none was told), `spans`
    (ids of the first 50), and their layer and place for drawing. `edges` from `above` to `below` with count, errors,
    duration_ns. At most 60 nodes; `left_out` counts the spans beyond. `again`: spans that tell a call again which
    another tells; they are no nodes.
    """
    return json_response(request, graph.graph(opened_now(here, project, trace_id).layout, expanded=expanded))


@routes.get("/api/traces/{trace_id}/conversation", tags=["traces"], dependencies=[needs("read")])
def conversation(
    request: Request, here: Here, trace_id: TraceId, skipped: Skipped = 0, project: Project = DEFAULT
) -> Response:
    """The whole trace as a conversation: `steps` in order of start, `next` (null: there are no more).

    Of a step: span_id, kind, name, agent_name, model, start_us, duration_ns, failed (null: it did not), `messages` that
    no step before has told, how many were `folded` because one has, and `cut`, whether a text of it, or of a tool run
    that stands in it, is longer than the 200,000 letters that are read. A part `tool_call` carries `result`, `ran` (the
    span that ran it), `duration_ns` and `failed` where known.
    """
    answer = _page(here, project, opened_now(here, project, trace_id), "trace_talk", range(skipped, skipped + STEPS))
    steps, used = talk.turns(rows_of(answer.table), later=skipped > 0)
    more = answer.truncated or used < answer.table.num_rows
    return json_response(request, {"steps": steps, "next": skipped + used if more else None})


@routes.get("/api/traces/{trace_id}/documents", tags=["traces"], dependencies=[needs("read")])
def documents(
    request: Request, here: Here, trace_id: TraceId, skipped: Skipped = 0, project: Project = DEFAULT
) -> Response:
    """Documents that were retrieved: `retrievals` with span_id, name, kind, query and documents; `next` as above.

    A page ends after 40 retrievals, or before it has more than four million letters.
    """
    answer = _page(
        here, project, opened_now(here, project, trace_id), "trace_documents", range(skipped, skipped + RETRIEVALS)
    )
    rows = rows_of(answer.table)
    fitting = rows[: talk.fitting(rows, ("query", "documents"))]
    told = [{**row, "documents": parsed(row["documents"])} for row in fitting]
    more = answer.truncated or len(told) < len(rows)
    return json_response(request, {"retrievals": told, "next": skipped + len(told) if more else None})


@routes.get("/api/spans/{trace_id}/{span_id}/otlp", tags=["traces"], dependencies=[needs("read")])
def otlp(request: Request, here: Here, trace_id: TraceId, span_id: SpanId, project: Project = DEFAULT) -> Response:
    """The span as it was received: an OTLP/JSON request. Attributes stand as strings: the store keeps their texts."""
    row = rows_of(span_of(here, project, trace_id, span_id).table)[0]
    return json_response(request, wire.request(restored(row)))


@routes.get("/api/spans/{trace_id}/{span_id}/curl", tags=["traces"], dependencies=[needs("read")])
def as_curl(request: Request, here: Here, trace_id: TraceId, span_id: SpanId, project: Project = DEFAULT) -> Response:
    """`command`: what one would run to make the model call again; null: the span is none, or told no message."""
    row = detailed(rows_of(span_of(here, project, trace_id, span_id).table)[0])
    return json_response(request, {"command": curl.command(row)})


def _page(here: Context, project: str, opened: Opened, name: str, rows: range) -> Answer:
    asked: dict[str, object] = {"trace_id": opened.trace_id, "since": opened.since, "until": opened.until}
    return here.core.run(name, project, asked | {"skipped": rows.start}, len(rows))
