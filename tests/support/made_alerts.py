"""Alerts as monitors and people leave them, put into a store before its server starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from duckdb import DuckDBPyConnection

from store import alerts
from store.alerts import Alert, Opening
from store.database import Database

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CAUSES = ("release:1.8", "model:gpt-4o-2026-11-20", "prompt:answer@7", "slice:service=shop", "release:2.0", "")
"""What alerts are by, in turn; '': each by its own monitor."""
VERDICT = (
    "Error rate of service shop went from 1.2 % to 8.4 % (24 hours, 95 % CI 7.1 % to 9.7 %) since about 14:00 UTC on "
    "27 November 2026, right after release 1.8 of shop; model gpt-4o explains 91 % of it."
)
Json = dict[str, Any]


def fill(folder: Path, many: int, traces: tuple[str, ...] = ()) -> None:
    """So many alerts of 6 causes, opened ten minutes apart, the newest an hour ago; every fifth is acknowledged."""
    database = Database.open(folder)
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    try:
        with database.lease() as cursor:
            for number in range(many):
                _one(cursor, number, now - HOUR - (many - 1 - number) * timedelta(minutes=10), traces)
    finally:
        database.close()


def _one(cursor: DuckDBPyConnection, number: int, at: datetime, traces: tuple[str, ...]) -> Alert:
    name = f"errors-{number}"
    monitor_id = uuid5(NAMESPACE_URL, name)
    _monitor(cursor, monitor_id, name, at)
    cause = CAUSES[number % len(CAUSES)] or f"monitor:{name}"
    known = number % 7 != 6  # of the others nothing is explained
    told = Opening(
        monitor_id, name, 1, ("warning", "critical", "info")[number % 3], VERDICT if known else "No call came.", cause,
        at - 3 * HOUR if known else None, at - 5 * HOUR if known else None, at - 2 * HOUR if known else None,
        _json(document(at, traces) if known else {}), at, "ada" if number % 4 == 0 else None,
    )  # fmt: skip
    alert = alerts.open_(cursor, 1, told, at)
    if number % 5 == 4:
        alerts.acknowledge(cursor, alert, at + timedelta(minutes=4), "ben", "Looking at it.")
    return alert


def _monitor(cursor: DuckDBPyConnection, monitor_id: UUID, name: str, at: datetime) -> None:
    terms = {"signal": "error_rate", "where": {"service": "shop"}, "enabled": False}
    cursor.execute(
        "insert into monitors (project_id, monitor_id, name, version, basis, document, enabled, state, state_since, "
        "next_look, recent, created_at, set_at) values (1, ?, ?, 1, 1, ?, false, 'firing', ?, ?, '', ?, ?)",
        [monitor_id, name, json.dumps(terms), at, at, at, at],
    )
    cursor.execute(
        "insert into monitor_versions values (1, ?, ?, 1, ?, ?, null)", [monitor_id, name, json.dumps(terms), at]
    )


def _json(told: Json) -> str:
    return json.dumps(told, default=lambda at: f"{at.isoformat()}Z")


def document(at: datetime, traces: tuple[str, ...] = ()) -> Json:
    """What explains an alert that opened then: two weeks of looks by the hour, a change three hours before."""
    changed = at - 3 * HOUR
    series = [_point(at - step * HOUR, changed) for step in range(14 * 24, -1, -1)]
    release = {"what": "release", "name": "shop", "before": "1.7", "after": "1.8", "text": "First call of release 1.8."}
    label = {"what": "label", "name": "answer", "before": "6", "after": "7", "text": "Label production moved to 7."}
    return {
        "series": series,
        "change": {"at": changed, "low": changed - 2 * HOUR, "high": changed + HOUR, "before": 0.012, "after": 0.084,
                   "p": 0.0004},
        "slices": [_slice(place) for place in range(14)],
        "attributes": [{"name": "model", "within": 0.066, "mix": 0.004,
                        "text": "By model: 94% is within models, 6% by their mix."}],
        "markers": [release | {"at": changed - timedelta(minutes=20)}, label | {"at": at - 5 * DAY}],
        "traces": [{"trace_id": one, "at": at - timedelta(minutes=place), "value": 1.0,
                    "text": "gpt-4o: rate limit reached"} for place, one in enumerate(traces)],
        "distributions": {
            "kind": "rate", "n_reference": 4000, "n_current": 900,
            "reference": [{"label": "failed", "share": 0.012}, {"label": "ended well", "share": 0.988}],
            "current": [{"label": "failed", "share": 0.084}, {"label": "ended well", "share": 0.916}],
        },
        "sentences": [VERDICT, "Between 12:00 and 15:00 the level rose to seven times what it was."],
    }  # fmt: skip


def _point(at: datetime, changed: datetime) -> Json:
    wave = 0.004 * ((at.hour % 12) / 12)
    value = (0.084 if at >= changed else 0.010) + wave
    return {"at": at, "value": value, "n": 400.0, "expected": 0.012 + wave, "low": 0.006 + wave, "high": 0.02 + wave}


def _slice(place: int) -> Json:
    named = [("model", "gpt-4o"), ("release", "1.8"), ("service", "shop"), ("prompt", "answer@7"), ("tool", "search")]
    attribute, value = named[place % len(named)]
    share = 0.91 / (place + 1)
    return {
        "attribute": attribute, "slice": value if place < len(named) else f"{value}-{place}", "part": 0.07 * share,
        "share_of_change": share, "mean_reference": 0.012, "mean_current": 0.012 + 0.12 * share,
        "share_reference": 0.4, "share_current": 0.42, "p_adjusted": None if place > 10 else 0.0001 * 3**place,
        "text": f"{attribute.capitalize()} {value}: error rate 1.2% to {100 * (0.012 + 0.12 * share):.1f}%.",
    }  # fmt: skip
