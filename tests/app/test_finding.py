"""The line of Traces and what stands on it: the form, a search in steps, facets, the figure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import queryline, saved_views, searching

Open = Callable[..., AppTest]
Listed = Callable[[AppTest], list[dict[str, str]]]


def words(page: AppTest) -> str:
    return "\n".join(str(part.value) for part in (*page.markdown, *page.caption, *page.error, *page.text))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(("service", "is", "shop"), "service:shop", id="is"),
        pytest.param(("service", "is not", 'a "b"'), 'service!="a \\"b\\""', id="is-not-in-quotes"),
        pytest.param(("name", "contains", "order"), "name:*order*", id="contains"),
        pytest.param(("error", "contains", "rate limit"), 'error:*"rate limit"*', id="contains-in-quotes"),
        pytest.param(("duration", ">", "2s "), "duration>2s", id="amount"),
        pytest.param(("score.ok", "<", "0.5"), "score.ok<0.5", id="score"),
        pytest.param(("user", "is not told", ""), "no:user", id="not-told"),
    ],
)
def test_the_form_writes_conditions(parts: tuple[str, str, str], expected: str) -> None:
    assert queryline.condition(*parts) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [("", "a:b"), ("x", "x a:b"), ("x or y", "(x or y) a:b"), ("order", "order a:b"), ("a or(b)", "(a or(b)) a:b")],
)
def test_a_condition_holds_beside_all_of_the_line(line: str, expected: str) -> None:
    assert queryline.with_condition(line, "a:b") == expected


def test_the_form_adds_to_the_line(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="status:ok")
    traces.session_state["add-filter"] = True
    traces.run().selectbox(key="add-filter-field").select("service").run()
    traces.text_input(key="add-filter-value").input("svc1").run()
    traces.button(key="add-filter-go").click().run()
    assert dict(traces.query_params)["q"] in ("status:ok service:svc1", ["status:ok service:svc1"])
    assert "36 traces match the filters" in words(traces)


def test_a_line_of_summaries_is_counted_paged_and_sorted(page: Open, filled: Any, listed: Listed) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="user:u1 tokens>100", sort="slowest")
    assert not traces.exception
    assert "match the filters" in words(traces)
    assert listed(traces)[0]["Name"] == "answer 119"
    assert {button.label for button in traces.button} >= {"Score these", "Add to dataset", "Send to queue", "Next"}


def test_a_search_rests_when_it_has_found_enough_and_looks_on(page: Open, filled: Any, listed: Listed) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="gpt-x")
    assert not traces.exception
    assert "50 traces found in the last hour so far, newest first. Looked back to" in words(traces)
    assert len(listed(traces)) == 50
    assert {button.label for button in traces.button} >= {"Score these (50 listed)", "Look on"}
    traces.button(key="search-on").click().run()
    assert len(listed(traces)) == 100


def test_a_search_that_finds_nothing_says_that_it_looked_through_all(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="zebra")
    assert "0 traces found in the last hour: all of it was looked through" in words(traces)
    assert "No trace in the last hour meets the line" in words(traces)


def test_a_trace_that_is_found_again_stands_once_and_where_it_is_now() -> None:
    frames = [pd.DataFrame({"trace_id": list(ids), "name": list(ids)}) for ids in ("abc", "bd")]
    search = searching.Search("", {}, wanted=5, frames=frames, begun=True, cursor="on")
    assert list(search.rows["trace_id"]) == ["a", "c", "b", "d"]
    assert (search.found, search.running) == (4, True)


def test_a_search_that_fails_stops_and_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_API_URL", "http://127.0.0.1:9")  # nobody answers there
    search = searching.Search("", {}, frames=[pd.DataFrame({"trace_id": ["a"]})], begun=True, cursor="on")
    searching.look_on(search)
    assert (search.failed is not None, search.running, search.done, search.found) == (True, False, False, 1)


def test_the_line_asks_for_sessions_and_users_too(page: Open, chatted: Any, listed: Listed) -> None:
    for path, names in (("sessions", ["chat-1"]), ("users", ["ann"])):
        asked = page(chatted.note.api_url, path, range="1h", q="status:error")
        assert not asked.exception
        assert [row[path.capitalize()[:-1]] for row in listed(asked)] == names
        assert (
            "takes a search: Traces makes one" in page(chatted.note.api_url, path, range="1h", q="hello").info[0].value
        )
        assert "put right" in words(page(chatted.note.api_url, path, range="1h", q="modle:x"))


@pytest.mark.parametrize("path", ["sessions", "users"])
def test_the_line_of_traces_stays_there(page: Open, chatted: Any, path: str) -> None:
    opened = page(chatted.note.api_url, "traces", range="1h", q="status:error")
    del opened.query_params["q"]
    opened.switch_page(f"views/{path}.py").run()
    assert f"2 {path} " in words(opened)


def test_a_view_keeps_what_is_named_like_the_usual_order() -> None:
    view = {"q": "newest", "filter": {"service": "newest"}, "order": "newest", "columns": []}
    assert saved_views.link(view) == {"q": "newest", "service": "newest"}


def test_a_wrong_line_lists_nothing(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="modle:x")
    assert "Nothing is listed until the line is put right" in words(traces)
    told = [
        json.loads(one.proto.json) for one in traces.get("bidi_component") if "queryline" in one.proto.component_name
    ]
    assert told[0]["fault"]["at"] == 0


def test_facets_are_counted_when_they_are_opened_and_lead_on(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="status:recovered")
    traces.session_state["facets"] = True
    traces.run()
    assert "Of all 12 traces that match." in words(traces)
    links = {part.proto.label: part.proto.query_string for part in traces.get("page_link")}
    (svc0,) = (query for label, query in links.items() if label.startswith("svc0 · "))
    assert "q=status%3Arecovered+service%3Asvc0" in svc0


def test_the_figure_stands_above_the_list(page: Open, filled: Any) -> None:
    for query in ({"range": "1h"}, {"range": "all"}, {"range": "1h", "q": "gpt-x"}):
        traces = page(filled.note.api_url, "traces", **query)
        assert not traces.error
        figures = [json.loads(one.proto.spec) for one in traces.get("plotly_chart")]
        assert [figure["layout"]["title"]["text"] for figure in figures] == ["Traces and their duration"]


def test_columns_are_those_of_the_url(page: Open, filled: Any, listed: Listed) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="service:svc1", columns="User,Nonsense,Name,User,Models")
    assert not traces.exception
    assert list(listed(traces)[0]) == ["href", "User", "Name", "Models"]
    assert listed(traces)[0]["User"] == "u1"
    assert "Name" in listed(page(filled.note.api_url, "traces", range="1h", columns="User"))[0]


def test_a_view_is_saved_opened_and_deleted(page: Open, filled: Any) -> None:
    traces = page(
        filled.note.api_url, "traces", range="1h", q="status:ok", service="svc1", sort="slowest", columns="Name,User"
    )
    traces.session_state["trace-views"] = True
    traces.run().text_input(key="trace-view-name").input("Slow ones").run()
    traces.button(key="trace-view-save").click().run()
    assert "Slow ones is saved" in words(traces).replace("\\", "")
    (query,) = (part.proto.query_string for part in traces.get("page_link") if part.proto.label == "Slow ones")
    told = dict(parse_qsl(query))
    assert told == {"range": "1h", "q": "status:ok", "service": "svc1", "sort": "slowest", "columns": "Name,User"}
    assert traces.button(key="trace-view-save").label == "Replace Slow ones"
    traces.button(key="trace-view-delete-Slow ones").click().run()
    assert "Slow ones is deleted" in words(traces).replace("\\", "")


def test_all_of_the_list_can_be_downloaded(page: Open, filled: Any) -> None:
    traces = page(filled.note.api_url, "traces", range="1h", q="status:recovered")
    traces.session_state["traces-download"] = True
    traces.run()
    assert "All 12 traces" in {one.proto.label for one in traces.get("download_button")}
    (command,) = (code.value for code in traces.code)
    url = shlex.split(command)[-1]
    rows = httpx.get(url, trust_env=False).text.splitlines()
    assert len(rows) == 13


def test_live_shows_the_newest_and_no_pages(page: Open, filled: Any, listed: Listed) -> None:
    traces = (
        page(filled.note.api_url, "traces", range="1h", q="service:svc1")
        .toggle(key="traces-live")
        .set_value(True)
        .run()
    )
    assert not traces.exception
    assert "40 traces match the filters in the last hour. Live; data to" in words(traces)
    assert len(listed(traces)) == 40
    assert "Next" not in {button.label for button in traces.button}
    assert traces.toggle(key="traces-live").set_value(False).run().button(key="Next").disabled
