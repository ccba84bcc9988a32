"""A live A/B test in a real browser, from its form to its stop, beside an application as docs/ab-tests.md has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from browsing import at_rest, choose
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
USERS = 120
Serve = Callable[[str, str], tuple[str, str]]
"""Serves a user of a test; the variant and the trace's id."""


@contextmanager
def application(served: Any) -> Iterator[Serve]:
    """Asks which variant a user is of, and tells of it on the span of the answer; all is sent at its end."""
    provider = TracerProvider()
    named = {"x-assayline-project": served.project}
    exporter = OTLPSpanExporter(f"{served.note.otlp_http_url}/v1/traces", headers=named)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")
    with httpx.Client(base_url=served.note.api_url, trust_env=False) as door:

        def serve(test: str, user: str) -> tuple[str, str]:
            asked = {"unit": user, "project": served.project}
            told = door.get(f"/api/ab-tests/{test}/assign", params=asked).raise_for_status().json()
            with tracer.start_as_current_span("answer") as span:
                span.set_attribute("user.id", user)
                span.set_attribute("variant", told["traced_as"])
            return told["variant"], f"{span.get_span_context().trace_id:032x}"

        yield serve
    provider.shutdown()
    served.settle()


def register(page: Page, name: str) -> None:
    page.get_by_role("link", name="Register a test").click()
    page.get_by_label("Name", exact=True).fill(name)
    choose(page, "Decided by", "helpful")
    gain = page.get_by_role("spinbutton", name="Smallest gain wanted")
    gain.fill("0.2")
    gain.press("Enter")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text(f"Test {name} is registered and has begun.")).to_be_visible()


def test_a_test_is_registered_served_read_and_stopped(
    visit_over: Callable[[str], Callable[[str], Page]], in_project: Callable[[str], Any]
) -> None:
    served = in_project("ab-browser")
    with served.client() as client:
        client.add_scores([{"trace_id": "f" * 32, "name": "helpful", "value": 0.5, "source": "code"}])
        page = visit_over(served)("/ab_tests")
        register(page, "answer-style")
        halves = [{"name": name, "weight": 0.5} for name in ("control", "new")]
        client.set_ab_test("lossy", {"metric": "helpful", "mde": 0.2, "variants": halves})
        with application(served) as answer:
            seen = [answer("answer-style", f"user-{n}") for n in range(USERS)]
            for n in range(USERS):
                if client.assign_unit("lossy", f"user-{n}")["variant"] == "control" or n % 8 == 0:
                    answer("lossy", f"user-{n}")
        client.add_scores(
            [
                {"trace_id": trace, "name": "helpful", "value": (arm == "new") + n % 5 / 4, "source": "code"}
                for n, (arm, trace) in enumerate(seen)
            ]
        )
        client.settle()

        page.get_by_role("link", name="Open it").click()
        expect(page.get_by_text("new is better than control: helpful differs by +")).to_be_visible()
        expect(page.get_by_text("at 95 % for all looks. Take it, and stop the test.")).to_be_visible()
        expect(page.get_by_text("as meant", exact=True)).to_be_visible()
        expect(page.locator(".js-plotly-plot .scatterlayer .js-line").first).to_be_attached()
        at_rest(page)
        page.get_by_role("button", name="Stop", exact=False).first.click()
        page.get_by_role("button", name="Stop it now").click()
        expect(page.get_by_text("stopped", exact=True).first).to_be_visible()
        expect(page.get_by_role("button", name="Stop it now")).to_have_count(0)
        at_rest(page)

        page.get_by_role("link", name="All tests").click()
        expect(page.get_by_text("units came otherwise than meant in lossy. 2 tests, 1 running.")).to_be_visible()
        page.get_by_role("link", name="lossy", exact=True).click()
        warned = page.get_by_role("alert").filter(has_text="Do not read new against control: units came to the arms")
        expect(warned).to_be_visible()
        expect(page.get_by_text("mismatch", exact=True)).to_be_visible()
        assert client.assign_unit("answer-style", "user-1")["state"] == "stopped"
