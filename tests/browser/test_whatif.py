"""The What-if page in a browser: its three questions, a choice that a link reproduces, the policy as a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
FIGURE = "[data-testid=stPlotlyChart]"


@pytest.fixture
def visit(visit_over: Callable[[str], Visit], choices: Any) -> Iterator[Visit]:
    """Pages over the store of the choices."""
    return visit_over(choices.note.api_url)


def drawn(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_a_similarity_changes_the_answer_and_a_link_reproduces_it(visit: Visit) -> None:
    page = visit("/whatif?range=7d")
    expect(page.get_by_text("Caching shared prefixes would have saved")).to_contain_text("for 0 %")
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
    assert parse_qs(urlsplit(page.url).query) == {"range": ["7d"], "similarity": ["80"], "kept": ["1 h"]}
    told = sentence.inner_text()
    page.reload()
    expect(sentence).to_have_text(told)


def test_a_pair_leads_to_its_call(visit: Visit) -> None:
    page = visit("/whatif?range=24h&similarity=80")
    page.locator(".listing").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="chat", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Caching shared prefixes would have saved")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["similarity"] == ["80"]


def test_the_policy_is_exported(visit: Visit, tmp_path: Path) -> None:
    page = visit("/whatif?range=24h")
    page.get_by_role("radio", name="routing").click()
    expect(page.get_by_text("Moving 80 calls to another model would have saved")).to_be_visible()
    expect(page.locator(FIGURE).get_by_text("Cost against right")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as YAML").click()
    file = tmp_path / "policy.yaml"
    download.value.save_as(file)
    (rule,) = yaml.safe_load(file.read_text())["rules"]
    assert (rule["from"], rule["to"], rule["level"]) == ("gpt-4o", "gpt-4o-mini", 1)


def test_the_measure_of_a_link_is_the_measure(visit: Visit) -> None:
    page = visit("/whatif?range=24h&view=routing&tokens=2000&turns=-&tools=-")
    expect(page.get_by_text("gpt-4o to gpt-4o-mini on level 0")).to_be_visible()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_role("textbox", name="Tokens of input from")).to_have_value("2000")


def test_topics_are_chosen_and_lead_to_a_call(visit: Visit) -> None:
    page = visit("/whatif?range=24h&view=routing")
    count = page.get_by_role("spinbutton", name="Topics")
    expect(count).to_have_value("0")
    count.fill("2")
    count.press("Enter")
    expect(page.get_by_text("Topics of what the user said last")).to_be_visible()
    page.wait_for_url(re.compile("topics=2"))
    page.locator(".listing").get_by_role("link", name="What is the refund policy for shoes?").first.click()
    expect(page.get_by_role("heading", name="chat", exact=True)).to_be_visible()
    page.go_back()
    expect(count).to_have_value("2")
    expect(page.get_by_text("Topics of what the user said last")).to_be_visible()


def test_emissions_follow_the_electricity(visit: Visit) -> None:
    page = visit("/whatif?range=7d&view=carbon")
    sentence = page.get_by_text("160 calls in the last 7 days took")
    expect(sentence).to_be_visible()
    before = sentence.inner_text()
    page.get_by_role("combobox", name="Electricity of").fill("SWE")
    page.keyboard.press("Enter")
    expect(sentence).not_to_have_text(before)
    drawn(page)
    assert parse_qs(urlsplit(page.url).query) == {"range": ["7d"], "view": ["carbon"], "zone": ["SWE"]}
