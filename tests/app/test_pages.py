"""Every page and state, over a real server with a real store."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import app
from app import format as fmt
from app import span, trace, traces

MAIN = Path(app.__file__).parent / "main.py"
GONE = "http://127.0.0.1:9"
Open = Callable[..., AppTest]
Listed = Callable[[AppTest], list[dict[str, str]]]


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.warning, *page.info)
    return "\n".join(str(part.value) for part in parts)


def between(first: float, last: float) -> dict[str, str]:
    """The URL's time range, from `first` to `last` hours ago."""
    since, until = ((datetime.now(UTC) - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M") for ago in (first, last))
    return {"range": "custom", "from": since, "to": until}


def test_home_over_an_empty_store_says_what_to_do(page: Open, empty_url: str) -> None:
    home = page(empty_url)
    assert not home.exception
    assert "Nothing has arrived yet" in words(home)
    assert [tab.label for tab in home.tabs] == ["Python", "JavaScript", "OTel Collector", "Any SDK"]
    assert [button.label for button in home.button] == ["Load sample data"]


def test_traces_over_an_empty_store_say_that_nothing_arrived(page: Open, empty_url: str) -> None:
    traces = page(empty_url, "traces")
    assert not traces.exception
    assert "Nothing has arrived yet" in words(traces)


def test_home_snippets_name_the_port_of_this_server(page: Open, empty_url: str) -> None:
    address = httpx.get(f"{empty_url}/api/status", trust_env=False).json()["addresses"]["otlp_http"]
    assert all(address in code.value for code in page(empty_url).code)


def test_the_button_loads_the_sample_data_and_home_says_that_it_is(page: Open, serve: Callable[[str], Any]) -> None:
    home = page(serve("sample").note.api_url)
    home.button[0].click().run(timeout=90)
    assert not home.exception
    assert "Sample data: times shifted so that the newest is now" in words(home)
    assert "traces started in the last 24 hours" in words(home)


def test_home_tells_what_came_in(page: Open, filled: Any) -> None:
    home = page(filled.note.api_url, range="1h")
    assert not home.exception
    tiles = {tile.label: tile.value for tile in home.metric}
    assert tiles["Traces"] == "122"
    assert tiles["Model calls"] == "121"
    assert "122 traces started in the last hour; " in words(home)
    assert "95 % interval" in words(home)
    tokens = next(tile for tile in home.metric if tile.label == "Tokens")
    assert tokens.delta == "unknown for 9 calls"


@pytest.mark.parametrize(
    ("hours", "value", "note"),
    [
        pytest.param((1, 0), "≥ 60", "half-told by 1 call", id="half"),
        pytest.param((4, 2), "unknown", "no call ended well", id="failed"),
        pytest.param((6, 4.5), "≥ 7", "1 unknown, 1 half-told", id="half-and-unknown"),
    ],
)
def test_tokens_that_were_not_told_in_full_are_a_least(
    page: Open, few: Any, hours: tuple[float, float], value: str, note: str
) -> None:
    home = page(few.note.api_url, **between(*hours))
    tile = next(tile for tile in home.metric if tile.label == "Tokens")
    assert (tile.value, tile.delta) == (value, note)


def test_sparklines_keep_the_gaps_of_empty_buckets(page: Open, few: Any) -> None:
    tiles = {tile.label: tile.proto.chart_data for tile in page(few.note.api_url, range="1h").metric}
    assert {len(course) for course in tiles.values()} == {60}
    assert sum(not math.isnan(value) for value in tiles["p95 of model calls"]) == 1
    assert sum(not math.isnan(value) for value in tiles["Error rate"]) == 1


def test_home_shows_the_ledger_of_the_api(page: Open, filled: Any) -> None:
    rows = httpx.get(f"{filled.note.api_url}/api/query/ledger_total?format=json", trust_env=False).json()
    total = rows[-1]
    home = page(filled.note.api_url, range="1h")
    line = f"**{total['received']:,} received** = {total['stored']:,} stored + {total['duplicate']:,} duplicate"
    assert any(line in expander.label for expander in home.expander)
    assert not home.warning


def labels(table: Any) -> list[str]:
    """Headings of a table's columns, in order."""
    config = json.loads(table.proto.columns)
    return [config[name]["label"] for name in table.proto.column_order]


def test_the_books_of_the_ledger_have_words_and_the_zone_of_the_viewer(page: Open, few: Any) -> None:
    home = page(few.note.api_url)
    home.session_state["ledger"] = True
    by_signal, by_hour = home.run().dataframe[:2]
    assert labels(by_signal)[-2:] == ["Rows in the store", "Balances"]
    assert labels(by_hour)[0] == "Hour"
    assert str(by_hour.value["hour"].dt.tz) == "UTC"


def test_the_figures_have_table_twins_with_units(page: Open, few: Any) -> None:
    home = page(few.note.api_url, range="1h")
    home.session_state["figure-tables"] = True
    sums, times = home.run().dataframe[:2]
    assert labels(sums)[1] == "Traces"
    assert labels(times)[2:] == ["Median (s)", "p95 (s)"]
    assert times.value["p95"].dropna().tolist() == [0.8]


def test_home_tells_to_when_there_is_data_and_when_it_was_read(page: Open, few: Any) -> None:
    said = words(page(few.note.api_url, range="1h"))
    assert re.search(r"Times in UTC, data to [-\d: ]+, read at \d\d:\d\d:\d\d", said)


@pytest.mark.parametrize(
    ("hours", "says"),
    [pytest.param((1, 0), "; it did not fail", id="ok"), pytest.param((4, 2), "; it failed", id="bad")],
)
def test_one_trace_is_spoken_of_as_one(page: Open, few: Any, hours: tuple[float, float], says: str) -> None:
    assert f"1 trace started in the chosen time{says}" in words(page(few.note.api_url, **between(*hours)))


def test_home_lists_the_newest_problems_first(page: Open, filled: Any, listed: Listed) -> None:
    problems = listed(page(filled.note.api_url, range="1h"))
    seen = [row["Last seen"] for row in problems]
    assert seen == sorted(seen, reverse=True)
    assert [row["Traces"] for row in problems if row["Message"] == "rate limit reached"] == ["12"]


def test_home_of_an_empty_window_points_to_the_data(page: Open, filled: Any) -> None:
    home = page(filled.note.api_url, range="custom", **{"from": "2020-01-01T00:00", "to": "2020-01-02T00:00"})
    assert not home.exception
    assert "No traces started in the chosen time" in words(home)
    assert "the newest started" in words(home)


@pytest.mark.parametrize("path", ["", "traces", "trace", "cost", "latency", "alerts", "drift"])
def test_a_server_that_is_gone_is_an_error_with_a_way_on(page: Open, path: str) -> None:
    failed = page(GONE, path, trace="ab" * 16)
    assert not failed.exception
    assert f"No server answers at {GONE}" in failed.error[0].value.replace("\\", "").replace("\u2060", "")
    assert [button.label for button in failed.button] == ["Try again"]


def test_traces_keep_title_range_and_filters_when_the_server_is_gone(page: Open) -> None:
    failed = page(GONE, "traces", range="7d", text="slow", service="shop")
    assert failed.title[0].value == "Traces"
    assert failed.text_input(key="text").value == "slow"
    assert failed.selectbox(key="service").value == "shop"
    assert failed.session_state["range"] == "7d"
    assert "**The list did not come.**" in failed.error[0].value
    assert "stay as they are" in words(failed)


def test_filters_ask_what_there_is_only_when_they_are_opened(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h")
    assert traces.selectbox(key="service").options == []
    traces.session_state["filters"] = True
    assert "svc1" in traces.run().selectbox(key="service").options
    gone = page(GONE, "traces")
    gone.session_state["filters"] = True
    assert "Values can be typed" in words(gone.run())


@pytest.mark.parametrize(
    ("hours", "tokens"),
    [
        pytest.param((1, 0), "≥ 60", id="half"),
        pytest.param((4, 2), "—", id="failed-calls-owe-nothing"),
        pytest.param((6, 4.5), "≥ 7", id="half-and-unknown"),
    ],
)
def test_tokens_of_a_trace_that_were_not_told_in_full_are_a_least(
    page: Open, few: Any, hours: tuple[float, float], tokens: str, listed: Listed
) -> None:
    (row,) = listed(page(few.note.api_url, "traces", **between(*hours)))
    assert row["Tokens"] == tokens


def test_tokens_that_nobody_told_are_unknown(page: Open, filled: Any, listed: Listed) -> None:
    rows = listed(page(filled.note.api_url, "traces", range="1h", text="answer 1"))
    assert {row["Name"]: row["Tokens"] for row in rows}["answer 1"] == "unknown (1)"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param({"cost_usd": 0.5}, "$0.5000", id="known"),
        pytest.param({"cost_usd": 0.5, "unpriced_calls": 2}, "≥ $0.5000", id="known-in-part"),
        pytest.param({}, "unknown", id="unknown"),
        pytest.param({"unpriced_calls": 2}, "unknown (2)", id="unknown-counted"),
        pytest.param({"reported_cost_usd": 0.25}, "reported $0.2500", id="reported-only"),
        pytest.param({"cost_usd": 0.5, "reported_cost_usd": 0.25}, "$0.5000", id="both"),
        pytest.param({"model_calls_ok": 0, "model_calls_failed": 1}, "—", id="none-ended-well"),
    ],
)
def test_a_cost_says_what_it_knows(told: dict[str, Any], says: str) -> None:
    nothing = {"model_calls_ok": 1, "model_calls_failed": 0, "cost_usd": None, "reported_cost_usd": None}
    assert traces._cost(nothing | told) == says


def test_a_row_leads_to_its_trace_and_that_back_to_the_list(page: Open, filled: Any, listed: Listed) -> None:
    row = listed(page(filled.note.api_url, "traces", range="1h", text="answer 11"))[0]
    query = dict(parse_qsl(row["href"].removeprefix("trace?")))
    assert query["trace"] == "07" * 15 + "0b"
    assert dict(parse_qsl(query["back"])) == {"range": "1h", "text": "answer 11"}


def test_a_page_of_a_list_that_was_chosen_anew_is_the_first(page: Open, filled: Any) -> None:
    paged = page(filled.note.api_url, "traces", range="1h").button(key="Next").click().run()
    assert "Rows 51 to 100 of 122" in words(paged)
    other = page(filled.note.api_url, "traces", range="1h", text="answer", page=paged.query_params["page"])
    assert "Rows 1 to 50 of 120" in words(other)


def test_traces_shows_a_page_and_says_of_how_many(page: Open, filled: Any, listed: Listed) -> None:
    traces = page(filled.note.api_url, "traces", range="1h")
    assert not traces.exception
    assert len(listed(traces)) == 50
    assert len(listed(traces)[0]) == 9 + 1
    assert "Rows 1 to 50 of 122" in words(traces)


def test_traces_pages_forward_and_back_without_loss(page: Open, filled: Any, listed: Listed) -> None:
    traces, seen = page(filled.note.api_url, "traces", range="1h"), []
    for _ in range(3):
        seen += [row["Name"] for row in listed(traces)]
        if not traces.button(key="Next").disabled:
            traces.button(key="Next").click().run()
    assert len(seen) == len(set(seen)) == 122
    assert "Rows 101 to 122 of 122" in words(traces)
    traces.button(key="Previous").click().run()
    assert [row["Name"] for row in listed(traces)] == seen[50:100]
    traces.button(key="Previous").click().run()
    assert [row["Name"] for row in listed(traces)] == seen[:50]
    assert "page" not in traces.query_params


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"text": "ANSWER 11"}, 11, id="text-in-name"),
        pytest.param({"text": "rate limit"}, 12, id="text-in-error"),
        pytest.param({"service": "svc1"}, 40, id="service"),
        pytest.param({"session": "s2"}, 30, id="session"),
        pytest.param({"user": "u1", "errors": "with"}, 12, id="user-and-errors"),
        pytest.param({"status": "recovered"}, 12, id="status"),
        pytest.param({"model": "gpt-x"}, 120, id="model"),
        pytest.param({"min_s": "0.2"}, 21, id="min-duration"),
    ],
)
def test_filters_come_from_the_url(page: Open, filled: Any, query: dict[str, str], expected: int) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", **query)
    assert f"{expected} traces match the filters" in words(traces)


@pytest.mark.parametrize(
    "query",
    [
        {"min_s": "1e300"}, {"min_s": "-1"}, {"errors": "maybe"}, {"status": "fine"}, {"sort": "best"},
        {"range": "custom", "from": "0001-01-01"}, {"range": "custom", "to": "9999-12-31T23:59:59Z"},
    ],
    ids=lambda query: "-".join(query.values()),
)  # fmt: skip
def test_what_a_link_cannot_mean_chooses_nothing(page: Open, filled: Any, query: dict[str, str]) -> None:
    traces = page(filled.note.api_url, "traces", **{"range": "1h", **query})
    assert not traces.exception
    assert re.search(r"\d+ traces started in", words(traces))


def test_all_time_holds_a_trace_of_a_clock_that_is_ahead(
    page: Open, serve: Callable[[str], Any], telling: Any, listed: Listed
) -> None:
    served, hour = serve("ahead"), 3_600_000_000_000
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o"}
    served.send(telling(bytes([1]) * 16, time.time_ns() + 9_000 * hour).span(1, "ahead", 0, 5, **call).body())
    served.settle()
    assert len(listed(page(served.note.api_url, "traces", range="all"))) == 1
    assert "1 trace started in the recorded time" in words(page(served.note.api_url, range="all"))
    for name in ("cost", "latency"):
        assert "No model call" not in words(page(served.note.api_url, name, range="all"))


def test_the_order_comes_from_the_url(page: Open, filled: Any, listed: Listed) -> None:
    rows = listed(page(filled.note.api_url, "traces", range="1h", sort="slowest"))
    taken = [float(row["Duration"].split()[0]) for row in rows if row["Duration"].endswith(" ms")]
    assert len(taken) > 40
    assert taken == sorted(taken, reverse=True)


def test_traces_that_match_nothing_are_empty_not_failed(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", text="nowhere to be found")
    assert not traces.error
    assert "matches" in words(traces)


def test_a_trace_shows_its_facts_and_the_span_of_the_url(page: Open, filled: Any) -> None:
    shown = page(filled.note.api_url, "trace", trace="07" * 15 + "02", span=f"{1:016x}", back="range=1h&text=answer")
    assert not shown.exception
    assert shown.title[0].value == "answer 2"
    assert "12 → 5" in words(shown)
    assert "**answer 2**" in words(shown)
    assert [tab.label for tab in shown.tabs] == ["Messages", "Attributes", "Raw"]


def test_a_failed_call_is_told_apart_from_an_unknown_one(page: Open, filled: Any) -> None:
    failed = page(filled.note.api_url, "trace", trace="07" * 15 + "0a", span=f"{2:016x}")
    assert "1, 1 failed" in words(failed)
    assert "Error" in [tab.label for tab in failed.tabs]
    unknown = page(filled.note.api_url, "trace", trace="07" * 15 + "01")
    assert "unknown (1 call)" in words(unknown)


def test_a_trace_opens_at_its_failure_and_a_button_leads_back_to_it(page: Open, filled: Any) -> None:
    failed = page(filled.note.api_url, "trace", trace="07" * 15 + "0a")
    assert f"· llm · 90 ms · span {2:016x}" in words(failed)
    assert "Error" in [tab.label for tab in failed.tabs]
    moved = page(filled.note.api_url, "trace", trace="07" * 15 + "0a", span=f"{1:016x}")
    assert f"span {1:016x}" in words(moved)
    button = moved.button(key="failure-1")
    assert button.label == r":red[chat gpt\-x: rate limit reached]"
    assert f"span {2:016x}" in words(button.click().run())


def test_a_trace_that_was_cut_says_of_how_many(
    page: Open, serve: Callable[[str], Any], telling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_QUERY_MAX_ROWS", "10")
    served, long = serve("cut"), telling(bytes([4]) * 16, time.time_ns() - 10**9).span(1, "long", 0, 900)
    for number in range(2, 26):
        long.span(number, "step", number, 1, parent=1)
    served.send(long.body())
    served.settle()
    assert "Cut: first 10 of 25 spans" in words(page(served.note.api_url, "trace", trace="04" * 16))


def test_a_trace_of_the_sample_and_its_list_say_so(page: Open, few: Any, telling: Any) -> None:
    shifted = telling(bytes([5]) * 16, time.time_ns() - 8 * 3600 * 10**9, resource={"assayline.sample": "true"})
    few.send(shifted.span(1, "sample", 0, 900).body())
    few.settle()
    assert "Sample data" in words(page(few.note.api_url, "traces", **between(9, 7)))
    assert "Sample data" not in words(page(few.note.api_url, "traces", **between(1, 0)))
    assert "Sample data" in words(page(few.note.api_url, "trace", trace="05" * 16))
    assert "Sample data" not in words(page(few.note.api_url, "trace", trace="01" * 16))


@pytest.mark.parametrize(
    ("kind", "message", "says"),
    [
        ("_OTHER", "boom", "boom"), ("_OTHER", None, "error"), (None, None, ""), ("TimeoutError", None, "TimeoutError"),
        ("TimeoutError", "after 3 s", "TimeoutError: after 3 s"), ("ValueError", "ValueError: no", "ValueError: no"),
        (" ", "boom", "boom"), (None, " ", "error"),
    ],
)  # fmt: skip
def test_a_failure_is_named_once_and_only_by_a_name(kind: str | None, message: str | None, says: str) -> None:
    assert trace.failure(pd.Series({"error_type": kind, "error_message": message}, dtype=object)) == says


def test_a_name_and_a_message_that_nobody_can_see_have_words(
    page: Open, serve: Callable[[str], Any], telling: Any, listed: Listed
) -> None:
    served = serve("unseen")
    served.send(telling(bytes([1]) * 16, time.time_ns() - 60_000_000_000).span(1, " ", 0, 5, error="\u200b").body())
    served.settle()
    (row,) = listed(page(served.note.api_url, "traces"))
    assert row["Name"] == "unnamed"
    (problem,) = listed(page(served.note.api_url))
    assert (problem["Message"], problem["Newest trace"]) == ("no message", "unnamed")
    shown = page(served.note.api_url, "trace", trace="01" * 16)
    assert shown.title[0].value == "unnamed"
    assert "**unnamed**" in words(shown)
    assert "no message" in [code.value for code in shown.code]


def test_a_long_name_leaves_room_for_the_way_back(page: Open, serve: Callable[[str], Any], telling: Any) -> None:
    served = serve("long")
    served.send(telling(bytes([1]) * 16, time.time_ns() - 60_000_000_000).span(1, "step " * 40, 0, 5).body())
    served.settle()
    title = page(served.note.api_url, "trace", trace="01" * 16).title[0]
    assert title.value == fmt.clip("step " * 40, 80)
    assert title.proto.help == ("step " * 40).strip()


@pytest.mark.parametrize(
    ("told", "tab"),
    [
        pytest.param({"output": [{}], "status": "error"}, "Error", id="failed"),
        pytest.param({"output": [{}]}, "Messages", id="messages"),
        pytest.param({}, "Tokens", id="nothing-said"),
    ],
)
def test_a_span_opens_at_the_tab_that_has_something(told: dict[str, Any], tab: str) -> None:
    found = {"kind": "llm", "status": "ok", **told}
    assert (
        span._first([name for name in ("Messages", "Error", "Tokens", "Raw") if span._has(name, found)], found) == tab
    )


def test_instructions_that_the_input_repeats_are_shown_once() -> None:
    system, user = ({"role": role, "parts": [{"type": "text", "content": role}]} for role in ("system", "user"))
    other = {"role": "system", "parts": [{"type": "text", "content": "later"}]}
    said = span._said({"system": [system], "input": [system, other, user], "output": None})
    assert said == {"system": [system], "input": [other, user], "output": []}


@pytest.mark.parametrize(
    ("trace", "says"),
    [pytest.param("", "names none", id="none"), pytest.param("ff" * 16, "No span of it", id="unknown")],
)
def test_a_trace_that_is_not_there_is_empty_not_failed(page: Open, filled: Any, trace: str, says: str) -> None:
    shown = page(filled.note.api_url, "trace", trace=trace)
    assert not shown.exception
    assert not shown.error
    assert says in words(shown)
    assert [button.label for button in shown.button] == ["Look again"]


def test_totals_say_what_they_leave_out(page: Open, filled: Any) -> None:
    with filled.client() as client:
        doubled = [line for line in client.totals() if line["spans"] > 1]
    notes = [words(page(filled.note.api_url, "trace", trace=line["trace_id"])) for line in doubled[:12]]
    assert any("Totals count each call once" in note for note in notes)


def test_an_orphan_says_that_its_parent_never_arrived(page: Open, filled: Any, listed: Listed) -> None:
    assert len(listed(page(filled.note.api_url, "traces", range="all", text="POST /answer"))) == 1
    with filled.client() as client:
        found = client.query("traces", since="2020-01-01", until="2100-01-01", text="POST /answer").frame
    shown = page(filled.note.api_url, "trace", trace=found["trace_id"].iloc[0])
    assert "never arrived" in words(shown)


def test_no_folder_is_called_pages() -> None:
    """Streamlit serves its scripts without main.py to whoever opens a deep link first after a start."""
    assert not (MAIN.parent / "pages").exists()


def test_costs_stand_with_the_calls_that_have_none(page: Open, serve: Callable[[str], Any], telling: Any) -> None:
    served, now = serve("priced"), time.time_ns()
    call = {"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}
    trace_told = telling(bytes([4]) * 16, now - 60 * 10**9).span(1, "priced", 0, 900)
    trace_told.span(2, "chat", 5, 20, parent=1, gen_ai__request__model="gpt-4o", **call)
    trace_told.span(3, "chat", 50, 20, parent=1, gen_ai__request__model="nobody-knows-it", **call)
    served.send(trace_told.body())
    served.settle()
    assert r"calls cost \$2\.50, 1 call unpriced" in words(page(served.note.api_url, range="1h"))
    known = words(page(served.note.api_url, "trace", trace="04" * 16, span=f"{2:016x}"))
    assert "$2.50, 1 call unpriced" in known
    unknown = words(page(served.note.api_url, "trace", trace="04" * 16, span=f"{3:016x}"))
    assert "No price is known for model nobody-knows-it" in unknown
    assert "gpt-4o (genai-prices" in known
