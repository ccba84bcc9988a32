"""Home, Traces and Trace as a person uses them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import at_rest, click_point
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


def test_home_leads_from_its_figures_and_problems_to_traces_and_moves_with_the_clock(visit: Visit) -> None:
    page = visit("/?range=1h")
    expect(page.get_by_test_id("stMetric")).to_have_count(5)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    read = page.get_by_text(re.compile("read at"))
    first = read.inner_text()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("Next, previous problem")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_text("received").first.click()
    expect(page.get_by_text("By hour of receipt (UTC)")).to_be_visible()
    bars = page.locator(".js-plotly-plot").first.locator(".bars .point")
    link = page.get_by_role("link", name=re.compile("Traces of "))
    click_point(page, bars, link)
    with page.context.expect_page() as opened:
        link.click()
    traces = opened.value
    expect(traces.get_by_text(re.compile(r"[1-9]\d* traces? started in the chosen time"))).to_be_visible()
    assert parse_qs(urlsplit(traces.url).query)["range"] == ["custom"]
    traces.close()
    expect(read).not_to_have_text(first)
    expect(page.get_by_test_id("stMetric")).to_have_count(5)
    page.locator(".listing").get_by_role("link", name="rate limit reached").click()
    expect(page.locator(".waterfall")).to_be_visible()
    assert "/trace?trace=" in page.url
    page.go_back()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"range": ["1h"]}


def test_the_window_is_in_the_url_and_survives_a_reload(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("radio", name="7d").click()
    page.wait_for_url(re.compile("range=7d"))
    page.reload()
    expect(page.get_by_text("started in the last 7 days")).to_be_visible()


def test_pages_are_there_in_outline_while_the_server_is_silent(visit: Visit, filled: Any) -> None:
    filled.process.send_signal(signal.SIGSTOP)
    try:
        page = visit("/?range=1h")
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        expect(page.get_by_test_id("stSkeletonElement")).to_have_count(8)
        visit("/cost?range=1h&by=service")
        expect(page.get_by_role("heading", name="Cost")).to_be_visible()
        expect(page.get_by_role("button", name="Filters")).to_be_visible()
        expect(page.get_by_test_id("stSkeletonElement")).to_have_count(8)
        visit("/traces?range=1h&text=answer&service=svc1&sort=slowest")
        expect(page.get_by_role("heading", name="Traces")).to_be_visible()
        expect(page.get_by_text("service svc1, with “answer” in names or errors", exact=True)).to_be_visible()
        expect(page.get_by_role("radio", name="slowest")).to_be_checked()
        expect(page.get_by_role("radio", name="1h")).to_be_checked()
        expect(page.get_by_test_id("stSkeletonElement")).to_have_count(3)
    finally:
        filled.process.send_signal(signal.SIGCONT)
    expect(page.get_by_text("Rows 1 to 40 of 40")).to_be_visible()
    expect(page.get_by_test_id("stSkeletonElement")).to_have_count(0)


def test_an_empty_window_is_left_by_one_click(visit: Visit) -> None:
    page = visit("/?range=custom&to=2020-01-01T00:00")
    page.get_by_role("link", name="Show all time").click()
    expect(page.get_by_text(re.compile(r"^1\d\d traces started in the recorded time"))).to_be_visible()
    page.wait_for_url(re.compile("range=all"))


def test_a_span_is_selected_by_click_and_by_keys_and_told_in_tabs(visit: Visit) -> None:
    page = visit(f"/trace?trace={'07' * 15}05")
    expect(page.locator(".row[aria-selected=true] .label")).to_have_text("chat gpt-x")
    page.locator(".waterfall .row").first.click()
    expect(page.get_by_text("answer 5 · workflow").or_(page.get_by_text(re.compile("answer 5 · ")))).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["span"] == [f"{1:016x}"]
    expect(page.locator(".scroller")).to_be_focused()
    expect(page.locator(".scroller")).to_have_attribute("aria-activedescendant", f"span-{1:016x}")
    page.keyboard.press("j")
    page.wait_for_url(re.compile(f"span={2:016x}"))
    page.keyboard.press("k")
    page.wait_for_url(re.compile(f"span={1:016x}"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".waterfall .row")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".waterfall .row")).to_have_count(2)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_text("Fold, unfold")).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("j")
    page.wait_for_url(re.compile(f"span={2:016x}"))
    page.get_by_role("tab", name="Tokens").click()
    expect(page.get_by_text("Model asked for")).to_be_visible()
    page.keyboard.press("/")  # the field is there, in a tab that is not open
    expect(page.get_by_role("tab", name="Tokens")).to_be_focused()
    page.get_by_role("tab", name="Attributes").click()
    expect(page.get_by_placeholder("Search keys and values")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search keys and values")).to_be_focused()
    page.keyboard.type("usage")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^2 of \d+ attributes"))).to_be_visible()


def test_thousands_of_spans_are_drawn_as_few_elements(visit: Visit) -> None:
    page = visit(f"/trace?trace={'08' * 16}")
    page.locator(".waterfall .row").first.wait_for()
    assert page.locator(".waterfall .row").count() < 60
    page.locator(".scroller").focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile(r"span=0000000000000b"))
    assert page.locator(".waterfall .row").count() < 60
    assert page.locator(".row[aria-selected=true]").is_visible()


def test_text_of_a_span_is_text_and_no_page_is_cut_off_or_of_another_ground(visit: Visit, hostile: str) -> None:
    """Requests to elsewhere fail the test by themselves: see `visit`."""
    page = visit(f"/trace?trace={'09' * 16}")
    expect(page.locator("h1")).to_contain_text("![x](http:")
    for tab in ("Messages", "Attributes", "Raw"):
        page.get_by_role("tab", name=tab).click()
        at_rest(page)
    expect(page.get_by_text(hostile).first).to_be_attached()
    assert page.locator("[data-testid=stMain] img").count() == 0
    assert page.locator("a[href*='127.0.0.1:9']").count() == 0
    for path in ("/?range=1h", "/traces?range=1h", "/cost?range=1h&by=user"):
        page.emulate_media(color_scheme="dark" if path.startswith("/?") else "light")
        visit(path)
        at_rest(page)
        assert page.locator("[data-testid=stMain] img").count() == 0
        assert page.locator("a[href*='127.0.0.1:9']").count() == 0
        assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth <= e.clientWidth")
        ground = page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
        assert ground == ("rgb(18, 22, 28)" if path.startswith("/?") else "rgb(255, 255, 255)")
        if path.startswith("/traces"):
            row = page.locator(".listing .line", has_text="![x](")
            expect(row.locator("a")).to_have_text(hostile)
