"""Channels: whom each project's alerts are told to. What an address says is a secret and is not here.

Reads take any cursor; writes go through `Writer.call`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

SEVERITIES = ("info", "warning", "critical")
EVENTS = ("opened", "escalated", "resolved")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as it is now."""

    project_id: int
    name: str
    kind: str  # apprise webhook
    shown: str  # kind, host and a mask: all that is shown of its address
    place: str  # of its address and key in the file of secrets
    signed: bool  # whether there is a key
    severities: tuple[str, ...]
    events: tuple[str, ...]
    set_at: datetime
    author: str | None


def channels(cursor: DuckDBPyConnection, project_id: int | None = None) -> list[Channel]:
    """Those of a project, of all if null, by name."""
    rows = cursor.execute(
        "select project_id, name, kind, document, set_at, author from channels "
        "where ?::integer is null or project_id = ?::integer order by project_id, name",
        [project_id, project_id],
    ).fetchall()
    return [_channel(*row) for row in rows]


def _channel(  # noqa: PLR0917 - a row
    project_id: int, name: str, kind: str, document: str, set_at: datetime, author: str | None
) -> Channel:
    told = json.loads(document)
    return Channel(
        project_id, name, kind, told["shown"], told["place"], told["signed"], tuple(told["severities"]),
        tuple(told["events"]), set_at, author,
    )  # fmt: skip


def channel(cursor: DuckDBPyConnection, project_id: int, name: str) -> Channel | None:
    """One channel; null: the project has none of this name."""
    return next((one for one in channels(cursor, project_id) if one.name == name), None)


def put(cursor: DuckDBPyConnection, told: Channel) -> None:
    """Set a channel. What waits for it is tried at once: the new address may be the remedy."""
    document = json.dumps({
        "shown": told.shown, "place": told.place, "signed": told.signed, "severities": list(told.severities),
        "events": list(told.events),
    })  # fmt: skip
    cursor.execute(
        "insert into channels (project_id, name, kind, document, set_at, author) values (?, ?, ?, ?, ?, ?) "
        "on conflict do update set kind = excluded.kind, document = excluded.document, set_at = excluded.set_at, "
        "author = excluded.author",
        [told.project_id, told.name, told.kind, document, told.set_at, told.author],
    )
    _note(cursor, told.project_id, told.name, told.kind, document, told.set_at, told.author)
    cursor.execute(
        "update deliveries set next_try_at = ? where project_id = ? and channel = ? and state = 'waiting' "
        "and next_try_at > ? and (alert_id is null or alert_id not in (select alert_id from alerts where "
        "snoozed_until > ?))",
        [told.set_at, told.project_id, told.name, told.set_at, told.set_at],
    )


def _note(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, name: str, kind: str, document: str | None, at: datetime,
    author: str | None,
) -> None:  # fmt: skip
    cursor.execute(
        "insert into channel_versions values (?, ?, ?, ?, ?, ?)", [project_id, name, kind, document, at, author]
    )


def delete(cursor: DuckDBPyConnection, project_id: int, name: str, now: datetime, author: str | None) -> bool:
    """Take a channel away, with what waits for it; what it was told stays. False: there is none."""
    known = channel(cursor, project_id, name)
    if known is None:
        return False
    cursor.execute("delete from channels where project_id = ? and name = ?", [project_id, name])
    _note(cursor, project_id, name, known.kind, None, now, author)
    cursor.execute(
        "update deliveries set state = 'cancelled', next_try_at = null where project_id = ? and channel = ? "
        "and state = 'waiting'",
        [project_id, name],
    )
    return True


def chosen(known: Sequence[Channel], event: str, severity: str, notify: Sequence[str]) -> list[Channel]:
    """Which channels are told: those that `notify` names, else those of the severity; of these, those that want events
    of the kind. If none of the names is a channel any more, it is told to those of the severity, not to nobody.
    """  # noqa: D205 - one thought
    named = [one for one in known if one.name in notify]
    candidates = named or [one for one in known if severity in one.severities]
    return [one for one in candidates if event in one.events]
