"""An alert as a person meets it: it fires on what really came in, is acknowledged and resolved; a channel is tried."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import at_rest
from playwright.sync_api import Page, expect
from receivers import Receivers, answer, ok, receiving

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
HOURS, BAD, CALLS = 24, 4, 30  # hours of calls, the last of them with failures, calls an hour
MONITOR: dict[str, Any] = {
    "signal": "error_rate", "where": {"service": "shop"}, "window": "3h",
    "alert": {"kind": "threshold", "above": 0.15},
}  # fmt: skip


@pytest.fixture(scope="module")
def fired(in_project: Callable[[str], Any], telling: Any) -> Any:
    """A server whose monitor fires: of the calls to one of two models half failed in the last hours."""
    served, now = in_project("fired"), time.time_ns()
    bodies = []
    for number in range(HOURS * CALLS):
        trace = telling((number + 1).to_bytes(16, "big"), now - int(number / CALLS * 3600e9) - 1_000_000_000)
        model, failed = "gpt-4o-mini" if number % 2 else "gpt-4o", number % 4 == 0 and number < BAD * CALLS
        trace.span(1, "answer", 0, 900, session__id=f"s{number}")
        trace.span(2, "chat", 5, 700, 1, error="rate limit reached" if failed else None,
                   gen_ai__operation__name="chat", gen_ai__request__model=model)  # fmt: skip
        bodies.append(trace.body())
    served.send(b"".join(bodies))
    served.settle()
    with served.client() as client:
        client.set_monitor("shop-errors", MONITOR, "ada")
        assert client.look_now("shop-errors")["state"] == "firing"
    return served


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with receiving() as made:
        yield made


def test_an_alert_that_fired_is_acknowledged_and_resolved(fired: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(fired)("/alerts")
    expect(page.get_by_text("1 alert is open")).to_be_visible()
    expect(page.get_by_role("link", name="1 alert open")).to_be_visible()
    page.get_by_role("link", name="shop-errors").click()
    expect(page.get_by_text(re.compile("Error rate of service shop is .*, above 15"))).to_be_visible()
    expect(page.get_by_role("table", name="What explains it").get_by_text("model gpt-4o", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_disabled()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Your name").press("Enter")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text(re.compile(r"^\d\d:\d\d:\d\d by ada$"))).to_be_visible()
    page.get_by_role("link", name="Open all its traces").click()
    expect(page.get_by_text("service shop, with failed spans")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Resolve").click()
    page.get_by_label("Why").fill("The limit was raised.")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    expect(page.get_by_role("table", name="History").get_by_text("The limit was raised.")).to_be_visible()
    page.get_by_role("link", name="All alerts").click()
    expect(page.get_by_text("No alert is open.")).to_be_visible()


def test_a_channel_is_set_and_tried_and_its_address_is_not_shown(
    fired: Any, visit_over: Callable[[str], Visit], receivers: Receivers
) -> None:
    url = receivers.url("/hook-of-ours", ok)
    page = visit_over(fired)("/alerts?part=channels")
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Your name").press("Enter")
    expect(page.get_by_text("Say who you are")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("hook")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_text("Webhook", exact=True).click()
    expect(page.get_by_text("Secret that signs each message")).to_be_visible()
    at_rest(page)
    page.locator("input[aria-label='Address']").fill(url)
    page.locator("input[aria-label='Address']").press("Enter")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Open it, and send a test").click()
    page.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text("Delivered")).to_be_visible()
    assert len(receivers.wait("/hook-of-ours")) == 1
    receivers.acts["/hook-of-ours"] = answer(503)
    page.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text(re.compile("Not delivered: refused.*503"))).to_be_visible()
    assert "hook-of-ours" not in page.content()
