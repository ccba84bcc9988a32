"""Prompts as a person uses them: made from a template, edited, compared, put into production; brought by files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import at_rest, choose, downloaded
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(in_project: Callable[[str], Any]) -> Any:
    return in_project("prompts-browser")


@pytest.fixture
def site(served: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(served)


def test_a_prompt_is_made_edited_compared_and_labelled(site: Visit, served: Any) -> None:
    page = site("/prompts")
    page.get_by_role("button", name="New prompt").click()
    page.get_by_label("Name", exact=True).fill("shop/classify")
    page.get_by_label("Name", exact=True).press("Enter")
    at_rest(page)
    choose(page, "Begin with", "classify")
    page.get_by_role("link", name="Open the editor").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()

    text = page.get_by_role("textbox", name="Message 2")
    text.fill("Sort this:\n{{ message }")
    text.press("Control+Enter")
    expect(page.get_by_text("it is no template: unexpected '}', line 2")).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    text.fill("Sort this:\n{{ message }}")
    text.press("Control+Enter")
    expect(page.get_by_text("it is no template")).to_have_count(0)
    page.get_by_label("Note: why this version").fill("Plainer")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()

    page.get_by_role("radio", name="Compare").click()
    expect(page.locator("ins", has_text="Sort this:")).to_be_visible()
    page.get_by_role("radio", name="Text").click()
    page.get_by_role("button", name="Move a label").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Protected: moving it asks for its name").click()
    at_rest(page)
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".listing").get_by_text("production", exact=True)).to_be_visible()
    with served.client() as client:
        assert client.prompt("shop/classify", "production")["version"] == 2

    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete it").click()
    expect(dialog.get_by_text(re.compile("is protected. To delete the prompt name it once more"))).to_be_visible()
    dialog.get_by_label("The prompt's name").fill("shop/classify")
    dialog.get_by_label("The prompt's name").press("Enter")
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Prompts would be listed here, each with")).to_be_visible()


def test_files_are_brought_and_the_list_leads_to_them(site: Visit, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("prompt: brought/one\nnote: by a file\ntext: Say {{ a }}\n")
    page = site("/prompts")
    page.get_by_role("button", name="Import", exact=True).click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("brought/one: new prompt 1")).to_be_visible()
    page.get_by_role("button", name="Import them").click()
    expect(page.get_by_text("Imported 1 prompt.")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".listing").get_by_role("link", name="brought/one", exact=True).click()
    expect(page.get_by_text("by a file")).to_be_visible()
    page.get_by_text("Fetch it, and count its use").click()
    expect(page.get_by_text(re.compile("/api/prompts/brought/one"))).to_be_visible()
    assert downloaded(page.get_by_role("button", name="Export")).read_text() == file.read_text()
    page.get_by_role("link", name="All prompts").click()
    expect(page.get_by_text("1 prompt, 0 with a version in production")).to_be_visible()
