"""Online rules: the words of the page, and what is typed into its form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import rule_form, rule_work, rules
from server.rules import Terms
from store.queries.explore import TraceFilters

WAITS = {
    "pending": 0, "working": 0, "backfill_pending": 0, "oldest_pending": None, "failures": 0, "retrying": 0,
    "targets_day": 0, "failed_day": 0, "targets_ever": 0, "spent_today_usd": None, "spent_usd": None,
}  # fmt: skip
RULE: dict[str, Any] = {
    "name": "a", "state": "on", "why": None, "unit": "trace", "sample_rate": 0.1, "budget_usd_per_day": None,
    "evaluators": [{"name": "length", "options": {}}], "backlog": WAITS, "description": "", "filter": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("service=shop\n\n has_errors = true ", {"service": "shop", "has_errors": "true"}, id="two"),
        pytest.param("text=a=b", {"text": "a=b"}, id="a-value-with-a-sign"),
    ],
)
def test_a_filter_is_read_line_by_line(typed: str, expected: dict[str, str]) -> None:
    assert rule_form.filter_of(typed) == expected
    assert rule_form.filter_of(rule_form.typed_filter(expected)) == expected


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("service=a\nmodell=b", r"Line 2 .* no filter 'modell'\. Did you mean 'model'\?"),
        ("service", "Line 1 .* written name=value"),
        ("service=", "Line 1 .* written name=value"),
    ],
)
def test_what_is_no_filter_is_told_with_its_line(typed: str, says: str) -> None:
    with pytest.raises(rule_form.NoFilterError, match=says):
        rule_form.filter_of(typed)


def test_the_form_knows_what_a_rule_and_its_filter_have() -> None:
    assert set(rule_form.FILTERS) == set(TraceFilters.__annotations__)
    assert set(rules.TERMS) == set(Terms.model_fields)


def test_the_sentence_tells_what_waits_and_what_failed() -> None:
    assert rules.finding([RULE]) == "1 rule, 1 on. Nothing is pending. Nothing failed."
    since = (datetime.now(UTC) - timedelta(seconds=90, milliseconds=500)).isoformat()
    busy = RULE | {"backlog": WAITS | {"pending": 40, "oldest_pending": since, "failures": 2}}
    assert rules.finding([busy, RULE | {"state": "off"}]) == (
        "2 rules, 1 on. 40 targets pending, the oldest new one for 1 min 30 s. 2 failures to look at."
    )


def test_what_judges_spent_is_set_beside_the_budget() -> None:
    assert rules.spent(RULE) == "—"
    paid = RULE | {"backlog": WAITS | {"spent_today_usd": 0.5}}
    assert rules.spent(paid) == "$0.5000"
    assert rules.spent(paid | {"budget_usd_per_day": 2.0}) == "$0.5000 of $2.00"


def test_hours_without_verdicts_are_zero() -> None:
    hour = datetime(2026, 5, 4, 10, tzinfo=UTC)
    told = {"hour": hour.isoformat(), "targets": 1, "ok": 2, "not_applicable": 1, "failed": 0}
    frame = rules.by_hour([told], hour + timedelta(minutes=70))
    assert len(frame) == rules.HOURS
    assert frame["ok"].tolist()[-3:] == [0, 2, 0]


@pytest.mark.parametrize(
    ("more", "budget", "says"),
    [
        (
            {},
            None,
            "6 of them are in the sample. 6 traces would be scored, after what is new; no model is asked",
        ),
        ({"scored": 2, "targets": 4}, None, "in the sample, 2 of those are scored already. 4 traces would be scored"),
        ({"judge_calls": 6, "usd": 0.5}, 1.0, "by 6 calls of judges for about $0.5000, at most $1.00."),
        ({"judge_calls": 6, "usd": None}, None, "by 6 calls of judges at an unknown cost."),
        ({"unit": "call", "targets": 9}, None, "12 traces match, 6 of them are in the sample. 9 model calls would be"),
    ],
)
def test_a_backfill_is_foretold(more: dict[str, Any], budget: float | None, says: str) -> None:
    told = {"unit": "trace", "matching": 12, "sampled": 6, "scored": 0, "targets": 6, "judge_calls": 0, "usd": 0.0}
    assert says in rule_work.foretold(told | more, budget)


def test_without_a_rule_the_page_says_the_one_thing_to_do(page: Callable[..., AppTest], empty_url: str) -> None:
    shown = page(empty_url, "online_rules")
    assert not shown.exception
    assert "Rules that score new traces as they come would be listed here." in shown.markdown[-1].value
    form = page(empty_url, "online_rules", make="1")
    assert not form.exception
    assert form.button(key="rule-save").disabled
    assert "Give it a name" in form.caption[-2].value
