"""Deliveries: what each channel is to be told of each alert, until it is, and every try.

Reads take any cursor; writes go through `Writer.call`. A row is there before the first try and is noted as sent after
the receiver took it, so whatever ends the process between the two makes it be told again, and never lost. Times are UTC
without a zone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection

GIVEN_UP_AFTER = timedelta(hours=24)
_COLUMNS = (
    "d.project_id, d.delivery_id, d.message_id, d.channel, d.alert_id, d.event, d.message, d.state, d.created_at, "
    "d.next_try_at, d.give_up_at, d.tries, d.sent_at"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as it stands."""

    project_id: int
    delivery_id: UUID
    message_id: UUID
    channel: str
    alert_id: UUID | None  # null: a test
    event: str
    message: str  # JSON
    state: str  # waiting sent failed cancelled
    created_at: datetime
    next_try_at: datetime | None
    give_up_at: datetime
    tries: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Try:
    """One try to deliver a message."""

    began_at: datetime
    took_ms: float
    outcome: str  # sent refused failed timeout
    detail: str | None  # without any secret

    @property
    def ended_at(self) -> datetime:
        return self.began_at + timedelta(milliseconds=self.took_ms)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the rows of one message."""

    deliveries: Sequence[Delivery]
    attempt: Try
    next_try_at: datetime | None  # null: sent, or given up


@dataclass(frozen=True, slots=True)
class Logged:
    """A delivery with the alert that it is about, and its last try."""

    delivery: Delivery
    number: int | None  # of the alert; null: a test
    last: Try | None  # null: not tried yet


@dataclass(frozen=True, slots=True)
class Telling:
    """What one channel is to be told of one alert."""

    channel: str
    message_id: UUID
    alert_id: UUID
    message: Mapping[str, Any]  # plain values
    at: datetime


def add(cursor: DuckDBPyConnection, project_id: int, event: str, told: Sequence[Telling]) -> None:
    """Have all of it told, from its time on."""
    if not told:
        return
    cursor.execute(
        """
        insert into deliveries (project_id, delivery_id, message_id, channel, alert_id, event, message, state,
                                created_at, next_try_at, give_up_at, tries)
        select $project_id, uuid(), message_id, channel, alert_id, $event, message, 'waiting', due_at,
               due_at, due_at + to_hours($hours), 0
        from (select unnest($messages::uuid[]) as message_id, unnest($channels::varchar[]) as channel,
                     unnest($alerts::uuid[]) as alert_id, unnest($texts::varchar[]) as message,
                     unnest($times::timestamp[]) as due_at)""",
        {
            "project_id": project_id, "event": event, "hours": int(GIVEN_UP_AFTER / timedelta(hours=1)),
            "messages": [one.message_id for one in told], "channels": [one.channel for one in told],
            "alerts": [one.alert_id for one in told], "texts": [json.dumps(one.message) for one in told],
            "times": [one.at for one in told],
        },
    )  # fmt: skip


def add_test(  # noqa: PLR0917 - a row
    cursor: DuckDBPyConnection, project_id: int, channel: str, message_id: UUID, message: str, done: Try
) -> None:
    """A test message, which is tried once, and what became of it."""
    state, sent_at = ("sent", done.began_at) if done.outcome == "sent" else ("failed", None)
    cursor.execute(
        "insert into deliveries values (?, ?, ?, ?, null, 'test', ?, ?, ?, null, ?, 1, ?)",
        [project_id, message_id, message_id, channel, message, state, done.began_at, done.began_at, sent_at],
    )
    _add_try(cursor, project_id, message_id, done)


def _add_try(cursor: DuckDBPyConnection, project_id: int, delivery_id: UUID, done: Try) -> None:
    cursor.execute(
        "insert into delivery_tries values (?, ?, ?, ?, ?, ?)",
        [project_id, delivery_id, done.began_at, done.took_ms, done.outcome, done.detail],
    )


def due(cursor: DuckDBPyConnection, now: datetime, per_channel: int) -> list[Delivery]:
    """What is to be tried now, at most so many messages of each channel: those with the fewest tries first.

    What a channel is to be told of one alert goes in order: while an earlier row of it waits, later ones do. All rows
    of a message come, or none.
    """
    if not cursor.execute(
        "select 1 from deliveries where state = 'waiting' and next_try_at <= ? limit 1", [now]
    ).fetchall():
        return []  # mostly, and at a fifth of the price
    rows = cursor.execute(
        f"""
        with waiting as (
            select project_id, channel, message_id, alert_id, created_at, next_try_at, tries,
                   min(created_at) over (partition by project_id, channel, alert_id) as earliest
            from deliveries where state = 'waiting' and alert_id is not null
        ), messages as (
            select project_id, channel, message_id, max(tries) as tries, min(created_at) as created_at
            from waiting group by all having bool_and(next_try_at <= $now and created_at = earliest)
        ), ranked as (
            select project_id, channel, message_id, row_number() over (
                partition by project_id, channel order by tries, created_at, message_id) as place
            from messages
        )
        select {_COLUMNS}, r.place from deliveries d
        join ranked r on r.project_id = d.project_id and r.channel = d.channel and r.message_id = d.message_id
        where d.state = 'waiting' and r.place <= $most
        order by r.place, d.created_at, d.message_id, d.alert_id""",
        {"now": now, "most": per_channel},
    ).fetchall()
    return [Delivery(*row[:-1]) for row in rows]


def note(cursor: DuckDBPyConnection, done: Sequence[Tried]) -> None:
    """Write what became of messages: the tries, and where each delivery stands after them.

    By two statements for all: one by one a row holds the writer for 4 ms of CPU, and fifty together do for 10.
    """
    rows = [(delivery, one) for one in done for delivery in one.deliveries]
    told = {
        "project_id": [delivery.project_id for delivery, _ in rows],
        "delivery_id": [delivery.delivery_id for delivery, _ in rows],
        "began_at": [one.attempt.began_at for _, one in rows], "took_ms": [one.attempt.took_ms for _, one in rows],
        "outcome": [one.attempt.outcome for _, one in rows], "detail": [one.attempt.detail or "" for _, one in rows],
    }  # fmt: skip
    cursor.execute(
        "insert into delivery_tries select unnest($project_id::integer[]), unnest($delivery_id::uuid[]), "
        "unnest($began_at::timestamp[]), unnest($took_ms::double[]), unnest($outcome::varchar[]), "
        "nullif(unnest($detail::varchar[]), '')",
        told,
    )
    # One that was cancelled meanwhile stays so unless it was sent: that happened. One that is snoozed waits for that.
    cursor.execute(
        """
        update deliveries set tries = tries + 1,
            state = case when t.sent then 'sent' when state <> 'waiting' then state
                         when t.again is null then 'failed' else 'waiting' end,
            sent_at = case when t.sent then t.ended_at else sent_at end,
            next_try_at = case when state = 'waiting' and not t.sent and t.again is not null
                               then greatest(t.again, s.snoozed_until) end
        from (select unnest($delivery_id::uuid[]) as told_id, unnest($alert_id::uuid[]) as about,
                     unnest($sent::boolean[]) as sent, unnest($again::timestamp[]) as again,
                     unnest($ended_at::timestamp[]) as ended_at) t
        left join (select alert_id as snoozed, snoozed_until from alerts where snoozed_until is not null) s
            on s.snoozed = t.about
        where delivery_id = t.told_id""",
        {
            "delivery_id": told["delivery_id"], "alert_id": [delivery.alert_id for delivery, _ in rows],
            "sent": [one.attempt.outcome == "sent" for _, one in rows],
            "again": [one.next_try_at for _, one in rows], "ended_at": [one.attempt.ended_at for _, one in rows],
        },
    )  # fmt: skip


def hasten(cursor: DuckDBPyConnection, project_id: int, channel: str, now: datetime) -> None:
    """A channel takes messages again: whatever waits for it after a failure is due."""
    cursor.execute(
        "update deliveries set next_try_at = ? where project_id = ? and channel = ? and state = 'waiting' "
        "and tries > 0 and next_try_at > ? and alert_id not in (select alert_id from alerts where snoozed_until > ?)",
        [now, project_id, channel, now, now],
    )


def hold(cursor: DuckDBPyConnection, alert_id: UUID, until: datetime) -> None:
    """What waits to be told of an alert waits at least so long."""
    cursor.execute(
        "update deliveries set next_try_at = greatest(next_try_at, ?), give_up_at = greatest(give_up_at, ?) "
        "where alert_id = ? and state = 'waiting'",
        [until, until + GIVEN_UP_AFTER, alert_id],
    )


def release(cursor: DuckDBPyConnection, alert_id: UUID, now: datetime) -> None:
    """What was held is due."""
    cursor.execute(
        "update deliveries set next_try_at = least(next_try_at, ?) where alert_id = ? and state = 'waiting'",
        [now, alert_id],
    )


def retry(cursor: DuckDBPyConnection, project_id: int, delivery_id: UUID, now: datetime) -> bool:
    """Have one that was given up, or waits, tried now and for another 24 hours. False: there is none such."""
    return bool(
        cursor.execute(
            "update deliveries set state = 'waiting', next_try_at = ?, give_up_at = ? where project_id = ? "
            "and delivery_id = ? and state in ('waiting', 'failed') and alert_id is not null returning 1",
            [now, now + GIVEN_UP_AFTER, project_id, delivery_id],
        ).fetchall()
    )


def told_to(cursor: DuckDBPyConnection, alert_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """Of each alert the names of the channels that were, or still are to be, told of it."""
    rows = cursor.execute(
        "select distinct alert_id, channel from deliveries where list_contains($ids::uuid[], alert_id) "
        "and state <> 'cancelled'",
        {"ids": list(alert_ids)},
    ).fetchall()
    told: dict[UUID, set[str]] = {alert_id: set() for alert_id in alert_ids}
    for alert_id, channel in rows:
        told[alert_id].add(channel)
    return told


def logged(
    cursor: DuckDBPyConnection, project_id: int, *, alert_id: UUID | None = None, delivery_id: UUID | None = None,
    state: str | None = None, channel: str | None = None, limit: int = 200,
) -> list[Logged]:  # fmt: skip
    """Deliveries, the newest first; null: of any alert, state, channel."""
    rows = cursor.execute(
        f"""
        with latest as (
            select delivery_id, max(began_at) as began_at from delivery_tries where project_id = $project_id
            group by delivery_id
        )
        select {_COLUMNS}, a.number, t.began_at, t.took_ms, t.outcome, t.detail
        from deliveries d
        left join alerts a on a.alert_id = d.alert_id
        left join latest l on l.delivery_id = d.delivery_id
        left join delivery_tries t on t.delivery_id = d.delivery_id and t.began_at = l.began_at
        where d.project_id = $project_id and ($alert_id::uuid is null or d.alert_id = $alert_id)
          and ($delivery_id::uuid is null or d.delivery_id = $delivery_id)
          and ($state::varchar is null or d.state = $state) and ($channel::varchar is null or d.channel = $channel)
        order by d.created_at desc, a.number desc, d.channel, d.delivery_id limit $limit""",
        {
            "project_id": project_id, "alert_id": alert_id, "delivery_id": delivery_id, "state": state,
            "channel": channel, "limit": limit,
        },
    ).fetchall()  # fmt: skip
    return [Logged(Delivery(*row[:13]), row[13], None if row[14] is None else Try(*row[14:])) for row in rows]


def tries(cursor: DuckDBPyConnection, delivery_id: UUID) -> list[Try]:
    """Every try of a delivery, in order."""
    rows = cursor.execute(
        "select began_at, took_ms, outcome, detail from delivery_tries where delivery_id = ? order by began_at, rowid",
        [delivery_id],
    ).fetchall()
    return [Try(*row) for row in rows]


def last_of_channels(cursor: DuckDBPyConnection, project_id: int) -> dict[str, tuple[str, Try]]:
    """Of each channel that was tried: the state of the delivery tried last, and that try."""
    rows = cursor.execute(
        """
        select channel, state, began_at, took_ms, outcome, detail from (
            select d.channel, d.state, t.began_at, t.took_ms, t.outcome, t.detail,
                   row_number() over (partition by d.channel order by t.began_at desc, t.delivery_id) as place
            from delivery_tries t join deliveries d on d.delivery_id = t.delivery_id where d.project_id = ?)
        where place = 1""",
        [project_id],
    ).fetchall()
    return {row[0]: (row[1], Try(*row[2:])) for row in rows}


def waiting_of_channels(cursor: DuckDBPyConnection, project_id: int) -> dict[str, int]:
    """How many deliveries wait for each channel; those with none are left out."""
    rows = cursor.execute(
        "select channel, count(*) from deliveries where project_id = ? and state = 'waiting' group by channel",
        [project_id],
    ).fetchall()
    return dict(rows)
