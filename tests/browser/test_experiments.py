"""An experiment as a person orders it: two things varied in the app, four runs, and Compare with all of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import choose
from fake_openai import Act, beside
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
SUITE = """\
suite: asked
dataset: {file: items.jsonl}
target:
  model: {base_url: URL, model: small, stream: false}
evaluators: [{name: contains, options: {texts: [ok]}, pass: {at_least: 1}}]
"""


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A folder of one suite, its model, and a worker."""
    folder = tmp_path_factory.mktemp("suites")
    rows = [{"id": str(place), "question": f"Why {place}?"} for place in range(6)]
    (folder / "items.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with (
        beside(lambda body: Act("ok" if body["model"] == "large" else "no")) as model,
        pytest.MonkeyPatch.context() as patch,
    ):
        (folder / "asked.yaml").write_text(SUITE.replace("URL", model.url))
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        served = serve("experiments-browser")
        told = {"ASSAY_API_URL": served.note.api_url, "ASSAY_DATA_DIR": str(tmp_path_factory.mktemp("worker"))}
        worker = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "worker"], env={**os.environ, **told}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        yield served
        worker.kill()
        worker.wait(timeout=20)


def test_two_by_two_is_ordered_and_compared(served: Any, visit_over: Callable[[str], Visit]) -> None:
    page = visit_over(served.note.api_url)("/experiments")
    page.get_by_role("button", name="New experiment").click()
    choose(page, "Suite", "asked")
    for place, (path, values) in enumerate((("model", "small, large"), ("temperature", "0, 1"))):
        which = f" ({place + 1})" if place else ""
        choose(page, f"^What varies{re.escape(which)}$", path)
        box = page.get_by_role("textbox", name=f"Values, between commas{which}", exact=True)
        expect(box).to_be_enabled(timeout=60_000)
        box.fill(values)
        box.press("Enter")
        # The server starts a process of its own for the first plan.
        expect(page.get_by_text(f"{2 ** (place + 1)} runs, named by what")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="Open the experiment").click()
    expect(page.get_by_text("Of 4 arms: 4 passed.")).to_be_visible(timeout=120_000)
    expect(page.locator(".listing").get_by_role("link")).to_have_count(4)
    page.get_by_role("link", name="Compare arms").click()
    expect(page.get_by_text(re.compile("model=large, temperature=0 is 100 points higher")).first).to_be_visible(
        timeout=60_000
    )
    assert len(re.search(r"runs=([0-9a-f%C,]+)", page.url)[1].replace("%2C", ",").split(",")) == 4  # type: ignore[index]  # it is there
