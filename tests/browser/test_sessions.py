"""Sessions and Compare traces as a person walks through them, hostile text included."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browsing import at_rest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


def test_from_the_list_through_the_turns_of_a_session_and_back(visit: Visit, hostile: str) -> None:
    page = visit("/sessions?range=1h&order=most+errors")
    page.locator(".listing").get_by_role("link", name="s0", exact=True).click()
    expect(page.get_by_text("30 turns,")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Turns 21 to 30 of 30")).to_be_visible()
    page.get_by_role("link", name="answer").first.click()
    expect(page.get_by_role("heading", name=re.compile("answer"))).to_be_visible()
    page.get_by_role("link", name="Session s0").click()
    expect(page.get_by_text("opened from here")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("answer"))).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Turns 21 to 30 of 30")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Turns 1 to 20 of 30")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    page.locator(".listing").get_by_role("link", name=hostile).click()
    expect(page.get_by_text("1 turn, 1 of them failed")).to_be_visible()
    expect(page.get_by_text(hostile).first).to_be_visible()


def test_two_traces_of_the_list_are_compared_and_a_step_is_looked_at(visit: Visit, hostile: str) -> None:
    page = visit("/traces?range=1h")
    page.locator(".listing").get_by_role("link", name=hostile).wait_for()
    page.get_by_role("button", name="CSV").wait_for()
    at_rest(page)
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    page.get_by_role("link", name="Compare both").click()
    expect(page.get_by_text("They part at step")).to_be_visible()
    page.locator(".listing").get_by_role("link").nth(1).click()
    page.wait_for_url(re.compile("step=2"))
    expect(page.get_by_text(re.compile("^Step 2, "))).to_be_visible()
    assert re.search(r"a=[0-9a-f]{32}&b=[0-9a-f]{32}", page.url)
