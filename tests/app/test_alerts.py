"""Alerts, channels and deliveries: the words of the page, and the page over a real server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import made_alerts
import pytest
from streamlit.testing.v1 import AppTest

from app import alert, alerts, channels, deliveries
from app import format as fmt

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]

NOW = datetime(2026, 11, 27, 16, tzinfo=UTC)
ALERT: dict[str, Any] = {
    "number": 1, "alert_id": "a", "monitor": "errors", "version": 1, "severity": "warning", "state": "firing",
    "snoozed_until": None, "opened_at": NOW.isoformat(), "changed_since": None, "since_low": None, "since_high": None,
    "cause": "release:1.8", "cause_text": "release 1.8", "verdict": "Errors rose.", "owner": None,
    "acknowledged_at": None, "acknowledged_by": None, "escalated_at": None, "resolved_at": None, "resolved_by": None,
    "note": None, "last_counted": NOW.isoformat(),
}  # fmt: skip
LONE = ALERT | {"cause": "monitor:errors", "cause_text": None}
TAKEN = ALERT | {"state": "acknowledged", "owner": "ada"}


@pytest.mark.parametrize(
    ("found", "total", "says"),
    [
        pytest.param([], 0, "No alert is open.", id="none"),
        pytest.param(
            [ALERT], 1, "1 alert is open: 1 by release 1.8; 1 not acknowledged, 1 without an owner.", id="one"
        ),
        pytest.param(
            [ALERT, TAKEN, LONE], 3,
            "3 alerts are open: 2 by release 1.8, 1 without a common cause; 2 not acknowledged, 2 without an owner.",
            id="two-causes",
        ),
        pytest.param([TAKEN], 1, "1 alert is open: 1 by release 1.8; all acknowledged.", id="taken"),
        pytest.param([LONE], 1, "1 alert is open; 1 not acknowledged, 1 without an owner.", id="alone"),
        pytest.param(
            [ALERT | {"cause_text": f"release {n}"} for n in range(5)], 5,
            "5 alerts are open: 1 by release 0, 1 by release 1, 1 by release 2, 2 more causes; 5 not acknowledged, "
            "5 without an owner.", id="many-causes",
        ),
    ],
)  # fmt: skip
def test_the_sentence_tells_how_many_are_open_and_by_what(found: list[Any], total: int, says: str) -> None:
    assert alerts.finding(found, total) == says


def test_the_sentence_says_of_how_many_it_tells_where_not_all_are_listed() -> None:
    assert alerts.finding([ALERT, TAKEN], 260) == (
        "260 alerts are open. Of the 2 listed: 2 by release 1.8; 1 not acknowledged, 1 without an owner."
    )


def test_groups_come_worst_first_and_those_without_a_common_cause_last() -> None:
    critical = ALERT | {"cause_text": "model x", "severity": "critical"}
    quiet = TAKEN | {"cause_text": "prompt p", "severity": "critical"}
    assert [cause for cause, _ in alerts.groups([LONE, quiet, ALERT, critical])] == [
        "model x", "release 1.8", "prompt p", alerts.ALONE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "state", "says"),
    [
        ({}, "firing", ""),
        ({"snoozed_until": (NOW + timedelta(hours=1)).isoformat()}, "snoozed", "Nothing is told before 17:00:00"),
        ({"snoozed_until": (NOW - timedelta(hours=1)).isoformat()}, "firing", ""),
        ({"snoozed_until": (NOW + timedelta(hours=1)).isoformat(), "state": "resolved"}, "resolved", ""),
    ],
)
def test_a_snoozed_alert_says_till_when(more: dict[str, Any], state: str, says: str) -> None:
    assert alerts.state_words(ALERT | more, NOW) == state
    assert alerts.snoozed(ALERT | more, NOW) == says


MONITOR = {"where": {"service": "shop", "session_id": "s1"}, "signal": "error_rate", "unit": "share"}


@pytest.mark.parametrize(
    ("told", "monitor", "scope"),
    [
        pytest.param(
            {}, None, {"range": "custom", "from": "2026-11-26T16:00Z", "to": "2026-11-27T18:01Z"},
            id="without-a-time-of-change-a-day-before",
        ),
        pytest.param(
            {"changed_since": "2026-11-27T14:00:00+00:00", "since_low": "2026-11-27T12:00:00+00:00"}, MONITOR,
            {"range": "custom", "from": "2026-11-27T12:00Z", "to": "2026-11-27T18:01Z", "service": "shop",
             "session": "s1", "errors": "with"},
            id="from-the-start-of-the-change-in-the-slice",
        ),
    ],
)  # fmt: skip
def test_its_traces_are_those_of_the_slice_since_the_change(
    told: dict[str, Any], monitor: dict[str, Any] | None, scope: dict[str, str]
) -> None:
    ended = {"state": "resolved", "resolved_at": (NOW + timedelta(hours=2)).isoformat()}
    assert alert.scope(ALERT | ended | told, monitor) == scope


def test_a_slice_that_traces_cannot_be_narrowed_to_leads_nowhere() -> None:
    assert alert.traces_path(ALERT, MONITOR, {"release": "1.8"}) == ""
    assert dict(parse_qsl(urlsplit(alert.traces_path(ALERT, MONITOR, {"model": "m"})).query))["model"] == "m"


@pytest.mark.parametrize(
    ("name", "held", "kept", "says"),
    [
        ("a b", {}, False, "Give it a name of letters, digits, dots, dashes and underscores."),
        ("a", {"severities": ["info"], "events": ["opened"]}, False, "Type the address that it tells."),
        ("a", {"severities": [], "events": ["opened"]}, True, "Choose at least one severity and one event."),
        (
            "a",
            {"severities": ["info"], "events": ["opened"], "secret": "short"},
            True,
            "The secret has fewer than 16 letters and could be guessed; take a longer one.",
        ),
        ("a", {"severities": ["info"], "events": ["opened"]}, True, ""),
        ("a", {"severities": ["info"], "events": ["opened"], "url": "json://x"}, False, ""),
    ],
)
def test_a_channel_says_what_it_lacks(name: str, held: dict[str, Any], kept: bool, says: str) -> None:
    assert channels.problem_of(name, held, kept=kept) == says


def test_the_log_counts_what_became_of_messages() -> None:
    rows = [{"state": state} for state in ("sent", "failed", "sent")]
    assert deliveries.finding(rows) == "3 messages: 1 failed, 2 sent."


def test_nothing_stored_says_what_would_be_there(page: Open, empty_url: str) -> None:
    for part, says in (
        ("alerts", "Alerts that are open would be listed here."),
        ("channels", "Places that alerts are told to would be listed here"),
        ("deliveries", "Messages to channels would be listed here"),
    ):
        shown = page(empty_url, "alerts", part=part)
        assert not shown.exception
        assert any(says in one.value for one in shown.markdown), part
    gone = page(empty_url, "alerts", alert="12")
    assert not gone.exception
    assert "None has the number 12" in gone.caption[-1].value


@pytest.fixture(scope="module")
def alerted(serve: Callable[..., Any]) -> Any:
    """A server over forty alerts of six causes."""
    return serve("alerted", partial(made_alerts.fill, many=40, traces=("0" * 31 + "1",)))


def test_open_alerts_stand_by_cause_and_lead_to_one(page: Open, alerted: Any, listed: Listed) -> None:
    url = alerted.note.api_url
    shown = page(url, "alerts")
    assert not shown.exception
    assert shown.markdown[-1].value.startswith("40 alerts are open")
    rows = listed(shown, "Alerts")
    assert sorted(int(row["No."]) for row in rows) == list(range(1, 41))
    assert {row["State"] for row in rows} == {"firing", "acknowledged"}
    one = page(url, "alerts", **dict(parse_qsl(urlsplit(rows[0]["href"]).query)))
    assert not one.exception
    assert any(fmt.plain(made_alerts.VERDICT, 800) in said.value for said in one.markdown)
    slices = listed(one, "What explains it")
    assert slices[0]["Slice"] == "model gpt-4o"
    assert slices[0]["Explains"] == "91 %"
    assert [row["What it says"] for row in listed(one, "Example traces")] == ["gpt-4o: rate limit reached"]


def test_alerts_of_nobody_are_asked_for_as_such(page: Open, alerted: Any, listed: Listed) -> None:
    with alerted.client() as client:
        unowned = [one["number"] for one in client.alerts("all", owner="")["alerts"]]
        assert unowned == [one["number"] for one in client.alerts("all")["alerts"] if one["owner"] is None]
    shown = page(alerted.note.api_url, "alerts", state="all", owner=alerts.NOBODY)
    assert not shown.exception
    assert [int(row["No."]) for row in listed(shown, "Alerts")] == unowned


def test_a_page_that_ends_early_tells_of_open_alerts_too(page: Open, alerted: Any) -> None:
    shown = page(alerted.note.api_url)  # Home of a project without traces
    assert not shown.exception
    assert [link.proto.label for link in shown.sidebar.get("page_link")] == ["40 alerts open"]


def test_an_alert_is_acknowledged_noted_and_resolved(page: Open, alerted: Any) -> None:
    one = page(alerted.note.api_url, "alerts", alert="1")
    assert one.button(key="alert-acknowledge").disabled
    one.text_input(key="alerts-author").set_value("ben").run()
    one.button(key="alert-own").click().run()
    one.button(key="alert-acknowledge").click().run()
    assert not one.exception
    with alerted.client() as client:
        assert (client.alert(1)["acknowledged_by"], client.alert(1)["owner"]) == ("ben", "ada")
    assert "alert-acknowledge" not in {button.key for button in one.button}
    one.button(key="alert-resolve").click().run()
    assert not one.exception
    assert "alert-reopen" in {button.key for button in one.button}
    with alerted.client() as client:
        assert [one["event"] for one in client.alert(1)["events"]] == ["opened", "owned", "acknowledged", "resolved"]
