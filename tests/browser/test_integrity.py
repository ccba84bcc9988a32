"""Cost integrity as a person uses it: from a deviation to the call, an invoice given, seen, shared and taken back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from browsing import click_point
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
CALL = {
    "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__usage__input_tokens": 10**6,
    "gen_ai__usage__output_tokens": 0,
}  # fmt: skip


@pytest.fixture
def site(in_project: Callable[[str], Any], telling: Any, visit_over: Callable[[Any], Visit]) -> Visit:
    """Pages of a project of the test's own. Three calls of gpt-4o at $2.50, each reported as twice that, and one of a
    model that nobody knows.
    """
    billed, now = in_project(f"billed-{uuid4().hex}"), time.time_ns()
    for number in range(1, 4):
        trace = telling(bytes([number]) * 16, now - number * 10**9).span(1, f"answer {number}", 0, 900)
        trace.span(2, "chat", 5, 20, parent=1, gen_ai__request__model="gpt-4o", **CALL)
        trace._spans.spans[-1].attributes.add(key="gen_ai.usage.cost").value.double_value = 5.0
        if number == 1:
            trace.span(3, "chat", 30, 20, parent=1, gen_ai__request__model="mine", **CALL)
        billed.send(trace.body())
    billed.settle()
    return visit_over(billed)


def tile(page: Page, label: str) -> Any:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def invoice(usd: float) -> str:
    """Of the month, by a name that is no id: midnight does not part it from its calls."""
    return f"month,model,amount\n{datetime.now(UTC):%Y-%m},GPT-4o,{usd}\n"


def give(page: Page, text: str, name: str) -> None:
    page.get_by_role("button", name=re.compile("Add ")).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(
        {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    expect(dialog.get_by_role("textbox", name="Name")).to_have_value(name)
    keep = dialog.get_by_role("button", name="Keep this invoice")
    expect(keep).to_be_enabled()
    keep.click()


def test_an_invoice_is_given_reconciled_and_seen_again_by_its_link(site: Visit) -> None:
    page = site("/cost_integrity?range=1h&show=invoice")
    expect(page.get_by_text("No invoice is kept to hold our sums against.")).to_be_visible()
    give(page, "month,model,amount\n2026-11,gpt-4o,zwölf\n", "november")
    expect(page.get_by_text("The invoice was not kept.")).to_be_visible()
    expect(page.get_by_text("Line 2, column 'amount': 'zwölf'")).to_be_visible()
    page.keyboard.press("Escape")
    give(page, invoice(10), "openai bill")
    expect(page.get_by_text(re.compile("The invoice openai bill bills \\$10.00"))).to_be_visible()
    expect(page.get_by_text(re.compile("we compute \\$7.50: \\$2.50 less, 25 %; 1 call has no price"))).to_be_visible()
    expect(tile(page, "Computed against invoiced")).to_have_text("\u221225 %")
    row = page.locator(".listing .line", has_text="gpt-4o")
    expect(row.get_by_text("differs")).to_be_visible()
    expect(row.get_by_text("GPT-4o", exact=True)).to_be_visible()

    give(page, invoice(7.5), "second")
    expect(page.get_by_text(re.compile("The invoice second bills \\$7.50"))).to_be_visible()
    page.wait_for_url(re.compile("invoice=second"))
    expect(
        page.get_by_text(re.compile("The invoice second bills \\$7.50 .* they agree; 1 call has no"))
    ).to_be_visible()

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(page.get_by_text(re.compile("The invoice openai bill bills"))).to_be_visible()
    page.locator(".listing a", has_text="gpt-4o").click()
    expect(page.get_by_text("3 traces match")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["model"] == ["gpt-4o"]


def test_a_deviation_leads_to_the_call_behind_it_and_back(site: Visit) -> None:
    page = site("/cost_integrity?range=1h")
    expect(page.get_by_text(re.compile("furthest apart is gpt-4o, double count: twice our cost"))).to_be_visible()
    expect(tile(page, "Reported against computed")).to_have_text("+100 %")
    offered = page.get_by_role("link", name="Calls of gpt-4o")
    click_point(page, page.locator(".js-plotly-plot .scatterlayer .point"), offered)
    assert "behind=compared" in str(offered.get_attribute("href"))
    page.locator(".listing a", has_text="gpt-4o").click()
    expect(page.get_by_text("Calls with a reported and a computed cost, furthest apart first")).to_be_visible()
    expect(page.locator(".listing a")).to_have_count(3)
    expect(page.get_by_text("model gpt-4o", exact=True)).to_be_visible()
    page.locator(".listing a").first.click()
    page.wait_for_url(re.compile("/trace\\?"))
    asked = parse_qs(urlsplit(page.url).query)
    assert (len(asked["trace"][0]), asked["span"]) == (32, ["0000000000000002"])
    expect(page.get_by_text("answer").first).to_be_visible()
    page.go_back()
    expect(page.locator(".listing a")).to_have_count(3)
    page.get_by_role("link", name="Back to the figures").click()
    expect(page.get_by_test_id("stMetric")).to_have_count(5)
    assert "behind" not in page.url
