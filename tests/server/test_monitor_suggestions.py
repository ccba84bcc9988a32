"""Monitors that would suit a project: by what it has, without what is watched already."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from server.monitors import suggesting
from server.monitors.suggesting import MOST, Seen
from server.monitors.terms import NAME, Drift, NoData, Terms

SCORE = {"name": "helpful", "scores": 900, "failed": 0, "valued": 900, "low": 0.0, "high": 1.0, "labels": []}
PLENTY = Seen(
    days=28.0,
    totals={"calls": 28_000, "failed": 280, "cost_usd": 84.0, "priced": 27_000, "unknown_usage": 100},
    services=[("shop", 20_000), ("search", 8_000)],
    scores=[SCORE, SCORE | {"name": "on topic?", "failed": 30}],
    extra={
        "hours": 660, "longest_gap_h": 2, "first_hour": None, "retrievals": 4_000, "tools": 3, "tool_calls": 9_000,
        "judged": ["helpful"],
    },
    budgets=True,
)  # fmt: skip
NOTHING = Seen(
    1.0, {"calls": 0, "failed": 0, "cost_usd": None, "priced": 0, "unknown_usage": 0}, [], [],
    {"hours": 0, "longest_gap_h": None, "first_hour": None, "retrievals": 0, "tools": 0, "tool_calls": 0, "judged": []},
    budgets=False,
)  # fmt: skip


def names(found: Seen, there: tuple[Terms, ...] = ()) -> list[str]:
    return [one.name for one in suggesting.suggestions(found, there)]


def test_the_most_useful_come_first_and_are_few() -> None:
    assert names(PLENTY) == [
        "error-rate", "duration-p95", "cost-per-call", "budgets", "score-helpful", "score-on-topic-", "judge-helpful",
        "failed-on-topic-",
    ]  # fmt: skip
    assert len(names(PLENTY)) == MOST


def test_an_empty_project_gets_none() -> None:
    assert names(NOTHING) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"calls": 280, "cost_usd": None}, ["error-rate", "duration-p95"], id="no-price"),
        pytest.param({"calls": 280, "cost_usd": 0.0}, ["error-rate", "duration-p95"], id="free"),
    ],
)
def test_what_is_not_known_is_not_suggested(more: dict[str, Any], expected: list[str]) -> None:
    few = replace(NOTHING, days=28.0, totals=NOTHING.totals | more)  # type: ignore[operator]  # it is a dict
    assert names(few)[:2] == expected
    assert "cost-per-call" not in names(few)


def test_every_suggestion_can_be_set_and_says_why() -> None:
    for one in suggesting.suggestions(PLENTY, ()):
        assert one.why.endswith(".")
        assert re.fullmatch(NAME, one.name)
        again = Terms.model_validate(one.terms.model_dump(mode="json", exclude_defaults=True))
        assert again == one.terms


def test_what_is_watched_is_not_suggested_again() -> None:
    first = suggesting.suggestions(PLENTY, ())
    there = tuple(one.terms for one in first)
    later = names(PLENTY, there)
    assert not {one.name for one in first} & set(later)
    assert later == ["no-calls", "retrieval-score", "tool-mix", "unknown-usage", "input-length"]


def test_silence_is_a_fault_only_where_calls_come_steadily() -> None:
    (silence,) = (one for one in suggesting._of_arrival(PLENTY))
    assert isinstance(silence.terms.alert, NoData)
    assert silence.terms.window == "4h"
    rare = replace(PLENTY, extra=PLENTY.extra | {"longest_gap_h": 60})  # type: ignore[operator]  # it is a dict
    assert list(suggesting._of_arrival(rare)) == []


@pytest.mark.parametrize(("a_day", "expected"), [(5.0, "7d"), (30.0, "1d"), (5_000.0, "6h")])
def test_windows_hold_enough(a_day: float, expected: str) -> None:
    assert suggesting._window(a_day, 30) == expected


def test_a_young_project_has_a_shorter_reference() -> None:
    young = suggesting.suggestions(replace(PLENTY, days=9.0), ())[0].terms
    assert isinstance(young.alert, Drift)
    assert young.against.last == "7d"


def test_a_project_is_offered_monitors_by_what_it_has(shared: Any, otlp: Callable[..., bytes]) -> None:
    """Over HTTP: those suggested can be set as they are, and are not suggested again."""
    for trace in range(3):
        call = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o-mini"}
        shared.post(otlp(0xBEEF00 + trace, **call, gen_ai__usage__input_tokens=50))
    with shared.client() as client:
        client.settle()
        first = client.suggested_monitors()
        assert {"error-rate", "duration-p95"} <= {one["name"] for one in first}
        assert all(one["why"] for one in first)
        client.set_monitor("mine", first[0]["terms"])
        later = client.suggested_monitors()
        client.delete_monitor("mine")
    assert first[0]["name"] not in {one["name"] for one in later}
