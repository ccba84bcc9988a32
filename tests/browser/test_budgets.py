"""Budgets and cost per success as a person uses them: set one, change it, choose a score, reload by the URL."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}  # fmt: skip


@pytest.fixture(scope="module")
def spent(in_project: Callable[[str], Any], telling: Any) -> Any:
    """Four traces at $2.50 just now: two solved, one not, one that nobody scored."""
    served, now = in_project("budgets"), time.time_ns()
    for number in range(1, 5):
        trace = telling(bytes([number]) * 16, now - number * 10**9).span(1, "answer", 0, 900)
        served.send(trace.span(2, "chat", 5, 20, parent=1, **CALL).body())
    with served.client() as client:
        client.add_scores([
            {"trace_id": f"0{number}" * 16, "name": "solved", "value": value}
            for number, value in ((1, 1.0), (2, 0.8), (3, 0.1))
        ])  # fmt: skip
    served.settle()
    return served


@pytest.fixture
def site(spent: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(spent)


def test_a_budget_is_set_changed_and_removed(site: Visit) -> None:
    page = site("/cost?range=1h")
    expect(page.get_by_text("No budget is set.")).to_be_visible()
    page.get_by_role("button", name="Add a budget").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Set this budget").click()
    expect(dialog.get_by_text("Give an amount above 0")).to_be_visible()
    amount(dialog, "4")
    dialog.get_by_role("button", name="Set this budget").click()
    expect(page.get_by_text(re.compile(r"\$10\.00 of \$4\.00, 250 %"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"Passed \$4 on the \d+"))).to_be_visible()
    page.get_by_role("button", name="Edit", exact=True).click()
    amount(dialog, "40")
    dialog.get_by_role("button", name="Set this budget").click()
    expect(page.get_by_text(re.compile(r"\$10\.00 of \$40\.00, 25 %"))).to_be_visible()
    expect(page.get_by_text(re.compile("A forecast needs 7 days of known spend"))).to_be_visible()
    page.get_by_role("button", name="Edit", exact=True).click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No budget is set.")).to_be_visible()


def amount(dialog: Any, usd: str) -> None:
    field = dialog.get_by_label("US dollars a calendar month")
    field.fill(usd)
    field.press("Tab")
