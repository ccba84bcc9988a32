"""How long the page Trace takes to open a large trace, in a real browser; and what that costs in bytes and memory.

    python benchmarks/trace_page.py [--spans 30000 100000] [--shape agent wide deep] [--keep FOLDER]

A real server and a real app. A trace of each size and shape is sent over OTLP: `agent` is a run of agents whose turns
are a model call and its tools, `wide` has all spans under the root, `deep` is one chain. Each is opened twice: cold and
once the app has it. It prints the seconds till the first rows of the waterfall are painted, how many bytes came over
the wire till then and till all was at rest, the CPU time of server, app and browser's page, the browser's heap and the
memory of its renderer, and of a scroll through the whole trace the longest time that no frame was drawn. A trace of 100
spans is opened first: what the page itself takes, and what the programs load once. It ends with
an error when 30,000 spans take 2 s or more, 100,000 take 5 s, or the renderer holds 500 MB: by the clock, or where more
waits for a core than there are, by the CPU time of the three.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from _server import Server
from labelling_page import CHROMIUM, app
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, Page, sync_playwright

from server.client import Client

MOST_S = {30_000: 2.0, 100_000: 5.0}
MOST_MB = 500
SMALL = 100  # spans
START_S = 180  # a busy machine is slow, not wrong
PART = 5_000  # spans of a request
SCROLL = """async () => {
  const place = document.querySelector('.scroller') ?? [...document.querySelectorAll('*')]
    .map((node) => node.shadowRoot?.querySelector('.scroller')).find(Boolean);
  let longest = 0, before = performance.now();
  for (let step = 1; step <= 120; step++) {
    place.scrollTop = place.scrollHeight * step / 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}"""


@dataclass(frozen=True, slots=True)
class Told:
    """One span of a made trace; times in milliseconds from the start of the trace."""

    number: int
    parent: int | None
    name: str
    at: float
    lasts: float
    facts: dict[str, str | int]


CALL: dict[str, str | int] = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
}  # fmt: skip


def wide(spans: int) -> Iterator[Told]:
    yield Told(1, None, "wide run", 0, spans, {})
    for number in range(2, spans + 1):
        yield Told(number, 1, f"step {number}", number - 2, 1, {})


def deep(spans: int) -> Iterator[Told]:
    for number in range(1, spans + 1):
        yield Told(number, number - 1 or None, f"step {number}", number * 0.1, (spans - number) * 0.1 + 1, {})


def agent(spans: int) -> Iterator[Told]:
    """Agents of ten turns; a turn is a model call and four tools."""
    yield Told(1, None, "research", 0, spans * 20, {"gen_ai.operation.name": "invoke_agent"})
    number, at = 2, 0.0
    while number + 60 <= spans:
        boss = number
        yield Told(boss, 1, f"invoke_agent worker {boss % 7}", at, 1100, {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"worker {boss % 7}"})  # fmt: skip
        number += 1
        for turn in range(10):
            yield Told(number, boss, "chat gpt-4o", at + turn * 100, 60, CALL)
            for tool in range(4):
                name = ("search", "fetch", "read_file", "write_file")[tool]
                arguments = f'{{"query": "part {number if tool else 1} of the question"}}'
                yield Told(number + 1 + tool, boss, f"execute_tool {name}", at + turn * 100 + 60, 35, {
                    "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name,
                    "gen_ai.tool.call.arguments": arguments})  # fmt: skip
            number += 5
        at += 1100
    for rest in range(number, spans + 1):
        yield Told(rest, 1, "tidy up", at, 1, {})


SHAPES: dict[str, Callable[[int], Iterator[Told]]] = {"agent": agent, "wide": wide, "deep": deep}


def trace_id(shape: str, spans: int) -> bytes:
    return list(SHAPES).index(shape).to_bytes(8, "big") + spans.to_bytes(8, "big")


def send(server: Server, shape: str, spans: int) -> None:
    start, told = time.time_ns() - 3600 * 10**9, list(SHAPES[shape](spans))
    for begin in range(0, len(told), PART):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "large"
        scope = resource.scope_spans.add()
        for one in told[begin : begin + PART]:
            _add(scope, one, trace_id(shape, spans), start)
        httpx.post(
            f"{server.otlp}/v1/traces", content=request.SerializeToString(), timeout=120,
            headers={"content-type": "application/x-protobuf"},
        ).raise_for_status()  # fmt: skip


def fill(server: Server, sizes: list[int], shapes: list[str]) -> None:
    """Sends the traces that the store has not yet."""
    with Client(server.api) as client:
        for spans in sizes:
            for shape in shapes:
                if client.query("trace_summary", trace_id=trace_id(shape, spans).hex()).frame.empty:
                    send(server, shape, spans)
        client.settle(600)


def _add(scope: Any, one: Told, trace: bytes, start: int) -> None:
    begun = start + int(one.at * 1e6)
    span = scope.spans.add(
        trace_id=trace, span_id=one.number.to_bytes(8, "big"), name=one.name,
        start_time_unix_nano=begun, end_time_unix_nano=begun + int(one.lasts * 1e6),
    )  # fmt: skip
    if one.parent is not None:
        span.parent_span_id = one.parent.to_bytes(8, "big")
    for key, value in one.facts.items():
        kept = span.attributes.add(key=key).value
        if isinstance(value, int):
            kept.int_value = value
        else:
            kept.string_value = value


@dataclass(slots=True)
class Seen:
    """What one opening took."""

    first_s: float
    rest_s: float
    cpu_s: float  # of server, app and page till the first rows
    first_mb: float
    all_mb: float
    heap_mb: float
    renderer_mb: float
    still_ms: float

    def line(self) -> str:
        return (
            f"first rows {self.first_s:.2f} s (CPU {self.cpu_s:.2f} s), at rest {self.rest_s:.2f} s; over the wire "
            f"{self.first_mb:.2f} MB, {self.all_mb:.2f} MB at rest; heap {self.heap_mb:.0f} MB, renderer "
            f"{self.renderer_mb:.0f} MB; longest without a frame while scrolling {self.still_ms:.0f} ms"
        )


def opened(page: Page, url: str, programs: list[psutil.Process]) -> Seen:
    """One opening of a page that was elsewhere."""
    inside = page.context.new_cdp_session(page)
    inside.send("Network.enable")
    inside.send("Performance.enable", {"timeDomain": "threadTicks"})
    got = [0]
    inside.on("Network.dataReceived", lambda told: _count(got, int(told["encodedDataLength"])))
    inside.on("Network.webSocketFrameReceived", lambda told: _count(got, _letters(told["response"])))
    before, began = sum(map(_cpu, programs)), time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(".waterfall .row").first.wait_for(timeout=120_000)
    first, first_bytes = time.perf_counter() - began, got[0]
    cpu = sum(map(_cpu, programs)) - before + _metric(inside, "TaskDuration")
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=120_000)
    rest = time.perf_counter() - began
    still = float(page.evaluate(SCROLL))
    heap = _metric(inside, "JSHeapUsedSize") / 1e6
    inside.detach()
    return Seen(first, rest, cpu, first_bytes / 1e6, got[0] / 1e6, heap, _renderers(), still)


def _count(got: list[int], more: int) -> None:
    got[0] += more


def _letters(frame: dict[str, Any]) -> int:
    """Bytes of a frame: binary ones come as base64."""
    size = len(frame["payloadData"])
    return size * 3 // 4 if frame["opcode"] == 2 else size


def _cpu(program: psutil.Process) -> float:
    times = [one.cpu_times() for one in (program, *program.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _metric(inside: Any, name: str) -> float:
    return float(next(one["value"] for one in inside.send("Performance.getMetrics")["metrics"] if one["name"] == name))


def _renderers() -> float:
    """Memory of the largest renderer among our descendants, in MB."""
    own = psutil.Process().children(recursive=True)
    return max(one.memory_info().rss for one in own if "--type=renderer" in " ".join(one.cmdline())) / 1e6


def measure(browser: Browser, url: str, programs: list[psutil.Process], shape: str, spans: int) -> list[str]:
    """Prints both openings; returns what was too much."""
    faults = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    for state in ("cold", "again"):
        page = context.new_page()
        page.goto(url)
        page.locator("h1").wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        seen = opened(page, f"{url}/trace?trace={trace_id(shape, spans).hex()}", programs)
        print(f"{shape} {spans:,}, {state}: {seen.line()}", flush=True)
        page.close()
        busy = os.getloadavg()[0] > (os.cpu_count() or 1)
        took = seen.cpu_s if busy else seen.first_s
        if took >= MOST_S.get(spans, float("inf")):
            faults.append(f"{shape} {spans:,}, {state}: {took:.2f} s{' of CPU' if busy else ''}")
        if seen.renderer_mb >= MOST_MB:
            faults.append(f"{shape} {spans:,}, {state}: {seen.renderer_mb:.0f} MB")
    context.close()
    return faults


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, nargs="+", default=list(MOST_S))
    parser.add_argument("--shape", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = Server(folder).start(START_S)
        stack.callback(server.stop)
        fill(server, [SMALL, *asked.spans], asked.shape)
        url, process = stack.enter_context(app(server.api))
        playwright = stack.enter_context(sync_playwright())
        found = next((path for path in CHROMIUM if Path(path).exists()), None)
        browser = playwright.chromium.launch(executable_path=found)
        programs = [process, psutil.Process(server.process.pid)] if server.process else [process]
        measure(browser, url, programs, asked.shape[0], SMALL)
        faults = [
            fault
            for spans in asked.spans
            for shape in asked.shape
            for fault in measure(browser, url, programs, shape, spans)
        ]
    if faults:
        sys.exit("Too much:\n" + "\n".join(faults))


if __name__ == "__main__":
    main()
