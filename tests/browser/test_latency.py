"""The Latency page in a browser: figures, a filter, a link that reproduces it, the way to the traces."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import choose, click_point
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
BAND = "[data-testid=stPlotlyChart]"


def drawn(page: Page) -> None:
    """The page to its end: figures, and the part that comes last."""
    page.get_by_text("The traces are those with such a call.").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_the_page_shows_its_figures_and_a_filter_changes_them(visit: Visit) -> None:
    page = visit("/latency?range=1h")
    drawn(page)
    expect(page.get_by_text("p95 of model calls is")).to_contain_text("n = 109")
    for title in ("Duration of calls, median and p95", "Calls by start and duration", "Where the time of traces goes"):
        expect(page.locator(BAND).get_by_text(title)).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    choose(page, "Service", "svc1")
    expect(page.get_by_text("p95 of model calls that match the filters is")).to_contain_text("n = 36")
    assert parse_qs(urlsplit(page.url).query) == {"range": ["1h"], "service": ["svc1"]}
    drawn(page)
    points = page.locator(BAND).first.locator(".scatterlayer .trace").last.locator("path.point:visible")
    link = page.get_by_role("link", name=re.compile("Traces of "))
    click_point(page, points, link)
    target = parse_qs(urlsplit(str(link.get_attribute("href"))).query)
    assert target["service"] == ["svc1"]
    assert target["range"] == ["custom"]
    assert {"from", "to"} <= set(target)


def test_a_row_leads_to_its_traces_and_back(visit: Visit) -> None:
    page = visit("/latency?range=1h&kind=embedding&by=service&model=ada")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("link", name="Clear all").click()  # all filters, and nothing else
    expect(page.get_by_text("No embedding call in the last hour.")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"range": ["1h"], "kind": ["embedding"], "by": ["service"]}
    page.get_by_role("radio", name="llm").click()
    drawn(page)
    page.locator(".listing").get_by_role("link", name="svc2", exact=True).click()
    expect(page.get_by_role("heading", name="Traces")).to_be_visible()
    # Loaded anew, as widgets of both pages are bound to the filter.
    expect(page.get_by_text("40 traces match the filters in the last hour")).to_be_visible()
    expect(page.get_by_role("radio", name="slowest")).to_be_checked()
    page.go_back()
    drawn(page)
    assert parse_qs(urlsplit(page.url).query) == {"range": ["1h"], "by": ["service"]}
