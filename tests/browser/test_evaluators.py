"""Evaluators as a person uses them: try one, have traces scored by a worker, see what a score rests on."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any], worker: None, telling: Any) -> Any:
    """Two traces that retrieved and answered, one of them with words that no context has; and a worker."""
    served, now = in_project("evaluated"), time.time_ns()
    for number, answer in ((1, "Refunds take fourteen days."), (2, "Refunds take <b>thirty</b> days.")):
        trace = telling(bytes([number]) * 16, now - number * 10**10).span(1, f"ask {number}", 0, 900)
        trace.span(2, "search", 5, 20, parent=1, openinference__span__kind="RETRIEVER",
                   retrieval__documents__0__document__content="Refunds take fourteen days.")  # fmt: skip
        call = {"gen_ai__operation__name": "chat", "gen_ai__input__messages": said("user", "How long?")}
        trace.span(3, "chat", 30, 500, parent=1, **call, gen_ai__output__messages=said("assistant", answer))
        served.send(trace.body())
    served.settle()
    return served


@pytest.fixture
def site(served: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(served)


def at_rest(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_an_evaluator_is_found_and_tried(site: Visit) -> None:
    page = site("/evaluators?family=hallucination&find=words")
    page.locator(".listing").get_by_role("link", name="unbacked", exact=True).click()
    expect(page.get_by_role("heading", name="unbacked")).to_be_visible()
    expect(page.get_by_text("It reads <b>no</b> meaning.")).to_be_visible()
    field = page.get_by_label("Answer", exact=True)
    expect(field).to_have_value(re.compile("Refunds take 30 days"))
    field.fill("Refunds take <img src=x> thirty days.")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("mark").filter(has_text="thirty")).to_be_visible()
    expect(page.get_by_text("No context says 'thirty'.")).to_be_visible()
    page.get_by_label(re.compile("Options, JSON")).fill('{"min_length": 0}')
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("min_length is at least 1")).to_be_visible()
    page.get_by_role("link", name="All evaluators").click()
    expect(page.get_by_placeholder("Search names and words")).to_have_value("words")
    page.wait_for_url(re.compile(r"family=hallucination&find=words|find=words&family=hallucination"))


def test_traces_are_scored_and_a_score_shows_what_it_rests_on(site: Visit) -> None:
    page = site("/traces?range=1h")
    page.get_by_role("button", name="CSV").wait_for()
    at_rest(page)
    page.get_by_role("button", name="Score these").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Choose at least one evaluator.")).to_be_visible()  # a list closes while more comes
    at_rest(page)
    dialog.get_by_role("combobox", name="Evaluators").fill("unbacked")
    page.get_by_role("option", name=re.compile("^unbacked")).click()
    expect(dialog.get_by_text(re.compile("Will score 2 traces by 1 evaluator: 2 verdicts"))).to_be_visible()
    page.keyboard.press("Escape")  # the list of options
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_text("2 of 2 traces")).to_be_visible()
    expect(dialog.get_by_text("2 scored, 0 not applicable, 0 failed")).to_be_visible()
    dialog.get_by_role("link", name="The job on Evaluators").click()
    expect(page.get_by_role("heading", name="Evaluators")).to_be_visible()
    expect(page.locator(".listing").get_by_role("link", name="unbacked")).to_be_visible()
    page.get_by_role("link", name="Its traces").click()
    page.locator(".listing").get_by_role("link", name="ask 2", exact=True).click()
    expect(page.get_by_text("1 score; newest first.")).to_be_visible()
    choose(page)
    expect(page.locator("mark").filter(has_text="thirty")).to_be_visible()
    expect(page.locator("b", has_text="thirty")).to_have_count(0)
    expect(page.get_by_role("listitem").filter(has_text="No context says 'thirty'.")).to_be_visible()
    expect(page.get_by_text(re.compile("Limits: It knows words alone."))).to_be_visible()


def choose(page: Page) -> None:
    """Tick the first row of the scores. They are drawn on a canvas, which hears clicks only once it is drawn."""
    table = page.locator(".st-key-scores")
    table.scroll_into_view_if_needed()
    for _ in range(5):
        at_rest(page)
        table.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 46})
        try:
            page.locator(".st-key-score").wait_for(timeout=4000)
        except Error:
            continue
        return
    pytest.fail("The score was not chosen.")
