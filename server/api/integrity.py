"""Whether reported costs agree with ours, and why not: queries, with `analytics` and other prices upon them."""

from __future__ import annotations

from typing import cast

from fastapi import Request, Response

from server import causes
from server.api.answers import answer_of
from server.api.asking import parameters, params_of, project_of, responses
from server.api.context import Here
from server.api.rights import needs, router
from store import queries
from store.queries.integrity import MOST_APART
from store.readers import Answer

MODELS = 1_000
TOLD = ("among", "among_compared")

routes = router()


@routes.get(
    "/api/integrity/causes",
    tags=["costs"],
    dependencies=[needs("read")],
    openapi_extra={
        "parameters": [one for one in parameters(queries.get("integrity_sample")) if one["name"] not in TOLD],
        "responses": responses(),
    },
)
def with_causes(request: Request, here: Here) -> Response:
    """Reported against computed cost of each model, as the query `integrity_reported`, with the likely cause.

    `value` is the model. `cause`, in words `said`: what at least 90 % of the calls agree with, and of those that are
    off; null: nothing was compared, or the model is not among the `models` furthest apart. It is sought in `sampled`
    calls, of which `off` are off: about `calls` of each model. `share` of them meets it, with Wilson's 95 % interval;
    `explained_usd`: reported less computed, of those. `also`: causes that meet as many. `parts`: what the calls that
    are off come of, each counted once: `cause`, `said`, `calls`, `share`, `explained_usd`.
    """
    asked, project = params_of(request), project_of(request)
    sample = queries.get("integrity_sample").parse(asked)
    sums = {name: value for name, value in asked.items() if name not in {"calls", "models", *TOLD}}
    reported = here.core.run("integrity_reported", project, sums | {"dimension": "model", "page_size": MODELS})
    among = causes.furthest(reported.table, cast("int", sample.get("models", MOST_APART)))
    drawn = here.core.run("integrity_sample", project, asked | among)
    told = causes.with_causes(reported.table, drawn.table)
    return answer_of(request, Answer(told, reported.watermark, reported.truncated))
