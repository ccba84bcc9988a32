"""One trace, however large: its outline, its rows by windows, where a span stands, and what is found in it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import numpy as np
from fastapi import Path, Query, Request, Response

from server.api.answers import answer_of, json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.trace import outline as outlines
from server.trace.opened import Opened
from store.queries.outline import MOST_SOUGHT
from store.readers import Answer

MOST_ROWS = 2_000  # of a window
MOST_PLACES = 200
MOST_FOUND = 5_000

routes = router()

TraceId = Annotated[UUID, Path(description="32 hex digits.")]
Version = Annotated[
    str, Query(max_length=64, description="Of the outline that rows are counted by. Empty: as the trace is now.")
]


@routes.get("/api/traces/{trace_id}/outline", tags=["traces"], dependencies=[needs("read")])
def outline(request: Request, here: Here, trace_id: TraceId, project: Project = DEFAULT) -> Response:
    """What to know of a trace before its rows: `rows` counts lines of the tree, `version` names the state.

    `first` is the row worth reading first. `failures`: where failures began, the deepest first, at most 100 of those;
    `failed` counts all failed spans. `orphans`: spans whose parents never arrived; they stand under a synthetic row.
    `skews`: clocks of services and hosts that cannot be right, with the `shift_ns` that makes the tree possible, for
    display only. `uncounted`: spans that sums leave out, by role and rule. `early`: that start before their parent.
    """
    return json_response(request, outlines.outline(opened_now(here, project, trace_id)))


@routes.get("/api/traces/{trace_id}/findings", tags=["traces"], dependencies=[needs("read")])
def findings(request: Request, here: Here, trace_id: TraceId, project: Project = DEFAULT) -> Response:
    """Where the time went and what was done again.

    `path`: time of the critical path by kind of span, in nanoseconds, the longest first; they add up to the trace's
    duration; kind null: between spans. `repeated`: calls of a tool or retriever that were made again with the same
    arguments and, where told, result, as the evaluator `repeated_steps` counts them; `results`: all were told.
    `rounds`: what went round three times or more, as `loops` does. Rows are those of the tree.
    """
    return json_response(request, outlines.evidence(here.core, project, opened_now(here, project, trace_id)))


@routes.get("/api/traces/{trace_id}/rows", tags=["traces"], dependencies=[needs("read")])
def rows(  # noqa: PLR0917 - given by name
    request: Request,
    here: Here,
    trace_id: TraceId,
    first: Annotated[int, Query(ge=0, description="Row to begin with.")] = 0,
    count: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 256,
    path: Annotated[bool, Query(description="Whether path_ns is to be worked out where it is not.")] = False,
    version: Version = "",
    project: Project = DEFAULT,
) -> Response:
    """Lines `first` to `first + count` of the tree, in drawing order, as Arrow unless asked otherwise.

    Of each: row, depth, size (rows below it, which follow at once), parent (row, -1: a root), span_id (null: the
    synthetic row of spans whose parents never arrived), name, kind, start_ns after the trace's first start, duration_ns
    (null: unknown), shift_ns of its clock, path_ns of the critical path (null: not worked out), and what a row of
    `trace_outline` says. 409 `trace_changed` when the trace is no longer as `version` says.
    """
    opened = _same(here, project, trace_id, version)
    if path:
        opened.path()
    wanted = np.arange(min(first, len(opened.layout)), min(first + count, len(opened.layout)))
    return _rows(request, opened, wanted)


@routes.get("/api/traces/{trace_id}/places", tags=["traces"], dependencies=[needs("read")])
def places(  # noqa: PLR0917 - given by name
    request: Request,
    here: Here,
    trace_id: TraceId,
    spans: Annotated[str, Query(max_length=17 * MOST_PLACES, description="Ids of spans, with commas between.")],
    version: Version = "",
    project: Project = DEFAULT,
) -> Response:
    """The rows of these spans, in the order given, as in `rows`; a span that the trace has not is left out."""
    opened = _same(here, project, trace_id, version)
    return _rows(
        request, opened, np.array([opened.layout.row[one] for one in _ids(spans) if one in opened.layout.row], np.int64)
    )


@routes.get("/api/traces/{trace_id}/found", tags=["traces"], dependencies=[needs("read")])
def found(  # noqa: PLR0917 - given by name
    request: Request,
    here: Here,
    trace_id: TraceId,
    text: Annotated[str, Query(min_length=1, max_length=MOST_SOUGHT, description="Whatever the case.")],
    version: Version = "",
    project: Project = DEFAULT,
) -> Response:
    """Rows of spans whose name, error, input or output holds the text: `rows` in drawing order, `cut` after 5,000."""
    opened = _same(here, project, trace_id, version)
    asked = {"trace_id": trace_id, "since": opened.since, "until": opened.until, "wanted": text}
    answer = here.core.run("trace_found", project, asked, MOST_FOUND)
    known = (opened.layout.row.get(one) for one in answer.table["span_id"].to_pylist())
    told = {"rows": sorted(row for row in known if row is not None), "cut": answer.truncated, "version": opened.version}
    return json_response(request, told)


def _rows(request: Request, opened: Opened, wanted: np.ndarray) -> Response:
    response = answer_of(request, Answer(opened.table(wanted), opened.version, truncated=False))
    response.headers["x-assay-version"] = opened.version
    return response


def _ids(spans: str) -> list[int]:
    """The numbers of ids in hex. Raises ProblemError for one that is none."""
    found = []
    for one in filter(None, (each.strip() for each in spans.split(","))):
        try:
            found.append(int(one, 16))
        except ValueError as error:
            detail = f"{one!r} is no id of a span. Give 16 hex digits, several with commas between."
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail) from error
    return found


def opened_now(here: Context, project: str, trace_id: UUID) -> Opened:
    """The trace as it is now. Raises ProblemError when no span of it is stored."""
    opened = here.traces.open(here.core, project, trace_id)
    if opened is None:
        detail = f"Project {project!r} has no span of trace {trace_id.hex}. It may not have arrived yet."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_trace", detail)
    return opened


def _same(here: Context, project: str, trace_id: UUID, version: str) -> Opened:
    """The trace in the state that the caller counts rows by."""
    kept = here.traces.kept(project, trace_id, version) if version else None
    opened = kept or opened_now(here, project, trace_id)
    if version and opened.version != version:
        changed = f"Trace {trace_id.hex} has changed since version {version!r}: it is {opened.version!r} now."
        detail = f"{changed} Ask for its outline again."
        raise ProblemError(HTTPStatus.CONFLICT, "trace_changed", detail)
    return opened
