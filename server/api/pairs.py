"""Two traces compared step by step, and one pair of steps word by word."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from duckdb import DuckDBPyConnection
from fastapi import Query, Request, Response

from server import prompt_diff, trace_pairs
from server.api.answers import json_response, rows_of
from server.api.context import DEFAULT, Context, Here, Project
from server.api.explore import SKEW, detailed
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.trace_pairs import Pair
from store.queries.explore import EVER, trace_summary
from store.queries.pairs import pair_spans, pair_texts
from store.readers import watermark

MOST_SPANS = 100_000  # of each trace
MOST_TEXTS = 200  # pairs of steps whose texts are read: of others their hashes are compared alone
LETTERS = 200_000  # of a text that is read

routes = router()

_A = Query(description="The first trace, 32 hex digits.")
_B = Query(description="The second trace.")
_A_SPAN = Query(pattern=r"^[0-9a-fA-F]{16}$", description="A span of the first trace, 16 hex digits.")
_B_SPAN = Query(pattern=r"^[0-9a-fA-F]{16}$", description="A span of the second trace.")
_ONLY = Query(description="`differing`: without the steps that are alike.")
_LIMIT = Query(ge=1, le=5_000, description="Steps in the answer.")


@dataclass(frozen=True, slots=True)
class _Side:
    trace_id: UUID
    summary: dict[str, Any]
    spans: list[dict[str, Any]]
    cut: bool


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
    100,000 spans are compared; `unread`: pairs beyond 200 whose texts are compared by their hashes, ids of calls
    included.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        mark = watermark(con)
        sides = [_side(con, project, project_id, trace_id) for trace_id in (a, b)]
        pairs, rough = trace_pairs.paired(sides[0].spans, sides[1].spans)
        unread = _read_texts(con, project_id, sides, pairs)
    parted = trace_pairs.divergence(pairs)
    shown = [pair for pair in pairs if only == "all" or pair.differs]
    told = {
        "a": sides[0].summary, "b": sides[1].summary, "counts": trace_pairs.counts(pairs), "total": len(shown),
        "steps": [pair.told() for pair in shown[skip : skip + limit]], "first": parted and asdict(parted),
        "at_first": parted and pairs[parted.number - 1].told(), "scores": _scores(here, project, sides),
        "rough": rough, "cut": any(side.cut for side in sides), "unread": unread,
    }  # fmt: skip
    response = json_response(request, told)
    response.headers["x-assay-watermark"] = mark
    return response


def _side(con: DuckDBPyConnection, project: str, project_id: int, trace_id: UUID) -> _Side:
    """Raises ProblemError for a trace of which nothing is resolved."""
    found = trace_summary(con, project_id, trace_id).to_pylist()
    if not found:
        detail = f"Project {project!r} has no trace {trace_id.hex}, or it has just arrived. Check the id, or try again."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_trace", detail)
    table = pair_spans(con, project_id, trace_id, *_bounds(found[0]), MOST_SPANS + 1)
    return _Side(trace_id, found[0], table.slice(0, MOST_SPANS).to_pylist(), table.num_rows > MOST_SPANS)


def _bounds(summary: dict[str, Any]) -> tuple[Any, Any]:
    start = summary["start_time"]
    try:
        return start, start + timedelta(microseconds=summary["duration_ns"] // 1000 + 2)
    except OverflowError:
        return start, EVER[1]


def _read_texts(con: DuckDBPyConnection, project_id: int, sides: list[_Side], pairs: list[Pair]) -> int:
    """Look at the texts of the first pairs whose hashes differ; how many were not looked at."""
    asked, every = trace_pairs.doubtful(pairs, MOST_TEXTS)
    if not asked:
        return 0
    texts = []
    for side, spans in zip(sides, zip(*((pair.a, pair.b) for pair in asked), strict=True), strict=True):
        ids = [span["span_id"] for span in spans if span]
        rows = pair_texts(con, project_id, side.trace_id, *_bounds(side.summary), ids, LETTERS).to_pylist()
        texts.append({row["span_id"]: row for row in rows})
    for pair in asked:
        if pair.a and pair.b:
            trace_pairs.same_words(pair, texts[0][pair.a["span_id"]], texts[1][pair.b["span_id"]])
    return every - len(asked)


def _scores(here: Context, project: str, sides: list[_Side]) -> list[dict[str, Any]]:
    """name, and of each trace how many scores of it have a value, and their mean; null: none has."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, side in zip("ab", sides, strict=True):
        since, until = (int(at.timestamp() * 1e6) for at in _bounds(side.summary))
        asked: dict[str, object] = {"traces": [side.trace_id.hex], "since_us": since, "until_us": until}
        for row in here.core.run("turn_scores", project, asked, 2_000).table.to_pylist():
            values = found.setdefault(row["name"], {"a": [], "b": []})
            values[name] += [row["value"]] if row["value"] is not None else []
    return [
        {"name": name}
        | {side: {"n": len(told), "mean": sum(told) / len(told) if told else None} for side, told in both.items()}
        for name, both in sorted(found.items())
    ]


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

    `input` has the model, parameters and tools too. Of a message the first 50,000 letters are compared.
    """
    one, other = (_detail(here, project, trace_id, span_id) for trace_id, span_id in ((a, a_span), (b, b_span)))
    told = {
        "input": prompt_diff.diff(trace_pairs.told_texts(one), trace_pairs.told_texts(other)),
        "output": prompt_diff.diff(trace_pairs.answers(one), trace_pairs.answers(other)),
    }
    return json_response(request, told)


def _detail(here: Context, project: str, trace_id: UUID, span_id: str) -> dict[str, Any]:
    found = here.core.run("trace_summary", project, {"trace_id": trace_id}).table.to_pylist()
    since = found[0]["start_time"] - SKEW if found else None
    answer = here.core.run("span_detail", project, {"trace_id": trace_id, "span_id": span_id, "since": since})
    if not answer.table.num_rows:
        detail = f"Project {project!r} has no span {span_id} in trace {trace_id.hex}."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_span", detail)
    return detailed(rows_of(answer.table)[0])
