"""Alerts, channels and deliveries in a real store: who did what stays, and what is to be told is told in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from duckdb import DuckDBPyConnection

from store import alerts, channels, deliveries
from store.alerts import Alert, AlertStateError, Opening
from store.channels import Channel
from store.deliveries import Delivery, Telling, Tried, Try

Store = Any  # of conftest.py
NOW = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - UTC without a zone, as the store holds it
HOUR = timedelta(hours=1)
MONITORS = {name: UUID(int=number) for number, name in enumerate(("errors", "cost", "latency"), 1)}


def opening(monitor: str = "errors", cause: str = "release:1.8", **more: Any) -> Opening:
    told = Opening(
        MONITORS[monitor], monitor, 3, "warning", f"{monitor} went up.", cause, NOW - HOUR, None, None, "{}", NOW
    )
    return replace(told, **more)


@pytest.fixture
def write(store: Store) -> Callable[..., Any]:
    """Run a function in a transaction of its own."""
    return lambda work: store.writer.call(work).result(30)


def opened(write: Callable[..., Any], *told: Opening, at: datetime = NOW, project_id: int = 1) -> list[Alert]:
    return write(lambda cursor: alerts.open_many(cursor, project_id, told, at))


def events_of(store: Store, alert: Alert) -> list[tuple[str, str | None]]:
    with store.readers.read() as con:
        return [(one.event, one.author) for one in alerts.events(con, alert.alert_id)]


def now_of(store: Store, alert: Alert) -> Alert:
    with store.readers.read() as con:
        found = alerts.of_id(con, alert.alert_id)
    assert found is not None
    return found


def test_numbers_count_in_each_project(store: Store, write: Callable[..., Any]) -> None:
    first, second = opened(write, opening("errors"), opening("cost"))
    (other,) = opened(write, opening("errors"), project_id=2)
    assert [first.number, second.number, other.number] == [1, 2, 1]
    third = write(lambda cursor: alerts.open_(cursor, 1, opening("latency"), NOW))
    assert (third.number, now_of(store, third)) == (3, third)
    write(lambda cursor: alerts.resolve(cursor, third.alert_id, NOW, None))
    with store.readers.read() as con:
        assert alerts.open_of(con, 1) == {MONITORS["errors"]: first, MONITORS["cost"]: second}


def test_all_that_happens_stays_with_whoever_did_it(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())

    def work(cursor: DuckDBPyConnection) -> None:
        alerts.explained(
            cursor, alert.alert_id, verdict="Release 1.8 did it.", cause="release:1.8", changed_since=NOW - 2 * HOUR,
            since_low=NOW - 3 * HOUR, since_high=NOW - HOUR, document='{"a": 1}', now=NOW,
        )  # fmt: skip
        alerts.acknowledge(cursor, alert, NOW + HOUR, "Ada", "I look.")
        alerts.own(cursor, alert, NOW + HOUR, "Ada", "Bo", None)
        alerts.note(cursor, alert, NOW + 2 * HOUR, "Bo", "It was **this**.")
        alerts.snooze(cursor, alert, NOW + 2 * HOUR, "Bo", NOW + 6 * HOUR, None)
        alerts.unsnooze(cursor, replace(alert, snoozed_until=NOW), NOW + 3 * HOUR, "Bo")
        alerts.counted(cursor, alert.alert_id, NOW + 3 * HOUR)
        alerts.counted(cursor, alert.alert_id, NOW)  # an older look changes nothing
        assert alerts.resolve(cursor, alert.alert_id, NOW + 4 * HOUR, None)
        assert not alerts.resolve(cursor, alert.alert_id, NOW + 5 * HOUR, "Cy")

    write(work)
    assert events_of(store, alert) == [
        ("opened", None), ("explained", None), ("acknowledged", "Ada"), ("owned", "Ada"), ("noted", "Bo"),
        ("snoozed", "Bo"), ("unsnoozed", "Bo"), ("resolved", None),
    ]  # fmt: skip
    kept = now_of(store, alert)
    assert (kept.state, kept.acknowledged_by, kept.owner, kept.note, kept.resolved_by) == (
        "resolved", "Ada", "Bo", "It was **this**.", None,
    )  # fmt: skip
    assert (kept.last_counted, kept.verdict) == (NOW + 3 * HOUR, "Release 1.8 did it.")


@pytest.mark.parametrize("what", ["acknowledge", "snooze"])
def test_a_resolved_one_takes_no_more(write: Callable[..., Any], what: str) -> None:
    (alert,) = opened(write, opening())
    write(lambda cursor: alerts.resolve(cursor, alert.alert_id, NOW, "Ada"))
    resolved = replace(alert, state="resolved")
    acts: dict[str, Callable[[DuckDBPyConnection], None]] = {
        "acknowledge": lambda cursor: alerts.acknowledge(cursor, resolved, NOW, "Ada", None),
        "snooze": lambda cursor: alerts.snooze(cursor, resolved, NOW, "Ada", NOW + HOUR, None),
    }
    with pytest.raises(AlertStateError, match="is resolved"):
        write(acts[what])


def test_one_is_reopened_unless_its_monitor_has_another(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())
    with pytest.raises(AlertStateError, match="only a resolved one"):
        write(lambda cursor: alerts.reopen(cursor, alert, NOW, "Ada", None))
    write(lambda cursor: alerts.resolve(cursor, alert.alert_id, NOW, "Ada"))
    write(lambda cursor: alerts.reopen(cursor, now_of(store, alert), NOW, "Ada", "Too early."))
    assert now_of(store, alert).state == "firing"
    write(lambda cursor: alerts.resolve(cursor, alert.alert_id, NOW, "Ada"))
    (other,) = opened(write, opening())
    with pytest.raises(AlertStateError, match=f"open alert already, number {other.number}"):
        write(lambda cursor: alerts.reopen(cursor, now_of(store, alert), NOW, "Ada", None))


def test_alerts_of_one_cause_belong_together_while_they_come_within_a_day(write: Callable[..., Any]) -> None:
    early = opened(write, opening("errors"), opening("cost"))
    late = opened(write, opening("latency"), at=NOW + 40 * HOUR)
    other = opened(write, opening("errors", "model:gpt-4o"), at=NOW + 41 * HOUR)
    groups = alerts.grouped([*early, *late, *other])
    assert [[one.number for one in group] for group in groups] == [[4], [3], [1, 2]]


def test_pages_of_a_list(store: Store, write: Callable[..., Any]) -> None:
    made = opened(write, opening("errors"), opening("cost", owner="Ada"), opening("latency"))
    write(lambda cursor: alerts.resolve(cursor, made[2].alert_id, NOW, "Ada"))
    with store.readers.read() as con:
        page = alerts.listed(con, 1, "all", limit=2)
        rest = alerts.listed(con, 1, "all", limit=2, before=page.alerts[-1].number)
        assert [one.number for one in [*page.alerts, *rest.alerts]] == [3, 2, 1]
        assert (page.total, page.open) == (3, 2)
        assert [one.number for one in alerts.listed(con, 1, "open", owner="Ada").alerts] == [2]
        assert [one.number for one in alerts.listed(con, 1, "resolved", "latency").alerts] == [3]


# Deliveries.


def channel(name: str, severities: tuple[str, ...] = channels.SEVERITIES, events: Any = channels.EVENTS) -> Channel:
    return Channel(1, name, "webhook", "https://host/***", "place", False, severities, events, NOW, "Ada")


@pytest.mark.parametrize(
    ("event", "severity", "notify", "told"),
    [
        pytest.param("opened", "warning", (), ["all", "no-info"], id="of-its-severity"),
        pytest.param("opened", "critical", (), ["all", "no-info", "critical"], id="critical"),
        pytest.param("opened", "info", ("critical",), ["critical"], id="named-whatever-its-severity"),
        pytest.param("opened", "info", ("gone",), ["all"], id="named-and-gone-is-not-nobody"),
        pytest.param("resolved", "critical", (), ["all", "no-info"], id="of-the-event"),
    ],
)  # fmt: skip
def test_whom_an_alert_is_told_to(event: str, severity: str, notify: tuple[str, ...], told: list[str]) -> None:
    known = [
        channel("all"), channel("no-info", ("warning", "critical")),
        channel("critical", ("critical",), ("opened", "escalated")),
    ]  # fmt: skip
    assert [one.name for one in channels.chosen(known, event, severity, notify)] == told


def add(write: Callable[..., Any], name: str, alert: Alert, event: str, at: datetime, message: int) -> None:
    told = Telling(name, UUID(int=message), alert.alert_id, {"number": alert.number}, at)
    write(lambda cursor: deliveries.add(cursor, 1, event, [told]))


def due(store: Store, at: datetime, most: int = 10) -> list[Delivery]:
    with store.readers.read() as con:
        return deliveries.due(con, at, most)


def done(store: Store, at: datetime, outcome: str, again: datetime | None, most: int = 10) -> Callable[..., Any]:
    parts = due(store, at, most)
    return lambda cursor: deliveries.note(cursor, [Tried(parts, Try(at, 5.0, outcome, "told"), again)])


def test_what_a_channel_is_told_of_one_alert_goes_in_order(store: Store, write: Callable[..., Any]) -> None:
    """A resolution that overtakes its opening would leave an incident open for good at the receiver's."""
    one, other = opened(write, opening("errors"), opening("cost"))
    add(write, "ops", one, "opened", NOW, 1)
    write(done(store, NOW, "refused", NOW + HOUR))
    add(write, "ops", one, "resolved", NOW + timedelta(minutes=1), 2)
    add(write, "ops", other, "opened", NOW + timedelta(minutes=2), 3)
    assert [part.message_id.int for part in due(store, NOW + timedelta(minutes=5))] == [3]
    assert [part.message_id.int for part in due(store, NOW + HOUR)] == [3, 1]
    write(done(store, NOW + HOUR, "sent", None))
    assert [part.message_id.int for part in due(store, NOW + HOUR)] == [2]


def test_new_messages_go_before_those_that_failed_and_each_channel_has_its_share(
    store: Store, write: Callable[..., Any]
) -> None:
    made = opened(write, opening("errors"), opening("cost"), opening("latency"))
    add(write, "ops", made[0], "opened", NOW, 1)
    write(done(store, NOW, "failed", NOW))
    add(write, "ops", made[1], "opened", NOW + HOUR, 2)
    add(write, "ops", made[2], "opened", NOW + 2 * HOUR, 3)
    add(write, "mail", made[2], "opened", NOW + 2 * HOUR, 4)
    found = due(store, NOW + 3 * HOUR, 2)
    assert [(part.channel, part.message_id.int) for part in found] == [("ops", 2), ("mail", 4), ("ops", 3)]


def test_the_alerts_of_one_message_go_together(store: Store, write: Callable[..., Any]) -> None:
    made = opened(write, opening("errors"), opening("cost"))
    for one in made:
        add(write, "ops", one, "opened", NOW, 1)
    assert len(due(store, NOW, 1)) == 2
    write(done(store, NOW, "sent", None))
    with store.readers.read() as con:
        logged = deliveries.logged(con, 1)
        assert [(one.number, one.delivery.state, one.delivery.tries) for one in logged] == [
            (2, "sent", 1),
            (1, "sent", 1),
        ]
        assert [one.outcome for one in deliveries.tries(con, logged[0].delivery.delivery_id)] == ["sent"]


def test_what_is_given_up_is_tried_again_on_demand(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())
    add(write, "ops", alert, "opened", NOW, 1)
    write(done(store, NOW, "timeout", None))
    with store.readers.read() as con:
        (logged,) = deliveries.logged(con, 1, state="failed")
    assert due(store, NOW + 9 * HOUR) == []
    delivery_id = logged.delivery.delivery_id
    assert write(lambda cursor: deliveries.retry(cursor, 1, delivery_id, NOW + 10 * HOUR))
    (again,) = due(store, NOW + 10 * HOUR)
    assert (again.tries, again.give_up_at) == (1, NOW + 34 * HOUR)
    assert not write(lambda cursor: deliveries.retry(cursor, 1, uuid4(), NOW))
    assert not write(lambda cursor: deliveries.retry(cursor, 2, delivery_id, NOW))


def test_a_snooze_holds_what_waits(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())
    add(write, "ops", alert, "opened", NOW, 1)

    def snooze(cursor: DuckDBPyConnection) -> None:
        alerts.snooze(cursor, alert, NOW, "Ada", NOW + 30 * HOUR, None)
        deliveries.hold(cursor, alert.alert_id, NOW + 30 * HOUR)

    on_way = due(store, NOW)
    write(snooze)
    assert due(store, NOW + 29 * HOUR) == []
    # One that was on its way meanwhile and failed is held as well.
    failed = Tried(on_way, Try(NOW, 5.0, "failed", None), NOW + HOUR)
    write(lambda cursor: deliveries.note(cursor, [failed]))
    write(lambda cursor: channels.put(cursor, replace(channel("ops"), set_at=NOW + HOUR)))
    assert due(store, NOW + 29 * HOUR) == []
    assert len(due(store, NOW + 30 * HOUR)) == 1
    write(lambda cursor: deliveries.release(cursor, alert.alert_id, NOW + 2 * HOUR))
    assert len(due(store, NOW + 2 * HOUR)) == 1


def test_a_new_address_has_what_waits_tried_at_once(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())
    add(write, "ops", alert, "opened", NOW, 1)
    write(done(store, NOW, "failed", NOW + 9 * HOUR))
    write(lambda cursor: channels.put(cursor, replace(channel("ops"), set_at=NOW + HOUR)))
    assert len(due(store, NOW + HOUR)) == 1


def test_a_channel_that_goes_takes_what_waits_along(store: Store, write: Callable[..., Any]) -> None:
    (alert,) = opened(write, opening())
    write(lambda cursor: channels.put(cursor, channel("ops")))
    add(write, "ops", alert, "opened", NOW, 1)
    on_way = due(store, NOW)
    assert write(lambda cursor: channels.delete(cursor, 1, "ops", NOW, "Ada"))
    assert not write(lambda cursor: channels.delete(cursor, 1, "ops", NOW, "Ada"))
    assert due(store, NOW + HOUR) == []
    sent = Tried(on_way, Try(NOW, 5.0, "sent", None), None)
    write(lambda cursor: deliveries.note(cursor, [sent]))  # it was on its way when the channel went
    assert store.rows("select state, next_try_at from deliveries") == [("sent", None)]
    told = "select name, document is null, author from channel_versions order by set_at, document is null"
    assert store.rows(told) == [("ops", False, "Ada"), ("ops", True, "Ada")]


def test_a_channel_is_kept_as_it_was_set(store: Store, write: Callable[..., Any]) -> None:
    told = channel("ops", ("critical",), ("opened",))
    write(lambda cursor: channels.put(cursor, told))
    with store.readers.read() as con:
        assert channels.channel(con, 1, "ops") == told
        assert channels.channels(con, 2) == []
    assert json.loads(str(store.rows("select document from channels")[0][0]))["place"] == "place"
