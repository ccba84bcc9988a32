"""Planner and Ranking as a person uses them: from a comparison that tells too little to a plan, and to who is first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_runs
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Any:
    """Three runs of the same items, as the demo has them: two that hardly differ, and one that is worse."""
    served = in_project("planner-browser")
    with served.client() as client:
        for name, turned in (("march", ()), ("june", range(6)), ("small", range(1, 40, 2))):
            made = made_runs.rows(40)
            for row in made:
                said = row["verdicts"]["groundedness"]
                if row["place"] in turned:
                    said |= {"value": 0.3 if said["passed"] else 0.9, "passed": not said["passed"]}
            setattr(served, name, made_runs.tell(client, made, suite=f"llmdrift-{name}"))
    return served


def test_a_comparison_that_tells_too_little_leads_to_a_plan(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)(f"/compare?runs={served.march},{served.june}")
    page.get_by_role("link", name="Plan a comparison that tells").click()
    said = page.get_by_text(re.compile(r"You need [\d,]+ items, which both variants answer, to see 5 points with 80 % "
                                       r"power; your pilot's 40 items would see [\d.]+ points"))  # fmt: skip
    expect(said).to_be_visible()
    before = said.inner_text()
    expect(page.get_by_text("Chance to see 5 points", exact=True)).to_be_visible()  # the figure
    expect(page.locator(".listing").get_by_text("needed", exact=True)).to_be_visible()
    field = page.get_by_role("spinbutton", name="Smallest difference worth knowing")
    field.fill("0.1")
    field.press("Enter")
    after = page.get_by_text(re.compile("You need .* to see 10 points"))
    expect(after).to_be_visible()
    needed = [int(re.search(r"need ([\d,]+)", text)[1].replace(",", "")) for text in (before, after.inner_text())]
    assert needed[0] > 3 * needed[1]
    expect(page).to_have_url(re.compile("delta=0.1"))
    expect(page.get_by_text(re.compile("assay plan --delta 0.1 --sd"))).to_be_visible()


def test_runs_are_ranked_and_a_file_of_judgements(
    served: Any, visit_over: Callable[[str], Visit], tmp_path: Path
) -> None:
    page = visit_over(served)(f"/ranking?runs={served.march},{served.june},{served.small}")
    expect(page.get_by_text(re.compile(r"llmdrift-small is third: \{3\}"))).to_be_visible()
    expect(page.get_by_text("Head to head", exact=True)).to_be_visible()
    page.locator(".listing").get_by_role("link", name="llmdrift-small").first.wait_for()
    page.get_by_text("a file", exact=True).click()
    file = tmp_path / "judged.csv"
    file.write_text("item,a,b,winner\n" + "".join(f"q{at},x,y,{'a' if at % 5 else 'b'}\n" for at in range(40)))
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(re.compile(r"x is first: 95 % rank set \{1\}; y is second: \{2\}"))).to_be_visible()
    expect(page.get_by_text("assay rank judged.csv")).to_be_visible()
