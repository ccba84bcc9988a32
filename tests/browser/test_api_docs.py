"""The API's documentation in a real browser, which may reach nothing but the server."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_every_operation_is_drawn_without_a_network(browser: Browser, empty_url: str) -> None:
    paths = httpx.get(f"{empty_url}/openapi.json", trust_env=False, timeout=60).json()["paths"]
    operations = sum(len(verbs) for verbs in paths.values())
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{empty_url}/docs")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() == operations
    page.get_by_text("/api/query/traces", exact=True).click()
    page.wait_for_selector("text=min_duration_ns")
    assert [url for url in asked if not url.startswith((empty_url, "data:"))] == []
    assert failures == []
    context.close()
