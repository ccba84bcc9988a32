"""Alerts of rounds as monitors are set anew, turned off, taken away, and as clocks and late data have it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from watched import HOUR, World

from server.monitors import monitors, raising
from server.monitors.monitors import ReservedNameError
from store import alerts, channels
from store.channels import Channel

START = datetime(2026, 11, 2)  # noqa: DTZ001 - a Monday; UTC without a zone, as the store holds times
LAG = timedelta(minutes=3)
BAD = {"signal": "error_rate", "window": "1h", "alert": {"kind": "threshold", "above": 0.25}}


@pytest.fixture
def world(world: World) -> World:
    """With a channel that is told of all."""
    told = Channel(
        world.project_id, "chat", "webhook", "webhook", "nowhere", signed=False,
        severities=("info", "warning", "critical"), events=("opened", "escalated", "resolved"), set_at=START,
        author=None,
    )  # fmt: skip
    world.core.writer.call(lambda cursor: channels.put(cursor, told)).result()
    return world


def at(hours: float) -> datetime:
    return START + hours * HOUR + LAG


def hours(*failed: int, n: int = 10) -> list[dict[str, Any]]:
    return [{"n": n, "failed": one} for one in failed]


def told(world: World) -> list[tuple[str, str]]:
    """Events that the channel is told of, the oldest first, with their message."""
    with world.core.readers.read() as con:
        rows = con.execute(
            "select event, message_id::varchar from deliveries where project_id = ? order by created_at, event",
            [world.project_id],
        ).fetchall()
    return [(row[0], row[1]) for row in rows]


def events(world: World, alert: alerts.Alert) -> list[tuple[str, str | None, str | None]]:
    with world.core.readers.read() as con:
        return [(one.event, one.author, one.text) for one in alerts.events(con, alert.alert_id)]


def fires(world: World, name: str = "bad", **more: Any) -> alerts.Alert:
    """A monitor that fires at hour 3, over calls that fail from then on."""
    world.calls("shop", START, hours(0, 0, 9, 9, 9, 9, 9, 9))
    world.set(name, at(1), where={"service": "shop"}, **BAD, **more)
    world.turns(at(1), at(3))
    (alert,) = world.alerts(name)
    assert alert.state == "firing"
    return alert


# A storm.


def test_many_that_fire_at_once_are_one_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those that are told before anything explains them."""
    monkeypatch.setattr(raising, "EXPLAINED", 0)
    monkeypatch.setattr(raising, "EXPLAINED_AFTER", 0)
    world.calls("shop", START, hours(0, 0, 9, 0))
    names = [f"bad-{number}" for number in range(12)]
    for name in names:
        world.set(name, at(1), where={"service": "shop"}, **BAD)
    world.turns(at(1), at(3))
    with world.core.readers.read() as con:
        numbers = [one.number for one in alerts.open_of(con, world.project_id).values()]
    assert sorted(numbers) == list(range(1, 13))
    opened = [message for event, message in told(world) if event == "opened"]
    assert (len(opened), len(set(opened))) == (12, 1)
    world.turns(at(4), at(4))
    assert {world.alerts(name)[0].state for name in names} == {"resolved"}
    assert [event for event, _ in told(world)].count("resolved") == 12


def test_one_that_begins_and_is_over_within_a_round_is_told_of_both(world: World) -> None:
    world.calls("shop", START, hours(0, 0, 9, 0))
    world.set("bad", at(1), where={"service": "shop"}, **BAD)
    world.turns(at(1), at(1))
    world.turns(at(4), at(4))
    (alert,) = world.alerts("bad")
    assert (alert.state, alert.last_counted) == ("resolved", START + 3 * HOUR)
    assert [event for event, _ in told(world)] == ["opened", "resolved"]


# Taken away, turned off, set anew.


def test_one_that_is_deleted_takes_its_alert_with_it(world: World) -> None:
    alert = fires(world)
    monitors.delete(world.core, world.project, "bad", "ada", at(3.5))
    (after,) = world.alerts("bad")
    assert (after.state, after.resolved_by) == ("resolved", "ada")
    assert events(world, alert)[-1] == ("resolved", "ada", "The monitor was deleted.")
    assert [event for event, _ in told(world)] == ["opened", "resolved"]


def test_one_that_is_turned_off_ends_its_alert_and_begins_anew(world: World) -> None:
    alert = fires(world)
    off = world.set("bad", at(3.5), where={"service": "shop"}, enabled=False, **BAD)
    assert (off.state, off.recent, off.enabled) == ("new", "", False)
    assert events(world, alert)[-1] == ("resolved", "ada", "The monitor was turned off.")
    assert [event for event, _ in told(world)] == ["opened", "resolved"]
    world.turns(at(4), at(5))
    assert len(world.alerts("bad")) == 1, "it does not look"
    world.watch.look(world.one("bad"), at(6))
    assert len(world.alerts("bad")) == 1, "and where somebody lets it look, it tells nobody"
    assert world.one("bad").state == "firing"
    world.set("bad", at(6.5), where={"service": "shop"}, **BAD)
    world.turns(at(7), at(7))
    assert [one.state for one in world.alerts("bad")] == ["firing", "resolved"], "what still holds is told again"


def test_one_that_is_set_to_watch_something_else_ends_its_alert(world: World) -> None:
    alert = fires(world)
    anew = world.set("bad", at(3.5), where={"service": "shop"}, **{**BAD, "window": "2h"})
    assert (anew.state, anew.looked_until) == ("new", None)
    assert events(world, alert)[-1] == ("resolved", "ada", "The monitor was set anew, as version 2.")
    world.turns(at(3.6), at(3.6))
    assert world.one("bad").state == "firing", "it looks at once, though no bucket is over since"
    old, new = sorted(world.alerts("bad"), key=lambda one: one.number)
    assert (old.version, old.state, new.version, new.state) == (1, "resolved", 2, "firing")
    assert {look.version for look in world.looks("bad")} == {2}, "looks of another monitor are not its own"


def test_a_change_beside_what_it_watches_leaves_its_alert(world: World) -> None:
    fires(world)
    world.set("bad", at(3.5), where={"service": "shop"}, owner="ben", **BAD)
    assert [one.state for one in world.alerts("bad")] == ["firing"]
    assert world.one("bad").state == "firing"


def test_the_route_of_suggestions_is_no_monitors_name(world: World) -> None:
    with pytest.raises(ReservedNameError, match="'suggestions'"):
        world.set("suggestions", at(1), **BAD)


# Clocks, and nothing at all.


def test_a_clock_that_was_ahead_silences_nothing(world: World) -> None:
    world.calls("shop", START, hours(*[0] * 6, 9, 9))
    world.set("bad", at(1), where={"service": "shop"}, **BAD)
    world.turns(at(1), at(2))
    world.turns(at(24 * 300), at(24 * 300))
    assert world.one("bad").state == "insufficient data"
    world.watch.rounds.turn(at(7))
    assert world.one("bad").looked_until == START + 7 * HOUR
    assert world.one("bad").state == "firing"


@pytest.mark.parametrize("signal", ["error_rate", "volume", "spend", "duration", "ledger_losses", "tool_mix"])
def test_an_empty_project_has_insufficient_data(world: World, signal: str) -> None:
    world.set("empty", at(1), signal=signal)
    world.turns(at(1), at(2))
    known = world.one("empty")
    assert known.state == "insufficient data"
    assert known.why


# Many at once.


def test_many_new_monitors_look_a_few_a_turn_and_none_is_forgotten(world: World) -> None:
    """The first look of each reads weeks, for which whoever sends waits; others are not held up by it."""
    world.set("bad", at(0), where={"service": "shop"}, **BAD)
    world.turns(at(1), at(1))
    for number in range(30):
        world.set(f"new{number}", at(1), where={"service": f"s{number:02}"}, **BAD)
    rounds = world.watch.rounds
    done = [rounds.of_project(world.project_id, at(hour), new=2) for hour in (2, 2, 2, 3)]
    assert [(one.new, one.left) for one in done] == [(12, 18), (12, 6), (6, 0), (0, 0)]
    assert world.one("bad").looked_until == START + 3 * HOUR


# What comes late.


def test_scores_that_come_days_later_are_in_the_stream(world: World) -> None:
    """A judge that lags by a day: what is kept of an hour is what it said of all its calls."""
    early, late = [[0.9] * 2 for _ in range(96)], [[0.1] * 6 for _ in range(24)]
    world.scores("shop", START, early)
    terms = {"where": {"service": "shop"}, "window": "1h", "alert": {"kind": "threshold", "below": 0.5}}
    world.set("judged", at(90), signal="score", score="relevance", **terms)
    world.turns(at(90), at(96), 6 * HOUR)
    world.scores("shop", START + 60 * HOUR, late)
    world.turns(at(97), at(97))
    with world.core.readers.read() as con:
        rows = con.execute(
            "select bucket, weight from monitor_buckets where project_id = ? order by bucket", [world.project_id]
        ).fetchall()
    weights = {bucket: weight for bucket, weight in rows if weight}
    assert weights[START + 60 * HOUR] == weights[START + 83 * HOUR] == 8
    assert weights[START + 90 * HOUR] == 2


# Cumulative sums.


def test_sums_find_a_small_lasting_change_and_end_with_it(world: World) -> None:
    """A rate of 0.1 that rises to 0.25 for two days: added up hour by hour, each hour once."""
    rng = np.random.default_rng(11)
    rise, fall, end = 14 * 24, 16 * 24, 20 * 24
    shares = [0.1] * rise + [0.25] * (fall - rise) + [0.1] * (end - fall)
    world.calls("shop", START, [{"n": 20, "failed": int(rng.binomial(20, share))} for share in shares])
    world.set(
        "sums", at(rise - 24), signal="error_rate", where={"service": "shop"}, every="4h", against={"last": "12d"},
        window="4h", alert={"method": "sums", "min_effect": 0.1, "side": "up", "season": "none"},
    )  # fmt: skip
    world.turns(at(rise - 24), at(rise - 24))
    assert "limit of the sums is being worked out" in str(world.one("sums").why)
    world.watch._calibrated(world.one("sums"), 1, at(rise - 24))
    known = json.loads(str(world.one("sums").calibration))
    assert known["limit"] > 0
    assert known["false_alarms"]["value"] <= 0.8
    world.turns(at(rise - 20), at(fall), 4 * HOUR)
    (alert,) = world.alerts("sums")
    assert START + rise * HOUR < alert.last_counted
    first = next(look.ended_at for look in world.looks("sums") if look.counts)
    assert timedelta(0) < first - (START + rise * HOUR) <= 24 * HOUR
    assert json.loads(str(world.one("sums").fitted))["sums"]["until"] == (START + fall * HOUR).isoformat()
    world.turns(at(fall + 4), at(end), 4 * HOUR)
    assert world.one("sums").state == "ok"
    assert [one.state for one in world.alerts("sums")] == ["resolved"]


def test_sums_begin_anew_with_another_ruler(world: World) -> None:
    """A sum that another version of a judge has filled says nothing of the next one."""
    rng = np.random.default_rng(12)

    def judged(days: int, mean: float) -> list[list[float | None]]:
        return [[float(one) for one in rng.normal(mean, 0.1, 6)] for _ in range(days * 24)]

    world.scores("shop", START, [*judged(5, 0.8), *judged(1, 0.6)])
    world.set(
        "sums", at(5 * 24), signal="score", score="relevance", where={"service": "shop"}, every="8h", window="4h",
        against={"last": "4d"}, alert={"method": "sums", "min_effect": 0.1, "season": "none", "least": 5},
    )  # fmt: skip
    world.turns(at(5 * 24), at(5 * 24))
    world.watch._calibrated(world.one("sums"), 1, at(5 * 24))
    world.turns(at(5 * 24 + 8), at(6 * 24), 8 * HOUR)
    assert world.one("sums").state == "firing"
    world.scores("shop", START + 6 * 24 * HOUR, judged(2, 0.3), version="2")
    world.turns(at(8 * 24), at(8 * 24 + 8), 8 * HOUR)
    fitted = json.loads(str(world.one("sums").fitted))
    assert fitted["ruler"] == "relevance 2"
    assert not fitted["sums"]["alarmed"]
