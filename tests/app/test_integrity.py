"""The Cost integrity page: its words, numbers and states."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts_integrity
from app import format as fmt

Open = Callable[..., AppTest]
Listed = Callable[[AppTest], list[dict[str, str]]]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}
GPT_4O = 2.5 + 0.1 * 10  # dollars of a million tokens in and a tenth of it out, by the list
MINI = 0.4 * 0.15 + 0.6 * 0.075  # of a million in, most of it from a cache


def usage(sent: int, said: int, **more: int) -> dict[str, Any]:
    return {"gen_ai__usage__input_tokens": sent, "gen_ai__usage__output_tokens": said, **more}


def reports(trace: Any, usd: float) -> None:
    """The span that was told last says what it cost."""
    trace._spans.spans[-1].attributes.add(key="gen_ai.usage.cost").value.double_value = usd


@pytest.fixture(scope="module")
def now() -> int:
    """Now; in the first ten minutes of a UTC day the end of the day before, so that all calls are of one day."""
    found = time.time_ns()
    today = found % (86_400 * 10**9)
    return found if today > 600 * 10**9 else found - today - 10**9


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any], telling: Any, now: int) -> Any:
    """Six traces of the minutes before. gpt-4o is reported right, gpt-4o-mini without the cache's discount; of `mine`
    nobody knows a price; one call told nothing; the last trace tells a call twice, and its agent sums two up.
    """
    served = serve("integrity")
    for number in range(1, 7):
        trace = telling(bytes([number]) * 16, now - number * 60 * 10**9).span(1, "answer", 0, 900)
        trace.span(2, "chat", 5, 20, parent=1, gen_ai__request__model="gpt-4o", **CALL, **usage(10**6, 10**5))
        reports(trace, GPT_4O)
        cached = usage(10**6, 0, gen_ai__usage__cache_read__input_tokens=6 * 10**5)
        trace.span(3, "chat", 30, 20, parent=1, gen_ai__request__model="gpt-4o-mini", **CALL, **cached)
        reports(trace, 0.15)
        if number == 1:
            trace.span(4, "chat", 60, 20, parent=1, gen_ai__request__model="mine", **CALL, **usage(1000, 10))
            trace.span(5, "chat", 90, 20, parent=1, gen_ai__request__model="gpt-4o", **CALL)
        served.send(trace.body())
    last = telling(bytes([9]) * 16, now - 30 * 10**9)
    agent = usage(2000, 20) | {"gen_ai__operation__name": "invoke_agent", "gen_ai__request__model": "o3"}
    last.span(1, "agent", 0, 900, **agent)
    for number in (2, 4):
        twice = CALL | usage(1000, 10) | {"gen_ai__request__model": "o3", "gen_ai__response__id": f"chatcmpl-{number}"}
        last.span(number, "outer", 10 * number, 18, parent=1, **twice)
        last.span(number + 1, "inner", 10 * number + 1, 16, parent=number, **twice)
    served.send(last.body())
    served.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def tiles(page: AppTest) -> dict[str, tuple[str, str]]:
    return {tile.label: (tile.value, tile.delta.replace("\\", "")) for tile in page.metric}


THEIRS, OURS = 6 * (GPT_4O + 0.15), 6 * (GPT_4O + MINI)


def test_the_sentence_says_whether_the_sums_agree(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "cost_integrity", range="24h")
    assert not shown.exception
    assert (
        f"Senders reported ${THEIRS:.2f} for 12 calls in the last 24 hours that we compute at ${OURS:.2f}: 1.25 % more "
        "(95 % interval +1.2 to +1.2 %); furthest apart is gpt-4o-mini, cache reads not discounted: paid as plain "
        "input. No invoice is kept to hold our sums against."
    ) in words(shown)
    seen = tiles(shown)
    assert len(seen) == 5
    assert seen["Reported against computed"] == ("+1.25 %", "+1.2 to +1.2 %, n = 12")
    assert seen["Not counted"][1] == "2 duplicates, 1 aggregate"
    assert seen["Calls without usage"] == ("1", "of 16; 0 told half")
    assert seen["Calls without a price"] == ("2", "of 16 calls")
    assert seen["Computed against invoiced"] == ("unknown", "no invoice")


def test_each_model_has_its_deviation_and_likely_cause_and_leads_to_its_calls(
    page: Open, told: Any, listed: Listed
) -> None:
    rows = {row["Model"]: row for row in listed(page(told.note.api_url, "cost_integrity", range="24h"))}
    mini = rows["gpt-4o-mini"]
    assert (mini["Compared"], mini["Reported"], mini["Computed"]) == ("6 of 6", "$0.9000", f"${6 * MINI:.4f}")
    assert mini["Deviation"].startswith("+42.9 %")
    assert mini["Likely cause"] == "cache reads not discounted: paid as plain input"
    assert mini["Agree with it"].startswith("100 % (61 to 100")
    assert rows["gpt-4o"]["Likely cause"] == "agrees"
    assert (rows["mine"]["Reported"], rows["mine"]["href"]) == ("not told", "")
    there = urlsplit(mini["href"])
    assert (there.path, parse_qs(there.query)) == (
        "cost_integrity", {"behind": ["compared"], "model": ["gpt-4o-mini"]},
    )  # fmt: skip


def test_the_calls_behind_a_row_lead_to_their_spans(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "cost_integrity", range="24h", behind="compared", model="gpt-4o-mini")
    assert not shown.exception
    rows = listed(shown)
    assert len(rows) == 6
    assert {(row["Reported"], row["Apart"], row["Deviation"]) for row in rows} == {("$0.15", "+$0.0450", "+42.9 %")}
    there = parse_qs(urlsplit(rows[0]["href"]).query)
    assert (len(there["trace"][0]), there["span"]) == (32, ["0000000000000003"])


def test_what_is_not_counted_is_told_with_what_it_would_have_added(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "cost_integrity", range="24h", show="not counted")
    assert not shown.exception
    rows = {row["Not counted"]: row for row in listed(shown)}
    each = (1000 * 2 + 10 * 8) / 1e6
    assert rows["duplicate"]["Rows"] == "2"
    assert rows["duplicate"]["Would add"] == fmt.money(2 * each)
    assert rows["duplicate"]["Tokens in → out"] == "2k → 20"
    assert rows["aggregate"]["Rows"] == "1"
    behind = page(told.note.api_url, "cost_integrity", range="24h", behind="duplicate", model="o3")
    assert {row["Why"] for row in listed(behind)} == {"same response id"}
    assert {row["Counted instead"] for row in listed(behind)} == {"span 0000000000000002", "span 0000000000000004"}


def test_calls_without_usage_and_without_a_price_are_listed(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "cost_integrity", range="24h", show="unknown")
    assert not shown.exception
    (row,) = listed(shown)
    assert (row["Model"], row["Without usage"], row["Calls"]) == ("gpt-4o", "1 (14.3 %, 2.6 to 51 %)", "7")
    assert "Price this model" in [button.label for button in shown.button]
    assert "mine" in words(shown)


def test_where_nothing_was_reported_the_page_says_so(page: Open, few: Any) -> None:
    shown = page(few.note.api_url, "cost_integrity", range="24h")
    assert not shown.exception
    assert "No sender reported a cost for any of the 4 calls in the last 24 hours" in words(shown)
    assert "Senders tell it in gen_ai.usage.cost" in words(shown)
    assert tiles(shown)["Reported against computed"] == ("unknown", "no sender reported a cost")
    one = page(few.note.api_url, "cost_integrity", range="24h", show="not counted")
    assert "No call of the last 24 hours was told twice." in words(one)


def test_over_an_empty_store_the_page_says_that_nothing_arrived(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "cost_integrity")
    assert not shown.exception
    assert "Nothing has arrived yet." in words(shown)
    invoice = page(empty_url, "cost_integrity", show="invoice")
    assert not invoice.exception
    assert "None is kept in this project." in words(invoice)
    assert "No invoice is kept to hold our sums against." in words(invoice)


def test_filters_that_keep_nothing_are_empty_not_failed(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "cost_integrity", range="24h", tool="nowhere")
    assert not shown.error
    assert "No model call in the last 24 hours matches the filters." in words(shown)
    behind = page(told.note.api_url, "cost_integrity", range="24h", tool="nowhere", behind="duplicate")
    assert "There is no such call in the last 24 hours that the filters keep." in words(behind)


def test_without_a_server_title_range_and_choice_stay(page: Open) -> None:
    failed = page("http://127.0.0.1:9", "cost_integrity", range="7d", show="unknown")
    assert failed.title[0].value == "Cost integrity"
    assert failed.session_state["range"] == "7d"
    assert failed.session_state["show"] == "unknown"


@pytest.fixture(scope="module")
def billed(told: Any, now: int) -> Any:
    """An invoice of OpenAI for two days: gpt-4o to the cent, gpt-4o-mini twice as much, and searches."""
    day = datetime.fromtimestamp(now / 1e9, UTC).date()
    lines = [
        (day - timedelta(days=1), "gpt-4o-2024-08-06, input", 0.0), (day, "web search tool calls", 0.3),
        (day, "gpt-4o-2024-08-06, input", 6 * 2.5), (day, "gpt-4o-2024-08-06, output", 6.0),
        (day, "gpt-4o-mini-2024-07-18, input", 12 * MINI),
    ]  # fmt: skip
    text = "start_time_iso,end_time_iso,amount_value,amount_currency,line_item\n" + "".join(
        f'{at}T00:00:00+00:00,{at + timedelta(days=1)}T00:00:00+00:00,{usd},usd,"{item}"\n' for at, item, usd in lines
    )
    with told.client() as client:
        client.keep_invoice("of today", text, author="ann")
    return told


def test_an_invoice_is_held_against_our_sums(page: Open, billed: Any, listed: Listed) -> None:
    shown = page(billed.note.api_url, "cost_integrity", range="24h", show="invoice")
    assert not shown.exception
    total = 21 + 12 * MINI + 0.3
    said = words(shown)
    assert f"The invoice of today bills ${total:.2f} for" in said
    assert "Calls of openai, whatever range and filters; days are of UTC." in said
    assert "by ann" in said
    rows = {row["Model"]: row for row in listed(shown)}
    assert (rows["gpt-4o"]["Status"], rows["gpt-4o"]["Difference"]) == ("matches", "$0")
    assert (rows["gpt-4o-mini"]["Status"], rows["gpt-4o-mini"]["%"]) == ("differs", f"{fmt.MINUS}50 %")
    assert rows["web search tool calls"]["Status"] == "invoice alone"
    assert rows["mine"]["Status"] == "no price"
    assert rows["o3"]["Status"] == "calls alone"
    assert rows["Total"]["Invoiced"] == f"${total:.2f}"
    there = urlsplit(rows["gpt-4o"]["href"])
    assert (there.path, parse_qs(there.query)["model"]) == ("traces", ["gpt-4o"])


def test_the_invoice_and_its_period_come_from_the_url(page: Open, billed: Any) -> None:
    with billed.client() as client:
        client.keep_invoice("later", "month,model,usd\n2099-01,gpt-4o,5\n")
    shown = page(billed.note.api_url, "cost_integrity", range="24h", show="invoice", invoice="of today", per="month")
    assert not shown.exception
    assert "The invoice of today bills" in words(shown)
    assert "Rows by month and model" in words(shown)
    other = page(billed.note.api_url, "cost_integrity", range="24h", show="invoice")
    assert "no call of ours is of these days" in words(other)
    with billed.client() as client:
        client.forget_invoice("later")


def test_the_deviations_of_models_stand_around_nothing() -> None:
    rows = pd.DataFrame(
        {"value": ["<b>a</b>", None], "deviation": [0.5, -0.1], "deviation_low": [0.4, None],
         "deviation_high": [0.6, None], "compared": [1200, 1]}
    )  # fmt: skip
    figure = charts_integrity.deviations(rows, "n = 2", "light")
    (points,) = figure.data
    assert list(points.y) == ["unknown", "&lt;b>a&lt;/b>"]
    assert list(points.x) == [-10, 50]
    low, high = figure.layout.xaxis.range
    assert low < -10
    assert high > 60


def test_amounts_that_nobody_knows_have_no_bar() -> None:
    rows = pd.DataFrame({"name": ["counted", "+ duplicates"], "usd": [2.0, None], "ink": ["#111111", "#222222"]})
    figure = charts_integrity.amounts(rows, "Sums", "n = 2", "dark")
    assert [text.text for text in figure.layout.annotations] == ["unknown", "$2.00"]


@pytest.mark.parametrize(
    ("share", "says"),
    [(0.2156, "+21.6 %"), (-0.03, f"{fmt.MINUS}3 %"), (1e-6, "0 %"), (0.0, "0 %"), (None, "unknown"),
     (15.6667, "+1,567 %")],
)  # fmt: skip
def test_relative_differences_have_a_sign(share: float | None, says: str) -> None:
    assert fmt.percent_apart(share) == says


@pytest.mark.parametrize(
    ("usd", "says"),
    [(1.2, "+$1.20"), (-0.5, f"{fmt.MINUS}$0.5000"), (-0.0000181, f"{fmt.MINUS}$0.000018"), (0.0, "$0"),
     (1e-12, "$0"), (None, "unknown")],
)  # fmt: skip
def test_differences_of_money_have_a_sign(usd: float | None, says: str) -> None:
    assert fmt.money_apart(usd) == says
