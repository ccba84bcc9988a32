"""How long somebody who labels waits for the next item: from the key that saves till it is drawn, in a real browser.

    python benchmarks/labelling_page.py [--items 50] [--pause 0.6]

A real server and a real app, a queue of items with a conversation of 12 messages, 8 documents and two tool calls. Of
each item three fields are answered by digits, and Ctrl+Enter saves; after it the next one is read for `--pause`
seconds. It prints the median and the 95th percentile in milliseconds, the CPU time of the browser's page from key to
next item (a busy machine changes it little), how long the store took to have each label, and the CPU of server and app
for a label. It ends with an error when the 95th percentile is over 300 ms: by the clock, or where more waits for a core
than there are, so that the clock tells of the others, by the CPU time of the page.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from _server import Server
from playwright.sync_api import CDPSession, Page, sync_playwright

from server.client import Client
from server.ports import free_port
from server.supervisor import answers

CHROMIUM = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome")
MOST_MS = 300
QUEUE = "speed"
FIELDS = [
    {"name": "correct", "kind": "binary", "title": "Is the answer correct?"},
    {"name": "tone", "kind": "ordinal", "choices": ["rude", "neutral", "kind"]},
    {"name": "fault", "kind": "categorical", "choices": ["none", "invented", "incomplete", "outdated"]},
]
# From the key till the number of the item is another one and that is painted, in milliseconds of the browser's clock.
WATCH = """() => {
  const place = () => [...document.querySelectorAll('*')].map((node) => node.shadowRoot?.querySelector('.number'))
    .find(Boolean);
  window.waited = new Promise((done) => document.addEventListener('keydown', () => {
    const began = performance.now(), before = place().textContent;
    const look = () => place()?.textContent && place().textContent !== before
      ? requestAnimationFrame(() => done(performance.now() - began)) : requestAnimationFrame(look);
    look();
  }, {capture: true, once: true}));
}"""


def content(at: int) -> dict[str, Any]:
    """One item, as long as those of an assistant over documents."""
    said = [
        {"role": ("user", "assistant")[turn % 2], "parts": [{"type": "text", "content": f"Turn {turn} of {at}. " * 30}]}
        for turn in range(12)
    ]
    documents = [
        {"text": f"Document {n} of item {at}. " * 60, "id": f"d{n}", "rank": n + 1, "score": 0.9 - 0.1 * n}
        for n in range(8)
    ]
    steps = [{"name": "search", "arguments": {"query": f"q{at}"}, "result": {"hits": list(range(20))}}] * 2
    side = {"answer": f"The answer of item {at}. " * 40, "steps": steps}
    return {"question": f"What of {at}?", "history": said, "contexts": documents, "sides": [side]}


@contextmanager
def app(api: str) -> Iterator[tuple[str, psutil.Process]]:
    """The app as `assay up` starts it: its address and process."""
    port = free_port("127.0.0.1")
    main, program = Path("app/main.py"), Path(sys.executable).with_name("streamlit")
    words = [str(program), "run", str(main), "--server.port", str(port)]
    with subprocess.Popen(words, env={**os.environ, "ASSAY_API_URL": api}, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        while not answers(f"{url}/_stcore/health"):
            time.sleep(0.2)
        yield url, psutil.Process(process.pid)
        process.terminate()


def label(page: Page, client: Client, items: int, pause_s: float) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from the key to the next item, CPU of the page meanwhile, and to the label in the store."""
    shown, spent, stored = [], [], []
    inside = page.context.new_cdp_session(page)
    inside.send("Performance.enable", {"timeDomain": "threadTicks"})
    for at in range(items):
        for key in "131":
            page.keyboard.press(key)
        page.evaluate(WATCH)
        began, before = time.perf_counter(), _cpu_ms(inside)
        page.keyboard.press("Control+Enter")
        shown.append(float(page.evaluate("window.waited")))
        spent.append(_cpu_ms(inside) - before)
        while client.queue_progress(QUEUE, "ann")["mine"]["labels"] <= at:
            time.sleep(0.01)
        stored.append(1000 * (time.perf_counter() - began))
        page.wait_for_timeout(1000 * pause_s)
    return shown, spent, stored


def _cpu_ms(inside: CDPSession) -> float:
    told = {one["name"]: one["value"] for one in inside.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(told["TaskDuration"])


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def measure(server: Server, items: int, pause_s: float) -> float:
    with Client(server.api) as client, app(server.api) as (url, process), sync_playwright() as playwright:
        client.set_queue(QUEUE, {"fields": FIELDS, "gold_share": 0}, "bench")
        client.add_items(QUEUE, [{"content": content(at)} for at in range(items + 5)], "bench")
        found = next((path for path in CHROMIUM if Path(path).exists()), None)
        browser = playwright.chromium.launch(executable_path=found)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/labelling?queue={QUEUE}&labeller=ann")
        page.locator(".field").first.wait_for(timeout=60_000)
        before = server.cpu_s(), sum(process.cpu_times()[:2])
        shown, page_ms, stored = label(page, client, items, pause_s)
        spent = server.cpu_s() - before[0], sum(process.cpu_times()[:2]) - before[1]
        browser.close()
    print(f"{items} items, {pause_s:g} s on each beside the keys")
    print(f"key to next item: median {median(shown):.0f} ms, p95 {p95(shown):.0f} ms, most {max(shown):.0f} ms")
    print(f"CPU of the page for it: median {median(page_ms):.0f} ms, p95 {p95(page_ms):.0f} ms")
    print(f"key to label in the store: median {median(stored):.0f} ms, p95 {p95(stored):.0f} ms")
    print(f"CPU a label: server {1000 * spent[0] / items:.0f} ms (with what asks for progress here), "
          f"app {1000 * spent[1] / items:.0f} ms")  # fmt: skip
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load <= cores:
        return p95(shown)
    print(f"judged by CPU: the load was {load:.0f} on {cores} cores")
    return p95(page_ms)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.6)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        found = measure(server, asked.items, asked.pause)
    if found > MOST_MS:
        sys.exit(f"The next item takes more than {MOST_MS} ms.")


if __name__ == "__main__":
    main()
