"""Queues and feedback as a person uses them: a queue is set and filled from traces; a key is made and used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from browsing import choose
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Any:
    made = in_project("looped")
    made.send_captures()
    return made


def said_by(page: Page) -> None:
    page.get_by_placeholder("Your name").first.fill("ann")
    page.get_by_placeholder("Your name").first.press("Enter")


def test_a_queue_is_set_by_the_form_and_filled_from_traces(
    served: Any, visit_over: Callable[[str], Visit], telling: Any
) -> None:
    page = visit_over(served)("/queues?make=1")
    page.get_by_label("Name of the queue").fill("refunds")
    page.get_by_label("Name of the queue").press("Enter")
    said_by(page)
    page.get_by_label("Question").first.fill("Is *it* right?")
    page.get_by_label("Question").first.press("Enter")
    page.get_by_text("a scale", exact=True).click()
    expect(page.get_by_label("Question").first).to_have_value("How good is the answer?")
    page.get_by_text("right or wrong", exact=True).click()
    expect(page.get_by_label("Question").first).to_have_value("Is *it* right?")  # as it was typed
    expect(page.get_by_label("Name of the queue")).to_have_value("refunds")
    page.get_by_role("button", name="Set queue").click()
    expect(page.get_by_text("Its items would be listed here")).to_be_visible()
    page.get_by_role("button", name="Add items").click()
    dialog = page.get_by_role("dialog")
    choose(page, "Of the", "ever")
    expect(dialog.get_by_text("would be put into the queue")).to_be_visible(timeout=60_000)
    dialog.get_by_role("button", name="Add", exact=True).dblclick()
    expect(dialog.get_by_text(re.compile("were put into the queue"))).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_text(re.compile(r"^\d+ of \d+ items$"))).to_be_visible()
    with served.client() as client:
        (row,) = client.queues()
        assert row["items"] == len(client.queue_items("refunds", "all", None, 1_000, 0)["items"]) > 0
        assert client.queue("refunds")["terms"]["fields"][0]["title"] == "Is *it* right?"


def test_a_key_is_made_and_what_is_sent_with_it_is_shown(
    served: Any, visit_over: Callable[[str], Visit], telling: Any
) -> None:
    page = visit_over(served)("/feedback?part=keys")
    said_by(page)
    page.get_by_role("button", name="New key").click()
    page.get_by_label("What it is for").fill("shop")
    page.get_by_label("What it is for").press("Enter")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("which is not shown again")).to_be_visible()
    found = re.search(r"assay-fb-[\w-]{20,}", page.locator("[data-testid=stMain]").inner_text())
    assert found
    body = {"kind": "thumbs", "thumb": "down", "trace_id": "0f" * 16, "comment": "<b>late</b>", "user": "kim"}
    httpx.post(
        f"{served.note.api_url}/api/feedback", json=body, headers={"x-assay-key": found[0]}, trust_env=False
    ).raise_for_status()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("which is not shown again")).to_have_count(0)
    page.get_by_text("said", exact=True).click()
    expect(page.get_by_text("<b>late</b>")).to_be_visible()
    expect(page.get_by_text("1 piece of feedback")).to_be_visible()
