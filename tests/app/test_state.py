from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from app import state

NOW = datetime(2026, 5, 4, 12, 34, 56, tzinfo=UTC)
NONE = (None, None)


def test_relative_windows_end_with_the_running_minute() -> None:
    window = state.window("24h", NOW, NONE, NONE)
    assert window.until == datetime(2026, 5, 4, 12, 35, tzinfo=UTC)
    assert window.until - window.since == timedelta(days=1)


@pytest.mark.parametrize(
    ("key", "bucket"),
    [
        ("1h", timedelta(minutes=1)),
        ("24h", timedelta(minutes=30)),
        ("7d", timedelta(hours=6)),
        ("30d", timedelta(days=1)),
        ("12m", timedelta(days=7)),
    ],
)
def test_buckets(key: str, bucket: timedelta) -> None:
    assert state.window(key, NOW, NONE, NONE).bucket == bucket


def test_all_time_begins_with_the_oldest_trace_and_never_has_too_many_buckets() -> None:
    window = state.window("all", NOW, (NOW - timedelta(days=900), NOW - timedelta(hours=1)), NONE)
    assert window.since <= NOW - timedelta(days=900)
    assert window.until == datetime(2026, 5, 4, 12, 35, tzinfo=UTC)
    assert (window.until - window.since) / window.bucket < 62


@pytest.mark.parametrize("key", ["all", "custom"])
def test_all_time_holds_what_a_clock_ahead_of_ours_told(key: str) -> None:
    ahead = NOW + timedelta(days=400)
    assert state.window(key, NOW, (NOW, ahead), NONE).until > ahead
    assert state.window("7d", NOW, (NOW, ahead), NONE).until < ahead


def test_a_window_never_ends_before_it_starts_and_says_when_it_was_asked_to() -> None:
    window = state.window("custom", NOW, NONE, (NOW, NOW - timedelta(days=1)))
    assert window.until > window.since
    assert "ends before it begins" in window.words


@pytest.mark.parametrize(
    "text", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59-14:00"]
)
def test_a_bound_near_the_ends_of_the_calendar_has_room_for_every_zone(text: str) -> None:
    at = state.instant(text)
    assert at in state.EVER
    window = state.window("custom", NOW, NONE, (at, None))
    assert window.before.since < window.since < window.until
    assert window.since.astimezone(ZoneInfo("America/New_York"))


def test_a_cursor_survives_the_url() -> None:
    at = state.Cursor(17, 3, "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a", True, 51)
    assert state.cursor(at.text("abc"), "abc") == at


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "1.2.ID",
        "1.2.ID.f.1",
        "a.2.ID.f.1.abc",
        "1.2.3.f.1.abc",
        "1.2.ID.x.1.abc",
        "1.2.ID.f.b.abc",
        "1.2.ID.f.51.other",
    ],
)
def test_what_is_no_cursor_of_this_list_is_the_first_page(text: str | None) -> None:
    assert state.cursor(text and text.replace("ID", "0a" * 16), "abc") is None


def test_a_mark_tells_choices_apart_and_leaves_out_what_is_empty() -> None:
    chosen = {"range": "7d", "service": "a", "text": "", "min_s": None}
    assert state.mark(chosen) == state.mark({"service": "a", "range": "7d"})
    assert state.mark(chosen) != state.mark(chosen | {"text": "b"})
    assert state.mark({"text": "a&user=b"}) != state.mark({"text": "a", "user": "b"})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-05-04T10:30", datetime(2026, 5, 4, 10, 30, tzinfo=UTC), id="utc-unless-said"),
        pytest.param("2026-05-04T10:30Z", datetime(2026, 5, 4, 10, 30, tzinfo=UTC), id="utc"),
        pytest.param("2026-05-04T10:30+02:00", datetime(2026, 5, 4, 8, 30, tzinfo=UTC), id="offset"),
        pytest.param("2026-05-04", datetime(2026, 5, 4, tzinfo=UTC), id="day"),
        pytest.param("yesterday", None, id="no-time"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_bound_in_the_url_is_an_instant(text: str | None, at: datetime | None) -> None:
    assert state.instant(text) == at


def test_an_instant_survives_the_url_from_any_zone() -> None:
    at = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    assert state.instant_text(at) == "2026-10-25T01:30Z"
    assert state.instant(state.instant_text(at)) == at.astimezone(UTC)


def test_a_trace_link_leads_back_to_the_same_list() -> None:
    list_state = {"range": "7d", "text": "a b & c", "page": "1.2.3.f.51"}
    link = state.trace_link("0a" * 16, list_state)
    assert state.back_link(link["back"]) == list_state
    assert state.back_link("evil=1&range=7d") == {"range": "7d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0A" * 16, "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"),
        ("0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a", "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"),
        ("0a", None), ("x" * 32, None), (None, None),
    ],
)  # fmt: skip
def test_trace_id(text: str | None, expected: str | None) -> None:
    assert state.trace_id(text) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("12", 12, id="number"),
        pytest.param(None, 0, id="absent"),
        pytest.param("", 0, id="empty"),
        pytest.param("-3", 0, id="negative"),
        pytest.param("1.5", 0, id="no-whole-number"),
        pytest.param("\N{SUPERSCRIPT TWO}", 0, id="a-digit-that-counts-nothing"),
        pytest.param("9" * 9, 999_999_999, id="the-most"),
        pytest.param("9" * 5_000, 0, id="more-than-is-read"),
    ],
)
def test_whole_numbers_of_the_url(text: str | None, number: int) -> None:
    assert state.whole(text) == number


def test_filters_are_told_in_words() -> None:
    assert not state.filter_words(dict.fromkeys(state.FILTERS, "") | {"q": "shop", "min_s": None})
    chosen = {"service": "{shop}", "errors": "without", "min_s": 0.5}
    assert state.filter_words(chosen) == "service {shop}, without failed spans, at least 0.5 s"


def test_filters_of_a_score_need_its_name_and_lead_back() -> None:
    chosen = {"scored": "groundedness", "score_max": 0.0, "score_failed": "no"}
    asked = state.filter_params(chosen)
    assert (asked["score"], asked["score_at_most"], asked["score_failed"]) == ("groundedness", 0.0, False)
    assert asked["score_at_least"] is None
    assert state.filter_words(chosen) == "scored by groundedness, score at most 0.0, score failed: no"
    assert {state.filter_params(chosen | {"scored": ""})[name] for name in ("score_at_most", "score_failed")} == {None}
    assert state.filter_words(chosen | {"scored": None, "status": "ok"}) == "status ok"
    window = {"since": "2026-05-04T10:30Z", "until": "2026-05-05T00:00Z"}
    back = {"scored": "groundedness", "score_max": "0.0", "score_failed": "no"}
    assert state.traces_scope(asked | window).items() >= back.items()


def test_empty_filters_filter_nothing() -> None:
    empty = state.filter_params(dict.fromkeys(state.FILTERS, ""))
    assert set(empty.values()) == {None}
    assert state.filter_params({"min_s": 0.5, "errors": "without"})["min_duration_ns"] == 500_000_000
    assert state.filter_params({"errors": "without"})["has_errors"] is False


def test_a_value_that_was_chosen_is_meant_as_it_is_and_a_typed_one_without_blanks() -> None:
    chosen = {"service": "shop ", "model": "  ", "session": " s1 ", "text": " late "}
    assert state.call_filter_params(chosen) == {"service": "shop ", "model": "  ", "session_id": "s1"}
    scored = {"scored": "right", "score_min": 0.0, "score_failed": "no"}
    told = {"with_score": "right", "with_score_at_least": 0.0, "with_score_failed": False}
    assert state.call_filter_params(scored) == told
    assert state.call_filter_params(scored | {"scored": ""}) == {}
    asked = state.filter_params(chosen)
    assert (asked["service"], asked["model"], asked["session_id"], asked["text"]) == ("shop ", "  ", "s1", "late")


def test_a_download_is_of_the_page_s_project_though_no_page_runs_as_it_is_made() -> None:
    def script() -> None:
        import threading  # noqa: PLC0415 - its text alone is run

        import streamlit as st  # noqa: PLC0415

        from app import data  # noqa: PLC0415

        found: list[str] = []
        made = data.later(data.project)
        beside = threading.Thread(target=lambda: found.append(made()))
        beside.start()
        beside.join()
        st.text(found[0])

    shown = AppTest.from_function(script, default_timeout=30)
    shown.query_params["project"] = "shop"
    assert shown.run().text[0].value == "shop"
