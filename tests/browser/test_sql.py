"""SQL as a person uses it: typed, run by keys, mended where it is wrong, pinned to a dashboard, shared by link."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browsing import at_rest, choose
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
HOSTILE = "<img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Any:
    return in_project("sql")


@pytest.fixture
def site(served: Any, visit_over: Callable[[Any], Visit]) -> Visit:
    return visit_over(served)


def test_a_question_is_asked_mended_pinned_and_shared(site: Visit, served: Any) -> None:
    page = site("/sql")
    at_rest(page)
    page.keyboard.press("/")
    text = page.get_by_role("textbox", name="Question in SQL")
    expect(text).to_be_focused()
    page.keyboard.type("select nosuch\nfrom ")
    page.get_by_role("button", name="Insert calls").click()
    expect(text).to_have_value("select nosuch\nfrom calls")
    text.press("Control+Enter")
    expect(page.get_by_text("Line 1, column 8.")).to_be_visible()
    at_rest(page)
    assert text.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)") == "nosuch"

    question = f"select 'k' || i || '{HOSTILE}' as name, i + 1 as n\nfrom range(3) t(i)"
    text.fill(question)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("3 rows in")).to_be_visible()
    expect(page.locator(".js-plotly-plot .bars path").first).to_be_attached()
    assert "sql=select" in page.url
    page.get_by_role("button", name="Pin to dashboard").click()
    choose(page, "Dashboard", "Board")
    page.get_by_label("Name of the chart").fill("Keys")
    page.get_by_label("Name of the chart").press("Enter")
    page.get_by_label("Your name").fill("ann")
    page.get_by_label("Your name").press("Enter")
    at_rest(page)
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("link", name="Pinned. Open Board").click()

    expect(page).to_have_url(re.compile("dashboards.*dashboard="))
    expect(page.get_by_text("1 chart, changed")).to_be_visible()
    expect(page.locator(".js-plotly-plot .bars path")).to_have_count(3)
    page.get_by_role("link", name="SQL", exact=True).last.click()
    expect(page.get_by_role("textbox", name="Question in SQL")).to_have_value(question)
    assert page.locator("img[src=x]").count() == 0, "what is stored is text"
    with served.client() as client:
        (board,) = client.dashboards()
        (chart,) = client.dashboard(board["dashboard_id"])["charts"]
    assert (board["name"], chart["sql"], chart["kind"], chart["y"]) == ("Board", question, "bar", ["n"])
