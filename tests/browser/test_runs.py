"""Suites and runs as a person uses them: order a run, see it end, open what failed; write a suite and save it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import made_runs
import pytest
from browsing import downloaded
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(shared: Any, worker: None, in_project: Callable[[str], Any]) -> Any:
    """A suite, a run of three answers each, and a worker."""
    (shared.suites / "filed.jsonl").write_text("\n".join(made_runs.items(8)))
    (shared.suites / "filed.yaml").write_text(made_runs.SUITE.format(name="filed", file="filed.jsonl"))
    served = in_project("runs-browser")
    with served.client() as client:
        served.run_id = made_runs.tell(client, made_runs.rows(30, 3, flaky=(5,)), "failed", repeats=3)
    return served


@pytest.fixture
def site(served: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(served)


def at_rest(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_a_suite_is_run_from_its_page_and_the_run_opened(site: Visit) -> None:
    page = site("/suites")
    page.locator(".listing").get_by_role("link", name="filed", exact=True).click()
    expect(page.get_by_role("heading", name="filed")).to_be_visible()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text(re.compile("8 items in 8 clusters.*It can be run"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Run", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Answers to each item").fill("2")
    dialog.get_by_label("Answers to each item").press("Tab")
    at_rest(page)
    dialog.get_by_role("button", name="Start").click()
    expect(page.locator(".listing").get_by_text("passed")).to_be_visible(timeout=60_000)
    at_rest(page)
    page.locator(".listing").get_by_role("link").first.click()
    expect(page.get_by_text("8 items, 16 answers.", exact=False)).to_be_visible()
    expect(page.get_by_text("failing rows of 16")).to_be_visible()


def test_a_row_of_a_run_is_opened_and_leads_back(site: Visit, served: Any) -> None:
    page = site("/runs")
    page.locator(".listing").get_by_role("link", name="support-answers").click()
    expect(page.get_by_text("1 of 3 gates is missed.")).to_be_visible()
    expect(page.get_by_text("missed, fails").first).to_be_attached()
    page.get_by_role("button", name="More").click()
    file = downloaded(page.get_by_role("button", name="results.jsonl"))
    assert len(file.read_text().splitlines()) == 90
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="flaky").click()
    expect(page.get_by_text("3 rows of flaky items of 90")).to_be_visible()
    page.locator(".listing").get_by_role("link", name="q5", exact=True).first.click()
    expect(page.get_by_text("Answer 3", exact=True)).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()
    page.get_by_role("link", name="The run").click()
    expect(page.get_by_text("3 rows of flaky items of 90")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Answer 3", exact=True)).to_be_visible()
