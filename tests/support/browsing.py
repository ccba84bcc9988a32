"""What browser tests do alike."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, TimeoutError  # noqa: A004 - its own

BOXES = "points => points.map(point => point.getBoundingClientRect().toJSON())"
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def at_rest(page: Page) -> None:
    """The script of the page has ended, what it told is drawn, and no part of the app is still on its way."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate(DRAWN)


def click_till(target: Locator, brings: Locator) -> None:
    """Click at rest, and again, till what the click brings is to be seen.

    A page that runs once more at that moment puts another button in the place of the one that was clicked. Not for what
    is to happen once.
    """
    for _ in range(5):
        at_rest(target.page)
        with suppress(TimeoutError):
            target.click(timeout=8000)
            brings.wait_for(timeout=8000)
            return
    pytest.fail(f"No click brought {brings}")


def downloaded(button: Locator) -> Path:
    """The file that a button brings, which is clicked at rest, and again till it is there."""
    for _ in range(5):
        at_rest(button.page)
        with suppress(TimeoutError), button.page.expect_download(timeout=10_000) as got:
            button.click()
        if got.is_done():
            return got.value.path()
    pytest.fail("No click brought a file")


def click_point(page: Page, points: Locator, opens: Locator) -> None:
    """Click the tallest of a figure's points or bars till what it opens is there.

    A figure takes a click for the point that it hovers, and what is clicked while it is drawn anew goes astray. It
    looks again 50 ms after a move what it hovers: while the button is down it finds nothing, and the click is lost.
    """
    points.first.wait_for(state="attached")
    for _ in range(5):
        at_rest(page)
        box = _tallest(page, points)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 1, y - 1)
        page.mouse.move(x, y)
        with suppress(TimeoutError):
            page.locator(".js-plotly-plot .hoverlayer .hovertext").first.wait_for(timeout=2000)
        page.wait_for_timeout(150)
        page.mouse.click(x, y, delay=60)
        with suppress(TimeoutError):
            opens.wait_for(timeout=8000)
            return
    pytest.fail("No click reached the figure")


def _tallest(page: Page, points: Locator) -> dict[str, float]:
    """Where it is, once the figure has settled its size."""
    before: list[dict[str, float]] = []
    for _ in range(100):
        found = points.evaluate_all(BOXES)
        if found and found == before:
            return max(found, key=lambda box: box["height"])
        before = found
        page.wait_for_timeout(100)
    pytest.fail("The figure does not come to rest")


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
