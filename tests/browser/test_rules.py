"""Online rules as a person uses them: set one, see what is new scored, have what failed scored again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import choose
from fake_openai import Act, beside, good
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(shared: Any, worker: None, in_project: Callable[[str], Any]) -> Iterator[Any]:
    """With a worker, whose judge fails at its first call."""

    def act(_: dict[str, Any]) -> Act:
        return Act(status=500) if len(judge.requests) == 1 else good(reason="So.", label="supported")

    with beside(act) as judge:
        shared.judges.write_text(f"judges:\n- {{name: near, base_url: '{judge.url}', model: gpt-4o-mini, tries: 1}}\n")
        yield in_project("ruled")


def test_a_rule_is_set_scores_what_is_new_and_what_failed_again(
    served: Any, visit_over: Callable[[str], Visit], telling: Any
) -> None:
    page = visit_over(served)("/online_rules")
    page.get_by_role("link", name="Set the first rule").click()
    page.get_by_label("Name", exact=True).fill("refunds")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_label(re.compile("^Only traces with")).fill("service=shop")
    page.get_by_label(re.compile("^Only traces with")).press("Control+Enter")
    page.get_by_role("spinbutton", name="Of them, per cent").fill("100")
    page.get_by_role("spinbutton", name="Of them, per cent").press("Enter")
    page.get_by_role("spinbutton", name="Over after quiet seconds").fill("1")
    page.get_by_role("spinbutton", name="Over after quiet seconds").press("Enter")
    choose(page, "Evaluators", "judge_groundedness")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rule refunds is set.")).to_be_visible()
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", name="refunds")).to_be_visible()
    expect(page.get_by_text("None of this rule failed.")).to_be_visible()

    trace = telling(bytes([5]) * 16, time.time_ns())
    trace.span(1, "search", 0, 5, openinference__span__kind="RETRIEVER",
               retrieval__documents__0__document__content="Refunds take nine days.")  # fmt: skip
    told = [{"role": "assistant", "parts": [{"type": "text", "content": "Nine days."}]}]
    trace.span(2, "chat", 10, 50, 1, gen_ai__operation__name="chat", gen_ai__output__messages=json.dumps(told))
    served.send(trace.body())

    expect(page.get_by_text("1 failure", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("judge_groundedness: server", exact=True)).to_be_visible()
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.get_by_text("None of this rule failed.")).to_be_visible(timeout=60_000)
    page.get_by_text("queue", exact=True).click()
    expect(page.get_by_text("2 parts: 2 done.")).to_be_visible()
    page.get_by_role("link", name="All rules").click()
    expect(page.get_by_text("1 rule, 1 on. Nothing is pending. Nothing failed.")).to_be_visible()
