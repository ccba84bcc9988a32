"""Before a run: how many items a comparison needs, from numbers or from a pilot that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Query, Request, Response

from server.api.answers import json_response
from server.api.asking import parameters, params_of, project_of
from server.api.compare import answered, refused, values_of, variants_of
from server.api.context import Here
from server.api.rights import needs, router
from server.compare import plan_pilot
from server.compare.plan_answer import Aim, Wish, Words, composed
from server.compare.plan_pilot import CORRELATION, MOST, Terms
from server.compare.plan_shell import Asked
from server.compare.reading import ComparisonError
from server.compare.traffic import By, Window
from store import queries

KIND = "not_plannable"
MOST_METRICS, MOST_VARIANTS, MOST_REPEATS = 100, 20, 100
OWN = frozenset({
    "by", "values", "runs", "measure", "delta", "aim", "power", "alpha", "metrics", "variants", "repeats", "unpaired",
    "sequential", "correlation", "cost_usd", "per_day",
})  # fmt: skip
SHARED = {
    "parameters": [
        one | {"required": False}
        for one in parameters(queries.get("calls_totals"))
        if one["name"] not in {"format", "kind"}
    ]
}

routes = router()

Share = Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)]
Some = Annotated[float | None, Query(ge=0, le=1e30, allow_inf_nan=False)]
Sequential = Annotated[bool, Query(description="Looked at as often as one likes, as an A/B test is; with `unpaired`.")]
Repeats = Annotated[int | None, Query(ge=1, le=MOST_REPEATS, description="Answers an item.")]


@dataclass(frozen=True, slots=True)
class Named:
    """What both routes ask for."""

    delta: Annotated[
        float | None,
        Query(ge=-1e30, le=1e30, allow_inf_nan=False, description="Smallest difference worth knowing, in the measure's "
              "unit; 0.05 of shares. None, of a pilot: 5 points, or a tenth of its mean."),
    ] = None  # fmt: skip
    aim: Annotated[Aim, Query(description="To find `delta`; or that a variant is not worse by so much.")] = "difference"
    power: Annotated[float, Query(ge=0.01, le=0.9999, description="Chance to find it.")] = 0.8
    alpha: Annotated[float, Query(ge=1e-4, le=0.5, description="Error of all comparisons together.")] = 0.05
    metrics: Annotated[int, Query(ge=1, le=MOST_METRICS, description="That are compared.")] = 1
    variants: Annotated[int, Query(ge=2, le=MOST_VARIANTS, description="With the baseline.")] = 2
    cost_usd: Annotated[
        float | None, Query(ge=0, le=1e6, allow_inf_nan=False, description="Of an answer; none: the pilot's mean.")
    ] = None
    per_day: Annotated[
        float | None, Query(ge=0, le=1e12, allow_inf_nan=False, description="Items a day, of all variants.")
    ] = None  # fmt: skip

    def wish(self) -> Wish:
        """As the plan takes it."""
        return Wish(
            self.delta, self.aim, self.power, self.alpha, self.metrics, self.variants, self.cost_usd, self.per_day
        )


@routes.get("/api/plan", tags=["compare"], dependencies=[needs("read")])
def plan(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    named: Annotated[Named, Depends()],
    sd: Some = None,
    rate: Share = None,
    discordant: Share = None,
    omega2: Some = None,
    sigma2: Some = None,
    repeats: Repeats = None,
    cluster_size: Annotated[float | None, Query(ge=1, le=1e9, allow_inf_nan=False)] = None,
    icc: Share = None,
    unpaired: Annotated[bool, Query(description="Variants answer other items.")] = False,
    sequential: Sequential = False,
) -> Response:
    """How many items, as `assay plan` says with the same words.

    Values spread by `sd` (of an item's difference; unpaired: of values), `rate` (unpaired share), `discordant` (of
    pairs, the share that one variant alone gets right), or `omega2` and `sigma2` (between and within items, with
    `repeats`); `cluster_size` with `icc`. Answers `sentence`, `beside` (sentences), `items` (a variant), `answers` (of
    all variants), `cost_usd`, `days`, `command`, `method`, `level` (of one comparison: 1 less alpha over comparisons),
    `design_effect`, `falls` (a rate has room below alone); `rows` by items: `power` (the chance to find delta),
    `difference` (what is found at that power), each null beyond what is drawn, `cost_usd`, `days`, `mark`; `curves`:
    the points of both. 422 `not_plannable`: too little is told, or what does not go together.
    """
    asked = Asked(
        sd=sd, rate=rate, discordant=discordant, omega2=omega2, sigma2=sigma2,
        repeats=() if repeats is None else (repeats,), cluster_size=cluster_size, icc=icc,
        paired=False if unpaired else None, sequential=sequential,
    )  # fmt: skip
    words = Words(share=rate is not None or discordant is not None)
    try:
        return json_response(request, composed(asked, named.wish(), words))
    except ComparisonError as error:
        raise refused(str(error), KIND) from error


@routes.get("/api/plan/pilot", tags=["compare"], dependencies=[needs("read")], openapi_extra=SHARED)
def from_pilot(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    named: Annotated[Named, Depends()],
    runs: Annotated[
        str | None, Query(description="Ids of one run or two, between commas; or name traffic by `by` and `values`.")
    ] = None,
    by: Annotated[By | None, Query(description="What tells calls apart.")] = None,
    values: Annotated[str | None, Query(description="One of them or two, a JSON list of texts.")] = None,
    measure: Annotated[str | None, Query(description="Its key; none: the first of quality that varies.")] = None,
    unpaired: Annotated[bool, Query(description="Of runs: the next variants answer other items.")] = False,
    repeats: Repeats = None,
    sequential: Sequential = False,
    correlation: Annotated[
        float, Query(ge=0, le=0.99, description="Assumed of both variants' values of an item, where one run is told.")
    ] = CORRELATION,
) -> Response:
    """A plan from the variance, clusters and repeats of a pilot: of runs, or of calls of a window.

    Fields as of `/api/plan`, and `low`, `high`: 95 % interval of `items`, from the pilot's clusters drawn anew (null:
    fewer than five), which are `items` times the two `factors`; `sees`: the smallest difference that the pilot's size
    finds; `pilot_power`; `rows` and `curves` with `_low` and `_high` of the same; `of` (the pilot's runs or values),
    `measure`, `measures`, `pilot` (items, clusters, means, difference, spread between and within items, icc),
    `answer_usd`, `per_day`, `notes`. Two runs pair by id and content, else the plan is unpaired; of one run pairs rest
    on `correlation`. Traffic is never paired; its items are calls, or scores of calls.
    422 `not_plannable` or `not_comparable`: nothing varies, no such measure, another ruler.
    """
    terms = Terms(measure or None, unpaired, repeats, correlation, sequential)
    if (runs is None) == (by is None):
        raise refused("Say `runs`, or `by` and `values` of live traffic, and not both.", KIND)
    try:
        if runs is not None:
            variants = variants_of(here, project_of(request), runs, 1, MOST)
            return answered(request, here, plan_pilot.of_runs, variants, terms, named.wish())
        return answered(request, here, plan_pilot.of_traffic, _window(request, by, values), terms, named.wish())
    except ComparisonError as error:
        raise refused(str(error), KIND) from error


def _window(request: Request, by: By | None, values: str | None) -> Window:
    names = values_of(values or "[]", 1, MOST)
    given = {name: value for name, value in params_of(request).items() if name not in OWN}
    asked = queries.get("calls_totals").parse(given | {"kind": "llm"})
    since, until = cast("datetime", asked.pop("since")), cast("datetime", asked.pop("until"))
    return Window(cast("By", by), names, since, until, asked)
