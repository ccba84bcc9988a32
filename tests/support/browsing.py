"""What browser tests do alike."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError  # noqa: A004 - its own


def choose(page: Page, label: str, option: str) -> None:
    """Open a list and choose, again if its options are not there yet, or what else comes to the page closes it."""
    for _ in range(5):
        box = page.get_by_role("combobox", name=re.compile(label))
        box.click()
        box.fill(option)
        with suppress(TimeoutError):
            page.get_by_role("option", name=option).first.click(timeout=5000)
            return
        page.keyboard.press("Escape")
    pytest.fail(f"{option} could not be chosen")
