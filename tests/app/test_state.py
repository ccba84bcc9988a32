from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import state

NOW = datetime(2026, 5, 4, 12, 34, 56, tzinfo=UTC)
NONE = (None, None)


def test_relative_windows_end_with_the_running_minute() -> None:
    window = state.window("24h", NOW, None, NONE)
    assert window.until == datetime(2026, 5, 4, 12, 35, tzinfo=UTC)
    assert window.until - window.since == timedelta(days=1)


@pytest.mark.parametrize(
    ("key", "bucket"),
    [
        ("1h", timedelta(minutes=1)),
        ("24h", timedelta(minutes=30)),
        ("7d", timedelta(hours=6)),
        ("30d", timedelta(days=1)),
    ],
)
def test_buckets(key: str, bucket: timedelta) -> None:
    assert state.window(key, NOW, None, NONE).bucket == bucket


def test_all_time_begins_with_the_oldest_trace_and_never_has_too_many_buckets() -> None:
    window = state.window("all", NOW, NOW - timedelta(days=900), NONE)
    assert window.since <= NOW - timedelta(days=900)
    assert (window.until - window.since) / window.bucket < 62


def test_a_window_never_ends_before_it_starts() -> None:
    window = state.window("custom", NOW, None, (NOW, NOW - timedelta(days=1)))
    assert window.until > window.since


def test_a_cursor_survives_the_url() -> None:
    at = state.Cursor(17, 3, 2**64 - 1, True, 51)
    assert state.cursor(at.text()) == at


@pytest.mark.parametrize("text", [None, "", "1.2.3", "a.2.3.f.1", "1.2.3.x.1", "1.2.3.f.b"])
def test_what_is_no_cursor_is_the_first_page(text: str | None) -> None:
    assert state.cursor(text) is None


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


def test_empty_filters_filter_nothing() -> None:
    empty = state.filter_params(dict.fromkeys(state.FILTERS, ""))
    assert set(empty.values()) == {None}
    assert state.filter_params({"min_s": 0.5, "errors": "without"})["min_duration_ns"] == 500_000_000
    assert state.filter_params({"errors": "without"})["has_errors"] is False
