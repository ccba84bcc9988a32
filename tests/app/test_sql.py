"""SQL and dashboards: what is drawn of an answer, the pages over a real server, charts that are pinned and changed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_sql, dashboards, sql, sql_examples, sql_pin, sql_result
from app.charts_sql import MOST_GROUPS, Settings, fitted
from server.client import Client

Page = Callable[..., AppTest]
DAYS = [datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 3)]


def frame(**columns: list[Any]) -> pd.DataFrame:
    """With types as answers have them."""
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


BY_MODEL = frame(day=[DAYS[0], DAYS[0], DAYS[1]], model=["a", "b", "a"], usd=[1.0, 5.0, None])


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param(frame(n=[3]), Settings("number", y=("n",)), id="one-number"),
        pytest.param(frame(day=DAYS, n=[1, 2, 3]), Settings("line", "day", ("n",)), id="over-time"),
        pytest.param(BY_MODEL, Settings("line", "day", ("usd",), "model"), id="over-time-by-a-name"),
        pytest.param(
            frame(day=DAYS, p50=[1, 2, 3], p95=[9, 20, 30], total=[9000, 1, 1]),
            Settings("line", "day", ("p50", "p95")), id="columns-of-one-scale"
        ),
        pytest.param(frame(start=DAYS[::2] + DAYS[1:2], n=[9, 8, 7]), Settings("table"), id="times-in-no-order"),
        pytest.param(frame(model=["a", "b"], n=[1, 2]), Settings("bar", "model", ("n",)), id="names"),
        pytest.param(frame(a=[1, 2, 3], b=[3, 2, 1]), Settings("scatter", "a", ("b",)), id="two-numbers"),
        pytest.param(frame(ms=list(range(20))), Settings("histogram", "ms"), id="many-of-one-number"),
        pytest.param(frame(model=["a", "b"]), Settings("table"), id="names-alone"),
        pytest.param(frame(n=[1, 2]), Settings("table"), id="two-of-one-number"),
        pytest.param(frame(n=pa.array([], pa.int64())), Settings("table"), id="no-rows"),
        pytest.param(pd.DataFrame(), Settings("table"), id="no-columns"),
    ],
)  # fmt: skip
def test_what_is_drawn_is_chosen_by_types(answer: pd.DataFrame, shown: Settings) -> None:
    assert fitted(answer, Settings()).shown == shown


def test_what_was_chosen_is_kept_as_far_as_the_answer_has_it() -> None:
    wanted = Settings("bar", "model", ("usd",))
    assert fitted(BY_MODEL, wanted).shown == Settings("bar", "model", ("usd",), None)
    assert fitted(BY_MODEL, Settings("bar", "gone", ("gone",), "gone")).shown.x == "model"
    assert fitted(BY_MODEL, Settings("histogram", "model")).shown == Settings("histogram", "usd")
    none = fitted(frame(model=["a"]), Settings("line"))
    assert (none.shown.kind, none.why) == ("table", "A line needs a column of numbers, and there is none.")
    assert "no rows" in fitted(frame(n=pa.array([], pa.int64())), Settings("bar")).why


def test_a_colour_stands_for_each_name_and_what_is_cut_is_told() -> None:
    drawn = charts_sql.figure(BY_MODEL, fitted(BY_MODEL, Settings()).shown, "3 rows", "light")
    assert [trace.name for trace in drawn.data] == ["b", "a"], "the greatest first"
    assert [list(trace.y) for trace in drawn.data] == [[5.0], [1.0, None]], "unknown is a gap"
    unknown = frame(day=DAYS, model=["a", "a", "b"], usd=[1.0, 2.0, None])
    drawn = charts_sql.figure(unknown, fitted(unknown, Settings("line", by="model")).shown, "3 rows", "light")
    assert [trace.name for trace in drawn.data] == ["a"]
    assert "1 of 2 have no values" in drawn.layout.title.subtitle.text
    many = frame(day=[DAYS[0]] * 15, model=[f"m{n}" for n in range(15)], n=list(range(15)))
    drawn = charts_sql.figure(many, fitted(many, Settings("line")).shown, "15 rows", "dark")
    assert len(drawn.data) == MOST_GROUPS
    assert f"first {MOST_GROUPS} of 15 by size" in drawn.layout.title.subtitle.text


def test_names_are_no_markup_and_look_like_no_dates() -> None:
    odd = frame(name=["<b>x</b>", "2026-05-01"], n=[1, 2])
    drawn = charts_sql.figure(odd, fitted(odd, Settings()).shown, "", "light")
    assert list(drawn.data[0].x) == ["&lt;b>x&lt;/b>", "2026-05-01"]
    assert drawn.layout.xaxis.type == "category"


@pytest.mark.parametrize("kind", ["line", "bar", "scatter"])
def test_names_that_begin_alike_stay_apart(kind: charts_sql.Kind) -> None:
    names = [f"gpt-4o-mini-2024-07-18-preview-<{end}>" for end in "ab"]
    answer = frame(name=[*names, None], n=[1, 2, 3])
    drawn = charts_sql.figure(answer, fitted(answer, Settings(kind, "name")).shown, "", "light")
    assert list(drawn.data[0].x) == [*(name.replace("<", "&lt;") for name in names), "unknown"]
    assert list(drawn.layout.xaxis.tickvals) == list(drawn.data[0].x)
    assert list(drawn.layout.xaxis.ticktext) == ["gpt-4o-mini-2024-07-18-…"] * 2 + ["unknown"]
    many = frame(name=[f"n{place}" for place in range(1_000)], n=list(range(1_000)))
    drawn = charts_sql.figure(many, fitted(many, Settings(kind, "name")).shown, "", "light")
    assert len(drawn.layout.xaxis.tickvals) == charts_sql.MOST_BARS


@pytest.mark.parametrize("kind", ["line", "bar", "scatter", "histogram"])
def test_every_kind_is_drawn_of_every_number(kind: charts_sql.Kind) -> None:
    decimals = pa.array([1, None, 3], pa.decimal128(38, 2))
    for x in (pa.array(["a", None, "c"]), pa.array([1, 2, None]), pa.array([True, False, None])):
        answer = pa.table({"x": x, "n": decimals}).to_pandas(types_mapper=pd.ArrowDtype)
        shown = fitted(answer, Settings(kind, "x")).shown
        assert len(charts_sql.figure(answer, shown, "", "light").data) == 1


def test_a_table_takes_what_a_browser_cannot() -> None:
    nested = pa.table({
        "map": pa.array([[("a", "b")], None], pa.map_(pa.string(), pa.string())),
        "list": pa.array([[1, 2], None]),
        "long": ["x" * 5000, None],
        "at": pa.array([DAYS[0], None], pa.timestamp("us", "UTC")),
        "trace_id": ["0" * 32, None],
    })  # fmt: skip
    shown = sql_result.plainly(nested.to_pandas(types_mapper=pd.ArrowDtype), "shop")
    assert shown["map"].tolist() == ['{"a": "b"}', None]
    assert shown["list"].tolist() == ["[1, 2]", None]
    assert len(shown["long"].iloc[0]) == 2001
    assert str(shown["at"].iloc[0]) == "2026-05-01 00:00:00"
    assert shown["trace_id"].iloc[0] == f"trace?trace={'0' * 32}&project=shop"
    told = frame(trace_id=["1" * 32], project=["a&b"])
    assert sql_result.plainly(told, "shop")["trace_id"].iloc[0] == f"trace?trace={'1' * 32}&project=a%26b"
    strange = sql_result.plainly(frame(trace_id=["javascript:alert(1)"]), "shop")
    assert strange["trace_id"].tolist() == ["javascript:alert(1)"], "as a text that leads nowhere"


def test_a_download_has_whole_values() -> None:
    answer = pa.table({
        "n": [1, None], "long": ["x" * 5000, 'a,"b"'],
        "map": pa.array([[("a", "b")], None], pa.map_(pa.string(), pa.string())),
    }).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip
    read = list(csv.reader(sql_result.as_csv(answer).decode().splitlines()))
    assert read == [["n", "long", "map"], ["1", "x" * 5000, '{"a": "b"}'], ["", 'a,"b"', ""]]


@pytest.mark.parametrize(
    ("question", "at", "length", "told"),
    [
        pytest.param("select x", 7, 1, (1, 8, "select x\n       ^"), id="first-line"),
        pytest.param("select\n\tab", 8, 2, (2, 2, " ab\n ^^"), id="second-line-with-a-tab"),
        pytest.param("x" * 200, 100, 500, (1, 101, f"{'x' * 120}\n{' ' * 60}{'^' * 60}"), id="long-line"),
    ],
)
def test_a_place_is_marked(question: str, at: int, length: int, told: tuple[int, int, str]) -> None:
    assert sql.marked(question, at, length) == told


def test_charts_stand_in_pairs_but_for_wide_ones() -> None:
    charts = [{"wide": wide} for wide in (False, True, False, False, False, True)]
    assert dashboards.rows_of(charts) == [[0], [1], [2, 3], [4], [5]]
    assert dashboards.rows_of([]) == []


def test_charts_are_moved_and_replaced() -> None:
    charts = [{"name": name} for name in "abc"]
    assert [one["name"] for one in dashboards.moved(charts, 2, 0)] == ["c", "a", "b"]
    assert [one["name"] for one in dashboards.moved(charts, 0, 9)] == ["b", "c", "a"]
    assert sql_pin.pinned(charts, {"name": "b", "sql": "x"})[1] == {"name": "b", "sql": "x"}
    assert [one["name"] for one in sql_pin.pinned(charts, {"name": "d"})] == ["a", "b", "c", "d"]


# The pages.


@pytest.fixture(scope="module")
def url(filled: Any) -> Iterator[str]:
    return filled.note.api_url


def editor(page: AppTest) -> dict[str, Any]:
    (part,) = [one for one in page.get("bidi_component") if one.proto.component_name == "assayline_sql"]
    found: dict[str, Any] = json.loads(part.proto.json)
    return found


def said(page: AppTest) -> str:
    return " ".join(str(one.value) for kind in ("markdown", "caption", "error", "info") for one in page.get(kind))


def test_the_page_begins_with_examples_and_the_schema(page: Page, url: str) -> None:
    opened = page(url, "sql")
    assert not opened.exception
    told = editor(opened)
    assert (told["text"], told["fault"]) == ("", None)
    assert told["relations"][0]["name"] == "calls"
    assert "reads all projects" in said(opened)
    assert len(opened.get("page_link")) >= len(sql_examples.EXAMPLES)


@pytest.mark.parametrize("name", sql_examples.EXAMPLES)
def test_examples_are_answered(url: str, name: str) -> None:
    with Client(url) as client:
        assert len(client.sql(sql_examples.EXAMPLES[name], DAYS[0], datetime(2100, 1, 1, tzinfo=UTC)).frame.columns)


def test_a_question_of_the_url_is_answered(page: Page, url: str) -> None:
    opened = page(url, "sql", sql="select 'k' || i as kind, i as n from range(5) t(i)")
    assert not opened.exception
    assert len(opened.get("plotly_chart")) == 1
    assert len(opened.dataframe) == 1, "a chart has its rows below"
    assert "asked at" in said(opened)
    opened.segmented_control(key=sql_result.CHART).set_value("table").run()
    assert len(opened.get("plotly_chart")) == 0


def test_a_refusal_is_told_with_its_place(page: Page, url: str) -> None:
    opened = page(url, "sql", sql="select kind,\n  nosuch from calls")
    assert "Line 2, column 3." in said(opened)
    assert editor(opened)["fault"] == {"at": 15, "length": 6}
    assert opened.get("code")[0].value == "  nosuch from calls\n  ^^^^^^"


def test_a_chart_is_pinned_shown_and_removed(page: Page, url: str) -> None:
    with Client(url) as client:
        client.add_project("pins")
        with Client(url, "pins") as own:
            own.add_dashboard("Board")
        opened = page(url, "sql", sql="select 7 as n", project="pins")
        opened.selectbox(key="pin-to").set_value("Board")
        opened.text_input(key="pin-name").set_value("Seven")
        opened.text_input(key="alerts-author").set_value("ann").run()
        opened.button(key="pin-do").click().run()
        assert not opened.exception
    with Client(url, "pins") as client:
        (board,) = client.dashboards()
        (chart,) = client.dashboard(board["dashboard_id"])["charts"]
        assert (chart["name"], chart["kind"], chart["y"], chart["author"]) == ("Seven", "number", ["n"], "ann")
        charts = [chart, {"name": "Broken", "sql": "select nosuch from calls"}]
        client.change_dashboard(board["dashboard_id"], 2, "Board", charts, "bob")
        shown = page(url, "dashboards", dashboard=board["dashboard_id"], project="pins", dashboard_edit="true")
        assert not shown.exception
        assert [one.value for one in shown.metric] == ["7"]
        assert "not found in FROM clause" in said(shown), "one that fails says why, and the other stands"
        shown.text_input(key="alerts-author").set_value("cy").run()
        client.change_dashboard(board["dashboard_id"], 3, "Board", charts, "bob")
        shown.button(key="dashboard-1-delete").click().run()
        assert "was changed by bob since you read it" in said(shown)
        shown.button(key="dashboard-1-delete").click().run()
        assert [one["name"] for one in client.dashboard(board["dashboard_id"])["charts"]] == ["Seven"]


def test_the_list_of_dashboards(page: Page, url: str, listed: Any) -> None:
    with Client(url) as client:
        client.add_project("listed")
        assert "There is no dashboard." in said(page(url, "dashboards", project="listed"))
        with Client(url, "listed") as own:
            made = own.add_dashboard("A <b>", [], "ann")
        opened = page(url, "dashboards", project="listed")
        (row,) = listed(opened)
        assert (row["Dashboard"], row["Charts"], row["By"]) == ("A <b>", "0", "ann")
        assert row["href"] == f"dashboards?dashboard={made['dashboard_id']}"
        gone = page(url, "dashboards", dashboard="00000000-0000-0000-0000-000000000001")
        assert "no dashboard" in said(gone)
