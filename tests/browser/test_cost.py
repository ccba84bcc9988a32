"""Cost as a person uses it: sums, a price that changes, a model that gets one, the way to the traces."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from browsing import choose, click_point
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__usage__output_tokens": 0}


@pytest.fixture
def site(in_project: Callable[[str], Any], telling: Any, visit_over: Callable[[Any], Visit]) -> Visit:
    """Pages of a project of the test's own: a million input tokens of a model with a list price, $2.50, and two of one
    that nobody knows.
    """
    spent, now = in_project(f"spent-{uuid4().hex}"), time.time_ns()
    for number, (model, tokens) in enumerate((("gpt-4o", 10**6), ("mine", 2 * 10**6)), 1):
        trace = telling(bytes([number]) * 16, now - number * 60 * 10**9).span(1, f"answer {number}", 0, 900)
        usage = {"gen_ai__usage__input_tokens": tokens, "gen_ai__request__model": model}
        spent.send(trace.span(2, "chat", 5, 20, parent=1, **CALL, **usage).body())
    spent.settle()
    return visit_over(spent)


def tile(page: Page, label: str) -> Any:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def test_a_model_without_a_price_gets_one_and_the_sum_changes(site: Visit) -> None:
    page = site("/cost?range=1h")
    expect(page.get_by_text("2 calls cost at least $2.50 in the last hour; 1 call has no price.")).to_be_visible()
    expect(tile(page, "Calls without a price")).to_have_text("1")
    page.get_by_role("button", name="Price this model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Set this price").click()
    expect(dialog.get_by_text("Give a price: input and output")).to_be_visible()
    for name, usd in (("Input", "3"), ("Output", "9")):
        dialog.get_by_label(name, exact=True).fill(usd)
        dialog.get_by_label(name, exact=True).press("Tab")
    dialog.get_by_role("button", name="Set this price").click()
    expect(
        dialog.get_by_text("1 call would have another cost; the sum goes from $2.50, 1 call unpriced to $8.50")
    ).to_be_visible()
    dialog.get_by_role("button", name="Reprice the last hour").click()
    expect(page.get_by_text(re.compile("Repriced: 1 call got another cost"))).to_be_visible()
    expect(page.get_by_text("2 calls cost $8.50 in the last hour; every call has a price.")).to_be_visible()
    expect(page.get_by_role("button", name="Price this model")).to_have_count(0)


def test_the_view_is_in_the_link_and_a_row_and_a_bar_lead_to_the_traces_behind_them(site: Visit) -> None:
    page = site("/cost?range=7d")
    expect(page.get_by_text("By model", exact=True)).to_be_visible()
    choose(page, "^By$", "provider")
    expect(page.get_by_text("By provider", exact=True)).to_be_visible()
    page.wait_for_url(re.compile("by=provider"))
    page.locator(".listing a", has_text="openai").click()
    expect(page.get_by_text("provider openai", exact=True)).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["provider"] == ["openai"]
    page.reload()
    expect(page.get_by_text("provider openai", exact=True)).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_text("provider openai", exact=True)).to_be_hidden()
    page.keyboard.press("Escape")
    asked = parse_qs(urlsplit(page.url).query)
    assert "provider" not in asked
    page.locator(".listing a", has_text="gpt-4o").click()
    expect(page.get_by_text("1 trace match")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {**asked, "range": ["7d"], "model": ["gpt-4o"]}
    page.go_back()
    link = page.get_by_role("link", name=re.compile("Traces of "))
    click_point(page, page.locator(".js-plotly-plot .bars .point"), link)
    with page.context.expect_page() as opened:
        link.click()
    assert parse_qs(urlsplit(opened.value.url).query)["model"] == ["gpt-4o"]
    expect(opened.value.locator(".listing a")).to_have_count(1)
