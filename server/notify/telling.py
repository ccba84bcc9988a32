"""What channels are told of alerts: who is told, in which words, and how alerts become messages.

Deliveries are queued in the transaction that changes the alert, so either both are on disk or neither is.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID, uuid5

from duckdb import DuckDBPyConnection

from server.ports import reachable
from server.settings import Settings
from server.when import utc_now
from store import alerts, channels, deliveries
from store.alerts import Alert
from store.channels import Channel
from store.deliveries import Delivery, Telling

Event = Literal["opened", "escalated", "resolved", "unsnoozed", "reopened"]
_NAMESPACE = UUID("6f7c7b0e-2f0a-5f0e-9d4a-0b6f3a1c2d84")  # of message ids; any fixed one
_WANTED_AS: Mapping[str, str] = {"unsnoozed": "opened", "reopened": "opened"}  # as what channels choose events
_VERBS: Mapping[str, str] = {
    "opened": "fires", "escalated": "is not acknowledged", "resolved": "is resolved",
    "unsnoozed": "still fires after its snooze", "reopened": "was reopened",
}  # fmt: skip
_LETTERS_SHOWN = 600  # of a verdict
_UNKNOWN = "monitor:"  # as causes begin where none is known
CROWD = 10
_MOST_TOLD = 20  # alerts whose verdicts one message tells; it names the number of the others


def base_url(settings: Settings) -> str:
    """Where people find the app, for links in messages; without a slash at the end."""
    if settings.app_url is not None:
        return str(settings.app_url).rstrip("/")
    return f"http://{reachable(settings.host)}:{settings.app_port}"


def link_of(base: str, project: str, number: int) -> str:
    """The page of an alert."""
    return f"{base}/alerts?{urlencode({'project': project, 'alert': number})}"


def list_of(base: str, project: str) -> str:
    """The page of all open alerts."""
    return f"{base}/alerts?{urlencode({'project': project})}"


def cause_text(cause: str) -> str:
    """What alerts are grouped by, in words: `release 1.8`, `model gpt-4o`, `service=shop`, `monitor NAME`."""
    kind, _, name = cause.partition(":")
    if not name:
        return cause
    return name if kind == "slice" else f"{kind} {name}"


def queue(  # noqa: PLR0917 - as its callers have them
    cursor: DuckDBPyConnection, project_id: int, alert: Alert, event: Event, notify: Sequence[str], base_url: str
) -> int:
    """Have channels told of an alert, within the caller's transaction; how many deliveries that makes.

    None while it is snoozed, but that it is resolved, which is told when the snooze is over. `notify` as in the
    monitor's terms: names of channels; none: all of its severity. What escalates goes to every channel that takes
    critical alerts; that one is resolved, to those that were told of it. Alerts of one cause to which the same happens
    at the same time become one message.
    """
    return queue_many(cursor, project_id, [(alert, notify)], event, base_url)


def queue_many(
    cursor: DuckDBPyConnection,
    project_id: int,
    about: Sequence[tuple[Alert, Sequence[str]]],
    event: Event,
    base_url: str,
) -> int:
    """As `queue`, of many alerts, each with whom its monitor names: it holds the writer hardly longer than one does.

    More than `CROWD` that open together before anybody knows their causes are one message too: fifty would hide what
    they tell.
    """
    ids = [alert.alert_id for alert, _ in about]
    stand, known = alerts.of_ids(cursor, ids), channels.channels(cursor, project_id)
    before = deliveries.told_to(cursor, ids) if event == "resolved" else {}
    project, told = _project(cursor, project_id), []
    crowd = event == "opened" and sum(alert.cause.startswith(_UNKNOWN) for alert in stand.values()) > CROWD
    for alert, notify in ((stand.get(one.alert_id, one), notify) for one, notify in about):
        at = _at(alert, event)
        if alert.snoozed(at) and event != "resolved":
            continue
        message = worded(alert, event, project, base_url)
        for channel in _chosen(known, alert, event, notify, before.get(alert.alert_id, set())):
            cause = _UNKNOWN if crowd and alert.cause.startswith(_UNKNOWN) else alert.cause
            same = f"{project_id}/{channel.name}/{event}/{cause}/{at.isoformat()}"
            told.append(Telling(channel.name, uuid5(_NAMESPACE, same), alert.alert_id, message, at))
    deliveries.add(cursor, project_id, event, told)
    for alert in stand.values():
        if alert.snoozed_until is not None and alert.snoozed(_at(alert, event)):
            deliveries.hold(cursor, alert.alert_id, alert.snoozed_until)
    return len(told)


def _at(alert: Alert, event: Event) -> datetime:
    """When that happened; the caller's clock, so that what one transaction does has one time."""
    at = {"opened": alert.opened_at, "escalated": alert.escalated_at, "resolved": alert.resolved_at}.get(event)
    return at or utc_now()


def _chosen(
    known: Sequence[Channel], alert: Alert, event: Event, notify: Sequence[str], before: Container[str]
) -> list[Channel]:
    wanted = _WANTED_AS.get(event, event)
    if event == "resolved":
        return [one for one in known if one.name in before and wanted in one.events]
    if event == "escalated":
        return channels.chosen(known, wanted, "critical", ())
    return channels.chosen(known, wanted, alert.severity, notify)


def _project(cursor: DuckDBPyConnection, project_id: int) -> str:
    row = cursor.execute("select name from projects where project_id = ?", [project_id]).fetchone()
    return str(row[0]) if row else str(project_id)


def worded(alert: Alert, event: str, project: str, base_url: str) -> dict[str, Any]:
    """What is told of one alert; plain values, kept as JSON with the delivery."""
    severity = "critical" if event == "escalated" else alert.severity
    link = link_of(base_url, project, alert.number)
    return {
        "project": project, "severity": severity, "link": link, "list": list_of(base_url, project),
        "title": f"[{severity}] Alert {alert.number}: {alert.monitor} {_VERBS[event]}",
        "text": _sentences(alert, event),
        "alert": {
            "number": alert.number, "alert_id": str(alert.alert_id), "monitor": alert.monitor, "version": alert.version,
            "severity": severity, "state": alert.state, "cause": alert.cause, "cause_text": cause_text(alert.cause),
            "verdict": alert.verdict, "owner": alert.owner, "opened_at": _iso(alert.opened_at),
            "changed_since": _iso(alert.changed_since), "since_low": _iso(alert.since_low),
            "since_high": _iso(alert.since_high), "resolved_at": _iso(alert.resolved_at),
            "resolved_by": alert.resolved_by, "link": link,
        },
    }  # fmt: skip


def _sentences(alert: Alert, event: str) -> str:
    lines = [_cut(alert.verdict)]
    if alert.changed_since is not None:
        reach = ""
        if alert.since_low is not None and alert.since_high is not None:
            reach = f" (95 % interval {_minute(alert.since_low)} to {_minute(alert.since_high)})"
        lines.append(f"Changed about {_minute(alert.changed_since)} UTC{reach}.")
    lines.append(f"Cause: {cause_text(alert.cause)}. Opened {_minute(alert.opened_at)} UTC.")
    if event == "escalated":
        lines.append("Nobody has acknowledged it in time.")
    if event == "resolved":
        whom = f"by {alert.resolved_by}" if alert.resolved_by else "by itself: no look counts any more"
        lines.append(f"Resolved {whom}.")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS_SHOWN else f"{text[: _LETTERS_SHOWN - 1]}…"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else f"{at.isoformat()}Z"


# What is sent.


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel; the same at every try."""

    message_id: UUID
    event: str
    severity: str
    title: str
    text: str
    link: str
    body: bytes  # of a webhook: JSON


def composed(parts: Sequence[Delivery]) -> Message:
    """The message that deliveries of one message id make, in the order of their alerts' numbers."""
    first = parts[0]
    told = sorted((json.loads(one.message) for one in parts), key=lambda one: int(one["alert"]["number"]))
    severity = max((one["severity"] for one in told), key=channels.SEVERITIES.index)
    title, link = told[0]["title"], told[0]["link"]
    if len(told) > 1:
        causes = {one["alert"]["cause_text"] for one in told}
        cause = causes.pop() if len(causes) == 1 else "causes not known yet"
        title, link = f"[{severity}] {len(told)} alerts: {cause} ({_happened(first.event)})", told[0]["list"]
    text = "\n\n".join(one["text"] if len(told) == 1 else f"{one['title']}\n{one['text']}" for one in told[:_MOST_TOLD])
    if len(told) > _MOST_TOLD:
        text += f"\n\nAnd {len(told) - _MOST_TOLD} more, which the page has."
    body = {
        "id": str(first.message_id), "event": first.event, "project": told[0]["project"], "severity": severity,
        "created_at": _iso(first.created_at), "title": title, "text": text, "link": link,
        "alerts": [one["alert"] for one in told],
    }  # fmt: skip
    return Message(first.message_id, first.event, severity, title, text, link, _json(body))


def _happened(event: str) -> str:
    return {"unsnoozed": "still firing", "escalated": "not acknowledged"}.get(event, event)


def test_message(  # noqa: PLR0917 - what it says
    message_id: UUID, project: str, channel: str, author: str, base_url: str, at: datetime
) -> Message:
    """What the test button sends."""
    title = f"Test of channel {channel}"
    text = f"{author} asked whether messages of project {project} arrive here. They do; nothing is to be done."
    link = list_of(base_url, project)
    body: dict[str, Any] = {
        "id": str(message_id), "event": "test", "project": project, "severity": "info", "created_at": _iso(at),
        "title": title, "text": text, "link": link, "alerts": [],
    }  # fmt: skip
    return Message(message_id, "test", "info", title, text, link, _json(body))


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
