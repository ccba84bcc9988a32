"""Sessions and Users: the words of the pages, and the pages over a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chats
import pytest
from streamlit.testing.v1 import AppTest

from app import paging, session, sessions, users

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.warning, *page.info)
    return "\n".join(str(part.value) for part in parts)


def test_the_list_tells_whole_sessions_and_leads_to_them(page: Open, chatted: Any, listed: Listed) -> None:
    opened = page(chatted.note.api_url, "sessions", range="1h")
    assert not opened.exception
    assert "2 sessions have a trace that started in the last hour." in words(opened)
    first, second = listed(opened)
    assert (first["Session"], first["User"], first["Turns"], first["Tokens"]) == ("chat-1", "ann", "3", "320")
    assert (first["Turns that failed"], second["Turns that failed"]) == ("1 of 3", "none")
    assert first["Scores"] == "user_feedback 0.5 (n 2) +1"
    assert first["href"].startswith("sessions?id=chat-1&back=range%3D1h")
    assert "of the whole session" in words(opened)


def test_one_session_shows_what_is_new_in_each_turn(page: Open, chatted: Any) -> None:
    opened = page(chatted.note.api_url, "sessions", id="chat-1", trace=chats.trace_id(2))
    assert not opened.exception
    said = words(opened)
    assert "3 turns, 1 of them failed" in said
    texts = [text.value for text in opened.text]
    for asked, answered in chats.SAID.values():
        assert texts.count(asked) == 1
        assert not answered or texts.count(answered) == 1
    assert "5 messages of earlier turns stand before it, folded." in said
    assert [one.label for one in opened.expander] == ["1 message before it that no earlier turn here has: system"]
    assert "rate limit reached" in said
    assert "user_feedback 1" in said.replace("\\", "")


def test_a_session_that_is_not_there_says_what_to_do(page: Open, chatted: Any) -> None:
    opened = page(chatted.note.api_url, "sessions", id="nobody")
    assert "No trace of this id has arrived in this project." in words(opened)


@pytest.mark.parametrize("path", ["sessions", "users"])
def test_an_empty_store_says_that_nothing_arrived(page: Open, empty_url: str, path: str) -> None:
    opened = page(empty_url, path)
    assert not opened.exception
    assert "Nothing has arrived yet." in words(opened)


@pytest.mark.parametrize(("path", "attribute"), [("sessions", "session.id"), ("users", "user.id")])
def test_traces_that_name_none_are_told_how(page: Open, chatted: Any, path: str, attribute: str) -> None:
    opened = page(chatted.note.api_url, path, range="1h", service="none")
    assert f"attribute {attribute}" in words(opened)


def test_hostile_ids_and_words_stay_letters(page: Open, filled: Any, hostile: str, listed: Listed) -> None:
    opened = page(filled.note.api_url, "sessions", range="1h")
    assert hostile in [row["Session"] for row in listed(opened)]
    one = page(filled.note.api_url, "sessions", id=hostile)
    assert not one.exception
    assert hostile in [text.value for text in one.text]
    assert "![x](" not in "".join(str(part.value) for part in (*one.markdown, *one.caption))


def test_users_have_rates_with_their_intervals(page: Open, chatted: Any, listed: Listed) -> None:
    opened = page(chatted.note.api_url, "users", range="7d")
    assert not opened.exception
    assert "2 users started a trace in the last 7 days." in words(opened)
    ann, bo = listed(opened)
    assert (ann["User"], ann["Failed"], ann["Satisfaction"]) == (
        "ann", "33.3 % (6.1 to 79 %)", "50 % (9.5 to 91 %), n 2",
    )  # fmt: skip
    assert bo["Satisfaction"] == "—"


def test_one_user_over_time(page: Open, chatted: Any, listed: Listed) -> None:
    opened = page(chatted.note.api_url, "users", range="7d", id="ann")
    assert not opened.exception
    tiles = {tile.label: (tile.value, tile.delta) for tile in opened.metric}
    assert tiles["Traces"] == ("3", "1 session")
    assert tiles["Failed"] == ("33.3 %", "6.1 to 79 %, n = 3")
    assert tiles["Satisfaction"] == ("50 %", "9.5 to 91 %, n = 2")
    assert "3 traces in 1 session in the last 7 days; 1 trace failed." in words(opened).replace("\\", "")
    assert [row["Session"] for row in listed(opened, "Sessions")] == ["chat-1"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("12.f.51.0a.s.1", paging.Place(12, "s.1", backward=False, first=51), id="dots-in-the-name"),
        pytest.param("-1.b.1.0a.x", paging.Place(-1, "x", backward=True, first=1), id="backward"),
        pytest.param("12.f.51.0b.x", None, id="of-another-list"),
        pytest.param("1e3.f.51.0a.x", None, id="no-number"),
        pytest.param(f"{2**63}.f.51.0a.x", None, id="too-large"),
        pytest.param("page", None, id="no-place"),
        pytest.param(None, None, id="first-page"),
    ],
)
def test_a_page_in_the_url(text: str | None, read: paging.Place | None) -> None:
    assert paging.read(text, "0a") == read
    if read:
        assert read.text("0a") == text


@pytest.mark.parametrize(
    ("score", "said"),
    [
        pytest.param({"value": 1.0}, ("right 1", "green"), id="good"),
        pytest.param({"value": 0.2}, ("right 0.2", "red"), id="bad"),
        pytest.param({"value": 4.0}, ("right 4", "gray"), id="no-share"),
        pytest.param({"value": None, "label": "yes"}, ("right yes", "gray"), id="label"),
        pytest.param({"value": None, "error_type": "timeout"}, ("right failed", "gray"), id="failed"),
    ],
)
def test_a_score_in_words(score: dict[str, Any], said: tuple[str, str]) -> None:
    assert session.score_words({"name": "right", "label": None, "error_type": None} | score) == said


SUMS = {"cost_usd": None, "reported_cost_usd": None, "unpriced_calls": 0, "model_calls_ok": 0}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({}, "—", id="no-call"),
        pytest.param({"cost_usd": 0.5}, "$0.5000", id="of-embeddings-alone"),
        pytest.param({"cost_usd": 0.5, "unpriced_calls": 2}, "$0.5000, 2 calls unpriced", id="of-some"),
        pytest.param({"reported_cost_usd": 0.5, "model_calls_ok": 1}, "reported $0.5000", id="reported"),
        pytest.param({"unpriced_calls": 2, "model_calls_ok": 2}, "unknown (2)", id="unknown"),
    ],
)
def test_the_cost_of_a_session(told: dict[str, Any], said: str) -> None:
    assert session._cost(SUMS | told) == said


def test_of_many_scores_one_is_in_sight() -> None:
    one = {"name": "right", "scores": 3, "valued": 2, "mean": 0.5, "failed": 1}
    assert sessions.scored([one, one]) == ("right 0.5 (n 2, 1 failed) +1", "; ".join(["right 0.5 (n 2, 1 failed)"] * 2))
    assert sessions.scored([]) == ("—", "")


def test_a_rate_of_nothing_is_unknown() -> None:
    assert users.rate({"satisfaction": None}, "satisfaction") == "unknown"
