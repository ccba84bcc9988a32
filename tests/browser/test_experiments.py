"""An experiment as a person orders it: one thing varied in the app, two runs, and Compare with both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import choose
from fake_openai import Act, beside
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
SUITE = """\
suite: asked
dataset: {file: asked.jsonl}
target:
  model: {base_url: URL, model: small, stream: false}
evaluators: [{name: contains, options: {texts: [ok]}, pass: {at_least: 1}}]
"""


@pytest.fixture(scope="module")
def served(shared: Any, worker: None, in_project: Callable[[str], Any]) -> Iterator[Any]:
    """A suite, its model, and a worker."""
    rows = [{"id": str(place), "question": f"Why {place}?"} for place in range(6)]
    (shared.suites / "asked.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with beside(lambda body: Act("ok" if body["model"] == "large" else "no")) as model:
        (shared.suites / "asked.yaml").write_text(SUITE.replace("URL", model.url))
        yield in_project("experiments-browser")


def test_two_models_are_ordered_and_compared(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/experiments")
    page.get_by_role("button", name="New experiment").click()
    choose(page, "Suite", "asked")
    choose(page, "^What varies$", "model")
    box = page.get_by_role("textbox", name="Values, between commas", exact=True)
    expect(box).to_be_enabled(timeout=60_000)
    box.fill("small, large")
    box.press("Enter")
    # The server starts a process of its own for the first plan.
    expect(page.get_by_text("2 runs, named by what")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="Open the experiment").click()
    expect(page.get_by_text("Of 2 arms: 2 passed.")).to_be_visible(timeout=120_000)
    expect(page.locator(".listing").get_by_role("link")).to_have_count(2)
    page.get_by_role("link", name="Compare arms").click()
    expect(page.get_by_text(re.compile("model=large is 100 points higher")).first).to_be_visible(timeout=60_000)
    assert len(re.search(r"runs=([0-9a-f%C,]+)", page.url)[1].replace("%2C", ",").split(",")) == 2  # type: ignore[index]  # it is there
