"""The playground as a person uses it: from a trace to answers that stream, to a version, to an experiment."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import at_rest
from playwright.sync_api import Page, expect
from scripted import END, Scripted, Seen, beside, event, head

pytestmark = pytest.mark.browser
Visit = Callable[[str], Page]
TRACE = bytes([31]) * 16
GO = threading.Event()  # once it is set the models say the rest


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


def script(seen: Seen) -> Iterator[Any]:
    asked = seen.json["messages"][-1]["content"]
    yield head(200, "text/event-stream", transfer_encoding="chunked")
    yield delta(f"{seen.json['model']} begins")
    while not GO.is_set():
        yield 0.02
    yield delta(f" and heard {asked}")
    yield delta(None, "stop") + END


@pytest.fixture(scope="module")
def served(shared: Any, in_project: Callable[[str], Any], telling: Any) -> Iterator[Any]:
    with beside(Scripted(script)) as upstream:
        listed = (f"  - {{name: {name}, base_url: {upstream.url}, model: {name}}}" for name in ("early", "late"))
        shared.judges.write_text("\n".join(["judges:", *listed]))
        served = in_project("playground-browser")
        sent = [{"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]}]
        call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "early",
                "gen_ai__input__messages": json.dumps(sent)}  # fmt: skip
        served.send(telling(TRACE, time.time_ns() - 60_000_000_000).span(1, "chat early", 0, 80, **call).body())
        served.settle()
        with served.client() as client:
            client.create_dataset("orders", "")
            client.change_dataset("orders", {"base": 0, "set": [{"id": "o1", "question": "Where?"}], "note": ""})
        yield served
        GO.set()


@pytest.fixture
def site(served: Any, visit_over: Callable[[str], Visit]) -> Visit:
    return visit_over(served)


def test_from_a_trace_to_answers_side_by_side_to_a_version(site: Visit, served: Any) -> None:
    page = site(f"/trace?trace={TRACE.hex()}")
    page.get_by_role("link", name="Open in playground").first.click()
    text = page.get_by_role("textbox", name="Message 1")
    expect(text).to_have_value("Where is my order?")
    page.get_by_role("button", name="Add a model").click()
    expect(page.get_by_role("combobox", name=re.compile("Model$"))).to_have_count(2)
    at_rest(page)
    page.get_by_role("combobox", name=re.compile("Model$")).nth(1).click()
    page.get_by_role("option", name=re.compile("^late")).click()
    at_rest(page)
    text.fill("Where is it, shortly?")
    text.press("Control+Enter")
    for name in ("early", "late"):  # both have begun, and neither has ended
        expect(page.get_by_text(f"{name} begins", exact=True)).to_be_visible()
    page.get_by_role("textbox", name="Message 1").fill("Typed meanwhile")  # loses no answer
    page.get_by_role("button", name="Add a message").click()
    expect(page.get_by_role("textbox", name="Message 2")).to_be_visible()
    GO.set()
    for name in ("early", "late"):
        expect(page.get_by_text(f"{name} begins and heard Where is it, shortly?")).to_be_visible()
    expect(page.get_by_text("finished")).to_have_count(2)

    page.get_by_role("button", name="Save as version").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("combobox", name=re.compile("Prompt"))
    box.fill("orders/where")
    box.press("Enter")
    dialog.get_by_role("button", name="Save as a new prompt").click()
    expect(dialog.get_by_text("Saved as version 1 of orders/where.")).to_be_visible()
    with served.client() as client:
        kept = client.prompt("orders/where")
    assert [one["content"] for one in kept["messages"]] == ["Typed meanwhile", ""]
    assert kept["model"] == "early"
    expect(page).to_have_url(re.compile("play_prompt=orders%2Fwhere&play_version=1"))
