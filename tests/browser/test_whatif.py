"""The What-if page in a browser: its three questions, a choice that a link reproduces, the policy as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from browsing import downloaded
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
FIGURE = "[data-testid=stPlotlyChart]"


@pytest.fixture
def visit(visit_over: Callable[[str], Visit], choices: Any) -> Iterator[Visit]:
    """Pages over the store of the choices."""
    return visit_over(choices)


def drawn(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_a_similarity_changes_the_answer_and_a_link_reproduces_it(visit: Visit) -> None:
    page = visit("/whatif?range=7d")
    expect(page.get_by_text("Caching shared prefixes would have saved")).to_contain_text("for 0 %", timeout=60_000)
    for title in ("Near repeats and their risk", "What each would have saved"):
        expect(page.locator(FIGURE).get_by_text(title)).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    sentence = page.get_by_text("Caching shared prefixes would have saved")
    expect(sentence).to_contain_text("for 51 %")
    page.get_by_role("radio", name="1 h", exact=True).click()
    expect(sentence).to_contain_text("a cache of answers $0.0906")
    drawn(page)
    assert parse_qs(urlsplit(page.url).query) == {
        "range": ["7d"], "similarity": ["80"], "kept": ["1 h"], "project": ["choices"],
    }  # fmt: skip
    told = sentence.inner_text()
    page.locator(".listing").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="chat", exact=True)).to_be_visible()
    page.go_back()
    expect(sentence).to_have_text(told)


def test_the_measure_is_that_of_the_link_and_the_policy_is_exported(visit: Visit) -> None:
    page = visit("/whatif?range=24h&tokens=2000&turns=-&tools=-")
    page.get_by_role("radio", name="routing").click()
    expect(page.get_by_text("gpt-4o to gpt-4o-mini on level 0")).to_be_visible()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_role("textbox", name="Tokens of input from")).to_have_value("2000")
    visit("/whatif?range=24h&view=routing")
    expect(page.get_by_text("Moving 80 calls to another model would have saved")).to_be_visible()
    expect(page.locator(FIGURE).get_by_text("Cost against right")).to_be_visible()
    file = downloaded(page.get_by_role("button", name="Export as YAML"))
    (rule,) = yaml.safe_load(file.read_text())["rules"]
    assert (rule["from"], rule["to"], rule["level"]) == ("gpt-4o", "gpt-4o-mini", 1)
