"""The list of traces: keys, links, the browser's history."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import at_rest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def link(page: Page, name: str) -> Locator:
    return page.locator(".listing").get_by_role("link", name=name, exact=True)


def line(page: Page) -> Locator:
    return page.get_by_placeholder("Search: model:gpt-4o")


def ready(page: Page) -> None:
    """Streamlit fetches its widgets as it draws them, and a key is lost on one that is not there yet."""
    line(page).wait_for()
    page.get_by_role("button", name="CSV").wait_for()
    page.locator("dialog.keys").wait_for(state="attached")
    at_rest(page)


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_back_leads_from_a_trace_to_the_list_as_it_was_and_then_home(visit: Visit) -> None:
    page = visit("/?range=1h")
    page.get_by_role("link", name="Traces", exact=True).click()
    line(page).fill("name:answer*")
    page.keyboard.press("Enter")
    expect(page.get_by_text("120 traces match the filters in the last hour")).to_be_visible()
    page.get_by_role("radio", name="slowest").click()
    expect(link(page, "answer 119")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    there = page.url
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 500)")
    link(page, "answer 45").click()
    expect(page.get_by_role("heading", name="answer 45")).to_be_visible()
    for number in (1, 2):
        page.locator(".waterfall .row").nth(number - 1).click()
        page.wait_for_url(re.compile(f"span={number:016x}"))
    page.go_back()
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    assert page.url == there
    expect(line(page)).to_have_value("name:answer*")
    expect(page.get_by_role("radio", name="slowest")).to_be_checked()
    expect(link(page, "answer 45")).to_be_focused()
    page.wait_for_function(f"{SCROLLED} === 500")
    page.go_back()
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("122 traces started in the last hour")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_role("radio", name="1h")).to_be_checked()
    assert query(page) == {"range": ["1h"]}


def test_a_range_survives_a_trace_that_is_left_while_it_still_loads(visit: Visit) -> None:
    """A run that is cut short leaves Streamlit's books of who is bound to what unfinished."""
    page = visit("/traces?range=1h&text=answer")
    link(page, "answer 5").wait_for()
    ready(page)
    for _ in range(3):
        link(page, "answer 5").click()
        page.locator(".waterfall").wait_for()
        page.go_back()
        expect(link(page, "answer 5")).to_be_visible()
        assert query(page) == {"range": ["1h"], "text": ["answer"]}
        assert "range%3D1h" in str(link(page, "answer 5").get_attribute("href"))
        expect(page.get_by_role("radio", name="1h")).to_be_checked()


def test_a_range_survives_a_page_that_is_left_before_its_control_came(visit: Visit, context: BrowserContext) -> None:
    held: list[Route] = []
    context.route("**/ButtonGroup.*.js", lambda route: route.continue_() if held else held.append(route))
    page = visit("/?range=1h")
    page.locator("dialog.keys").wait_for(state="attached")
    page.get_by_role("link", name="Traces", exact=True).click()
    expect(page.get_by_text("122 traces started in the last hour")).to_be_visible()
    assert held
    assert query(page) == {"range": ["1h"]}
    assert "range%3D1h" in str(link(page, "answer 5").get_attribute("href"))


def test_forward_leads_to_the_span_that_was_selected_last_and_links_are_one_step_each(visit: Visit) -> None:
    page = visit("/traces?range=1h&text=answer")
    link(page, "answer 5").click()
    page.locator(".waterfall .row").first.click()
    page.wait_for_url(re.compile(f"span={1:016x}"))
    page.go_back()
    expect(link(page, "answer 5")).to_be_visible()
    page.go_forward()
    expect(page.locator(".row[aria-selected=true] .label")).to_have_text("answer 5")
    expect(page.get_by_text(f"span {1:016x}")).to_be_visible()
    page.go_back()
    link(page, "answer 5").click()  # the link names no span: the trace opens where it opens by itself
    expect(page.locator(".row[aria-selected=true] .label")).to_have_text("chat gpt-x")
    expect(page.get_by_text(f"span {2:016x}")).to_be_visible()
    page.get_by_role("link", name="User u1").click()
    expect(page.get_by_text("120 traces in 4 sessions in the recorded time")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="answer 5")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_text("120 traces match the filters in the last hour")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="answer 5")).to_be_visible()


def test_a_filter_that_was_taken_away_does_not_come_back(visit: Visit) -> None:
    """The browser keeps the values of a popover that is closed, and sends them along with the next click."""
    page = visit("/traces?range=1h")
    ready(page)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Service").fill("svc1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("40 traces match the filters")).to_be_visible()
    expect(page.get_by_role("combobox", name="Status")).to_be_visible()  # one may choose on
    page.get_by_label("Takes at least (s)").fill("0.2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("service svc1, at least 0.2 s", exact=True)).to_be_visible()
    expect(page.get_by_text("7 traces match the filters")).to_be_visible()
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_text("122 traces started in the last hour")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox", name="Service")).to_be_hidden()
    page.go_back()
    expect(page.get_by_text("7 traces match the filters")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("122 traces started in the last hour")).to_be_visible()
    page.get_by_role("radio", name="slowest").click()
    page.wait_for_url(re.compile("sort=slowest"))
    at_rest(page)
    expect(page.get_by_text("122 traces started in the last hour")).to_be_visible()
    assert query(page) == {"range": ["1h"], "sort": ["slowest"]}
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("combobox", name="Service")).to_have_value("")
    expect(page.get_by_label("Takes at least (s)")).to_have_value("")


def test_the_list_is_used_by_keys(visit: Visit) -> None:
    page = visit("/traces?range=1h&text=answer")
    link(page, "answer 0").wait_for()
    ready(page)
    page.locator(".st-key-traces-download button").focus()
    page.keyboard.press("Tab")
    expect(link(page, "answer 0")).to_be_focused()
    assert page.locator(".listing a[tabindex='0']").count() == 1
    for key, marked in (("j", 1), ("j", 2), ("k", 1), ("ArrowDown", 2), ("Home", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        expect(link(page, f"answer {marked}")).to_be_focused()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog.get_by_text("Next, previous page")).to_be_visible()
    page.keyboard.press("j")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link(page, "answer 1")).to_be_focused()
    assert "/traces?" in page.url  # nothing but Enter and o opens
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="answer 1", exact=True)).to_be_visible()
    page.go_back()
    expect(link(page, "answer 1")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="answer 2", exact=True)).to_be_visible()


def test_keys_turn_the_page_and_are_letters_while_somebody_writes(visit: Visit) -> None:
    page = visit("/traces?range=1h&text=answer")
    link(page, "answer 0").wait_for()
    ready(page)
    page.keyboard.press("n")
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    at_rest(page)
    page.keyboard.press("p")
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
    at_rest(page)
    page.keyboard.press("n")
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    at_rest(page)
    steps = page.evaluate("history.length")
    page.keyboard.press("/")
    search = line(page)
    expect(search).to_be_focused()
    page.keyboard.type("jkn/?o")
    expect(search).to_have_value("jkn/?o")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("In names and errors").fill("answer 1")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"Rows 1 to \d+ of 31"))).to_be_visible()
    assert page.evaluate("history.length") == steps  # another filter begins at its first page, and is no step


def test_a_row_opens_in_a_tab_of_its_own(visit: Visit) -> None:
    page = visit("/traces?range=1h&text=answer")
    ways: list[dict[str, Any]] = [{"modifiers": ["ControlOrMeta"]}, {"button": "middle"}]
    for how in ways:
        with page.context.expect_page() as opened:
            page.locator(".listing .line", has_text="answer 3").last.click(position={"x": 300, "y": 15}, **how)
        opened.value.wait_for_url(re.compile("/trace[?]"))
        if how is ways[0]:
            expect(opened.value.get_by_role("heading", name=re.compile(r"^answer 3\d?$"))).to_be_visible()
            expect(opened.value.get_by_role("link", name="Back to the list")).to_be_visible()
        opened.value.close()
    assert "/traces?" in page.url


def test_a_custom_range_is_in_the_zone_of_the_viewer(browser: Browser, app_url: str) -> None:
    """The URL has the instant, whatever the zone; 6:00 in Tokyo is 21:00 of the day before in UTC."""
    day = datetime.now(UTC) - timedelta(days=1)
    since = day.strftime("%Y-%m-%dT21:00Z")
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{app_url}/traces?range=custom&from={since}")
    bound = page.get_by_test_id("stDateTimeInput").filter(has_text="From (Asia/Tokyo)")
    told = f"{(day + timedelta(days=1)).strftime('%Y-%m-%d')} 06:00"
    expect(bound.locator("input").first).to_have_value(re.compile(told.replace(" ", ".*")))
    expect(page.get_by_text("Before (Asia/Tokyo)")).to_be_visible()
    expect(page.get_by_text("Times in Asia/Tokyo")).to_be_visible()
    bound.get_by_role("spinbutton").first.click()
    for part in (f"{day:%Y}", f"{day:%m}", f"{day:%d}", "19", "00"):
        page.keyboard.type(part)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"from={day:%Y-%m-%d}T10%3A00Z"))
    page.go_back()
    expect(bound.locator("input").first).to_have_value(re.compile(told.replace(" ", ".*")))
    context.close()


def test_the_line_is_written_by_keys_marked_where_it_is_wrong_and_searched(visit: Visit, hostile: str) -> None:
    page = visit("/traces?range=1h")
    link(page, "answer 0").wait_for()
    ready(page)
    page.keyboard.press("/")
    offers = page.get_by_role("option")
    expect(offers.first).to_be_visible()
    page.keyboard.press("Tab")  # goes on: nothing was written that an offer would complete
    expect(line(page)).not_to_be_focused()
    expect(line(page)).to_have_value("")
    page.keyboard.press("/")
    page.keyboard.type("serv")
    expect(offers.first).to_contain_text("service")
    page.keyboard.press("Tab")
    expect(line(page)).to_have_value("service:")
    expect(offers.filter(has_text="svc1")).to_be_visible()
    expect(offers.filter(has_text="<img")).to_be_visible()  # the name of a service, as text
    page.keyboard.press("Escape")
    expect(offers).to_have_count(0)
    page.keyboard.type("svc1 modle:x")
    page.keyboard.press("Enter")
    expect(page.get_by_text("no field 'modle'. Did you mean model?")).to_be_visible()
    mark = page.locator(".queryline .mark").bounding_box()
    field = line(page).bounding_box()
    assert mark is not None
    assert field is not None
    letter = mark["width"] / len("modle")
    assert mark["x"] - field["x"] == pytest.approx(11 + letter * len("service:svc1 "), abs=2)
    line(page).fill("service:svc1 -{error:*limit*} gpt-x")
    page.keyboard.press("Enter")
    expect(
        page.get_by_text(re.compile("36 traces found in the last hour: all of it was looked through"))
    ).to_be_visible()
    assert query(page)["q"] == ["service:svc1 -{error:*limit*} gpt-x"]
    page.go_back()
    expect(page.get_by_text("no field 'modle'. Did you mean model?")).to_be_visible()
