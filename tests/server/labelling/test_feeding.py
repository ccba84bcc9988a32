"""Feeds over a real server: what is new becomes an item once, over kills, late spans, other scores and removals."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from math import inf, nextafter
from typing import Any

import pytest
from waiting import until

from server.client import ApiError, Client
from server.labelling import feeds
from server.labelling.terms import Feed

FIELDS = [{"name": "correct", "kind": "binary"}]
QUIET = {"quiet_s": 1}


class World:
    """A server that can be killed, and traces of its shops."""

    def __init__(self, serving: Any, telling: Any) -> None:
        self.serving, self.telling = serving, telling

    @property
    def client(self) -> Client:
        client: Client = self.serving.client()
        return client

    def tell(self, number: int, service: str, span: int = 1, **more: str) -> str:
        sent, said = (
            json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
            for role, text in (("user", f"Question {number}?"), ("assistant", f"Answer {number}."))
        )
        call = {"gen_ai__operation__name": "chat", "gen_ai__input__messages": sent, "gen_ai__output__messages": said}
        trace = self.telling(number.to_bytes(16, "big"), time.time_ns(), service=service)
        body = trace.span(span, "chat", 0, 5, **call, **more).body()
        self.serving.post(body).raise_for_status()
        return number.to_bytes(16, "big").hex()

    def score(self, trace_id: str, value: float | None) -> None:
        told = {"value": value} if value is not None else {"error_type": "timeout"}
        with self.client as client:
            client.add_scores([{"trace_id": trace_id, "name": "right", "source": "llm", "evaluator": "judge", **told}])

    def items(self, queue: str) -> list[dict[str, Any]]:
        with self.client as client:
            found: list[dict[str, Any]] = client.queue_items(queue)["items"]
            return found

    def queue(self, name: str, *told: dict[str, Any]) -> None:
        with self.client as client:
            client.set_queue(name, {"fields": FIELDS, "feeds": [QUIET | one for one in told]})

    def feed(self, name: str) -> dict[str, Any]:
        with self.client as client:
            return client.queue_feeds(name)[0]


@pytest.fixture(scope="module")
def world(shared: Any, telling: Any) -> Iterator[World]:
    return World(shared, telling)


def test_new_traces_become_items_once_over_a_kill(world: World) -> None:
    world.tell(1, "shop")
    world.queue("once", {"filter": {"service": "shop"}, "priority": 3})
    ids = [world.tell(number, "shop") for number in range(2, 8)]
    world.tell(8, "elsewhere")
    until(lambda: world.items("once"))
    world.serving.end(signal.SIGKILL)
    world.serving.start()
    ids += [world.tell(number, "shop") for number in range(9, 14)]
    world.tell(3, "shop", span=2)  # a late span
    until(lambda: len(world.items("once")) >= len(ids))
    world.tell(14, "shop")
    found = until(lambda: len(items := world.items("once")) > len(ids) and items)
    assert Counter(one["trace_id"] for one in found) == Counter([*ids, f"{14:032x}"])
    assert {(one["origin"], one["priority"], one["why"]) for one in found} == {
        ("feed", 3, "One of the new traces that match service=shop."),
    }  # fmt: skip
    told = world.feed("once")
    assert (told["added"], told["left_out"], told["fault"]) == (len(found), 0, None)
    with world.client as client:
        told = client.queue_item("once", 1)["attributes"]
    assert {name: told[name] for name in ("sampling", "weight")} == {"sampling": "all", "weight": "1"}


def test_what_a_judge_scores_later_and_no_more_than_a_day_may_bring(world: World) -> None:
    world.queue("low", {"score": "right", "below": 0.5, "failed": True, "per_day": 3})
    ids = [world.tell(number, "scored") for number in range(20, 27)]
    for trace_id, value in zip(ids, (0.2, 0.9, None, 0.5, 0.1, 0.4, 0.3), strict=True):
        world.score(trace_id, value)
    told = until(lambda: (one := world.feed("low"))["added"] + one["left_out"] >= 5 and one)
    assert (told["added_today"], told["left_out_today"]) == (3, 2)
    assert told["sentence"] == (
        "New traces whose score right is below 0.5 or failed: 3 put in today, 3 in all. "
        "2 more today were left out: 3 a day are taken."
    )
    found = world.items("low")
    assert {one["trace_id"] for one in found} <= {ids[place] for place in (0, 2, 4, 5, 6)}
    with world.client as client:
        client.change_item("low", found[0]["number"], {"removed": True})
        assert client.queue_item("low", 1)["attributes"]["sampling"] == "scored"
    world.score(found[0]["trace_id"], 0.25)
    world.score(world.tell(27, "scored"), 0.1)
    until(lambda: world.feed("low")["left_out"] >= 3)
    assert world.feed("low")["left_out"] == 3, "what was taken out is neither put in nor counted again"


def test_sessions_calls_and_a_queue_that_is_closed(world: World) -> None:
    talk = {"filter": {"service": "talk"}}
    world.queue("both", {"unit": "session", **talk}, {"unit": "call", **talk})
    world.queue("witness", talk)
    world.tell(30, "talk", session__id="t1")
    world.tell(31, "talk", session__id="t1")
    found = until(lambda: len(items := world.items("both")) >= 3 and items)
    assert Counter(one["unit"] for one in found) == {"session": 1, "call": 2}
    with world.client as client:
        client.close_queue("both")
    world.tell(32, "talk")
    assert "takes nothing in" in world.feed("both")["sentence"]
    until(lambda: len(world.items("witness")) == 3)
    with world.client as client:
        client.open_queue("both")
    world.tell(33, "talk")
    found = until(lambda: len(items := world.items("both")) > 3 and items)
    assert [one["trace_id"] for one in found[3:]] == [f"{33:032x}"], "what came while it was closed is not put in"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param({"filter": {"color": "red"}}, "'color'", id="no-such-filter"),
        pytest.param({"filter": {"since": "2026-01-01"}}, "leave it out", id="a-window"),
        pytest.param({"below": 0.5}, "names the score", id="a-bound-of-nothing"),
    ],
)
def test_a_feed_that_cannot_look_is_refused(world: World, told: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as error:
        world.queue("refused", told)
    assert words in str(error.value)
    assert error.value.status == 422


def below(value: float) -> float:
    return nextafter(value, -inf)


def above(value: float) -> float:
    return nextafter(value, inf)


@pytest.mark.parametrize(
    ("told", "bounds"),
    [
        pytest.param({"below": 0.5}, [(None, below(0.5), None)], id="below-is-not-at"),
        pytest.param({"below": 0.5, "above": 0.25}, [(above(0.25), below(0.5), None)], id="between"),
        pytest.param(
            {"below": 0.25, "above": 0.75}, [(above(0.75), None, None), (None, below(0.25), None)], id="outside"
        ),
        pytest.param({"failed": True}, [(None, None, True)], id="failed-alone"),
        pytest.param(
            {"failed": True, "below": 0.5}, [(None, below(0.5), None), (None, None, True)], id="low-or-failed"
        ),
    ],
)
def test_bounds_of_a_feed(told: dict[str, Any], bounds: list[tuple[float | None, float | None, bool | None]]) -> None:
    found = [one.filters for one in feeds.choices(1, Feed.model_validate({"score": "right", **told}))]
    names = ("score_at_least", "score_at_most", "score_failed")
    assert [tuple(one.get(name) for name in names) for one in found] == bounds


@pytest.mark.parametrize(
    ("told", "drawn"),
    [
        pytest.param({"filter": {"q": "model:big"}}, {"sampling": "all", "weight": "1"}, id="all"),
        pytest.param({"share": 0.25}, {"sampling": "random", "weight": "4"}, id="share"),
        pytest.param({"share": 0.25, "per_day": 3}, {"sampling": "first of the day"}, id="a-day"),
        pytest.param({"score": "right", "per_day": 3}, {"sampling": "scored"}, id="score"),
        pytest.param({"filter": {"score": "right"}, "share": 0.25}, {"sampling": "scored"}, id="score-of-a-filter"),
        pytest.param({"filter": {"q": "model:big score.right<1"}}, {"sampling": "scored"}, id="score-of-a-line"),
    ],
)
def test_how_items_of_a_feed_were_drawn(told: dict[str, Any], drawn: dict[str, str]) -> None:
    found = feeds.attributes(Feed.model_validate(told))
    assert {name: text for name, text in found.items() if name != "drawn_from"} == drawn


def test_a_feed_is_the_same_with_another_rate_and_another_with_another_filter() -> None:
    one = Feed(filter={"service": "a"})
    assert feeds.key_of(one) == feeds.key_of(one.model_copy(update={"per_day": 4, "priority": 2.0}))
    assert feeds.key_of(one) != feeds.key_of(Feed(filter={"service": "b"}))
