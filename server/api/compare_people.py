"""Comparisons of variants as people would say, from few labels and many scores."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from server.api.asking import project_of
from server.api.compare import SHARED, answered, variants_of, window_of
from server.api.context import Here
from server.api.rights import needs, router
from server.compare.traffic import By
from server.judges.keeping import fields_of

OWN = frozenset({"by", "values", "baseline"})

routes = router()


@routes.get("/api/compare/runs/people", tags=["compare"], dependencies=[needs("read")])
def of_runs(
    request: Request,
    here: Here,
    runs: Annotated[str, Query(description="Ids of two to ten runs that ended, between commas; the first: baseline.")],
) -> Response:
    """Evaluators of runs whose answers people labelled: `measures`, each with `own` and `pairs`.

    `own`: of each variant the judge's own estimate (`judge`), the `corrected` one (`method`: ppi, or ppi_stratified
    where items were drawn so), of yes and no `rogan_gladen`, and the number of labelled items (`labels`). `pairs`: each
    variant less the baseline in the same way, with a `verdict` and a `sentence` of what people would say. `why`: labels
    are too few, and nothing is corrected. `label`: the name of the labels; labels are of the traces of the rows.
    """
    from server.judges import corrected  # noqa: PLC0415 - a process beside works with it

    variants = variants_of(here, project_of(request), runs)
    fields = fields_of(here.core, project_of(request))
    return answered(request, here, corrected.runs, variants, variants[0].name, fields)


@routes.get("/api/compare/traffic/people", tags=["compare"], dependencies=[needs("read")], openapi_extra=SHARED)
def of_traffic(
    request: Request,
    here: Here,
    by: Annotated[By, Query(description="What tells the variants apart.")],
    values: Annotated[str, Query(description="Two to ten of them, a JSON list of texts.")],
    baseline: Annotated[str | None, Query(description="What others are compared with; none: the first.")] = None,
) -> Response:
    """Scores of live traffic that people labelled; fields as of `/api/compare/runs/people`."""
    from server.judges import corrected  # noqa: PLC0415 - a process beside works with it

    window, first = window_of(request, OWN, by, values, baseline)
    fields = fields_of(here.core, project_of(request))
    return answered(request, here, corrected.traffic, window, first, fields)
