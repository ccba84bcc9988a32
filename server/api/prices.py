"""A project's own prices, and stored calls priced anew by them."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from collectors.pricing import library
from collectors.pricing.own import OwnPrice, PriceListError
from server import repricing
from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Here, Project, window
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.prices import MAX_DOCUMENT, parse_document
from store import prices as store
from store.prices import Order, PriceList

routes = router()
_repricing = threading.Lock()


@routes.get("/api/prices", tags=["prices"], dependencies=[needs("read")])
def prices(
    request: Request,
    here: Here,
    project: Project = DEFAULT,
    version: Annotated[int | None, Query(ge=1, description="An earlier version; default the current one.")] = None,
) -> Response:
    """The project's own prices: `document` (YAML), `entries` in the order in which they are asked, `version`, ...

    `version` is 0, and `document` empty, where none were ever set. `list_source` and `list_version` name the list
    prices that count where no own price fits.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = store.own_prices(cursor, project_id, version)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", f"The own prices have no version {version}.")
    return json_response(request, _shown(found))


def _shown(found: PriceList) -> dict[str, Any]:
    try:
        entries, problem = parse_document(found.document, f"Version {found.version}"), None
    except PriceListError as error:  # an earlier version, written by other rules
        entries, problem = [], str(error)
    return asdict(found) | {
        "entries": [_entry(entry) for entry in entries],
        "problem": problem,
        "list_source": library.SOURCE,
        "list_version": library.price_version(),
    }


def _entry(entry: OwnPrice) -> dict[str, Any]:
    return {"version": entry.version, **entry.model_dump(mode="json", exclude_none=True)}


class NewPrices(BaseModel):
    """The whole list: what it leaves out counts no more."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(max_length=MAX_DOCUMENT, description="YAML, `prices: [...]`; empty takes all prices back.")
    author: Author = None


@routes.put("/api/prices", tags=["prices"], dependencies=[needs("edit")])
def set_prices(request: Request, here: Here, body: NewPrices, project: Project = DEFAULT) -> Response:
    """Set the project's own prices. New calls are priced by them at once, stored ones by `POST /api/reprice` only.

    Answers with `version`, `entries` (how many) and `would_change`: what a repricing of everything would change now.
    The same document again makes no new version. 422 `bad_prices` names the line, the key and the value.
    """
    try:
        entries = parse_document(body.document, "The price list")
    except PriceListError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_prices", str(error)) from error
    project_id = here.core.projects.id_of(project)
    made = here.core.writer.call(
        lambda cursor: store.add_own_prices(cursor, project_id, body.document, len(entries), body.author)
    ).result()
    would = repricing.run(here.core, project, Order(), dry_run=True)
    return json_response(request, {"version": made.version, "entries": len(entries), "would_change": asdict(would)})


class Repricing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: datetime | None = Field(None, description="Traces that started from this time on.")
    until: datetime | None = Field(None, description="Traces that started before this time.")
    reason: str | None = Field(None, max_length=1_000, description="Why, for the audit trail.")
    author: Author = None
    dry_run: bool = Field(False, description="Only say what would change.")


@routes.post("/api/reprice", tags=["prices"], dependencies=[needs("edit")])
def reprice(request: Request, here: Here, body: Repricing, project: Project = DEFAULT) -> Response:
    """Price stored calls anew by the prices of now; ingest goes on meanwhile. The old figures are kept.

    The queries `repricings` and `replaced_costs` tell them. A run that is cut off leaves whole traces; the next one
    does what is left. Answers with `calls` (looked at), `changed`, `traces`, `sum_before`, `sum_after`,
    `unpriced_before`, `unpriced_after`, the versions of the prices, and `repricing_id`, null when nothing was written.
    """
    order = Order(*window(body.since, body.until), body.reason, body.author)
    if body.dry_run:
        return json_response(request, asdict(repricing.run(here.core, project, order, dry_run=True)))
    if not _repricing.acquire(blocking=False):
        raise ProblemError(
            HTTPStatus.CONFLICT, "repricing", "Stored calls are being repriced already. Wait for its end."
        )
    try:
        report = repricing.run(here.core, project, order)
    finally:
        _repricing.release()
    return json_response(request, asdict(report))
