"""Two traces compared step by step, and one pair of steps word by word."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from server import prompt_diff, trace_comparison, trace_pairs
from server.api.answers import json_response, packed, rows_of
from server.api.context import DEFAULT, Context, Here, Project
from server.api.explore import detailed, span_of
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Inline
from store.readers import Answer

AT_ONCE = 4_000  # spans of both traces that are compared in this process: in 0.15 s

routes = router()

_A = Query(description="The first trace, 32 hex digits.")
_B = Query(description="The second trace.")
_A_SPAN = Query(pattern=r"^[0-9a-fA-F]{16}$", description="A span of the first trace, 16 hex digits.")
_B_SPAN = Query(pattern=r"^[0-9a-fA-F]{16}$", description="A span of the second trace.")
_ONLY = Query(description="`differing`: without the steps that are alike.")
_LIMIT = Query(ge=1, le=5_000, description="Steps in the answer.")


@routes.get("/api/traces/compare", tags=["traces"], dependencies=[needs("read")])
def compare(
    *,
    request: Request,
    here: Here,
    a: Annotated[UUID, _A],
    b: Annotated[UUID, _B],
    project: Project = DEFAULT,
    only: Annotated[Literal["all", "differing"], _ONLY] = "all",
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, _LIMIT] = 500,
) -> Response:
    """The steps of two traces side by side: `steps` of `total`, each with `a`, `b` (null: not in it) and `differs`.

    `differs` names only_a, only_b, moved (among its siblings), kind, name, model, prompt, system, input, output, status
    and error. `first` is where the traces part, {number, differs}, null where nothing differs; `at_first` is that step.
    `counts` has steps, alike, changed, only_a, only_b; `a` and `b` the traces' summaries; `scores` the names of both.
    `rough`: a part has so many steps that they are aligned by their order alone; `cut`: of a trace only the first
    100,000 spans are compared; `unread`: pairs whose texts are compared by their hashes, ids of calls included: those
    beyond 200, and those of more than 200,000 letters.
    """
    first, second = (_summary(here, project, trace_id) for trace_id in (a, b))
    one, other = first.table.to_pylist()[0], second.table.to_pylist()[0]
    desk = Inline(here.core.readers) if one["spans"] + other["spans"] <= AT_ONCE else here.desk
    wanted = trace_comparison.Wanted(only, skip, limit)
    body = desk.answer(here.core.projects.id_of(project), trace_comparison.compared, one, other, wanted)
    response = packed(request, body, "application/json")
    response.headers["x-assay-watermark"] = first.watermark
    return response


def _summary(here: Context, project: str, trace_id: UUID) -> Answer:
    """Raises ProblemError for a trace of which nothing is resolved."""
    found = here.core.run("trace_summary", project, {"trace_id": trace_id})
    if not found.table.num_rows:
        detail = f"Project {project!r} has no trace {trace_id.hex}, or it has just arrived. Check the id, or try again."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_trace", detail)
    return found


@routes.get("/api/traces/compare/step", tags=["traces"], dependencies=[needs("read")])
def step(
    *,
    request: Request,
    here: Here,
    a: Annotated[UUID, _A],
    a_span: Annotated[str, _A_SPAN],
    b: Annotated[UUID, _B],
    b_span: Annotated[str, _B_SPAN],
    project: Project = DEFAULT,
) -> Response:
    """What two steps were given and what they answered, word by word: `input` and `output` as in `/api/prompt-diff`.

    `input` has the model, parameters and tools too. Of a message the first 50,000 letters are compared; `cut`: one has
    more.
    """
    one, other = (_detail(here, project, trace_id, span_id) for trace_id, span_id in ((a, a_span), (b, b_span)))
    told = {
        "input": prompt_diff.diff(trace_pairs.told_texts(one), trace_pairs.told_texts(other)),
        "output": prompt_diff.diff(trace_pairs.answers(one), trace_pairs.answers(other)),
        "cut": any(map(trace_pairs.is_long, (one, other))),
    }
    return json_response(request, told)


def _detail(here: Context, project: str, trace_id: UUID, span_id: str) -> dict[str, Any]:
    return detailed(rows_of(span_of(here, project, trace_id, span_id).table)[0])
