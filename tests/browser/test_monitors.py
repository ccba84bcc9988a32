"""Monitors in a real browser: one from a chart in two clicks, and several as suggested."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from browsing import at_rest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any], telling: Any) -> Any:
    """Four hours of calls of a service, two an hour."""
    served, now = in_project("watched"), time.time_ns()
    call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-x", "gen_ai__usage__input_tokens": 9}
    told = [
        telling(bytes([5]) * 15 + bytes([n]), now - (n + 1) * 1_800_000_000_000, "shop").span(
            1, "chat", 0, 500 + n, **call
        )
        for n in range(8)
    ]
    served.send(b"".join(one.body() for one in told))
    served.settle()
    return served


def test_a_monitor_is_set_from_a_chart_in_two_clicks(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/latency?service=shop")
    page.get_by_role("link", name="p95", exact=True).click()
    page.get_by_role("button", name="Set monitor").click()
    expect(page.get_by_text("Monitor duration-p95-shop is set.")).to_be_visible()
    with served.client() as client:
        (made,) = client.monitors()
    assert (made["signal"], made["quantile"], made["where"]) == ("duration", 0.95, {"service": "shop"})
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_text("p95 of duration, service shop")).to_be_visible()


def test_suggested_monitors_are_set_at_one_click(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/monitors?suggest=1")
    boxes = page.get_by_role("checkbox")
    expect(boxes.first).to_be_attached()
    at_rest(page)
    page.get_by_text("error-rate", exact=True).click()
    expect(page.get_by_role("checkbox", name="error-rate")).not_to_be_checked()
    at_rest(page)
    page.get_by_role("button", name="Set ").click()
    expect(page.get_by_text("Their first looks follow within a minute.")).to_be_visible()
    with served.client() as client:
        names = {one["name"] for one in client.monitors()}
    assert "error-rate" not in names
    assert len(names) > 1
