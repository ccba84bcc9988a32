"""Several projects on one server: chosen in the title row, named by the URL, carried by every link."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Open = Callable[[str], Page]


def send(served: Any, telling: Any, project: str, service: str, calls: int) -> None:
    now, call = time.time_ns(), {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o"}
    told = telling(bytes([calls]) * 16, now - 60_000_000_000, service=service).span(1, f"work of {service}", 0, 900)
    for number in range(calls):
        told = told.span(number + 2, "chat", 5, 800, parent=1, gen_ai__usage__input_tokens=1000,
                         gen_ai__usage__output_tokens=100, **call)  # fmt: skip
    served.send(told.body(), project=project)


@pytest.fixture(scope="module")
def several(serve: Any, telling: Any) -> Any:
    served = serve("several")
    with served.client() as client:
        client.add_project("shop-bot")
        client.add_project("idle")
    send(served, telling, "default", "mail", 1)
    send(served, telling, "shop-bot", "shop", 3)
    served.settle()
    return served


@pytest.fixture
def opened(several: Any, visit_over: Callable[[str], Open]) -> Open:
    return visit_over(several)


def test_a_project_is_chosen_and_every_link_keeps_it(opened: Open) -> None:
    page = opened("/traces?range=1h")
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    page.locator(".st-key-project input").click()
    page.get_by_role("option", name="shop-bot").click()
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


def test_costs_stand_side_by_side_and_a_row_leads_to_its_project(opened: Open) -> None:
    page = opened("/cost?range=1h")
    table = page.get_by_role("table", name="Cost by project")
    rows = table.get_by_role("row")
    expect(rows).to_have_count(4)
    cost = 3 * (1000 * 2.5 + 100 * 10) / 1e6
    expect(rows.nth(1)).to_contain_text(re.compile(rf"shop-bot.*\${cost:.4f}.*75 %"))
    expect(rows.nth(2)).to_contain_text(re.compile(r"default.*25 %"))
    expect(rows.nth(3)).to_contain_text("none")
    table.get_by_role("link", name="shop-bot").click()
    expect(page.get_by_text(re.compile(rf"3 calls cost \${cost:.4f}"))).to_be_visible()
    expect(page).to_have_url(re.compile("range=1h.*project=shop-bot|project=shop-bot.*range=1h"))


def test_a_project_that_is_empty_says_how_to_send_to_it_and_an_unknown_one_that_it_is_none(opened: Open) -> None:
    page = opened("/?project=idle")
    expect(page.get_by_text("Nothing has arrived yet in project idle.")).to_be_visible()
    expect(page.get_by_text('"x-assayline-project": "idle"').first).to_be_visible()
    expect(page.get_by_role("button", name="Load sample data")).to_have_count(0)
    page = opened("/latency?project=nope")
    expect(page.get_by_text("There is no project named nope.")).to_be_visible()


def choose(page: Page, name: str) -> None:
    page.locator("h1").scroll_into_view_if_needed()  # a list that scrolls away closes
    option = page.get_by_role("option", name=name)
    page.locator(".st-key-project input").click()
    option.click()


def test_a_link_that_outlived_a_change_of_the_project_leads_on_in_the_new_one(opened: Open) -> None:
    page = opened("/traces?range=1h&project=shop-bot")
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Traces").click()
    expect(page.get_by_role("link", name="work of shop")).to_be_visible()
    choose(page, "default")
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    sidebar.get_by_role("link", name="Cost", exact=True).click()
    expect(page.get_by_text(re.compile(r"1 call cost"))).to_be_visible()
    sidebar.get_by_role("link", name="Traces").click()
    expect(page.get_by_role("link", name="work of mail")).to_be_visible()
    assert "shop-bot" not in page.url


def test_own_prices_of_a_project_stay_with_it(opened: Open, several: Any) -> None:
    mine = "prices: [{model: gpt-4o, usd_per_million: {input: 7, output: 7}}]\n"
    with several.client() as client:
        client.set_prices("prices: [{model: gpt-4o, discount_percent: 5}]\n", "ann")
    with several.client("shop-bot") as client:
        client.set_prices(mine, "ann")
    page = opened("/cost?range=1h&project=shop-bot")
    page.get_by_text(re.compile("Own prices: version 1")).click()
    editor = page.get_by_role("textbox", name="Prices (YAML)")
    expect(editor).to_have_value(mine)
    choose(page, "default")
    expect(page.get_by_role("textbox", name="Prices (YAML)")).to_have_value(re.compile("discount_percent: 5"))
    expect(page.get_by_role("button", name="Set these prices")).to_be_disabled()
