"""Which of several variants is best, by judgements of pairs: of stored runs, or of rows that are sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from server import rank_answer
from server.api.answers import packed
from server.api.asking import project_of
from server.api.bodies import Bytes, described
from server.api.compare import answered, refused, variants_of
from server.api.context import Here
from server.api.rights import needs, router
from server.compare.reading import ComparisonError
from server.jsontext import dumps
from server.rank_answer import Options, Terms
from server.rank_shell import Columns

KIND = "not_rankable"
LIMIT_S = 60.0
BODY = described(description="CSV, JSON lines, a JSON list or Parquet; a row a judgement.")

routes = router()

Level = Annotated[float, Query(ge=0.5, le=0.9999, description="Of intervals, and of all ranks together.")]
Draws = Annotated[int, Query(ge=200, le=10_000, description="Of the bootstrap; fewer over many items.")]
Seed = Annotated[int, Query(ge=0, le=2**31, description="Of all that is drawn.")]
Reference = Annotated[str | None, Query(max_length=500, description="A variant to measure from; none: the mean.")]
Column = Annotated[str | None, Query(min_length=1, max_length=500)]


@routes.get("/api/rank/runs", tags=["compare"], dependencies=[needs("read")])
def of_runs(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    runs: Annotated[str, Query(description="Ids of one to ten runs of the same items, between commas.")],
    measure: Annotated[
        str | None, Query(description="Its key; none: a judge of pairs, or the first of quality.")
    ] = None,
    tie: Annotated[float, Query(ge=0, le=1e9, description="Values that differ by so much at most are a tie.")] = 0.0,
    reference: Reference = None,
    level: Level = 0.95,
    draws: Draws = 2000,
    seed: Seed = 0,
) -> Response:
    """Runs set against one another item by item: the better value wins. Clusters of the suite are drawn as one.

    Where the measure is of the evaluator `judge_pairwise`, each run was set against the reference answers, which are
    then a variant; one run is enough. Fields as of `POST /api/rank`, and `of`, `measure`, `measures`, `title`, `tie`.
    422 `not_comparable`: no item in common, no such measure, another ruler.
    """
    variants = variants_of(here, project_of(request), runs, 1)
    options = Options(level, draws, seed, reference or None)
    try:
        return answered(request, here, rank_answer.of_runs, variants, Terms(measure or None, tie), options)
    except ComparisonError as error:
        raise refused(str(error), KIND) from error


@routes.post("/api/rank", tags=["compare"], dependencies=[needs("read")], openapi_extra=BODY)
def of_rows(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    body: Bytes,
    a: Annotated[str, Query(min_length=1, max_length=500, description="Column of the first variant.")] = "a",
    b: Annotated[str, Query(min_length=1, max_length=500, description="Column of the second.")] = "b",
    winner: Annotated[str, Query(min_length=1, max_length=500, description="Column: a, b, tie, or a name.")] = "winner",
    item: Column = None,
    length_a: Column = None,
    length_b: Column = None,
    reference: Reference = None,
    level: Level = 0.95,
    draws: Draws = 2000,
    seed: Seed = 0,
) -> Response:
    """Judgements of pairs, a row each, as `assay rank` reads them; at most 200,000 of 50 variants. Nothing is stored.

    `item`: column of what was answered, drawn as one (none: each row on its own); `length_a`, `length_b`: columns of
    how long the answers are. Answers `sentence`; `rows`, the strongest first: `strength` (log odds against the
    reference) with `low`, `high`, `chance` (to win against it) with its ends, `wins`, `losses`, `ties`, `items`,
    `rank_low` to `rank_high` (the rank set, all together at the level); `heads` of each pair that met: `wins`,
    `losses`, `ties`, `n`, `items`, `share`; `warnings`; `notes`. Bounds are null where draws leave them open.

    `problem`: why there are no strengths, as some variants never lost to the others or never met them; null: there are.
    422 `not_rankable`: a column is not there, a winner is none of the pair, too many rows.
    """
    lengths = (length_a, length_b) if length_a is not None and length_b is not None else None
    if (length_a is None) != (length_b is None):
        raise refused("`length_a` goes with `length_b`: name both columns, or none.", KIND)
    options = Options(level, draws, seed, reference or None)
    asked = body, Columns(a, b, winner, item), lengths, options
    try:
        if here.aside is None:
            return packed(request, dumps(rank_answer.of_rows(*asked)), "application/json")
        return packed(request, here.aside.compute(LIMIT_S, rank_answer.of_rows, *asked), "application/json")
    except ComparisonError as error:
        raise refused(str(error), KIND) from error
