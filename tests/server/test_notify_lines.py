"""Whose turn it is, without a store and without receivers: no channel takes what belongs to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.lines import LONGEST_REST_S, OF_CHANNEL, OF_FAILING, REST_S, SLOTS, Lines
from store.channels import Channel
from store.deliveries import Delivery

AT = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - UTC without a zone, as the store holds it
NOW = 1_000.0  # of the monotonic clock


def channel(name: str, place: str = "place") -> Channel:
    return Channel(1, name, "webhook", "https://host/***", place, False, (), (), AT, None)


def delivery(name: str, message: int) -> Delivery:
    return Delivery(
        1, UUID(int=message), UUID(int=message), name, UUID(int=1), "opened", "{}", "waiting", AT, AT, AT, 0, None
    )


def filled(names: Iterable[str], each: int = 5) -> Lines:
    lines = Lines()
    refill(lines, names, each)
    return lines


def refill(lines: Lines, names: Iterable[str], each: int = 5, place: str = "place") -> None:
    told = list(names)
    due = [delivery(name, 100 * at + number) for at, name in enumerate(told) for number in range(each)]
    lines.fill(due, {(1, name): channel(name, place) for name in told})


def taken(lines: Lines, now: float = NOW) -> list[str]:
    """The channels of all that may go now."""
    names = []
    while (turn := lines.take(now)) is not None:
        names.append(turn[0].name)
    return names


def fail(lines: Lines, name: str, now: float = NOW) -> None:
    lines.landed((1, name), now, 0.0, sent=False)


def test_channels_take_turns() -> None:
    assert taken(filled("ab")) == ["a", "b", "a", "b"]


def test_there_is_room_for_so_many() -> None:
    assert len(taken(filled(f"c{number}" for number in range(SLOTS)))) == SLOTS


def test_those_that_fail_leave_half_of_the_places_to_others() -> None:
    bad, good = [f"bad{number}" for number in range(SLOTS)], [f"good{number}" for number in range(SLOTS)]
    lines = filled(bad)
    for name in taken(lines):
        fail(lines, name)
    later = NOW + LONGEST_REST_S
    lines.unnoted.clear()
    refill(lines, [*bad, *good])
    names = taken(lines, later)
    assert names == [*good]
    for name in names:
        lines.landed((1, name), later, 0.0, sent=True)
    lines.unnoted.clear()
    refill(lines, bad)
    assert len(taken(lines, later)) == OF_FAILING


def test_one_that_fails_rests_longer_each_time_and_is_tried_by_one_message() -> None:
    lines, now = filled("a"), NOW
    assert taken(lines) == OF_CHANNEL * ["a"]
    rests = []
    fail(lines, "a")
    for _ in range(12):
        fail(lines, "a", now)
        at = next(at for at in range(1, 400) if taken(lines, now + at) == ["a"])
        rests.append(at)
        lines.unnoted.clear()
        refill(lines, "a")
        now += at
    assert rests[0] == REST_S
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST_S / 2
    assert lines.landed((1, "a"), now, 0.0, sent=True)  # it works again
    lines.unnoted.clear()
    refill(lines, "a")
    assert taken(lines, now) == OF_CHANNEL * ["a"]


def test_another_address_is_tried_at_once() -> None:
    lines = filled("a")
    for name in taken(lines):
        fail(lines, name)
    lines.unnoted.clear()
    refill(lines, "a", place="another")
    assert taken(lines)


def test_a_channel_that_is_gone_is_told_nothing() -> None:
    lines = filled("a")
    lines.fill([delivery("a", 1)], {})
    assert taken(lines) == []


def test_what_was_sent_is_not_sent_again_before_that_is_written() -> None:
    lines = filled("a", each=1)
    assert taken(lines) == ["a"]
    lines.landed((1, "a"), NOW, 0.0, sent=True)
    refill(lines, "a", each=1)
    assert taken(lines) == []
    lines.unnoted.clear()
    refill(lines, "a", each=1)
    assert taken(lines) == ["a"]


def test_the_rows_of_a_message_go_together() -> None:
    lines = Lines()
    one = delivery("a", 1)
    lines.fill([one, replace(one, delivery_id=UUID(int=9))], {(1, "a"): channel("a")})
    turn = lines.take(NOW)
    assert turn is not None
    assert len(turn[1]) == 2


@pytest.mark.parametrize("each", [1, 5])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_no_line_ever_holds_more_places_than_it_may(each: int, told: list[tuple[str, bool]]) -> None:
    lines, flying = filled("abc", each), dict.fromkeys("abc", 0)
    for now, (name, sent) in enumerate(told):
        for one in taken(lines, NOW + now):
            flying[one] += 1
        assert max(flying.values()) <= OF_CHANNEL
        assert lines.flying == sum(flying.values()) <= SLOTS
        if flying[name]:
            lines.landed((1, name), NOW + now, 0.5, sent=sent)
            flying[name] -= 1
        lines.unnoted.clear()
        refill(lines, "abc", each)
