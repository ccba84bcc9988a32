"""A real browser over the real app over a real server, all on free ports."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
import warm
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, expect, sync_playwright

import app

MAIN = Path(app.__file__).parent / "main.py"
# Chromium without windows first: it draws none, and takes two thirds of the CPU time of the whole one.
DEBIAN = (
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)
# Scripts that run for seconds never earn back what their optimising takes: a fifth of the CPU time of a page.
COMPILING = "--js-flags=--no-opt --no-maglev"
START_S = 60.0


PATIENCE_MS = 30_000  # a busy machine is slow, not wrong


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, else Playwright's own; with neither the tests fail, they are never skipped.

    Closed after the folder: while Playwright runs, its thread has an event loop, and later tests can make none.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = next((path for path in DEBIAN if Path(path).exists()), None)
        try:
            opened = playwright.chromium.launch(executable_path=found, args=[COMPILING])
        except Error:
            pytest.fail(
                "No Chromium. Install it: `apt-get install chromium-headless-shell`, or `playwright install chromium`."
            )
        yield opened
        opened.close()


@dataclass
class Shared:
    """One server and its app for all modules, each of which has a project of its own: to start both takes 5 s of a
    core, and a page of another address is compiled anew.
    """

    served: Any
    suites: Path
    judges: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        """The environment of its worker."""
        told = {"API_URL": self.served.note.api_url, "DATA_DIR": str(self.folder), "JUDGES_FILE": str(self.judges)}
        return {**os.environ, **{f"ASSAY_{name}": value for name, value in told.items()}}


@pytest.fixture(scope="package")
def shared(serve_for_all: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """With a folder of suites and a file of judges, both for tests to write to, and the evaluator `unbacked`."""
    folder = tmp_path_factory.mktemp("shared")
    suites, judges, plugin = folder / "suites", folder / "judges.yaml", Path(__file__).parents[1] / "plugin"
    suites.mkdir()
    judges.write_text("judges: []\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(suites))
        patch.setenv("ASSAY_JUDGES_FILE", str(judges))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH")))))
        return Shared(serve_for_all("shared"), suites, judges, folder)


@pytest.fixture(scope="package")
def in_project(shared: Shared) -> Callable[[str], Any]:
    """The shared server with a new project of this name in place of `default`."""
    started: Callable[[str], Any] = shared.served.in_project
    return started


@pytest.fixture(scope="package")
def worker(shared: Shared) -> Iterator[None]:
    """Carries out what is ordered of the shared server."""
    plugin = str(Path(__file__).parents[1] / "plugin")
    path = os.pathsep.join(filter(None, (plugin, os.environ.get("PYTHONPATH"))))
    started = warm.start("server.cli", ["worker"], {**shared.environment(), "PYTHONPATH": path}, shared.folder)
    yield
    started.kill()  # told to end, it would first wait out its question for more
    started.wait(timeout=20)


@pytest.fixture(scope="package")
def choices(in_project: Callable[[str], Any], tell_choices: Callable[[Any], Any]) -> Any:
    """In a project of the shared server."""
    return tell_choices(in_project("choices"))


@pytest.fixture(scope="package")
def app_url(filled: Any) -> Iterator[str]:
    """The app over the server with the traces that the tests share."""
    with serving(filled.note.api_url) as url:
        yield url


@contextmanager
def serving(api_url: str) -> Iterator[str]:
    """The app in its own process, as `assay up` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["run", str(MAIN), "--server.port", str(port)]
    process = warm.start("streamlit", words, {**os.environ, "ASSAY_API_URL": api_url}, Path.cwd())
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(url: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/_stcore/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("Streamlit did not start.")


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all tests: for a new one the browser compiles the app's scripts anew."""
    # Without motion: outlines that shimmer are drawn sixty times a second, by the CPU.
    made = browser.new_context(viewport={"width": 1280, "height": 1000}, timezone_id="UTC", reduced_motion="reduce")
    yield made.new_page()
    made.close()


@pytest.fixture
def context(tab: Page) -> Iterator[BrowserContext]:
    """Of the tab of all, which is left as if it were new."""
    yield tab.context
    tab.context.unroute_all()
    for page in tab.context.pages:
        if page is not tab:
            page.close()
    if not tab.url.startswith("about:"):
        tab.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    tab.context.clear_cookies()
    tab.emulate_media(color_scheme="light")
    tab.mouse.move(0, 0)
    tab.goto("about:blank")


@pytest.fixture
def pages(tab: Page, context: BrowserContext) -> Iterator[Page]:
    """The tab of all, then new ones."""
    return chain([tab], iter(context.new_page, None))


@pytest.fixture
def visit(pages: Iterator[Page], app_url: str) -> Iterator[Callable[[str], Page]]:
    """Open a path of the app. Afterwards: nothing was fetched from elsewhere, no script failed."""
    with visiting(next(pages), app_url) as opened:
        yield opened


@pytest.fixture(scope="package")
def app_over() -> Iterator[Callable[[str], str]]:
    """The address of an app over the server at an address, one for the folder: each takes seconds to start."""
    with ExitStack() as stack:
        yield cache(lambda api_url: stack.enter_context(serving(api_url)))


@pytest.fixture
def visit_over(
    pages: Iterator[Page], app_over: Callable[[str], str]
) -> Iterator[Callable[[Any], Callable[[str], Page]]]:
    """`visit`, of an app over a server, in the project that is meant there: for tests that change what is stored."""
    with ExitStack() as stack:

        def visit(served: Any) -> Callable[[str], Page]:
            opened = stack.enter_context(visiting(next(pages), app_over(served.note.api_url)))
            if served.project == "default":
                return opened
            return lambda path: opened(f"{path}{'&' if '?' in path else '?'}project={served.project}")

        yield visit


@contextmanager
def visiting(page: Page, app_url: str) -> Iterator[Callable[[str], Page]]:
    page.set_default_timeout(PATIENCE_MS)
    strange: list[str] = []

    def asked(request: Request) -> None:
        if _elsewhere(request.url, app_url):
            strange.append(request.url)

    def failed(error: Error) -> None:
        strange.append(str(error))

    page.on("request", asked)
    page.on("pageerror", failed)

    def opened(path: str) -> Page:
        page.goto(f"{app_url}{path}")
        page.locator("h1").wait_for()
        # What follows links and hears keys: whoever is faster than it comes to a page without the range of this one.
        page.locator("dialog.keys").wait_for(state="attached")
        return page

    yield opened
    page.remove_listener("request", asked)
    page.remove_listener("pageerror", failed)
    assert strange == []


def _elsewhere(url: str, app_url: str) -> bool:
    return not url.startswith((app_url, app_url.replace("http", "ws"), "data:", "blob:"))
