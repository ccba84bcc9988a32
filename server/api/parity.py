"""Whether groups of users, or of any other kind of traffic, are served alike."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import pyarrow as pa
from fastapi import Query, Request, Response

from server import parity as slices
from server.api.answers import json_response
from server.api.asking import parameters, params_of, project_of
from server.api.context import Here
from server.api.problems import ProblemError
from server.api.rights import needs, router
from store import queries
from store.queries.calls import Dimension
from store.queries.parity import Cluster

OWN = frozenset({"by", "measure", "label", "cluster"})
SHARED = {"parameters": [one for one in parameters(queries.get("calls_totals")) if one["name"] != "format"]}

routes = router()


@routes.get("/api/parity", tags=["fairness"], dependencies=[needs("read")], openapi_extra=SHARED)
def parity(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    by: Annotated[Dimension, Query(description="What tells the groups apart.")],
    measure: Annotated[
        str, Query(description="failed, duration, ttft, cost (of a trace), refusal, or the name of a score.")
    ],
    label: Annotated[str | None, Query(description="Of a score: compare the share of this label.")] = None,
    cluster: Annotated[
        Cluster | None, Query(description="Within which rows depend on one another; none: the widest but the group.")
    ] = None,
) -> Response:
    """One measure of each group against all other traffic of the window: the 100 groups with most rows, of `of_groups`.

    Of each group `rows` (calls; scores; traces with a cost), `value` and `rest` (means, or shares; `n` counts
    clusters), and `difference`, each with its 95 % interval by the delta method over clusters; `p`, `adjusted_p` (Holm,
    over the groups shown), `detectable` (the size of a difference that such data shows in 80 % of cases), and
    `finding`: differs, no difference found, or not enough (fewer than 30 clusters in the group, or out of it). A group
    of null told nothing. `unit`: share, ns, USD, or null for the score's own scale. Of scores the newest of each target
    counts, and failed ones do not; `refusal` is the share of the label refusal among scores of that name, and
    `score:NAME` a score that is named as a measure is. A call counts under each of its tags, and a trace under each
    value that its calls have. What is found is a difference, not its cause: `limits` belong beside the figures.
    """
    question = slices.Question(by, measure, label or None, cluster)
    if question.label is not None and question.score is None:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"A label is of a score, and {measure} is none.")
    window = {name: value for name, value in params_of(request).items() if name not in OWN}

    def run(name: str, asked: dict[str, object]) -> pa.Table:
        return here.core.run(name, project_of(request), window | asked).table

    return json_response(request, slices.answer(run, question))
