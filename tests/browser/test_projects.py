"""Several projects on one server: chosen in the title row, named by the URL, carried by every link."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from browsing import at_rest
from playwright.sync_api import Page, TimeoutError, expect  # noqa: A004 - its own

pytestmark = pytest.mark.browser
Open = Callable[[str], Page]


def told(served: Any, telling: Any, service: str, calls: int) -> Any:
    now, call = time.time_ns(), {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o"}
    trace = telling(bytes([calls]) * 16, now - 60_000_000_000, service=service).span(1, f"work of {service}", 0, 900)
    for number in range(calls):
        trace = trace.span(number + 2, "chat", 5, 800, parent=1, gen_ai__usage__input_tokens=1000,
                           gen_ai__usage__output_tokens=100, **call)  # fmt: skip
    served.send(trace.body())
    served.settle()
    return served


@pytest.fixture(scope="module")
def several(in_project: Callable[[str], Any], telling: Any) -> Any:
    """The project `mail-bot`, beside `shop-bot`."""
    told(in_project("shop-bot"), telling, "shop", 3)
    return told(in_project("mail-bot"), telling, "mail", 1)


@pytest.fixture
def opened(several: Any, visit_over: Callable[[Any], Open]) -> Open:
    return visit_over(several)


def choose(page: Page, name: str) -> None:
    """Again if the list closes, as it does where it scrolls away or the page comes anew."""
    for _ in range(5):
        at_rest(page)
        page.locator("h1").scroll_into_view_if_needed()
        page.locator(".st-key-project input").click()
        page.locator(".st-key-project input").fill(name)  # a long list shows its first ones alone
        with suppress(TimeoutError):
            page.get_by_role("option", name=name).click(timeout=8000)
            return
        page.keyboard.press("Escape")
    pytest.fail(f"{name} could not be chosen")


def test_a_project_is_chosen_and_every_link_keeps_it(opened: Open) -> None:
    page = opened("/traces?range=1h")
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    choose(page, "shop-bot")
    row = page.get_by_role("link", name="work of shop")
    expect(row).to_be_visible()
    expect(page.get_by_role("link", name="work of mail")).to_have_count(0)
    expect(page).to_have_url(re.compile("project=shop-bot"))
    with page.context.expect_page() as beside:
        row.click(modifiers=["Control"])
    expect(beside.value.get_by_role("heading", name="work of shop")).to_be_visible()
    assert "project=shop-bot" in beside.value.url
    beside.value.close()
    row.click()
    expect(page.get_by_role("heading", name="work of shop")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(row).to_be_visible()
    page.get_by_role("link", name="Latency").click()
    expect(page.get_by_role("heading", name="Latency")).to_be_visible()
    expect(page).to_have_url(re.compile("project=shop-bot"))


def test_a_link_that_outlived_a_change_of_the_project_leads_on_in_the_new_one(opened: Open) -> None:
    page = opened("/traces?range=1h")
    choose(page, "shop-bot")
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Traces").click()
    expect(page.get_by_role("link", name="work of shop")).to_be_visible()
    choose(page, "mail-bot")
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    sidebar.get_by_role("link", name="Cost", exact=True).click()
    expect(page.get_by_text(re.compile(r"1 call cost"))).to_be_visible()
    sidebar.get_by_role("link", name="Traces").click()
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    assert "shop-bot" not in page.url
