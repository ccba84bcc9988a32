"""Rounds over a real store, with a clock that the test turns: states, alerts, references, and what is no drift."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from watched import HOUR, World

from server.aside import Inline
from server.monitors import deciding, reading
from server.monitors.rounds import Rounds
from store import alerts
from store.errors import QueryTimeoutError

START = datetime(2026, 11, 2)  # noqa: DTZ001 - a Monday; UTC without a zone, as the store holds times
LAG = timedelta(minutes=3)
SHORT = {"against": {"last": "6d"}, "window": "6h", "every": "1h"}


def rate(days: float, share: float, seed: int, n: int = 24) -> list[dict[str, Any]]:
    """Hours of calls of which so many fail, by chance."""
    failed = np.random.default_rng(seed).binomial(n, share, round(days * 24))
    return [{"n": n, "failed": int(one)} for one in failed]


def at(hours: float) -> datetime:
    return START + hours * HOUR + LAG


def test_a_rate_that_rises_fires_once_and_is_over_by_itself(world: World) -> None:
    rise, fall, end = 8 * 24, 8 * 24 + 12, 8 * 24 + 28
    world.calls("rises", START, [*rate(8, 0.05, 1), *rate(12 / 24, 0.4, 2), *rate(16 / 24, 0.05, 3)])
    world.set("rises", at(rise - 6), signal="error_rate", where={"service": "rises"}, **SHORT, notify=["nobody"])
    world.turns(at(rise - 6), at(rise))
    assert world.one("rises").state == "ok"
    assert world.one("rises").fitted is not None
    assert not world.alerts("rises")
    reference = json.loads(world.one("rises").fitted)
    world.turns(at(rise + 1), at(fall))
    looks = world.looks("rises")
    counted = [look.ended_at for look in looks if look.counts]
    first = next(look.ended_at for look in looks if look.state == "firing")
    assert first == counted[1], "two of three looks count"
    assert first - (START + rise * HOUR) <= 4 * HOUR
    (alert,) = world.alerts("rises")
    assert (alert.state, alert.severity, alert.monitor, alert.version) == ("firing", "warning", "rises", 1)
    assert "Error rate" in alert.verdict
    assert alert.last_counted == looks[-1].ended_at
    assert json.loads(world.one("rises").fitted) == reference, "what is told of does not become the norm"
    world.turns(at(fall + 1), at(end))
    assert world.one("rises").state == "ok"
    (alert,) = world.alerts("rises")
    assert (alert.state, alert.resolved_by) == ("resolved", None)
    assert len({look.ended_at for look in world.looks("rises")}) == len(world.looks("rises"))


def test_seasons_do_not_fire(world: World) -> None:
    """Calls that swing between 12 and 32 an hour, and errors by night: two weeks of it, and a day."""
    rng = np.random.default_rng(5)
    daily = 22 + 10 * np.sin(2 * np.pi * (np.arange(24) - 6) / 24)
    hours = [
        {"n": int(n), "failed": int(rng.binomial(int(n), 0.3 if hour < 6 else 0.03))}
        for _ in range(16) for hour, n in enumerate(np.maximum(rng.poisson(daily), 2))
    ]  # fmt: skip
    world.calls("seasons", START, hours)
    terms = {"where": {"service": "seasons"}, "against": {"last": "14d"}, "window": "3h"}
    alert = {"alpha": 0.001, "least": 5}
    world.set("calls-by-hour", at(14 * 24), signal="volume", alert=alert, **terms)
    world.set("errors-by-hour", at(14 * 24), signal="error_rate", alert=alert, **terms)
    world.turns(at(14 * 24), at(15 * 24 + 8))
    for name in ("calls-by-hour", "errors-by-hour"):
        assert not world.alerts(name)
        assert json.loads(world.one(name).fitted)["season"] == "hour"
    expected = {look.ended_at.hour: look.expected for look in world.looks("errors-by-hour")}
    assert (expected[6], expected[15]) == (pytest.approx(0.3, abs=0.06), pytest.approx(0.03, abs=0.02))


@pytest.mark.parametrize(
    ("days", "share", "alert", "says"),
    [
        pytest.param(
            1.25, 0.1, {}, "1.2 days of reference are needed and 1.1 days are there", id="reference-too-short"
        ),
        pytest.param(8, 0.1, {"least": 1000}, " calls, and 1,000 are the least", id="window-too-small"),
        pytest.param(8, 0.0, {}, "and they do not vary", id="nothing-varies"),
        pytest.param(8, 0.1, {"season": "weekday"}, "3 weeks of reference are needed and 7.8 days", id="weekday"),
    ],
)
def test_too_little_data_is_never_ok(
    world: World, request: Any, days: float, share: float, alert: Any, says: str
) -> None:
    name = request.node.callspec.id
    end = days * 24
    world.calls(name, START, rate(days, share, 7))
    longer = {"against": {"last": "28d"}} if "season" in alert else {}
    world.set(name, at(end), signal="error_rate", where={"service": name}, alert=alert, **{**SHORT, **longer})
    world.turns(at(end), at(end + 2))
    known = world.one(name)
    assert known.state == "insufficient data"
    assert says in str(known.why)
    assert {look.counts for look in world.looks(name)} == {None}


def test_traffic_that_fails_to_come_is_no_all_clear(world: World) -> None:
    end = 8 * 24
    world.calls("stops", START, rate(8, 0.1, 8))
    world.set("stops", at(end - 4), signal="error_rate", where={"service": "stops"}, **SHORT)
    world.turns(at(end - 4), at(end + 5))
    states = [look.state for look in world.looks("stops")]
    assert states[2] == "ok"
    assert states[-1] == "insufficient data"
    assert "least" in str(world.one("stops").why)


@pytest.mark.parametrize(("share", "state"), [(0.05, "ok"), (0.4, "firing")])
def test_the_past_decides_at_once_where_it_is_stored(world: World, share: float, state: str) -> None:
    end = 8 * 24
    name = f"stored-{state}"
    world.calls(name, START, [*rate(7.5, 0.05, 21), *rate(0.5, share, 22)])
    world.set(name, at(end), signal="error_rate", where={"service": name}, **SHORT)
    world.turns(at(end), at(end))
    assert world.one(name).state == state
    assert len(world.looks(name)) == 3
    assert len(world.alerts(name)) == (state == "firing")


# Scores.


def judged(days: float, mean: float, seed: int, n: int = 12) -> list[list[float | None]]:
    values = np.random.default_rng(seed).normal(mean, 0.1, (round(days * 24), n))
    return [[float(one) for one in hour] for hour in values]


def test_another_version_of_a_judge_is_no_drift(world: World) -> None:
    """A stricter version from one hour on: what it says is not compared with what the old one said."""
    change = 8 * 24
    world.scores("judged", START, judged(8, 0.8, 1))
    terms = {"signal": "score", "score": "relevance", "where": {"service": "judged"}, **SHORT}
    world.set("judged", at(change - 4), **terms)
    world.turns(at(change - 4), at(change))
    assert world.one("judged").state == "ok"
    world.scores("judged", START + change * HOUR, judged(4, 0.4, 2), version="2")
    world.turns(at(change + 1), at(change + 12))
    assert not world.alerts("judged")
    known = world.one("judged")
    assert known.state == "insufficient data"
    assert "changed from relevance 1 to relevance 2 on 2026-11-10 00:00" in str(known.why)
    assert "of the new one are needed" in str(known.why)
    world.turns(at(change + 94), at(change + 96))
    assert world.one("judged").state == "ok"
    assert json.loads(world.one("judged").fitted)["ruler"] == "relevance 2"
    assert not world.alerts("judged")


def test_failed_scores_are_in_no_mean_and_have_a_signal_of_their_own(world: World) -> None:
    end = 8 * 24
    rng = np.random.default_rng(3)
    before = [[one if rng.random() > 0.03 else None for one in hour] for hour in judged(8, 0.8, 4)]
    after = [[one if rng.random() > 0.4 else None for one in hour] for hour in judged(12 / 24, 0.8, 5)]
    world.scores("failing", START, [*before, *after])
    terms = {"score": "relevance", "where": {"service": "failing"}, **SHORT}
    world.set("mean-of-failing", at(end), signal="score", **terms)
    world.set("failures-of-failing", at(end), signal="score_failures", **terms)
    world.turns(at(end), at(end + 12))
    assert world.one("failures-of-failing").state == "firing"
    assert world.one("mean-of-failing").state == "ok"
    assert all(look.value == pytest.approx(0.8, abs=0.05) for look in world.looks("mean-of-failing"))


# Rounds.


def test_what_is_lost_before_it_is_written_is_looked_at_again_once(world: World) -> None:
    end = 8 * 24
    world.calls("lost", START, [*rate(8, 0.05, 1), *rate(1, 0.4, 2)])
    world.set("lost", at(end), signal="error_rate", where={"service": "lost"}, **SHORT)
    rounds = world.watch.rounds
    world.turns(at(end), at(end + 2))
    known = rounds.known(world.project_id, at(end + 6))
    mine = [(one, terms) for one, terms in known.monitors if one.name == "lost"]
    seen = rounds._watched(known, mine, at(end + 6))[0]
    assert len(seen[0].seen) == 4
    assert len(world.looks("lost")) == 5
    world.turns(at(end + 6), at(end + 8))
    looked = [look.ended_at for look in world.looks("lost")]
    assert looked == [START + (end + hour) * HOUR for hour in range(-2, 9)], "none twice, none left out"
    assert len(world.alerts("lost")) == 1


def test_two_turns_at_once_write_one_look(world: World) -> None:
    end = 8 * 24
    world.calls("raced", START, rate(8, 0.05, 1))
    world.set("raced", at(end), signal="error_rate", where={"service": "raced"}, **SHORT)
    rounds = world.watch.rounds
    known = rounds.known(world.project_id, at(end))
    mine = [(one, terms) for one, terms in known.monitors if one.name == "raced"]
    seen = rounds._watched(known, mine, at(end))[0]
    world.turns(at(end), at(end))
    rounds._write(known, deciding.decided(seen, {}, at(end)), {}, at(end))
    assert len(world.looks("raced")) == 3


class Unsound(Inline):
    """As `Inline`, in which monitors that say so cannot be read."""

    def answer(self, project_id: int, work: Any, *arguments: Any) -> bytes:
        if work is reading.looked and any("unsound" in task.document for task in arguments[0]):
            raise ValueError("no such column")
        return super().answer(project_id, work, *arguments)


def test_one_that_cannot_be_read_keeps_no_other_from_looking(world: World) -> None:
    end = 8 * 24
    world.calls("sound", START, rate(8, 0.05, 1))
    world.set("sound", at(end), signal="error_rate", where={"service": "sound"}, **SHORT)
    world.set("bad", at(end), signal="error_rate", description="unsound", **SHORT)
    Rounds(world.core, Unsound(world.core.readers), "http://localhost").of_project(world.project_id, at(end))
    assert world.one("sound").looked_until == START + end * HOUR
    assert world.one("bad").state == "insufficient data"
    assert "The look failed: no such column" in str(world.one("bad").why)


def test_what_stays_after_a_person_closed_it_becomes_the_norm(world: World) -> None:
    rise = 8 * 24
    world.calls("stays", START, [*rate(8, 0.05, 1), *rate(4, 0.4, 2)])
    world.set("stays", at(rise), signal="error_rate", where={"service": "stays"}, **SHORT)
    world.turns(at(rise), at(rise + 8))
    (alert,) = world.alerts("stays")
    close = at(rise + 9)
    world.core.writer.call(lambda cursor: alerts.resolve(cursor, alert.alert_id, close, "ada")).result()
    world.turns(at(rise + 9), at(rise + 21), 4 * HOUR)
    assert world.one("stays").state == "firing"
    world.turns(at(rise + 24), at(rise + 4 * 24), 8 * HOUR)
    assert world.one("stays").state == "ok"
    assert len(world.alerts("stays")) == 1, "what is known is not told again"
    reference = json.loads(world.one("stays").fitted)
    assert reference["level"] == pytest.approx(0.4, abs=0.05)


class Slow:
    """As `Inline`, for which a month is too long to read at once."""

    def __init__(self, core: Any) -> None:
        self.inner, self.pieces = Inline(core.readers), 0

    def answer(self, project_id: int, work: Any, *arguments: Any) -> bytes:
        if work is reading.looked and any(task.kept is None for task in arguments[0]):
            raise QueryTimeoutError("The answer was not there within 0 s.")
        self.pieces += work is reading.filled
        return self.inner.answer(project_id, work, *arguments)


def test_a_stream_that_takes_too_long_is_read_in_pieces(world: World) -> None:
    end = 8 * 24
    world.calls("long", START, rate(8, 0.05, 1))
    for name in ("long", "longer"):
        world.set(name, at(end), signal="error_rate", where={"service": name.removesuffix("er")}, **SHORT)
    slow = Slow(world.core)
    Rounds(world.core, slow, "http://localhost").of_project(world.project_id, at(end))
    assert slow.pieces == 4
    assert [world.one(name).looked_until for name in ("long", "longer")] == [START + end * HOUR] * 2
    assert {look.p for look in world.looks("long")} != {None}
