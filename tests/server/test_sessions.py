"""Sessions and users: sums over traces of several days, and the conversation across them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import chats
import httpx
import pytest

from server.client import ApiError
from server.conversations import LONGEST, MOST_READ, folded

NOW = datetime.now(UTC)


def window(hours: float, until: float = 0) -> dict[str, datetime]:
    return {"since": NOW - timedelta(hours=hours), "until": NOW + timedelta(hours=1) - timedelta(hours=until)}


def rows(chatted: Any, name: str, **params: Any) -> list[dict[str, Any]]:
    with chatted.client() as client:
        found: list[dict[str, Any]] = client.rows(name, **params)
        return found


def row(told: str | None, answer: str | None, key: str | None = None) -> dict[str, Any]:
    return {"input": told, "input_key": key, "output": answer, "output_key": key}


def written(*told: tuple[str, str]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in told])


def words(side: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(message["role"], message["parts"][0]["content"]) for message in side]


def test_a_session_in_the_window_is_told_whole(chatted: Any) -> None:
    """Of three turns one started two days ago: its tokens, times and feedback are counted all the same."""
    found = {one["session_id"]: one for one in rows(chatted, "sessions", **window(1))}
    told = found["chat-1"]
    assert set(found) == {"chat-1", "chat-2"}
    assert (told["traces"], told["failed"], told["errors"], told["user_id"]) == (3, 1, 1, "ann")
    assert (told["input_tokens"], told["output_tokens"]) == (300, 20)
    assert (told["model_calls_ok"], told["model_calls_failed"]) == (2, 1)
    assert told["first_start"] < told["last_start"]
    assert [(one["name"], one["scores"], one["mean"]) for one in told["scores"]] == [
        ("user_feedback", 2, 0.5), ("solved", 1, 0.5),
    ]  # fmt: skip
    assert found["chat-2"]["scores"] == []


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        pytest.param({"sort": "newest"}, ["chat-1", "chat-2"], id="newest"),
        pytest.param({"sort": "longest"}, ["chat-1", "chat-2"], id="longest"),
        pytest.param({"sort": "cost"}, ["chat-1", "chat-2"], id="cost"),
        pytest.param({"sort": "errors"}, ["chat-1", "chat-2"], id="errors"),
        pytest.param({"status": "error"}, ["chat-1"], id="one-trace-meets-the-filter"),
        pytest.param({"user_id": "bo"}, ["chat-2"], id="user"),
        pytest.param({"model": "none"}, [], id="none"),
        pytest.param({"score": "solved"}, ["chat-1"], id="score-of-the-session"),
    ],
)
def test_sessions_are_filtered_by_their_traces(chatted: Any, asked: dict[str, Any], ids: list[str]) -> None:
    assert [one["session_id"] for one in rows(chatted, "sessions", **window(1), **asked)] == ids


def test_a_session_without_a_trace_in_the_window_is_none_of_it(chatted: Any) -> None:
    found = rows(chatted, "sessions", **window(72, until=25))
    assert [one["session_id"] for one in found] == ["chat-1"]
    assert rows(chatted, "sessions", **window(40, until=25)) == []


@pytest.mark.parametrize("name", ["sessions", "users"])
def test_pages_lead_on_and_back(chatted: Any, name: str) -> None:
    one = "session" if name == "sessions" else "user"
    first, second = rows(chatted, name, **window(1))
    after = {"after_sort": first["sort_key"], f"after_{one}": first[f"{one}_id"], "page_size": 1}
    assert [found[f"{one}_id"] for found in rows(chatted, name, **window(1), **after)] == [second[f"{one}_id"]]
    back = after | {"after_sort": second["sort_key"], f"after_{one}": second[f"{one}_id"], "backward": True}
    assert [found[f"{one}_id"] for found in rows(chatted, name, **window(1), **back)] == [first[f"{one}_id"]]


def test_the_turns_of_a_session_tell_what_is_new(chatted: Any) -> None:
    with chatted.client() as client:
        told = client.session_turns("chat-1")
    turns = told["turns"]
    assert (told["total"], [turn["number"] for turn in turns]) == (3, [1, 2, 3])
    for number, turn in enumerate(turns, 1):
        asked, answered = chats.SAID[number]
        assert words(turn["said"]) == [("user", asked)]
        assert words(turn["answered"]) == ([("assistant", answered)] if answered else [])
    assert [turn["before"] for turn in turns] == [1, 3, 5]
    assert [words(turn["unseen"]) for turn in turns] == [[("system", chats.SYSTEM)], [], []]
    assert [turn["told"] for turn in turns] == [0, 3, 5]
    assert [[score["name"] for score in turn["scores"]] for turn in turns] == [
        ["user_feedback"], ["right"], ["user_feedback"],
    ]  # fmt: skip
    assert [turn["status"] for turn in turns] == ["ok", "ok", "error"]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        pytest.param({"skip": 1, "page_size": 1}, [2], id="second"),
        pytest.param({"skip": 1, "page_size": 9}, [2, 3], id="rest"),
        pytest.param({"skip": 3}, [], id="beyond"),
        pytest.param({"trace_id": chats.trace_id(3), "page_size": 2}, [3], id="page-of-a-trace"),
        pytest.param({"trace_id": chats.trace_id(4), "page_size": 2}, [1, 2], id="trace-of-another-session"),
    ],
)
def test_a_page_of_turns(chatted: Any, asked: dict[str, Any], numbers: list[int]) -> None:
    with chatted.client() as client:
        turns = client.session_turns("chat-1", **asked)["turns"]
    assert [turn["number"] for turn in turns] == numbers
    if numbers and numbers[0] > 1:  # what the turn before told is known of the page that begins after it
        assert turns[0]["unseen"] == []


def test_a_session_that_is_not_there_has_no_turns(chatted: Any) -> None:
    with chatted.client() as client:
        assert client.session_turns("nobody") == {"turns": [], "total": 0, "scores_cut": False}
        with pytest.raises(ApiError, match="page_size"):
            client.session_turns("chat-1", page_size=51)


def test_users_have_rates_with_their_intervals(chatted: Any) -> None:
    found = {one["user_id"]: one for one in rows(chatted, "users", **window(72))}
    ann = found["ann"]
    assert (ann["sessions"], ann["traces"], ann["failed"], ann["said"], ann["good"]) == (1, 3, 1, 2, 1)
    assert ann["error_rate"] == pytest.approx(1 / 3)
    # Wilson's interval of 1 of 3 and of 1 of 2, by statsmodels.stats.proportion.proportion_confint(method="wilson").
    assert (ann["error_rate_low"], ann["error_rate_high"]) == pytest.approx((0.061492, 0.792340), abs=1e-5)
    assert (ann["satisfaction_low"], ann["satisfaction_high"]) == pytest.approx((0.094531, 0.905469), abs=1e-5)
    assert (found["bo"]["said"], found["bo"]["satisfaction"]) == (0, None)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        pytest.param({}, ["ann", "bo"], id="active"),
        pytest.param({"find": "BO"}, ["bo"], id="find"),
        pytest.param({"find": "%"}, [], id="no-pattern"),
        pytest.param({"sort": "errors", "status": "error"}, ["ann"], id="filtered"),
    ],
)
def test_users_are_found(chatted: Any, asked: dict[str, Any], ids: list[str]) -> None:
    assert [one["user_id"] for one in rows(chatted, "users", **window(1), **asked)] == ids


def test_a_user_over_time(chatted: Any) -> None:
    day = 24 * 3600 * 10**6
    found = rows(chatted, "user_series", user_id="ann", bucket_us=day, **window(72))
    assert sum(one["traces"] for one in found) == 3
    assert sum(one["failed"] for one in found) == 1
    with pytest.raises(ApiError, match="a minute"):
        rows(chatted, "user_series", user_id="ann", bucket_us=1, **window(72))


def test_the_route_refuses_a_session_without_a_name(chatted: Any) -> None:
    answer = httpx.get(f"{chatted.note.api_url}/api/sessions/turns?session=", trust_env=False)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("told", "said", "before"),
    [
        pytest.param(written(("user", "a")), [("user", "a")], 0, id="first"),
        pytest.param(written(("system", "s"), ("user", "a")), [("user", "a")], 1, id="after-the-prompt"),
        pytest.param(
            written(("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d")), [("user", "c"), ("user", "d")], 2,
            id="after-the-last-answer",
        ),
        pytest.param(
            written(("user", "a"), ("assistant", "begun")), [("user", "a"), ("assistant", "begun")], 0, id="prefilled"
        ),
        pytest.param(written(("system", "s")), [("system", "s")], 0, id="prompt-alone"),
        pytest.param("plain words", [("user", "plain words")], 0, id="text"),
        pytest.param(None, [], 0, id="nothing"),
        pytest.param('[{"role": "user", "content": "cu', [("user", "cu")], 0, id="cut"),
    ],
)  # fmt: skip
def test_what_is_new_of_an_input(told: str | None, said: list[tuple[str, str]], before: int) -> None:
    (turn,) = folded([row(told, None)])
    assert (words(turn.said), turn.before) == (said, before)


def test_what_was_cut_here_is_not_said_of_the_sender() -> None:
    told = '[{"role": "user", "content": "' + "x" * MOST_READ
    (turn,) = folded([row(told[:MOST_READ], None)])
    assert turn.clipped
    assert "cut" not in turn.said[0]["parts"][0]
    (sent,) = folded([row(told[:100], None)])
    assert (sent.clipped, sent.said[0]["parts"][0]["cut"]) == (False, True)


def test_an_output_that_repeats_its_input_is_told_once() -> None:
    (turn,) = folded([row(written(("user", "a")), written(("user", "a"), ("assistant", "b")))])
    assert words(turn.answered) == [("assistant", "b")]


def test_long_texts_and_lists_are_cut_and_say_so() -> None:
    many = written(*[("system", str(number)) for number in range(40)], ("user", "x" * (LONGEST + 1)))
    (turn,) = folded([row(many, None)])
    assert turn.clipped
    assert len(words(turn.said)[0][1]) == LONGEST
    assert (turn.before, len(turn.unseen), turn.left_out) == (40, 20, 20)
