"""A project's budgets, and how the month goes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server import spending
from server.api.answers import json_response
from server.api.context import DEFAULT, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.budgets import MAX_DOCUMENT, Budget, BudgetError, parse_budgets
from store import documents
from store.queries.spend import time_zone

routes = router()
Zone = Annotated[str, Query(description="Time zone of the months and days, by its name in the IANA database.")]


@routes.get("/api/budgets", tags=["budgets"], dependencies=[needs("read")])
def budgets(
    request: Request,
    here: Here,
    project: Project = DEFAULT,
    zone: Zone = "UTC",
    version: Annotated[int | None, Query(ge=1, description="An earlier version; default the current one.")] = None,
) -> Response:
    """The project's budgets: `document` (YAML), `version` (0: none was ever set), `zone`, `today`, and `budgets`.

    Each of these: `dimension` and `value` (null: of all calls), `usd_per_month`, `spent_usd` of the calendar month so
    far, `calls`, `unpriced` (calls without a price, so that the spend is a least), `forecast_usd` to the end of the
    month with its 95 % interval (`low`, `high`), `chance_passed`, `passed_on`, `passed_earliest` and `passed_latest`,
    `verdict` in words, `refusal` (why there is no forecast; then its figures are null), and `days`: cumulated spend by
    the end of each day, forecast where it is not `over`.
    """
    place = _zone(zone)
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as cursor:
        found = documents.read(cursor, "budgets", project_id, version)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", f"The budgets have no version {version}.")
    now = datetime.now(UTC)
    entries, problem = _entries(found)
    told = {"problem": problem, "zone": zone, "today": now.astimezone(place).date()}
    return json_response(
        request, asdict(found) | told | {"budgets": spending.of_budgets(here.core, project, entries, place, now)}
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name)
    except ValueError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"zone: {error}.") from error


def _entries(found: documents.Document) -> tuple[list[Budget], str | None]:
    try:
        return parse_budgets(found.document, f"Version {found.version}"), None
    except BudgetError as error:  # written by other rules
        return [], str(error)


class NewBudgets(BaseModel):
    """The whole list: what it leaves out is no budget any more."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(max_length=MAX_DOCUMENT, description="YAML, `budgets: [...]`; empty takes all back.")
    author: Annotated[str | None, Field(max_length=200, description="Who does this, for the audit trail.")] = None


@routes.put("/api/budgets", tags=["budgets"], dependencies=[needs("edit")])
def set_budgets(request: Request, here: Here, body: NewBudgets, project: Project = DEFAULT) -> Response:
    """Set the project's budgets. Answers with `version` and `entries` (how many).

    The same document again makes no new version; `budget_versions` tells all. 422 `bad_budgets` names the line, the key
    and the value.
    """
    try:
        entries = parse_budgets(body.document, "The list of budgets")
    except BudgetError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_budgets", str(error)) from error
    project_id = here.core.projects.id_of(project)
    made = here.core.writer.call(
        lambda cursor: documents.add(cursor, "budgets", project_id, body.document, len(entries), body.author)
    ).result()
    return json_response(request, {"version": made.version, "entries": len(entries)})
