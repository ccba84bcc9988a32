"""Datasets as a person uses them: a file is imported with its duplicates, an item changed; traces become items."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]

CSV = "id,ask,expected,refrence\na,How long does a refund take?,14 days,x\nb,Where is my parcel?,Ask the carrier,\n"
AGAIN = "id,input,expected\na,How long does a refund take?,30 days\nc,where is  MY parcel?,At home\nd,When?,Now\n"


@pytest.fixture
def site(choices: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(choices)


def at_rest(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def upload(page: Page, name: str, text: str) -> Any:
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    return dialog


def test_a_file_is_imported_with_its_duplicates_and_an_item_changed(site: Visit, choices: Any) -> None:
    with choices.client() as client:
        client.create_dataset("browsed", "Questions to support")
        client.import_dataset("browsed", "a.csv", CSV.encode(), fields={"question": "ask"})
        page = site("/datasets")
        page.locator(".listing").get_by_role("link", name="browsed", exact=True).click()
        expect(page.get_by_text("Items 1 to 2 of 2")).to_be_visible()
        dialog = upload(page, "again.csv", AGAIN)
        expect(dialog.get_by_text(re.compile("1 row: they have the id of an item"))).to_be_visible()
        dialog.get_by_text("put them in the place of the items of their id").click()
        at_rest(page)
        dialog.get_by_role("button", name="Import", exact=True).click()
        expect(dialog.get_by_text("Version 2: 1 added, 1 changed. 1 row left out.")).to_be_visible()
        dialog.get_by_role("button", name="Close", exact=True).last.click()
        expect(page.get_by_text("Items 1 to 3 of 3")).to_be_visible()
        page.locator(".listing").get_by_role("link", name="a", exact=True).click()
        expect(page.get_by_text("Version 2", exact=False).first).to_be_visible()
        area = page.get_by_label("Reference")
        area.fill("21 days")
        area.press("Control+Enter")
        at_rest(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved as version 3.")).to_be_visible()
        page.get_by_role("link", name="Its dataset").click()
        expect(page.get_by_text("Items 1 to 3 of 3")).to_be_visible()
        page.get_by_text("Versions", exact=True).click()
        expect(page.get_by_text("From version 2 to 3: 0 added, 1 changed, 0 removed.")).to_be_visible()
        assert client.dataset_item("browsed", "a")["item"]["reference"] == "21 days"


def test_traces_are_selected_over_pages_and_become_items(site: Visit, choices: Any) -> None:
    page = site("/traces?range=all")
    boxes = page.locator(".listing .line:not(.head) input[type=checkbox]")
    page.locator(".listing").get_by_role("link").first.focus()
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Add to dataset (1 selected)")).to_be_visible()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_role("button", name="4 traces selected")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Rows 51 to 100 of 160")).to_be_visible()
    expect(page.locator(".listing .picked")).to_have_count(0)
    boxes.first.click()
    expect(page.get_by_role("button", name="5 traces selected")).to_be_visible()
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".listing .picked")).to_have_count(4)
    page.get_by_role("button", name="Add to dataset (5 selected)").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("5 selected traces.")).to_be_visible()
    field = dialog.get_by_label("Dataset", exact=False).first
    field.click()
    field.fill("of-selected")
    field.press("Enter")
    expect(dialog.get_by_text("Would add 5 items of 5 traces")).to_be_visible()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("Added 5 items as version 1.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Add to dataset", exact=True)).to_be_visible()
    expect(page.locator(".listing .picked")).to_have_count(0)
