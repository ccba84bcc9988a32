from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from app import format as fmt


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (5, "5"),
        (999, "999"),
        (1000, "1k"),
        (12_345, "12.3k"),
        (999_950, "1M"),
        (1.5e6, "1.5M"),
        (None, "unknown"),
    ],
)
def test_short(value: float | None, expected: str) -> None:
    assert fmt.short(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(4.6e-15, "0"), (-1e-12, "0"), (0.00123, "0.0012")])
def test_digits_leave_what_rounding_left_behind(value: float, expected: str) -> None:
    assert fmt.digits(value, 2) == expected


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (5, "5 ns"), (5_000, "5 µs"), (812e6, "812 ms"), (1.2345e9, "1.23 s"), (125e9, "2 min 5 s"), (3600e9, "1 h"),
        (3780e9, "1 h 3 min"), (90_000e9, "1 d 1 h"), (None, "unknown"), (pd.NA, "unknown"), (float("nan"), "unknown"),
    ],
)  # fmt: skip
def test_duration(nanoseconds: float | None, expected: str) -> None:
    assert fmt.duration(nanoseconds) == expected


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (0, "$0"),
        (12.345, "$12.35"),
        (1234.5, "$1,234.50"),
        (0.00341, "$0.0034"),
        (1e-6, "< $0.0001"),
        (None, "unknown"),
    ],
)
def test_money(usd: float | None, expected: str) -> None:
    assert fmt.money(usd) == expected


@pytest.mark.parametrize(
    ("usd", "unpriced", "expected"),
    [
        (1.2, 0, "$1.20"), (1.2, 4, "$1.20, 4 calls unpriced"), (0.0, 1, "$0, 1 call unpriced"),
        (None, 1, "unknown for 1 call"), (None, 0, "unknown"),
    ],
)  # fmt: skip
def test_cost(usd: float | None, unpriced: int, expected: str) -> None:
    assert fmt.cost(usd, unpriced) == expected


def test_unknown_is_not_zero() -> None:
    assert fmt.tokens(0) == "0"
    assert fmt.tokens(None, 412) == "unknown for 412 calls"
    assert fmt.tokens(12_345, 1) == "12.3k, unknown for 1 call"


def test_times_are_the_viewers_and_exact_in_utc() -> None:
    at = datetime(2026, 3, 1, 23, 30, 0, 5)  # noqa: DTZ001 - as the store has them
    assert fmt.moment(at, ZoneInfo("Europe/Berlin")) == "2026-03-02 00:30:00"
    assert fmt.utc(at.replace(tzinfo=UTC)) == "2026-03-01 23:30:00.000005 UTC"


@pytest.mark.parametrize(
    ("hour", "expected"), [(20, "2026-03-01 21:00:00"), (23, "00:00:00")], ids=["yesterday", "today-here"]
)
def test_a_recent_time_has_a_date_unless_it_is_of_today(hour: int, expected: str) -> None:
    at, now = (datetime(2026, 3, day, on, tzinfo=UTC) for day, on in ((1, hour), (2, 9)))
    assert fmt.recent(at, ZoneInfo("Europe/Berlin"), now) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 12, 30, 9, 5, 7, tzinfo=UTC), "12-30 10:05:07"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "2027-01-01 00:30"),
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), "2025-12-31 23:30"),
    ],
    ids=["this-year", "next-year-here", "last-year"],
)
def test_a_time_of_another_year_names_it(at: datetime, expected: str) -> None:
    assert fmt.narrow(at, ZoneInfo("Europe/Berlin"), datetime(2026, 12, 31, 12, tzinfo=UTC)) == expected


@pytest.mark.parametrize("mark", list(r"\`*_{}[]<>()#+-.!|~:$&"))
def test_every_mark_of_markdown_is_escaped(mark: str) -> None:
    assert f"\\{mark}" in fmt.plain(f"a{mark}b")


def test_addresses_are_taken_apart_so_that_no_link_is_made() -> None:
    assert "http\\:\u2060\\/\\/a" in fmt.plain("http://a")
    assert "www\u2060\\.a" in fmt.plain("www.a")
    assert "me\\@\u2060a" in fmt.plain("me@a")


@pytest.mark.parametrize("read", [":streamlit:", ":material_home:", ":+1:", "->", "<->", "<-", "--", ">=", "<=", "~="])
def test_what_streamlit_replaces_in_escaped_text_too_is_taken_apart(read: str) -> None:
    shown = fmt.plain(f"a {read} b").replace("\\", "")
    assert read not in shown
    assert shown.replace("\u2060", "") == f"a {read} b"


def test_marks_that_nobody_reads_stay_together() -> None:
    assert "\u2060" not in fmt.plain("a->b --flag at 12:30, a: b")


def test_plain_text_is_one_line_and_cut() -> None:
    assert fmt.plain("a\n# b") == "a \\# b"
    assert fmt.plain("x" * 400, limit=10) == "x" * 9 + "…"


@pytest.mark.parametrize("mark", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_no_mark_turns_the_words_after_a_name(mark: str) -> None:
    assert fmt.plain(f"gpj{mark}exe") == "gpjexe"
    assert fmt.straight(f"a{mark}\nאב") == "a\nאב"


def test_a_clipped_text_is_one_line_without_escapes() -> None:
    assert fmt.clip("a\n *b*") == "a *b*"
    assert fmt.clip("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("kind", "expected"), [("RateLimitError", "RateLimitError"), ("_OTHER", "error"), (None, "error"), (pd.NA, "error")]
)
def test_an_error_that_nobody_named_is_an_error(kind: str | None, expected: str) -> None:
    assert fmt.error_type(kind) == expected


@pytest.mark.parametrize(
    ("values", "top"), [([None, None], 1), ([], 1), ([0.0], 1), ([0.25, None, 0.5], 0.5), ([-1.0], 1)]
)
def test_the_longest_bar_stands_for_something(values: list[float | None], top: float) -> None:
    assert fmt.largest(pd.Series(values, dtype="Float64")) == top
    assert fmt.largest(pd.Series(values, dtype=object)) == top
