"""What caches, other models and the hardware behind calls come to: samples of the store, with `analytics` on them."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, cast

from fastapi import Query, Request, Response

from analytics.whatif_carbon import PROVIDERS_ZONE, UnknownZoneError
from server.api.answers import packed
from server.api.asking import parameters, params_of, project_of
from server.api.context import Context, Here
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.aside import Work
from server.whatif import caching, carbon, routing
from store import queries

LONGEST_S = 7 * 86_400.0
MOST_TOPICS = 20
SHARED = {
    "parameters": [one for one in parameters(queries.get("calls_totals")) if one["name"] not in {"format", "kind"}]
}

routes = router()


@routes.get("/api/whatif/caching", tags=["what-if"], dependencies=[needs("read")], openapi_extra=SHARED)
def cached(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    ttl_s: Annotated[float, Query(gt=0, le=LONGEST_S, description="How long an answer or prefix is kept.")] = 300,
    similarity: Annotated[float, Query(ge=0.5, le=1, description="From which a near repeat is one.")] = 0.9,
    same_answer: Annotated[
        float, Query(ge=0, le=1, description="Likeness from which two answers count as the same.")
    ] = caching.SAME_ANSWER,
    minimum_tokens: Annotated[int, Query(ge=0, description="The least that a provider caches of a prompt.")] = 1024,
) -> Response:
    """What three kinds of cache would have saved on model calls, over a sample of them that `sample` describes.

    `exact`: a cache of answers, for the same prompt to the same model. `prefix`: the provider's, against the cost of
    input as it was, net of writing (`write_usd` is what that costs above plain input). `near`: a cache of answers for
    questions that are alike, a row per threshold, with the share of hits whose answers differ (`false`, Wilson), and
    pairs to look at. Exact repeats are near ones too. Estimates are `{value, low, high, n}` for the whole window (US
    dollars, tokens, seconds, or a share): 95 % intervals over `n` slices of time; null: unknown. What is unknown saves
    nothing, so that sums are a least: `unpriced` hits have no cost, `untold` calls had no text, `unknown` no count of
    tokens, `uncached_models` are calls whose model has no price of cached input.
    """
    since, until, filters = _window(request, {"ttl_s", "similarity", "same_answer", "minimum_tokens"})
    options = caching.Options(timedelta(seconds=ttl_s), similarity, same_answer, minimum_tokens)
    return _answer(request, here, caching.answer, filters, since, until, options)


@routes.get("/api/whatif/routing", tags=["what-if"], dependencies=[needs("read")], openapi_extra=SHARED)
def routed(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    here: Here,
    score: Annotated[str | None, Query(description="Name of the score; none: the one with most.")] = None,
    better: Annotated[Literal["higher", "lower"], Query(description="Which scores are better.")] = "higher",
    margin: Annotated[float, Query(ge=0, description="Loss of mean score that is still no worse.")] = 0.05,
    input_tokens: Annotated[str, Query(description="Tokens of input from which a call is a level up.")] = "1000,8000",
    turn: Annotated[str, Query(description="Model calls before it in its trace, likewise.")] = "3,10",
    tools: Annotated[str, Query(description="Tools that were offered, likewise.")] = "1",
    topics: Annotated[
        int, Query(ge=0, le=MOST_TOPICS, description="Into how many topics levels are parted at most.")
    ] = 0,
) -> Response:
    """What moving a group of model calls to another model would have cost, saved and done to quality.

    Groups are levels of a measure: the highest that tokens, turn or tools reach (`levels`). With `topics` each level is
    parted by what the user said last in the call: topics are found by words (latent semantic analysis and k-means, no
    model is asked), each a list of words with weights, so that a router can tell them too; `other` has none of the
    words, `not told` no text. `agreement`: how often the lists say what the clusters say. Texts are read for it, of
    larger windows in slices of time, which the intervals of costs are over then. `moves`: for each level and
    pair of models the cost as it was, at the other's price of the day, and saved, for the whole window (US dollars; of
    a random sample of traces, 95 % intervals over them); the difference of mean scores where both served calls of the
    level, positive: better, with its interval; and a verdict: better, no worse, worse, or not enough evidence.
    `policies`: every choice of a model per level with cost per call and mean score; `front`: none costs no more and
    scores no less; the one without models is as it was. `policy` are the moves that save most of those that are no
    worse, and `policy_yaml` the same as a file. Calls were not assigned at random: see the caveats of the file.
    """
    since, until, filters = _window(request, {"score", "better", "margin", "input_tokens", "turn", "tools", "topics"})
    try:
        texts = {"input_tokens": input_tokens, "turn": turn, "tools": tools}
        measure = {name: routing.thresholds(text, name) for name, text in texts.items()}
    except ValueError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)) from error
    options = routing.Options(score or None, better, margin, measure, topics)
    return _answer(request, here, routing.answer, filters, since, until, options)


@routes.get("/api/whatif/carbon", tags=["what-if"], dependencies=[needs("read")], openapi_extra=SHARED)
def emitted(
    request: Request,
    here: Here,
    zone: Annotated[
        str, Query(description="Where electricity comes from: FRA, USA, WOR, ...; provider: as EcoLogits assumes.")
    ] = PROVIDERS_ZONE,
) -> Response:
    """Energy (kWh) and emissions (kg of CO2 equivalents) of model calls by month (UTC) and model, always as ranges.

    A row per month and model: `calls`, `told` (that told their output), `counted` (of these, those of a known model),
    the sums and what one call took (`_per_call`), each `_low` and `_high`; null: the model is unknown. `taken_for` is
    the library's name of the model. `total` adds up what is known; `unknown_models` tells what is not. `source`,
    `pue`, `zone` and `assumed` are what the ranges rest on.
    """
    since, until, filters = _window(request, {"zone"})
    try:
        return _answer(request, here, carbon.answer, filters, since, until, zone)
    except UnknownZoneError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error)) from error


def _window(request: Request, own: set[str]) -> tuple[datetime, datetime, dict[str, Any]]:
    """The window and the filters; `own` are the route's other parameters."""
    given = {name: value for name, value in params_of(request).items() if name not in own}
    asked = queries.get("calls_totals").parse(given | {"kind": "llm"})
    since, until = cast("datetime", asked.pop("since")), cast("datetime", asked.pop("until"))
    return since, until, asked


def _answer(request: Request, here: Context, work: Work, *arguments: object) -> Response:
    project_id = here.core.projects.id_of(project_of(request))
    return packed(request, here.desk.answer(project_id, work, *arguments), "application/json")
