"""The calibration card as a person uses it: from the list to the card, to what disagrees, to a corrected comparison."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from browsing import click_till
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
SCALE = {"scale": json.dumps({"low": 0, "high": 1, "better": "higher", "labels": []})}


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any], telling: Any) -> Any:
    """Calls of two models, a judge that is wrong on every tenth, and a person's labels of all."""
    served, began = in_project("judged-browser"), time.time_ns() - 3_600 * 10**9
    ids = [f"{at + 1:02x}" * 16 for at in range(120)]
    served.send(b"".join(
        telling(bytes.fromhex(one), began + at * 10**9).span(
            1, f"ask {at}", 0, 50, gen_ai__operation__name="chat", gen_ai__request__model=f"model-{at % 2}",
        ).body()
        for at, one in enumerate(ids)
    ))  # fmt: skip
    served.settle()
    with served.client() as client:
        good = [at % 3 != 0 for at in range(120)]
        client.add_scores([
            {"trace_id": one, "name": "sound <b>", "evaluator": "checker", "evaluator_version": "1", "source": "llm",
             "value": (0.9 if good[at] != (at % 10 == 0) else 0.1) + at / 1e4, "metadata": SCALE | {"model": "m-1"}}
            for at, one in enumerate(ids)
        ])  # fmt: skip
        client.add_scores([
            {"trace_id": one, "name": "sound <b>", "evaluator": "sound", "author": "ann", "source": "human",
             "value": float(good[at])}
            for at, one in enumerate(ids)
        ])  # fmt: skip
        client.judges()  # the first answer starts the process that works it out
        client.judge("sound <b>")
    return served


def test_a_card_is_opened_read_and_left_for_what_disagrees(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/judges")
    expect(page.get_by_text("has high or moderate trust")).to_be_visible()
    page.get_by_role("link", name="sound <b>").click()
    expect(page).to_have_url(re.compile("score=sound"))
    expect(page.get_by_text("high trust").first).to_be_visible()
    expect(page.get_by_text("over 120 labelled items")).to_be_visible()
    expect(page.get_by_text("What people say, by score")).to_be_visible()
    expect(page.get_by_text("Judge and people disagree (12)")).to_be_visible()
    plan = page.get_by_role("button", name="Plan", exact=True)
    click_till(page.get_by_text("More labels: how many, which"), plan)
    click_till(plan, page.get_by_text("An interval 0.1 wide"))
    page.get_by_role("link", name=re.compile("^[0-9a-f]{12}$")).first.click()
    expect(page).to_have_url(re.compile("trace="))
    expect(page.get_by_text("judge, high trust").first).to_be_attached()
