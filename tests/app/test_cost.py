"""The Cost page: its words, numbers and states."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from app import charts, charts_cost, cost, prices, state, widgets

Open = Callable[..., AppTest]
Listed = Callable[[AppTest], list[dict[str, str]]]
HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def spent(serve: Callable[[str], Any], telling: Any) -> Any:
    """Two traces of a session in the last hour of three models, one without a price; one trace of 25 h ago."""
    served, now = serve("cost"), time.time_ns()
    call = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}

    def usage(sent: int, said: int, **more: int) -> dict[str, Any]:
        return {"gen_ai__usage__input_tokens": sent, "gen_ai__usage__output_tokens": said, **more}

    for number, ago in ((1, 60), (2, 120), (3, 25 * 3600)):
        trace = telling(bytes([number]) * 16, now - ago * 10**9).span(1, "answer", 0, 900, session__id="s1")
        trace.span(2, "chat", 5, 20, parent=1, gen_ai__request__model="gpt-4o", **call, **usage(10**6, 10**5))
        cached = {"gen_ai__usage__cache_read__input_tokens": 5 * 10**5}
        mini = usage(10**6, 0, **cached)
        trace.span(3, "chat", 30, 20, parent=1, gen_ai__request__model="gpt-4o-mini", **call, **mini)
        if number == 1:
            trace.span(4, "chat", 60, 20, parent=1, gen_ai__request__model="mine", **call, **usage(1000, 10))
            trace.span(5, "chat", 90, 20, parent=1, gen_ai__request__model="gpt-4o", **call)
        served.send(trace.body())
    served.settle()
    return served


GPT_4O, MINI = 2.5 + 0.1 * 10, 0.5 * 0.15 + 0.5 * 0.075  # dollars a call, by the list


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_the_sentence_and_the_tiles_add_up(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h")
    assert not shown.exception
    total = 2 * (GPT_4O + MINI)
    assert (
        f"6 calls cost at least ${total:.2f} in the last 24 hours, 100 % more than in the 24 hours before; "
        "2 calls have no price, 1 of them for want of usage."
    ) in words(shown)
    tiles = {tile.label: (tile.value, tile.delta.replace("\\", "")) for tile in shown.metric}
    assert len(tiles) == 5
    assert tiles["Cost"] == (f"≥ ${total:.2f}", f"before: ${total / 2:.2f}")
    assert tiles["Cost per trace"] == (f"≥ ${total / 2:.2f}", f"${total / 2:.2f} to {total / 2:.2f}, n = 2")
    assert tiles["Cost per session"] == (f"≥ ${total:.2f}", "no interval, n = 1")
    assert tiles["Input read from cache"] == ("50 %", "saved $0.0750")
    assert tiles["Calls without a price"] == ("2", "of 6; 1 untold")


def test_the_table_tells_each_model_and_leads_to_its_traces(page: Open, spent: Any, listed: Listed) -> None:
    shown = listed(page(spent.note.api_url, "cost", range="24h", service="shop"))
    assert [row["Model"] for row in shown] == ["gpt-4o", "gpt-4o-mini", "mine"]
    dear, _, unknown = shown
    assert (dear["Cost"], dear["Calls"], dear["No price"], dear["Traces"]) == (f"≥ ${2 * GPT_4O:.2f}", "3", "1", "2")
    assert dear["$ per 1,000 calls"] == f"${1000 * GPT_4O:,.2f} ({1000 * GPT_4O:,.2f} to {1000 * GPT_4O:,.2f})"[1:]
    assert (unknown["Cost"], unknown["$ per 1,000 calls"], unknown["No price"]) == ("unknown", "unknown", "1")
    there = urlsplit(dear["href"])
    assert (there.path, parse_qs(there.query)) == (
        "traces", {"model": ["gpt-4o"], "service": ["shop"]},
    )  # fmt: skip


def test_a_dimension_that_traces_cannot_filter_narrows_the_page(page: Open, spent: Any, listed: Listed) -> None:
    (row,) = listed(page(spent.note.api_url, "cost", range="7d", by="provider"))
    there = urlsplit(row["href"])
    assert (there.path, parse_qs(there.query)) == ("cost", {"provider": ["openai"], "range": ["7d"], "by": ["model"]})


def test_what_nobody_told_is_a_row_that_leads_nowhere(page: Open, spent: Any, listed: Listed) -> None:
    (row,) = listed(page(spent.note.api_url, "cost", range="24h", by="release"))
    assert (row["Release"], row["href"]) == ("unknown", "")


@pytest.mark.parametrize(("by", "says"), [("tag", "no tag"), ("tool", "no tool"), ("user", "unknown")])
def test_what_a_call_does_not_have_is_not_called_unknown(
    page: Open, spent: Any, by: str, says: str, listed: Listed
) -> None:
    (row,) = listed(page(spent.note.api_url, "cost", range="24h", by=by))
    assert row[by.capitalize()] == says


def test_classes_of_tokens_have_their_own_view(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h", by="token class")
    assert not shown.exception
    assert not [part for part in shown.get("bidi_component") if part.proto.component_name == "assayline_listing"]
    classes = shown.dataframe[0].value.set_index("class")
    assert classes.loc["Cache read", "tokens"] == 10**6
    assert classes.loc["Output", "cost"] == pytest.approx(2 * 0.1 * 10)
    assert classes["share"].sum() == pytest.approx(100)


def test_filters_come_from_the_url(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h", model="gpt-4o-mini", session="s1")
    assert f"2 calls that match the filters cost ${2 * MINI:.4f}" in words(shown)
    assert "every call has a price" in words(shown)


def test_only_models_whose_price_is_missing_can_be_priced(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h")
    assert [button.label for button in shown.button if button.key.startswith("price")] == ["Price this model"]
    assert "No price helps 1 call that did not tell their usage, or told one that cannot be: gpt-4o (1)" in words(shown)


def test_calls_of_which_none_has_a_price_leave_the_page_whole(page: Open, spent: Any, listed: Listed) -> None:
    shown = page(spent.note.api_url, "cost", model="mine")
    assert not shown.exception
    assert not shown.error
    assert [row["Cost"] for row in listed(shown)] == ["unknown"]
    assert "Budgets" in words(shown)


def test_models_without_a_price_are_listed_whatever_the_filters(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h", model="gpt-4o-mini")
    assert "Of all calls in the time range, whatever the filters." in words(shown)
    assert "mine" in words(shown)


def test_costs_over_an_empty_store_say_that_nothing_arrived(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "cost")
    assert not shown.exception
    assert "What model calls cost would be here." in words(shown)
    assert "Nothing has arrived yet." in words(shown)


def test_calls_that_match_nothing_are_empty_not_failed(page: Open, spent: Any) -> None:
    shown = page(spent.note.api_url, "cost", range="24h", tool="nowhere")
    assert not shown.error
    assert "No model call in the last 24 hours matches the filters." in words(shown)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model": (3, 3), "release": (200, 1234), "tag": (200, 201)},
         "Offered: 200 of 1,234 releases, 200 of 201 tags. Others can be typed."),
        ({"model": (3, 3)}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_filters_say_what_they_do_not_offer(fields: dict[str, tuple[int, int]], text: str) -> None:
    assert widgets.cut_words(fields) == text


def test_cost_keeps_title_range_and_filters_when_the_server_is_gone(page: Open) -> None:
    failed = page("http://127.0.0.1:9", "cost", range="7d", by="tool", provider="openai")
    assert failed.title[0].value == "Cost"
    assert failed.selectbox(key="by").value == "tool"
    assert failed.selectbox(key="provider").value == "openai"
    assert failed.session_state["range"] == "7d"


def totals(**told: Any) -> pd.Series:
    return pd.Series({"calls": 10, "priced": 10, "unpriced": 0, "untold": 0, "cost_usd": 12.34} | told)


WEEK = state.Window(pd.Timestamp("2026-05-01", tz="UTC"), pd.Timestamp("2026-05-08", tz="UTC"), "the last 7 days")


@pytest.mark.parametrize(
    ("now", "before", "says"),
    [
        pytest.param({}, 10.458, "cost $12.34 in the last 7 days, 18 % more than in the 7 days before;", id="more"),
        pytest.param({}, 24.68, ", 50 % less than in the 7 days before;", id="less"),
        pytest.param({}, 12.3401, ", as in the 7 days before;", id="equal"),
        pytest.param({}, None, "in the last 7 days; every call has a price.", id="nothing-before"),
        pytest.param({"unpriced": 1, "priced": 9}, None, "at least $12.34 in the last 7 days; 1 call has", id="one"),
        pytest.param(
            {"unpriced": 412, "priced": 0, "cost_usd": None}, 3.0,
            "What 10 calls in the last 7 days cost is unknown: 412 calls have no price.", id="unknown-is-not-zero",
        ),
    ],
)  # fmt: skip
def test_the_finding(now: dict[str, Any], before: float | None, says: str) -> None:
    said = cost.finding(WEEK, totals(**now), totals(cost_usd=before))
    assert says in said.replace("\\", "")


ENTRY = {"model": "mine", "usd_per_million": {"input": 1.0, "output": 2.0}}
OTHER = {"model": "other", "discount_percent": 10}


@pytest.mark.parametrize(
    ("document", "kept"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("prices:\n  - model: other  # agreed\n    discount_percent: 10\n", "# agreed", id="indented"),
        pytest.param("# ours\nprices:\n- model: other\n  discount_percent: 10", "# ours", id="flush"),
        pytest.param("prices: [{model: other, discount_percent: 10}]", None, id="flow"),
        pytest.param("prices:\n- {model: other, discount_percent: 10}\n\n# end\n", "# end", id="comment-at-the-end"),
        pytest.param("prices: []", None, id="none"),
    ],
)
def test_a_price_is_appended_to_what_is_there(document: str, kept: str | None) -> None:
    text = prices.appended(document, ENTRY)
    before = yaml.safe_load(document) or {"prices": []}
    assert yaml.safe_load(text) == {"prices": [*before["prices"], ENTRY]}
    assert kept is None or kept in text


def test_own_prices_are_checked_by_line_and_kept_by_version(page: Open, spent: Any, telling: Any) -> None:
    mine = spent.in_project("own-prices")
    call = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o"}
    usage = {"gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}
    mine.send(telling(bytes([9]) * 16, time.time_ns() - 10**9).span(1, "chat", 0, 900, **call, **usage).body())
    mine.settle()
    shown = page(mine.note.api_url, "cost", range="1h", project=mine.project)
    assert "Own prices: none" in [one.label for one in shown.expander]
    shown.session_state["own-prices"] = True
    for usd in ("cheap", "1"):
        (editor,) = (one for one in shown.run().text_area if one.label == "Prices (YAML)")
        editor.set_value(f"prices:\n- model: gpt-4o\n  usd_per_million: {{input: {usd}, output: 1}}\n").run()
        (button,) = (one for one in shown.button if one.label == "Set these prices")
        button.click().run()
        assert not shown.exception
        if usd == "cheap":
            assert "line 3, entry 1: usd_per_million.input" in words(shown)
    assert "1 call would have another cost; the sum goes from $2.50 to $1.00" in words(shown)
    with mine.client() as client:
        assert client.prices()["version"] == 1


def test_names_that_share_an_ink_differ_in_pattern() -> None:
    assert charts_cost.textures(["#1", "#2", "#1", "#1", "#2"]) == ["", "", "/", "x", "/"]


def test_each_bucket_of_the_figure_stacks_what_is_known() -> None:
    buckets = pd.Series(pd.date_range("2026-05-01", periods=3, freq="1D"))
    stacks = [
        ("<b>gpt</b>", charts.GOOD, pd.Series([1.0, None, 2.0])),
        ("other", charts.GREY, pd.Series([0.5, 0.5, None])),
    ]
    figure = charts_cost.costs(buckets, stacks, pd.Timedelta(days=1), "n = 3", "light")
    assert figure.layout.barmode == "stack"
    assert {trace.marker.pattern.fillmode for trace in figure.data} == {"overlay"}
    assert [trace.name for trace in figure.data] == ["&lt;b>gpt&lt;/b>", "other"]
    assert figure.data[0].customdata[1][2] == "unknown"


def test_calls_are_narrowed_down_by_a_score_of_their_trace(page: Open, choices: Any) -> None:
    """Every tenth answer of one model is wrong."""
    scored = {"range": "24h", "scored": "right", "score_max": "0.5"}
    assert "8 calls that match the filters cost" in words(page(choices.note.api_url, "cost", **scored))
    assert "n = 8) in the last 24 hours" in words(page(choices.note.api_url, "latency", **scored))


@pytest.mark.parametrize("name", ["cost", "latency", "traces"])
def test_bounds_of_no_score_are_neither_shown_nor_kept(page: Open, choices: Any, name: str) -> None:
    at = page(choices.note.api_url, name, range="24h", score_max="0.5", score_failed="no", score_label="x")
    assert not {"score at most", "score failed", "score x"} & {part.strip() for part in words(at).split(",")}
    assert not {"score_max", "score_failed", "score_label"} & set(at.query_params)
    assert at.number_input(key="score_max").disabled
    at = page(choices.note.api_url, name, range="24h", score_max="0.5", scored="right")
    assert "scored by right, score at most 0.5" in words(at)
    assert not at.number_input(key="score_max").disabled
    del at.query_params["scored"]
    assert "score at most" not in words(at.run())
    assert "score_max" not in at.query_params
