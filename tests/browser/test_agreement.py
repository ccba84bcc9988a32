"""Adjudication by keyboard alone: choose, give a reason, decide and go on, take back, walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import at_rest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
FIELD = {"name": "ok", "kind": "categorical", "choices": ["good", "fair", "bad"], "title": "Is it good"}


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Iterator[Any]:
    """Three items: two on which ann and bob differ, and one between them on which they agree."""
    served = in_project("adjudicated")
    with served.client() as client:
        client.set_queue("answers", {"labels": 2, "fields": [FIELD]}, "eve")
        sides = [{"answer": "In the post."}]
        client.add_items(
            "answers", [{"content": {"question": f"Where is it {at}", "sides": sides}} for at in (1, 2, 3)]
        )
        client.import_labels("answers", [
            {"number": at, "labeller": who, "answers": {"ok": said}, "comment": f"{who} thinks {said}"}
            for at, (ann, bob) in enumerate([("good", "bad"), ("good", "good"), ("bad", "fair")], 1)
            for who, said in (("ann", ann), ("bob", bob))
        ])  # fmt: skip
    return served


def decisions(served: Any, number: int) -> list[tuple[Any, ...]]:
    with served.client() as client:
        found = client.queue_item("answers", number)["decisions"]
    return [(one["answer"], one["why"], one["author"]) for one in found]


def test_disputes_are_decided_by_keyboard(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/agreement?queue=answers&part=adjudicate&labeller=eve")
    expect(page.get_by_role("heading", name="Item 1: Where is it 1")).to_be_visible()
    for words in ("ann thinks good", "bob thinks bad", "In the post."):
        expect(page.get_by_text(words)).to_be_visible()
    at_rest(page)
    page.keyboard.press("2")
    expect(page.get_by_text("Choose an answer.")).to_be_hidden()
    page.get_by_label("Reason").focus()
    page.keyboard.type("the tone is off in 1 place")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Item 3: Where is it 3")).to_be_visible()
    expect(page.get_by_text("Item 1 is decided: fair.")).to_be_visible()
    assert decisions(served, 1) == [("fair", "the tone is off in 1 place", "eve")]
    at_rest(page)
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Item 1: Where is it 1")).to_be_visible()
    assert [answer for answer, _, _ in decisions(served, 1)] == [None]
    at_rest(page)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Item 3: Where is it 3")).to_be_visible()
    at_rest(page)
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Item 1: Where is it 1")).to_be_visible()
