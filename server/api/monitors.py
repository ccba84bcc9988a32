"""Monitors: set, followed, tried out; what they saw, and why they say what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from duckdb import DuckDBPyConnection
from fastapi import Path, Query, Request, Response
from pydantic import Field

from server.api.answers import json_response
from server.api.context import DEFAULT, Author, Context, Here, Project, Since, Until, in_utc
from server.api.problems import ProblemError, refusing
from server.api.rights import needs, router
from server.monitors import deciding, monitors, words
from server.monitors.loop import Monitoring
from server.monitors.monitors import StaleVersionError, UnknownMonitorError
from server.monitors.raising import row_of
from server.monitors.rounds import readable
from server.monitors.terms import NAME, Drift, MonitorError, Terms
from server.when import utc_now
from store import alerts
from store import monitors as store
from store.alerts import Alert
from store.errors import UnknownQueryError
from store.monitors import Look, Monitor

RECENT, RECENT_DAYS = 48, timedelta(days=60)
LOOKS = 500
SHOWN = timedelta(days=35)

routes = router()
Name = Annotated[str, Path(pattern=NAME, description="Of the monitor: letters, digits, dot, dash, underscore.")]


_told = partial(
    refusing,
    (UnknownMonitorError, HTTPStatus.NOT_FOUND, "unknown_monitor"),
    (StaleVersionError, HTTPStatus.CONFLICT, "stale_version"),
    ((MonitorError, UnknownQueryError), HTTPStatus.UNPROCESSABLE_ENTITY, "bad_monitor"),
)
"""What is wrong with a monitor, in the words of the API."""


@routes.get("/api/monitors", tags=["monitors"], dependencies=[needs("read")])
def listed(request: Request, here: Here, project: Project = DEFAULT) -> Response:
    """The project's monitors, by name; fields as in `GET /api/monitors/{name}`, without `versions` and `looks`.

    `recent` has the newest 48 looks of the last 60 days.
    """
    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        known = store.monitors(con, project_id)
        recent = store.recent(con, project_id, RECENT, utc_now() - RECENT_DAYS)
        told = alerts.open_of(con, project_id)
    found = [shown(one, recent.get(one.monitor_id, []), told.get(one.monitor_id)) for one in known]
    return json_response(request, found)


@routes.get("/api/monitors/{name}", tags=["monitors"], dependencies=[needs("read")])
def one(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """A monitor: what it says, how it stands, `versions` (the newest first) and its newest 500 `looks`.

    `state`: new, ok, `insufficient data` (`why` says what is missing) or firing, since `state_since`. `season` and
    `min_effect` are those in use, null before the reference is fitted. `calibration`: `false_alarms` a month where
    nothing changes (`value`, 95 % interval `low` to `high`, share of `quiet_months`) and `delay` until a lasting change
    of `effect` is found (`median_days` in half of cases, with its 95 % interval `median_low` to `median_high`, null:
    over a month; `late_days` for nine of ten, share `found` within a month); null: not worked out yet, or not possible,
    and then its `why` says so. Of a look: `at` (end of its window), `value`, `expected` with its 95 % interval, `n`,
    `effect`, `p`, `p_adjusted`, `counts` (null: too little data), `state` after it, `note`. `alert_open`: number and
    state of its open alert. `sentence` says all that.
    """
    return _answer(request, here, project, name)


class NewMonitor(Terms):
    """A monitor as it is set."""

    author: Author = None
    upon: int | None = Field(None, ge=0, description="Version that this follows, 0: none; null: whichever is newest.")


@routes.put("/api/monitors/{name}", tags=["monitors"], dependencies=[needs("edit")])
def put(request: Request, here: Here, name: Name, body: NewMonitor, project: Project = DEFAULT) -> Response:
    """Set a monitor; answers as `GET /api/monitors/{name}`. The same again makes no new version.

    It is looked at within a quarter of a minute. One that watches something else than before, or otherwise, begins
    anew: state `new`, and its reference is fitted again. 409 `stale_version`: another version than `upon` is newest.
    """
    terms = Terms(**body.model_dump(exclude={"author", "upon"}))
    with _told():
        monitors.put(here.core, project, name, terms, body.author, utc_now(), body.upon)
    return _answer(request, here, project, name)


@routes.delete("/api/monitors/{name}", tags=["monitors"], dependencies=[needs("edit")])
def delete(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT,
    confirm: Annotated[str | None, Query(description="The name again.")] = None,
    author: Annotated[str | None, Query(max_length=200, description="Who does this, for the audit trail.")] = None,
) -> Response:  # fmt: skip
    """Take a monitor away; its open alert is resolved. Versions, looks and alerts stay.

    409 `unconfirmed`: `confirm` does not name the monitor.
    """
    if confirm != name:
        detail = f"This takes monitor {name!r} away. Send confirm={name} to do so."
        raise ProblemError(HTTPStatus.CONFLICT, "unconfirmed", detail)
    with _told():
        monitors.delete(here.core, project, name, author, utc_now())
    return json_response(request, {"deleted": name})


@routes.post("/api/monitors/{name}/look", tags=["monitors"], dependencies=[needs("edit")])
def look(request: Request, here: Here, name: Name, project: Project = DEFAULT) -> Response:
    """Look now; answers as `GET /api/monitors/{name}`. Where no bucket is over since the last look, that one stays."""
    with _told():
        known = monitors.one(here.core, project, name)
    _monitoring(here).look(known, utc_now())
    return _answer(request, here, project, name)


@routes.get("/api/monitors/{name}/series", tags=["monitors"], dependencies=[needs("read")])
def series(  # noqa: PLR0917 - given by name
    request: Request, here: Here, name: Name, project: Project = DEFAULT, since: Since = None, until: Until = None
) -> Response:
    """What a monitor's page draws, from `since` (default: its reference, or 35 days) to `until` (default: now).

    `points` are the stream's buckets of `bucket_s` seconds as they were read last (`value` null: none; `ruler`:
    evaluator and version), `looks` of that time, `reference` (`since`, `until`, null where it is no stretch of time;
    `text`), `markers` (releases, prompts and labels, models, evaluators, alerts), `change` (`at` with its 95 %
    interval, `before`, `after`, `p`; null: none is clear), and `distributions` of the reference and of the newest
    window (`kind`, `reference` and `current`: shares by `label`, or from `low` to `high`); null where it has none.
    """
    from server.monitors import drawing  # noqa: PLC0415 - a process beside works with it

    with _told():
        known = monitors.one(here.core, project, name)
        end = in_utc(until) or utc_now()
        fitted = json.loads(known.fitted) if known.fitted else None
        first = in_utc(since) or _first(fitted, end)
        said = here.desk.answer(known.project_id, drawing.drawn, known.document, fitted, first, end, known.looked_until)
    with here.core.readers.read() as con:
        looks = store.looks(con, known.monitor_id, LOOKS, first)
    told = json.loads(said) | {"looks": [row_of(one) for one in looks if one.ended_at <= end]}
    return json_response(request, told)


def _first(fitted: Mapping[str, Any] | None, end: datetime) -> datetime:
    since = (fitted or {}).get("since")
    return end - SHOWN if since is None else min(datetime.fromisoformat(since), end - timedelta(days=1))


class Draft(Terms):
    """A monitor that need not be set."""


@routes.post("/api/monitors/preview", tags=["monitors"], dependencies=[needs("edit")])
def preview(
    request: Request, here: Here, body: Draft, project: Project = DEFAULT,
    name: Annotated[str | None, Query(description="Of the monitor that it would take the place of.")] = None,
) -> Response:  # fmt: skip
    """How a monitor would have looked over what is stored, and how often it would cry wolf. Nothing is stored.

    `calibration` as of a monitor, `points`, `looks` over the time of the reference (compared with what came before it,
    or with its first half where that is all there is), `season` and `min_effect` that suit it, `would_have_fired` (when
    it would have begun to), `warnings`, and a `sentence`.
    """
    from server.monitors import previewing  # noqa: PLC0415 - a process beside works with it

    project_id = here.core.projects.id_of(project)
    with here.core.readers.read() as con:
        known = store.monitors(con, project_id)
    read = [(one, terms) for one in known if one.name != name and (terms := readable(one)) is not None]
    many = len(deciding.family(read)) + 1
    with _told():
        said = here.desk.answer(project_id, previewing.previewed, body.model_dump_json(), many, utc_now())
    return json_response(request, json.loads(said))


def _monitoring(here: Context) -> Monitoring:
    """That of the server, else one that works here."""
    return here.monitoring or Monitoring(here.core, here.desk)


def _answer(request: Request, here: Context, project: str, name: str) -> Response:
    with _told():
        known = monitors.one(here.core, project, name)
    with here.core.readers.read() as con:
        found = whole(con, known)
    return json_response(request, found)


def whole(con: DuckDBPyConnection, known: Monitor) -> dict[str, Any]:
    """A monitor with its versions and looks."""
    looks = store.looks(con, known.monitor_id, LOOKS)
    versions = store.versions(con, known.monitor_id)
    told = alerts.open_of(con, known.project_id).get(known.monitor_id)
    return shown(known, looks[-RECENT:], told) | {
        "versions": [
            {
                "version": one.version, "set_at": one.set_at, "author": one.author,
                "document": None if one.document is None else json.loads(one.document),
            }
            for one in versions
        ],
        "looks": [row_of(one) for one in looks],
    }  # fmt: skip


def shown(known: Monitor, recent: Sequence[Look], told: Alert | None) -> dict[str, Any]:
    """A monitor as the API tells it."""
    terms = readable(known)
    if terms is None:
        why = "Another program set this monitor, and this one cannot read it. Set it again."
        return _bare(known) | {"state": "insufficient data", "why": why, "sentence": why}
    fitted = json.loads(known.fitted) if known.fitted else {}
    looks = [row_of(one) for one in recent]
    last = looks[-1] if looks else None
    return _bare(known) | terms.model_dump(mode="json") | {
        "enabled": known.enabled, "label": words.label(terms), "unit": words.unit(terms), "worse": _worse(terms),
        "season": fitted.get("season"), "min_effect": fitted.get("min_effect"), "calibration": _calibration(known),
        "last": last, "recent": looks,
        "alert_open": None if told is None else {"number": told.number, "state": told.state},
        "sentence": words.sentence(terms, known.state, known.why, last),
        "policy": words.policy(terms, fitted.get("min_effect"), (_calibration(known) or {}).get("alpha")),
    }  # fmt: skip


def _bare(known: Monitor) -> dict[str, Any]:
    names = (
        "name",
        "version",
        "enabled",
        "state",
        "state_since",
        "why",
        "looked_until",
        "next_look",
        "set_at",
        "author",
    )
    return {name: getattr(known, name) for name in names}


def _calibration(known: Monitor) -> dict[str, Any] | None:
    if known.calibration is None:
        return None
    found: dict[str, Any] = json.loads(known.calibration)
    return {name: value for name, value in found.items() if name != "limit"}


def _worse(terms: Terms) -> str | None:
    if terms.watched is None:
        return "up" if terms.alert.kind != "no_data" else "down"
    return terms.watched.worse or (terms.alert.side if isinstance(terms.alert, Drift) else None)
