"""Labelling in a real browser: by the keyboard alone, blind, with drafts that survive a reload, and marks in texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
TRACE = "{:032x}"
FIELDS = [
    {"name": "correct", "kind": "binary", "title": "Is it correct?"},
    {"name": "tone", "kind": "ordinal", "choices": ["rude", "neutral", "kind"]},
    {"name": "note", "kind": "text", "required": False},
]
SAID = "Hi 👩‍👩‍👧, שלום עולם. Paris is in France. <b>No</b>"


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Any:
    served = in_project("labelled")
    with served.client() as client:
        for name in ("keys", "drafts"):
            client.set_queue(name, {"fields": FIELDS, "guidelines": "Be *fair*. ![x](http://evil.test/x.png)"})
            client.add_items(name, [item(f"{name} {n}") for n in range(1, 6)])
        client.set_queue("blind", {"fields": FIELDS[:1], "labels": 2})
        traced = {"sides": [{"answer": "It is so.", "trace_id": TRACE.format(7)}]}
        client.add_items("blind", [item("blind", trace_id=TRACE.format(7)) | {"content": {"question": "So?"} | traced}])
        client.set_queue("marks", {"fields": [{"name": "claims", "kind": "spans", "choices": ["fine", "wrong"]}]})
        client.add_items("marks", [item("marks", SAID), item("more")])
    return served


def item(asked: str, said: str = "It is so.", **more: Any) -> dict[str, Any]:
    return {"content": {"question": f"What of {asked}?", "sides": [{"answer": said}]}, **more}


def labels(served: Any, queue: str, number: int) -> list[dict[str, Any]]:
    """What people said of an item, the newest edit of each."""
    with served.client() as client:
        found: list[dict[str, Any]] = client.queue_item(queue, number)["labels"]
    return found


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def at(page: Page, number: int) -> None:
    """This item is shown, with nothing of the outbox left to tell."""
    expect(page.locator(".number")).to_have_text(f"Item {number}")


def told(page: Page) -> None:
    """The server has answered all that the page told it."""
    page.wait_for_function("() => !Object.keys(localStorage).some((name) => name.startsWith('assay-labelling'))")


def test_by_the_keyboard_alone(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/labelling?queue=keys&labeller=ann")
    at(page, 1)
    press(page, "1", "3")
    press(page, "ArrowDown")
    page.keyboard.type("us 12")  # into the text, where keys write
    press(page, "Control+Enter")
    at(page, 2)
    press(page, "Control+Enter")  # it is not answered yet
    expect(page.locator(".trouble").first).to_have_text("This is still to be answered.")
    press(page, "s", "2")
    at(page, 3)
    press(page, "2", "2", "1", "Control+Enter")
    at(page, 4)
    press(page, "u")
    at(page, 3)
    expect(page.locator("[aria-pressed=true]")).to_have_text(["2no", "1rude"])
    press(page, "?")
    expect(page.get_by_text("Save and go on, also while typing")).to_be_visible()
    press(page, "Escape", "g")
    expect(page.locator(".guide")).to_be_hidden()
    press(page, "ArrowLeft", "ArrowLeft")
    expect(page.locator(".number")).to_have_text("Item 1, saved")
    told(page)
    (first,) = labels(served, "keys", 1)
    assert first["answers"] == {"correct": "yes", "tone": "kind", "note": "us 12"}
    assert [(one["state"], one["reason"]) for one in labels(served, "keys", 2)] == [("skipped", "It is broken or cut")]
    assert [one["state"] for one in labels(served, "keys", 3)] == ["withdrawn"]


def test_what_others_said_is_shown_once_one_has_said_it(served: Any, visit_over: Callable[[str], Visit]) -> None:
    trace = TRACE.format(7)
    with served.client() as client:
        ben = client.take_items("blind", "ben")["items"][0]
        client.save_label("blind", {
            "label_id": TRACE.format(1), "labeller": "ben", "number": ben["number"], "lease_id": ben["lease_id"],
            "answers": {"correct": "no"}, "comment": "By page 3.", "fields_version": 1,
        })  # fmt: skip
        client.add_scores([{"trace_id": trace, "name": "correct", "value": 0.21, "evaluator": "judge-x"}])
    page = visit_over(served)("/labelling?queue=blind&labeller=ann")
    at(page, 1)
    expect(page.get_by_text("the link comes with your label")).to_be_visible()
    expect(page.get_by_role("link", name="Trace", exact=True)).to_have_count(0)
    for hidden in ("By page 3.", "judge-x", "ben"):
        expect(page.get_by_text(hidden)).to_have_count(0)
    press(page, "1", "Control+Enter")
    expect(page.locator(".others")).to_contain_text("ben Is it correct: no; By page 3.")
    expect(page.locator(".others")).to_contain_text("judge-x, correct 0.21")


def test_a_draft_survives_a_reload(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served)("/labelling?queue=drafts&labeller=ann")
    at(page, 1)
    press(page, "2", "3")
    press(page, "ArrowDown")
    page.keyboard.type("not yet told")
    page.reload()  # before the page told the server
    at(page, 1)
    expect(page.locator("[aria-pressed=true]")).to_have_text(["2no", "3kind"])
    expect(page.locator("textarea").first).to_have_value("not yet told")
    told(page)
    with served.client() as client:
        (mine,) = client.take_items("drafts", "ann", 1)["items"]
    assert mine["draft"]["answers"] == {"correct": "no", "tone": "kind", "note": "not yet told"}


def test_marks_by_mouse_and_keyboard_overlap_and_count_characters(
    served: Any, visit_over: Callable[[str], Visit]
) -> None:
    page = visit_over(served)("/labelling?queue=marks&labeller=ann")
    at(page, 1)
    expect(page.locator(".answer b")).to_have_count(0)
    press(page, "Enter", "ArrowRight", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Enter", "Escape")
    press(page, "2")  # the mark just made is of another kind
    drag(page, "Hi", "Paris")  # across characters of several code points, and such as are read from the right
    expect(page.locator(".marks li")).to_have_count(2)
    press(page, "1", "Control+Enter")
    told(page)
    (mine,) = labels(served, "marks", 1)
    found = [(SAID[mark["start"] : mark["end"]], mark["label"]) for mark in mine["answers"]["claims"]]
    assert found == [(SAID[: SAID.index("Paris") + 5], "fine"), ("👩‍👩‍👧", "wrong")]


def drag(page: Page, first: str, last: str) -> None:
    """Select from the beginning of one word to the end of another with the mouse."""
    box = page.locator(".answer .passage").evaluate(
        """(root, [first, last]) => {
          const edge = (word, end) => {
            const piece = [...root.querySelectorAll('.piece')].find((one) => one.textContent.includes(word));
            const range = new Range(), from = piece.textContent.indexOf(word);
            range.setStart(piece.firstChild, end ? from + word.length - 1 : from);
            range.setEnd(piece.firstChild, end ? from + word.length : from + 1);
            return range.getBoundingClientRect().toJSON();
          };
          return [edge(first, false), edge(last, true)];
        }""",
        [first, last],
    )
    (start, end) = box
    page.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["right"] - 1, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()
