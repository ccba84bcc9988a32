"""One session as a conversation across its traces."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from server.api.answers import json_response, rows_of
from server.api.context import DEFAULT, Context, Here, Project
from server.api.rights import needs, router
from server.conversations import MOST_READ, folded
from store.readers import Answer

MOST_SCORES = 2_000  # of one page of turns

routes = router()

_SESSION = Query(min_length=1, description="The session's id.")
_SIZE = Query(ge=1, le=50, description="Turns of a page.")
_SKIP = Query(ge=0, description="Turns before the page.")
_TRACE = Query(description="A trace of the session: the page is the one that it stands on, whatever `skip`.")


@routes.get("/api/sessions/turns", tags=["sessions"], dependencies=[needs("read")])
def turns(
    *,
    request: Request,
    here: Here,
    session: Annotated[str, _SESSION],
    project: Project = DEFAULT,
    page_size: Annotated[int, _SIZE] = 20,
    skip: Annotated[int, _SKIP] = 0,
    trace: Annotated[UUID | None, _TRACE] = None,
) -> Response:
    """One page of a session's turns, its traces in order of start, as `turns`, of `total`.

    Each has the sums of its trace as in the query `session_turns`; `said` and `answered`, what is new of its input and
    output, as canonical messages; `before`, how many messages of the input stand ahead of what was said, `told`, how
    many of these an earlier turn has, and `unseen`, those that none has; `left_out`, messages that are not in the
    answer; `clipped`, whether a text is cut to its first 20,000 letters; `scores` of the trace, its spans and its model
    calls (`scores_cut`: not all of the page's). Without a turn `turns` is empty.
    """
    asked: dict[str, object] = {"session_id": session, "page_size": page_size, "skip": skip, "trace_id": trace}
    asked |= {"before": 1, "letters": MOST_READ}  # a turn before the page tells what is repeated
    answer = here.core.run("session_turns", project, asked)
    rows = rows_of(answer.table)
    kept = [_shown(row, asdict(turn)) for row, turn in zip(rows, folded(rows), strict=True) if row["on_page"]]
    cut = _scored(here, project, kept)
    total = rows[0]["total"] if rows else 0
    response = json_response(request, {"turns": kept, "total": total, "scores_cut": cut})
    response.headers["x-assay-watermark"] = answer.watermark
    return response


def _shown(row: dict[str, Any], turn: dict[str, Any]) -> dict[str, Any]:
    hidden = {"input", "input_key", "output", "output_key", "total", "on_page"}
    return {name: value for name, value in row.items() if name not in hidden} | turn


def _scored(here: Context, project: str, shown: list[dict[str, Any]]) -> bool:
    """Give each turn its scores; whether some were left out."""
    if not shown:
        return False
    ends = [turn["start_us"] + turn["duration_ns"] // 1000 + 1 for turn in shown]
    asked: dict[str, object] = {
        "traces": [turn["trace_id"] for turn in shown], "since_us": shown[0]["start_us"], "until_us": max(ends),
    }  # fmt: skip
    found: Answer = here.core.run("turn_scores", project, asked, MOST_SCORES)
    for turn in shown:
        turn["scores"] = []
    by_trace = {turn["trace_id"]: turn["scores"] for turn in shown}
    for row in rows_of(found.table):
        by_trace[row.pop("trace_id")].append(row)
    return found.truncated
