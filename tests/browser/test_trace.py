"""The page Trace as a person uses it: a large trace by windows, what is sought, the graph, and texts that attack."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import made_trace
import pytest
from browsing import at_rest
from playwright.sync_api import Browser, Page, expect

from app import component
from store.queries.outline import MOST_SOUGHT

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]

DAYS_AGO = 2 * 86_400 * 10**9
ATTACKS = (
    "<script>document.title = 'owned'</script>", "[click](javascript:alert(1))", "![x](http://127.0.0.1:9/pixel)",
    "data:text/html,<script>alert(1)</script>", "bell \x07 escape \x1b[31m null-like \x01", "exe\u202egpj.\u2066b",
    "<svg onload=alert(1)>", "]]><iframe src=http://127.0.0.1:9></iframe>",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(filled: Any) -> str:
    filled.send(made_trace.body(time.time_ns() - DAYS_AGO))
    filled.settle()
    return made_trace.TRACE.hex()


@pytest.fixture(scope="module")
def attacking(filled: Any) -> str:
    """Every text of it attacks; one output has 5 MB."""
    attack, trace_id = " ".join(ATTACKS), bytes([0xA6]) * 16
    sent = made_trace.Made(time.time_ns() - DAYS_AGO, trace_id)
    sent.add(1, None, attack, 0, 900, attack, error=attack, gen_ai__operation__name="invoke_agent",
             gen_ai__agent__name=attack)  # fmt: skip
    parts = [{"type": "text", "content": attack}, {"type": "uri", "uri": "http://127.0.0.1:9/pixel"}]
    answer = {"role": "assistant", "parts": [{"type": "text", "content": attack + "x" * 5_000_000}]}
    sent.add(2, 1, attack, 10, 300, attack, gen_ai__operation__name="chat", gen_ai__request__model=attack,
             gen_ai__input__messages=json.dumps([{"role": attack, "parts": parts}]),
             gen_ai__output__messages=json.dumps([answer]))  # fmt: skip
    retrieval = made_trace._documents() | {"retrieval__documents__0__document__content": attack}
    sent.add(3, 1, attack, 20, 300, attack, **retrieval)
    filled.send(sent.request.SerializeToString())
    filled.settle()
    return trace_id.hex()


def test_rows_come_as_they_come_into_view(visit: Visit) -> None:
    page = visit(f"/trace?trace={'08' * 16}")
    page.locator(".waterfall .row").first.wait_for()
    at_rest(page)
    page.locator(".scroller").evaluate("place => { place.scrollTop = 1500 * 26 }")
    expect(page.locator(".waterfall .label", has_text=re.compile("^step 1503$"))).to_be_visible()
    search = page.get_by_label("Find in the trace")
    search.fill("step 2917")
    search.press("Enter")
    expect(page.locator(".row[aria-selected=true] .label")).to_have_text("step 2917")
    page.wait_for_url(re.compile(f"span={2917:016x}"))
    search.fill("step 29")
    search.press("Enter")
    expect(page.get_by_text("1 of 111")).to_be_visible()
    search.press("Enter")
    expect(page.get_by_text("2 of 111")).to_be_visible()
    search.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".waterfall .label")).to_have_text(["long run", "Parents that never arrived", "step 3000"])


def test_the_findings_lead_to_spans_and_views_are_in_the_url(visit: Visit, made: str) -> None:
    page = visit(f"/trace?trace={made}&span={1:016x}")
    expect(page.get_by_text("The clock of searcher seems 3.8 s behind that of the trace's first span")).to_be_visible()
    page.get_by_role("button", name="execute_tool book: Full: no seats left").click()
    expect(page.locator(".row[aria-selected=true] .label")).to_have_text("execute_tool book")
    expect(page.locator(".repeat")).to_have_text([f"same call, {number} of 3" for number in (1, 2, 3)])
    bar = page.locator(".row", has_text="invoke_agent searcher").locator(".bar")
    shifted = bar.evaluate("bar => bar.style.left")
    page.get_by_role("button", name="Shift clocks").click()
    expect(bar).not_to_have_attribute("style", re.compile(re.escape(shifted)))
    page.get_by_role("radio", name="Graph").click()
    page.wait_for_url(re.compile("view=Graph"))
    page.locator(".node", has_text="book").click()
    expect(page.locator(".listing a", has_text="execute_tool book")).to_be_visible()
    page.get_by_role("radio", name="Conversation").click()
    expect(page.get_by_text("7 messages of before, folded")).to_be_visible()


def test_texts_that_attack_stay_texts(visit: Visit, attacking: str) -> None:
    """Requests to elsewhere and errors of scripts fail the test by themselves: see `visit`."""
    for view in ("Timeline", "Conversation", "Graph", "Documents"):
        page = visit(f"/trace?trace={attacking}&view={view}&span={2:016x}")
        page.get_by_role("radio", name=view).wait_for()
        at_rest(page)
        _inert(page)
    page = visit(f"/trace?trace={attacking}&span={2:016x}")
    page.get_by_role("tab", name="Raw").click()
    for form in ("OTLP", "curl"):
        page.get_by_role("radio", name=form).click()
        at_rest(page)
        expect(page.get_by_text("javascript:alert(1)").first).to_be_attached()
        _inert(page)


PARTS = {"Waterfall": component.script("waterfall", ("folds",)), "Rows": component.script("rows")}
BOTH = """
    const told = (head, rows = []) =>
        new TextEncoder().encode(`${JSON.stringify(head)}\\n${JSON.stringify(rows)}`);
    const state = { trace: "t", version: "v", chunks: [] };
    const drawn = { total: 1000, chunk: 128, path: true, ticks: [], moved: null, failures: [], selected: 0, asked: 0 };
    const one = { depth: 0, size: 0, parent: -1, id: "1", name: "run", kind: "agent", left: 0, width: 1 };
    globalThis.lines = Array.from({ length: 128 }, (_, row) => ({ ...one, row }));
    globalThis.asked = [];
    const waterfall = new Waterfall(document.body);
    const rows = new Rows();
    const setStateValue = (_, wanted) => asked.push(wanted);
    const hear = (head, lines) => rows.take({ data: told({ ...state, marks: {}, ...head }, lines), setStateValue });
    globalThis.answer = (head, lines) => hear({ answers: asked.at(-1).number, ...head }, lines);
    waterfall.take({ data: told({ ...state, ...drawn, height: 340 }), setStateValue() {} });
    hear({ answers: 0 });
"""


def test_what_failed_is_not_asked_for_again_until_somebody_moves(browser: Browser) -> None:
    """The two parts of the tree in an empty page whose clock we move: no server answers, and none is asked."""
    page = browser.new_page()
    page.clock.install()
    page.goto("about:blank")
    classes = (f"const {name} = (() => {{{re.sub('export default.*', '', text)}; return {name}; }})();"
               for name, text in PARTS.items())  # fmt: skip
    page.evaluate(f"() => {{ {' '.join(classes)} {BOTH} }}")
    expect(page.get_by_label("Find in the trace")).to_have_attribute("maxlength", str(MOST_SOUGHT))
    status = page.locator(".status")
    assert page.evaluate("asked.map((one) => one.chunks)") == [[0]]
    page.evaluate("answer({ failed: 'it has changed' })")
    page.clock.run_for(20_000)
    assert page.evaluate("asked.length") == 1
    expect(status).to_contain_text("Reload the page")
    page.locator(".scroller").dispatch_event("scroll")
    page.clock.run_for(100)
    assert page.evaluate("asked.length") == 2
    page.evaluate("answer({ chunks: [0] }, lines)")
    expect(status).to_be_empty()
    expect(page.locator(".label").first).to_have_text("run")
    page.close()


def _inert(page: Page) -> None:
    main = page.get_by_test_id("stMain")
    assert page.title() != "owned"
    assert main.locator("img, iframe, script, a[href^='javascript'], a[href*='127.0.0.1:9']").count() == 0
    shown = main.inner_text()
    assert "\u202e" not in page.locator("h1").inner_text()
    assert len(shown) < 400_000
