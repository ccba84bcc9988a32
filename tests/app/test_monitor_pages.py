"""The pages of monitors over a real server, in every state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import monitor_signals, monitor_terms

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
GONE = "http://127.0.0.1:9"
CALL = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-x", "gen_ai__usage__input_tokens": 9}


def words(page: AppTest) -> str:
    parts = (*page.title, *page.subheader, *page.markdown, *page.caption, *page.error, *page.warning, *page.success)
    return "\n".join(str(part.value) for part in parts)


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any, hostile: str) -> Any:
    """Six calls an hour of half a day, a third failed; a monitor in each state, and one of a hostile slice."""
    served, now = serve("monitored"), time.time_ns()
    told = []
    for n in range(72):
        made = telling(bytes([4]) * 15 + bytes([n]), now - (n + 1) * 600_000_000_000)
        told.append(made.span(1, "chat", 0, 500 + n, error=None if n % 3 else "rate limit reached", **CALL).body())
    served.send(b"".join(told))
    served.settle()
    limit = {"kind": "threshold", "above": 0.1}
    with served.client() as client:
        client.set_monitor("limit", {"signal": "error_rate", "alert": limit, "description": "Errors of the shop."})
        client.set_monitor("high-limit", {"signal": "error_rate", "alert": limit | {"above": 0.9}})
        client.set_monitor("drift", {"signal": "error_rate"})
        client.set_monitor("paused", {"signal": "cost", "enabled": False})
        client.set_monitor("hostile", {"signal": "duration", "where": {"service": hostile}})
        for name in ("limit", "high-limit", "drift", "hostile"):
            client.look_now(name)
    return served


def _value(served: Any) -> str:
    """Of the monitor that fires: its window ends with the last whole hour."""
    with served.client() as client:
        return monitor_signals.amount(client.monitor("limit")["last"]["value"], "share")


def test_a_project_without_monitors_is_told_what_one_is(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "monitors")
    assert not shown.exception
    assert "A monitor is a standing check of what comes in." in words(shown)
    assert "its false alarms a month" in words(shown)
    assert "Nothing has arrived yet, so nothing can be suggested." in words(shown)


def test_the_grid_begins_with_what_fires(page: Open, served: Any, listed: Listed) -> None:
    shown = page(served.note.api_url, "monitors")
    assert not shown.exception
    rows = listed(shown)
    assert [(row["Monitor"], row["State"]) for row in rows] == [
        ("limit", "firing"), ("drift", "insufficient data"), ("hostile", "insufficient data"), ("high-limit", "ok"),
        ("paused", "off"),
    ]  # fmt: skip
    assert rows[0]["href"] == "monitor?monitor=limit"
    assert rows[0]["Value"] == _value(served)
    assert rows[1]["False alarms a month"] == "—"
    assert "5 monitors: 1 firing, 2 with too little data to say anything, 1 ok, 1 off." in words(shown)
    assert "Insufficient data\\: drift" in words(shown)


def test_the_grid_is_narrowed_to_a_state(page: Open, served: Any, listed: Listed) -> None:
    shown = page(served.note.api_url, "monitors", monitor_state="off")
    assert [row["Monitor"] for row in listed(shown)] == ["paused"]


def test_a_monitor_that_fires_leads_to_its_alert(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitor", monitor="limit")
    assert not shown.exception
    said = words(shown)
    assert "Errors of the shop" in said
    assert "Fires when the value over the last day is above 10 %" in said
    assert "A plain check asks no statistics" in said
    assert "alert 1 firing" in said
    assert {tile.label: tile.value for tile in shown.metric}["Last day"] == _value(served)


def test_insufficient_data_says_what_is_missing(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitor", monitor="drift")
    assert not shown.exception
    (warning,) = shown.warning
    assert "**Insufficient data.**" in warning.value
    assert "reference" in warning.value


def test_a_monitor_that_is_not_there(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitor", monitor="nobody")
    assert not shown.exception
    assert "has no monitor" in words(shown)


def test_without_a_server_the_page_says_so(page: Open) -> None:
    shown = page(GONE, "monitor", monitor="drift")
    assert not shown.exception
    assert "Monitors go on without this page." in words(shown)


def test_hostile_text_stays_text(page: Open, served: Any, hostile: str) -> None:
    shown = page(served.note.api_url, "monitor", monitor="hostile")
    assert not shown.exception
    assert hostile not in words(shown)
    assert "onerror" in words(shown)


# The form.


def test_the_form_begins_with_the_signal(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitors", watch="1")
    assert not shown.exception
    assert shown.button(key="monitor-save").disabled
    assert [box.label for box in shown.selectbox][-1] == "Watch"
    assert "Before it is set you see how often it would fire a month" in words(shown)


def test_a_link_of_a_chart_fills_the_form(page: Open, served: Any) -> None:
    link = monitor_terms.linked({"signal": "duration", "quantile": 0.95, "where": {"model": "gpt-x"}})
    shown = page(served.note.api_url, "monitors", watch=link)
    assert not shown.exception
    assert "Its false alarms cannot be told" in words(shown)  # half a day is no reference
    shown.button(key="monitor-save").click().run()
    assert "Monitor duration\\-p95\\-gpt\\-x is set." in words(shown)
    with served.client() as client:
        made = client.monitor("duration-p95-gpt-x")
        client.delete_monitor("duration-p95-gpt-x")
    assert (made["quantile"], made["where"], made["alert"]["kind"]) == (0.95, {"model": "gpt-x"}, "drift")


def test_what_the_api_refuses_stands_at_its_field(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitors", edit="drift")
    (field,) = (one for one in shown.text_input if one.label == "Looks that must count, k/m")
    field.set_value("5/3").run()
    assert [error.value for error in shown.error] == ["persist is k\\/m with k at most m, and 5\\/3 is not"]


def test_the_unit_of_the_least_change_is_said(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitors", edit="drift")
    (field,) = (one for one in shown.number_input if one.label.startswith("Least change that matters"))
    assert field.label.endswith("percentage points")
    field.set_value(2.0).run()
    shown.button(key="monitor-save").click().run()
    with served.client() as client:
        assert client.monitor("drift")["alert"]["min_effect"] == pytest.approx(0.02)


def test_suggestions_are_set_as_ticked(page: Open, served: Any) -> None:
    shown = page(served.note.api_url, "monitors", suggest="1")
    assert not shown.exception
    boxes = [box.label for box in shown.checkbox]
    assert "duration-p95" in boxes
    assert "error-rate" not in boxes  # it is watched
    for box in shown.checkbox:
        if box.label != "duration-p95":
            box.uncheck()
    shown.run()
    shown.button(key="monitors-set").click().run()
    assert "1 monitor is set." in words(shown)
    with served.client() as client:
        assert "duration-p95" in {one["name"] for one in client.monitors()}
        client.delete_monitor("duration-p95")


def test_a_monitor_is_turned_off_and_deleted(page: Open, served: Any) -> None:
    with served.client() as client:
        client.set_monitor("short", {"signal": "cost"})
        shown = page(served.note.api_url, "monitor", monitor="short")
        shown.button(key="monitor-turn").click().run()
        assert not client.monitor("short")["enabled"]
        shown.button(key="monitor-delete").click().run()
        shown.button(key="monitor-delete-sure").click().run()
        assert "Monitor short is deleted." in words(shown)
        assert "short" not in {one["name"] for one in client.monitors()}
