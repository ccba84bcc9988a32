"""Alerts: what monitors raise, as they stand, and all that ever happened to them.

Reads take any cursor; writes go through `Writer.call`. Every change of an alert adds a row to `alert_events` in the
same transaction, with whoever made it; these rows are never changed. Times are UTC without a zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from duckdb import DuckDBPyConnection

State = Literal["firing", "acknowledged", "resolved"]
OPEN = ("firing", "acknowledged")
STATES: dict[str, tuple[str, ...]] = {
    "open": OPEN, "firing": ("firing",), "acknowledged": ("acknowledged",), "resolved": ("resolved",),
    "all": (*OPEN, "resolved"),
}  # fmt: skip
"""What a list can be asked for, and the states that this is."""
_COLUMNS = (
    "project_id, alert_id, number, monitor_id, monitor, version, severity, state, opened_at, changed_since, since_low, "
    "since_high, cause, verdict, last_counted, owner, acknowledged_at, acknowledged_by, snoozed_until, escalated_at, "
    "resolved_at, resolved_by, note"
)

_OPENED = {
    "alert_id": "uuid", "number": "integer", "monitor_id": "uuid", "monitor": "varchar", "version": "integer",
    "severity": "varchar", "changed_since": "timestamp", "since_low": "timestamp", "since_high": "timestamp",
    "cause": "varchar", "verdict": "varchar", "last_counted": "timestamp", "owner": "varchar",
}  # fmt: skip
"""Columns that an alert opens with, and their types."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands, without its document; the columns are told in the migration."""

    project_id: int
    alert_id: UUID
    number: int
    monitor_id: UUID
    monitor: str
    version: int
    severity: str
    state: State
    opened_at: datetime
    changed_since: datetime | None
    since_low: datetime | None
    since_high: datetime | None
    cause: str
    verdict: str
    last_counted: datetime
    owner: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    escalated_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None

    def snoozed(self, now: datetime) -> bool:
        """Whether nothing is told of it for now."""
        return self.snoozed_until is not None and self.snoozed_until > now


@dataclass(frozen=True, slots=True)
class Opening:
    """What a monitor says when it fires."""

    monitor_id: UUID
    monitor: str
    version: int
    severity: str  # info warning critical
    verdict: str  # one sentence
    cause: str  # release:1.8, model:gpt-4o, slice:service=shop, monitor:NAME
    changed_since: datetime | None
    since_low: datetime | None
    since_high: datetime | None
    document: str  # JSON
    last_counted: datetime
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an alert."""

    happened_at: datetime
    event: str
    author: str | None  # null: the monitor
    text: str | None


class AlertStateError(Exception):
    """What was asked for cannot be done to an alert in its state; says why and what to do."""


# What monitors do.


def open_(cursor: DuckDBPyConnection, project_id: int, told: Opening, now: datetime) -> Alert:
    """Open an alert, within the caller's transaction. The monitor must have none that is open (see `open_of`)."""
    return open_many(cursor, project_id, [told], now)[0]


def open_many(cursor: DuckDBPyConnection, project_id: int, told: Sequence[Opening], now: datetime) -> list[Alert]:
    """As `open_`, of all that open together: one by one fifty would hold the writer for half a second."""
    if not told:
        return []
    row = cursor.execute("select coalesce(max(number), 0) from alerts where project_id = ?", [project_id]).fetchone()
    first = 1 + (int(row[0]) if row else 0)
    made = [
        Alert(
            project_id, uuid4(), first + place, one.monitor_id, one.monitor, one.version, one.severity, "firing", now,
            one.changed_since, one.since_low, one.since_high, one.cause, one.verdict, one.last_counted, one.owner,
            None, None, None, None, None, None, None,
        )
        for place, one in enumerate(told)
    ]  # fmt: skip
    rows = {name: [getattr(one, name) for one in made] for name in _OPENED}
    rows["document"] = [one.document for one in told]
    lists = ", ".join(f"unnest(${name}::{kind}[])" for name, kind in {**_OPENED, "document": "varchar"}.items())
    cursor.execute(
        f"insert into alerts (project_id, state, opened_at, {', '.join(rows)}) "
        f"select $project_id, 'firing', $now, {lists}",
        {**rows, "project_id": project_id, "now": now},
    )
    cursor.execute(
        "insert into alert_events select $project_id, unnest($alert_id::uuid[]), $now, 'opened', null, "
        "unnest($verdict::varchar[])",
        {"project_id": project_id, "alert_id": rows["alert_id"], "now": now, "verdict": rows["verdict"]},
    )
    return made


def explained(
    cursor: DuckDBPyConnection, alert_id: UUID, *, verdict: str, cause: str, changed_since: datetime | None,
    since_low: datetime | None, since_high: datetime | None, document: str, now: datetime,
) -> None:  # fmt: skip
    """What is known of an alert by now, in place of what was known before; its event says the new verdict."""
    alert = _known(cursor, alert_id)
    cursor.execute(
        "update alerts set verdict = ?, cause = ?, changed_since = ?, since_low = ?, since_high = ?, document = ? "
        "where alert_id = ?",
        [verdict, cause, changed_since, since_low, since_high, document, alert_id],
    )
    _note(cursor, alert.project_id, alert_id, now, "explained", None, verdict)


def counted(cursor: DuckDBPyConnection, alert_id: UUID, at: datetime) -> None:
    """A newer look counted: when its window ended."""
    cursor.execute("update alerts set last_counted = greatest(last_counted, ?) where alert_id = ?", [at, alert_id])


def resolve(
    cursor: DuckDBPyConnection, alert_id: UUID, now: datetime, author: str | None, text: str | None = None
) -> bool:
    """Close an alert; `author` null: by itself. False: it is not open."""
    alert = of_id(cursor, alert_id)
    if alert is None or alert.state == "resolved":
        return False
    resolve_many(cursor, [(alert, text)], now, author)
    return True


def resolve_many(
    cursor: DuckDBPyConnection, told: Sequence[tuple[Alert, str | None]], now: datetime, author: str | None = None
) -> None:
    """Close open alerts of a project, each with what its event says: one by one each takes the writer 10 ms."""
    if not told:
        return
    ids, texts = [alert.alert_id for alert, _ in told], [text for _, text in told]
    cursor.execute(
        "update alerts set state = 'resolved', resolved_at = $now, resolved_by = $author "
        "where list_contains($ids::uuid[], alert_id)",
        {"now": now, "ids": ids, "author": author},
    )
    cursor.execute(
        "insert into alert_events select $project_id, unnest($ids::uuid[]), $now, 'resolved', $author, "
        "unnest($texts::varchar[])",
        {"project_id": told[0][0].project_id, "ids": ids, "now": now, "author": author, "texts": texts},
    )


def open_of(cursor: DuckDBPyConnection, project_id: int) -> dict[UUID, Alert]:
    """The open alert of each monitor that has one."""
    rows = cursor.execute(
        f"select {_COLUMNS} from alerts where project_id = ? and state <> 'resolved' order by number", [project_id]
    ).fetchall()
    return {alert.monitor_id: alert for alert in (Alert(*row) for row in rows)}


# What people do. Each raises AlertStateError when the state does not allow it.


def acknowledge(cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str, text: str | None) -> None:
    """Somebody sees to it, so it does not escalate. One that is acknowledged already stays as it is."""
    _must_be_open(alert, "acknowledged")
    if alert.state == "acknowledged":
        return
    cursor.execute(
        "update alerts set state = 'acknowledged', acknowledged_at = ?, acknowledged_by = ? where alert_id = ?",
        [now, author, alert.alert_id],
    )
    _note(cursor, alert.project_id, alert.alert_id, now, "acknowledged", author, text)


def snooze(  # noqa: PLR0917 - what it changes and what it notes
    cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str, until: datetime, text: str | None
) -> None:
    """Nothing is told of it before `until`."""
    _must_be_open(alert, "snoozed")
    cursor.execute("update alerts set snoozed_until = ? where alert_id = ?", [until, alert.alert_id])
    said = f"Until {until:%Y-%m-%d %H:%M} UTC."
    _note(cursor, alert.project_id, alert.alert_id, now, "snoozed", author, f"{said} {text}" if text else said)


def unsnooze(
    cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str | None, text: str | None = None
) -> None:
    """It is told of again; `author` null: its time is over. One that is not snoozed stays as it is."""
    if alert.snoozed_until is None:
        return
    cursor.execute("update alerts set snoozed_until = null where alert_id = ?", [alert.alert_id])
    _note(cursor, alert.project_id, alert.alert_id, now, "unsnoozed", author, text)


def own(  # noqa: PLR0917 - what it changes and what it notes
    cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str, owner: str | None, text: str | None
) -> None:
    """Give it to somebody; `owner` null: nobody's. Resolved ones too, for whoever writes the post-mortem."""
    cursor.execute("update alerts set owner = ? where alert_id = ?", [owner, alert.alert_id])
    said = f"Now {owner}'s." if owner else "Now nobody's."
    _note(cursor, alert.project_id, alert.alert_id, now, "owned", author, f"{said} {text}" if text else said)


def note(cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str, text: str) -> None:
    """Set its post-mortem note, in Markdown; the event keeps this wording for good."""
    cursor.execute("update alerts set note = ? where alert_id = ?", [text or None, alert.alert_id])
    _note(cursor, alert.project_id, alert.alert_id, now, "noted", author, text)


def reopen(cursor: DuckDBPyConnection, alert: Alert, now: datetime, author: str, text: str | None) -> None:
    """It fires again, and may escalate again."""
    if alert.state != "resolved":
        raise AlertStateError(f"Alert {alert.number} is {alert.state}; only a resolved one can be reopened.")
    if other := open_of(cursor, alert.project_id).get(alert.monitor_id):
        told = f"Monitor {alert.monitor!r} has an open alert already, number {other.number}. Work on that one."
        raise AlertStateError(told)
    cursor.execute(
        "update alerts set state = 'firing', resolved_at = null, resolved_by = null, acknowledged_at = null, "
        "acknowledged_by = null, escalated_at = null, snoozed_until = null where alert_id = ?",
        [alert.alert_id],
    )
    _note(cursor, alert.project_id, alert.alert_id, now, "reopened", author, text)


def escalate(cursor: DuckDBPyConnection, alert: Alert, now: datetime) -> None:
    """Nobody has acknowledged it in time; noted once."""
    cursor.execute("update alerts set escalated_at = ? where alert_id = ?", [now, alert.alert_id])
    _note(cursor, alert.project_id, alert.alert_id, now, "escalated", None, "Nobody has acknowledged it in time.")


def _must_be_open(alert: Alert, what: str) -> None:
    if alert.state == "resolved":
        raise AlertStateError(f"Alert {alert.number} is resolved and cannot be {what}. Reopen it first.")


def _note(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, alert_id: UUID, at: datetime, event: str, author: str | None,
    text: str | None,
) -> None:  # fmt: skip
    cursor.execute(
        "insert into alert_events values (?, ?, ?, ?, ?, ?)", [project_id, alert_id, at, event, author, text]
    )


# What is asked.


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of alerts, the newest first."""

    alerts: list[Alert]
    total: int  # that match, all pages together
    open: int  # of the project, whatever was asked for


def listed(  # noqa: PLR0917 - a filter
    cursor: DuckDBPyConnection, project_id: int, state: str = "open", monitor: str | None = None,
    owner: str | None = None, before: int | None = None, limit: int = 100,
) -> Listed:  # fmt: skip
    """Alerts of a state of `STATES`, null: of any monitor or owner; `before`: with lower numbers than this.

    An `owner` of no letters: those that nobody owns.
    """
    matching = (
        "project_id = $project_id and list_contains($states, state) and ($monitor::varchar is null or monitor = "
        "$monitor) and ($owner::varchar is null or coalesce(owner, '') = $owner)"
    )
    given: dict[str, Any] = {
        "project_id": project_id, "states": list(STATES[state]), "monitor": monitor, "owner": owner,
    }  # fmt: skip
    rows = cursor.execute(
        f"select {_COLUMNS} from alerts where {matching} and ($before::integer is null or number < $before) "
        "order by number desc limit $limit",
        {**given, "before": before, "limit": limit},
    ).fetchall()
    total = _count(cursor, matching, given)
    opened = _count(cursor, "project_id = $project_id and state <> 'resolved'", {"project_id": project_id})
    return Listed([Alert(*row) for row in rows], total, opened)


def _count(cursor: DuckDBPyConnection, matching: str, given: dict[str, Any]) -> int:
    row = cursor.execute(f"select count(*) from alerts where {matching}", given).fetchone()
    assert row is not None  # noqa: S101 - a count has a row
    return int(row[0])


def alert(cursor: DuckDBPyConnection, project_id: int, number: int) -> Alert | None:
    """One alert by its number; null: there is none."""
    row = cursor.execute(
        f"select {_COLUMNS} from alerts where project_id = ? and number = ?", [project_id, number]
    ).fetchone()
    return None if row is None else Alert(*row)


def of_id(cursor: DuckDBPyConnection, alert_id: UUID) -> Alert | None:
    """One alert by its id; null: there is none."""
    row = cursor.execute(f"select {_COLUMNS} from alerts where alert_id = ?", [alert_id]).fetchone()
    return None if row is None else Alert(*row)


def of_ids(cursor: DuckDBPyConnection, alert_ids: Sequence[UUID]) -> dict[UUID, Alert]:
    """Alerts by their ids; those that there are not are left out."""
    rows = cursor.execute(
        f"select {_COLUMNS} from alerts where list_contains($ids::uuid[], alert_id)", {"ids": list(alert_ids)}
    ).fetchall()
    return {alert.alert_id: alert for alert in (Alert(*row) for row in rows)}


def _known(cursor: DuckDBPyConnection, alert_id: UUID) -> Alert:
    found = of_id(cursor, alert_id)
    if found is None:
        raise LookupError(f"There is no alert {alert_id}.")
    return found


def document(cursor: DuckDBPyConnection, alert_id: UUID) -> str:
    """What an alert was explained by, as JSON."""
    row = cursor.execute("select document from alerts where alert_id = ?", [alert_id]).fetchone()
    if row is None:
        raise LookupError(f"There is no alert {alert_id}.")
    return str(row[0])


def events(cursor: DuckDBPyConnection, alert_id: UUID) -> list[Event]:
    """All that happened to an alert, in the order in which it did."""
    rows = cursor.execute(
        "select happened_at, event, author, text from alert_events where alert_id = ? order by happened_at, rowid",
        [alert_id],
    ).fetchall()
    return [Event(*row) for row in rows]


def snoozes_over(cursor: DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Open alerts of all projects whose snooze has ended and is not noted so yet."""
    rows = cursor.execute(
        f"select {_COLUMNS} from alerts where state <> 'resolved' and snoozed_until <= ? order by project_id, number",
        [now],
    ).fetchall()
    return [Alert(*row) for row in rows]


def unacknowledged(cursor: DuckDBPyConnection, now: datetime) -> list[tuple[Alert, str, datetime]]:
    """Alerts of all projects that may escalate: each with its monitor's document and since when it fires.

    Those that fire, are not snoozed, have not escalated, and whose monitor is still there.
    """
    columns = ", ".join(f"a.{name.strip()}" for name in _COLUMNS.split(","))
    rows = cursor.execute(
        f"select {columns}, m.document, coalesce((select max(e.happened_at) from alert_events e where e.alert_id = "
        "a.alert_id and e.event = 'reopened'), a.opened_at) from alerts a join monitors m on m.monitor_id = "
        "a.monitor_id where a.state = 'firing' and a.escalated_at is null and (a.snoozed_until is null or "
        "a.snoozed_until <= ?) order by a.project_id, a.number",
        [now],
    ).fetchall()
    return [(Alert(*row[:-2]), row[-2], row[-1]) for row in rows]


def grouped(alerts: Sequence[Alert], within: timedelta = timedelta(days=1)) -> list[list[Alert]]:
    """Alerts of one cause, each opened at most so long after the one before; the group that was opened last first."""
    groups: list[list[Alert]] = []
    for one in sorted(alerts, key=lambda alert: (alert.cause, alert.opened_at, alert.number)):
        last = groups[-1][-1] if groups else None
        if last is not None and last.cause == one.cause and one.opened_at - last.opened_at <= within:
            groups[-1].append(one)
        else:
            groups.append([one])
    return sorted(groups, key=lambda group: (group[-1].opened_at, group[-1].number), reverse=True)
