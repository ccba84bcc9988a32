"""Compare as a person uses it: from Runs in one click to the verdict, its figures, and a row with both answers."""

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
def served(in_project: Callable[[str], Any]) -> Any:
    """The runs of two snapshots, as the demo has them: the later one says less, and is right less often."""
    served, march, june = in_project("compare-browser"), made_runs.rows(40), made_runs.rows(40)
    for row in june:
        row["measured"]["trace_id"] = f"{row['place'] + 5000:032x}"
        row["answer"] = f"Refunds of order {row['place']} take thirty days."
        row["verdicts"]["groundedness"] |= {"value": 0.3, "passed": False}
    with served.client() as client:
        first = made_runs.tell(client, march, suite="llmdrift-march")
        second = made_runs.tell(client, june, "failed", suite="llmdrift-june")
        run = client.run(second)
        baseline = {"run_id": first, "started_at": "2026-11-01T10:00:00+00:00", "shared": 40, "only_here": 0,
                    "only_there": 0, "changed": 0}  # fmt: skip
        client.end_run(second, run["summary"] | {"baseline": baseline}, run["manifest"])
    served.runs = f"{first},{second}"
    return served


def test_a_run_is_compared_with_its_baseline_and_a_row_opened(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/runs")
    page.get_by_role("link", name="Compare llmdrift-june with llmdrift-march").click()
    expect(page.get_by_text(re.compile("llmdrift-june answers 75 points worse than llmdrift-march.*enough data")).first).to_be_visible()  # fmt: skip  # noqa: E501
    expect(page.get_by_text("Differences", exact=True).first).to_be_visible()
    expect(page.get_by_text("no difference", exact=True).first).to_be_visible()  # the axis of the forest plot
    assert "which is worse" in downloaded(page.get_by_role("button", name="HTML")).read_text()
    page.locator(".listing").get_by_role("link", name="q1", exact=True).click()
    expect(page.locator("del", has_text="fourteen")).to_be_visible()
    expect(page.locator("ins", has_text="thirty")).to_be_visible()
    page.get_by_role("link", name="All rows").click()
    expect(page.locator(".listing").get_by_role("link", name="q2", exact=True)).to_be_visible()


def test_a_margin_is_stated_and_an_answer_labelled(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)(f"/compare?runs={served.runs}&item=q1")
    page.get_by_role("button", name="Directions and margins").click()
    page.get_by_role("textbox", name="Margin of groundedness passes").fill("90 points")
    page.get_by_role("button", name="Compare so").click()
    expect(page.get_by_text(re.compile("llmdrift-june answers not worse than llmdrift-march by 90 points")).first).to_be_visible()  # fmt: skip  # noqa: E501
    assert "margins=groundedness.passed%3D90+points" in page.url
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Label", exact=True).last.click()
    dialog = page.get_by_role("dialog", name="Label an answer")
    dialog.get_by_text("fail", exact=True).click()
    dialog.get_by_label("Labelled by").fill("ada")
    dialog.get_by_label("Labelled by").press("Enter")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("by ada", exact=True)).to_be_visible()
    page.get_by_role("button", name="Which is better").click()
    dialog = page.get_by_role("dialog", name="Which answer is better")
    dialog.get_by_text("llmdrift-march", exact=True).click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("not preferred", exact=True)).to_be_visible()
    expect(page.get_by_text("preferred", exact=True)).to_be_visible()
