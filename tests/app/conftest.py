"""The real app, page by page, over real servers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

import app

MAIN = Path(app.__file__).parent / "main.py"

# Every AppTest looks for components in the metadata of all installed packages, which is five sixths of its CPU time.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def until_stopped(runner: LocalScriptRunner, timeout: float) -> None:
    """Wait for the end of the script. AppTest itself looks every millisecond, a third of the CPU time of a run."""
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        runner.request_stop()
        runner.join()
        pytest.fail(f"The page took longer than {timeout} s.")


local_script_runner.require_widgets_deltas = until_stopped


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app under test takes the name `__main__`, and processes that later tests spawn would start by running it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page of the app over the server at `url` with query parameters."""

    def opened(url: str, path: str = "", **query: str) -> AppTest:
        monkeypatch.setenv("ASSAY_API_URL", url)
        test = AppTest.from_file(MAIN, default_timeout=30)
        for name, value in query.items():
            test.query_params[name] = value
        if path:
            test.switch_page(f"views/{path}.py")
        return test.run()

    return opened


@pytest.fixture
def listed() -> Callable[..., list[dict[str, str]]]:
    """Reads the rows of a page's one listing: heading of the column -> what the cell says, and `href`.

    Of several listings the one whose label begins so.
    """

    def read(page: AppTest, label: str = "") -> list[dict[str, str]]:
        parts = page.get("bidi_component")
        every = (json.loads(part.proto.json) for part in parts if part.proto.component_name == "assayline_listing")
        (told,) = (one for one in every if one["label"].startswith(label))
        names = [column["name"] for column in told["columns"]]
        return [
            {"href": row["href"]} | dict(zip(names, (cell["text"] for cell in row["cells"]), strict=True))
            for row in told["rows"]
            if "heading" not in row
        ]

    return read
