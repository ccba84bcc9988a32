"""Alerts: what is open, what each says, what people did about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from duckdb import DuckDBPyConnection
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Context, Here, Project
from server.api.problems import ProblemError
from server.api.rights import needs, router
from server.jobs import WRITE_S
from server.monitors.terms import Length, length
from server.notify import telling
from server.notify.loop import notify_of
from server.notify.telling import cause_text
from server.when import utc_now
from store import alerts, deliveries
from store.alerts import Alert, AlertStateError
from store.deliveries import Logged

MOST = 500
LONGEST_SNOOZE = "92d"

routes = router()
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="Of the alert: 1, 2, ... in each project.")]
Act = Callable[[DuckDBPyConnection, Alert, datetime], None]


@routes.get("/api/alerts", tags=["alerts"], dependencies=[needs("read")])
def listed(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, project: Project = DEFAULT,
    state: Annotated[
        Literal["open", "firing", "acknowledged", "resolved", "all"],
        Query(description="open: firing or acknowledged."),
    ] = "open",
    monitor: Annotated[str | None, Query(description="Of this monitor alone: its name when it fired.")] = None,
    owner: Annotated[str | None, Query(description="Of this owner alone; empty: of nobody.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    before: Annotated[int | None, Query(description="Those with lower numbers: the page after this one.")] = None,
) -> Response:  # fmt: skip
    """Alerts, the newest first, and how they belong together.

    `total`: how many match, whatever `limit` and `before` say; `open`: of the project; `cut`: whether there are more
    after these. `groups`: the alerts of this answer by `cause`, each opened within a day of the one before: `text` is
    the cause in words, `numbers` the alerts, `opened_at` when the first opened, `state` the least settled of theirs.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        found = alerts.listed(con, project_id, state, monitor, owner, before, limit + 1)
    kept = found.alerts[:limit]
    told = {
        "alerts": [shown(one) for one in kept], "total": found.total, "open": found.open,
        "groups": [_group(group) for group in alerts.grouped(kept)], "cut": len(found.alerts) > limit,
    }  # fmt: skip
    return json_response(request, told)


def _group(group: Sequence[Alert]) -> dict[str, Any]:
    states = {one.state for one in group}
    return {
        "cause": group[0].cause, "text": cause_text(group[0].cause),
        "numbers": sorted((one.number for one in group), reverse=True), "opened_at": group[0].opened_at,
        "state": next(state for state in ("firing", "acknowledged", "resolved") if state in states),
    }  # fmt: skip


def shown(alert: Alert) -> dict[str, Any]:
    """An alert as the API tells it, without its document."""
    told = asdict(alert)
    for name in ("project_id", "monitor_id"):
        del told[name]
    return {**told, "cause_text": cause_text(alert.cause)}


@routes.get("/api/alerts/{number}", tags=["alerts"], dependencies=[needs("read")])
def one(request: Request, here: Here, number: Number, project: Project = DEFAULT) -> Response:
    """An alert: what it says, `document` (what it was explained by), `events` (all that happened), `deliveries`.

    `state` is firing, acknowledged or resolved; `resolved_by` null: by itself, as no look of the monitor counts any
    more. `author` of an event null: the monitor. `cause` is what alerts are grouped by.
    """
    return _answer(request, here, project, number)


def _answer(request: Request, here: Context, project: str, number: int) -> Response:
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        alert = _known(con, project_id, number, project)
        told = {
            **shown(alert), "document": json.loads(alerts.document(con, alert.alert_id)),
            "events": [
                {"at": event.happened_at, "event": event.event, "author": event.author, "text": event.text}
                for event in alerts.events(con, alert.alert_id)
            ],
            "deliveries": [delivered(one) for one in deliveries.logged(con, project_id, alert_id=alert.alert_id)],
        }  # fmt: skip
    return json_response(request, told)


def delivered(logged: Logged) -> dict[str, Any]:
    """A delivery as the API tells it."""
    delivery = logged.delivery
    return {
        "delivery_id": str(delivery.delivery_id), "message_id": str(delivery.message_id), "channel": delivery.channel,
        "number": logged.number, "event": delivery.event, "state": delivery.state, "created_at": delivery.created_at,
        "tries": delivery.tries, "sent_at": delivery.sent_at, "next_try_at": delivery.next_try_at,
        "give_up_at": delivery.give_up_at, "last": None if logged.last is None else asdict(logged.last),
    }  # fmt: skip


def _known(con: DuckDBPyConnection, project_id: int, number: int, project: str) -> Alert:
    alert = alerts.alert(con, project_id, number)
    if alert is None:
        detail = f"Project {project!r} has no alert {number}. GET /api/alerts?state=all lists them."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_alert", detail)
    return alert


# What people do.


class Deed(BaseModel):
    """Who does it, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    author: str = Field(min_length=1, max_length=200, description="Who does this: every action has an author.")
    text: str | None = Field(None, max_length=4_000, description="What to add to the history.")


class Snooze(Deed):
    """For how long nothing is told."""

    lasts: Length = Field(alias="for", description=f"A length of time, {LONGEST_SNOOZE} at most: 30m, 4h, 2d.")


class Ownership(Deed):
    """Whose it is from now on."""

    owner: str | None = Field(max_length=200, description="Null: nobody's.")


class Note(Deed):
    """The post-mortem note."""

    text: str = Field(max_length=100_000, description="Markdown, in place of the note there is; empty: none.")


def _done(request: Request, here: Context, project: str, number: int, act: Act) -> Response:
    """Do it in one transaction with its event and what is told of it; answers as `GET /api/alerts/{number}`."""
    project_id, now = here.core.projects.id_of(project), utc_now()

    def work(cursor: DuckDBPyConnection) -> None:
        act(cursor, _known(cursor, project_id, number, project), now)

    try:
        here.core.writer.call(work).result(WRITE_S)
    except AlertStateError as error:
        raise ProblemError(HTTPStatus.CONFLICT, "alert_state", str(error)) from error
    if here.notifier is not None:
        here.notifier.wake()
    return _answer(request, here, project, number)


@routes.post("/api/alerts/{number}/acknowledge", tags=["alerts"], dependencies=[needs("edit")])
def acknowledge(request: Request, here: Here, number: Number, body: Deed, project: Project = DEFAULT) -> Response:
    """Say that somebody sees to it: it does not escalate. 409 `alert_state` if it is resolved."""
    return _done(
        request, here, project, number,
        lambda cursor, alert, now: alerts.acknowledge(cursor, alert, now, body.author, body.text),
    )  # fmt: skip


@routes.post("/api/alerts/{number}/snooze", tags=["alerts"], dependencies=[needs("edit")])
def snooze(request: Request, here: Here, number: Number, body: Snooze, project: Project = DEFAULT) -> Response:
    """Have nothing told of it for so long; what waits to be told waits too. 409 `alert_state` if it is resolved.

    If it still fires then, it is told again.
    """
    lasts = length(body.lasts)
    if lasts > length(LONGEST_SNOOZE):
        detail = f"for: a snooze lasts {LONGEST_SNOOZE} at most, and {body.lasts} is longer. Resolve it instead."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)

    def act(cursor: DuckDBPyConnection, alert: Alert, now: datetime) -> None:
        alerts.snooze(cursor, alert, now, body.author, now + lasts, body.text)
        deliveries.hold(cursor, alert.alert_id, now + lasts)

    return _done(request, here, project, number, act)


@routes.post("/api/alerts/{number}/unsnooze", tags=["alerts"], dependencies=[needs("edit")])
def unsnooze(request: Request, here: Here, number: Number, body: Deed, project: Project = DEFAULT) -> Response:
    """Have it told again from now on; what waited is told at once."""

    def act(cursor: DuckDBPyConnection, alert: Alert, now: datetime) -> None:
        alerts.unsnooze(cursor, alert, now, body.author, body.text)
        deliveries.release(cursor, alert.alert_id, now)

    return _done(request, here, project, number, act)


@routes.post("/api/alerts/{number}/own", tags=["alerts"], dependencies=[needs("edit")])
def own(request: Request, here: Here, number: Number, body: Ownership, project: Project = DEFAULT) -> Response:
    """Give it to somebody."""
    return _done(
        request, here, project, number,
        lambda cursor, alert, now: alerts.own(cursor, alert, now, body.author, body.owner or None, body.text),
    )  # fmt: skip


@routes.post("/api/alerts/{number}/resolve", tags=["alerts"], dependencies=[needs("edit")])
def resolve(request: Request, here: Here, number: Number, body: Deed, project: Project = DEFAULT) -> Response:
    """Close it; those who were told of it are told. The monitor may open another one at its next look.

    409 `alert_state` if it is resolved already.
    """

    def act(cursor: DuckDBPyConnection, alert: Alert, now: datetime) -> None:
        if not alerts.resolve(cursor, alert.alert_id, now, body.author, body.text):
            raise AlertStateError(f"Alert {alert.number} is resolved already.")
        _queue(here, cursor, alert, "resolved")

    return _done(request, here, project, number, act)


@routes.post("/api/alerts/{number}/reopen", tags=["alerts"], dependencies=[needs("edit")])
def reopen(request: Request, here: Here, number: Number, body: Deed, project: Project = DEFAULT) -> Response:
    """Have a resolved one fire again. 409 `alert_state` if it is open, or its monitor has another open one."""

    def act(cursor: DuckDBPyConnection, alert: Alert, now: datetime) -> None:
        alerts.reopen(cursor, alert, now, body.author, body.text)
        _queue(here, cursor, alert, "reopened")

    return _done(request, here, project, number, act)


@routes.post("/api/alerts/{number}/note", tags=["alerts"], dependencies=[needs("edit")])
def note(request: Request, here: Here, number: Number, body: Note, project: Project = DEFAULT) -> Response:
    """Set the post-mortem note; earlier ones stay in the history."""
    return _done(
        request,
        here,
        project,
        number,
        lambda cursor, alert, now: alerts.note(cursor, alert, now, body.author, body.text),
    )


def _queue(here: Context, cursor: DuckDBPyConnection, alert: Alert, event: telling.Event) -> None:
    base = telling.base_url(here.core.settings)
    telling.queue(cursor, alert.project_id, alert, event, notify_of(cursor, alert), base)


# The delivery log.


@routes.get("/api/deliveries", tags=["alerts"], dependencies=[needs("read")])
def log(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request, here: Here, project: Project = DEFAULT,
    state: Annotated[
        Literal["waiting", "sent", "failed", "cancelled"] | None, Query(description="Default all.")
    ] = None,
    channel: Annotated[str | None, Query(description="Of this channel alone.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
) -> Response:  # fmt: skip
    """What channels were told, or are still to be, the newest first.

    `state`: waiting (until `next_try_at`), sent, failed (given up after 24 hours of tries; `retry` has it tried again),
    cancelled (its channel was deleted). `message_id`: receivers know repeats by it; alerts of one cause that opened
    together share one. `last` try: `outcome` is sent, refused (answered, and not by 2xx), failed (no answer), timeout.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        found = deliveries.logged(con, project_id, state=state, channel=channel, limit=limit)
    return json_response(request, [delivered(one) for one in found])


@routes.post("/api/deliveries/{delivery_id}/retry", tags=["alerts"], dependencies=[needs("edit")])
def retry(request: Request, here: Here, delivery_id: UUID, project: Project = DEFAULT) -> Response:
    """Have one that failed, or waits, tried now and for another 24 hours. 409 if it is sent, cancelled or a test."""
    project_id, now = here.core.projects.id_of(project), utc_now()
    asked = here.core.writer.call(lambda cursor: deliveries.retry(cursor, project_id, delivery_id, now))
    taken = asked.result(WRITE_S)
    with here.core.readers.read() as con:
        found = deliveries.logged(con, project_id, delivery_id=delivery_id, limit=1)
    if not found:
        detail = f"Project {project!r} has no delivery {delivery_id}. GET /api/deliveries lists them."
        raise ProblemError(HTTPStatus.NOT_FOUND, "unknown_delivery", detail)
    if not taken:
        told = "a test" if found[0].delivery.event == "test" else found[0].delivery.state
        detail = f"Delivery {delivery_id} is {told}; only those that wait or failed are tried again."
        raise ProblemError(HTTPStatus.CONFLICT, "delivery_state", detail)
    if here.notifier is not None:
        here.notifier.wake()
    return json_response(request, delivered(found[0]))
