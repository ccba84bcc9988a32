"""Which evaluators there are."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import Request, Response

from evaluators import registry
from server.api.answers import json_response
from server.api.rights import needs, router

routes = router()


@routes.get("/api/evaluators", tags=["evaluation"], dependencies=[needs("read")])
def listed(request: Request) -> Response:
    """The card of every evaluator: `name`, `version`, `family`, `measures`, `needs`, `takes`, `scale`, `cost`, ...

    `quality` are published figures on rows that it was not made from (`data`, `measure`, `value`, its interval, `n`,
    and what a `naive` rule gets), `limits` sentences that are shown with its scores, `options` the names of its options.
    """
    found = [asdict(card) | {"options": registry.options(card.name)} for card in registry.cards()]
    return json_response(request, found)
