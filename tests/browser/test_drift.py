"""The drift explorer as a person uses it: two groups, a signal, the map of inputs, and a trace behind a point."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browsing import at_rest, click_point
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_two_models_are_compared_down_to_a_trace(
    choices: Any, visit_over: Callable[[str], Callable[[str], Page]]
) -> None:
    visit, groups = visit_over(choices), "range=24h&model=gpt-4o-mini&versus=group&ref_model=gpt-4o"
    page = visit(f"/drift?{groups}&signals=numbers")
    table = page.get_by_role("table", name="Signals")
    expect(table.get_by_text("Score right")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile(r"Current .*: 80 calls"))).to_be_visible()
    table.get_by_role("link", name="Output tokens per call").click()
    expect(page.get_by_text(re.compile("^Output tokens per call: "))).to_be_visible()
    page = visit(f"/drift?{groups}&signals=texts")
    expect(page.get_by_text(re.compile("^Two directions of many"))).to_be_visible(timeout=60_000)
    opens = page.get_by_role("link", name=re.compile("Open its trace"))
    click_point(page, page.locator(".js-plotly-plot .scatterlayer .point"), opens)
    at_rest(page)
    opens.click()
    expect(page).to_have_url(re.compile("/trace[?].*trace="))
    expect(page.get_by_role("link", name="Back to the list")).to_be_visible()
