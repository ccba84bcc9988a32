"""A/B tests in a real browser: from the list to one, its figure, and its stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browsing import at_rest
from made_ab_tests import fill
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_a_test_is_opened_read_and_stopped(
    visit_over: Callable[[str], Callable[[str], Page]], serve: Callable[[str], Any], telling: Any
) -> None:
    served = serve("ab-browser")
    fill(served, telling)
    page = visit_over(served.note.api_url)("/ab_tests")
    page.get_by_role("link", name="shown").click()
    expect(page.get_by_text("new is better than control")).to_be_visible()
    expect(page.locator(".js-plotly-plot .scatterlayer .js-line").first).to_be_attached()
    at_rest(page)
    page.get_by_role("button", name="Stop", exact=False).first.click()
    page.get_by_role("button", name="Stop it now").click()
    expect(page.get_by_text("stopped", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Stop it now")).to_have_count(0)
    at_rest(page)
    page.get_by_role("link", name="All tests").click()
    expect(page.get_by_text("new is better in shown. 1 test, 0 running.")).to_be_visible()
