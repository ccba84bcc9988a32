"""Cost per success on the Cost page: its words, choices and states."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import success

Open = Callable[..., AppTest]
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o"}


@pytest.fixture(scope="module")
def judged(serve: Callable[[str], Any], telling: Any) -> Any:
    """Ten traces at $2.50 of two variants: six solved, two not, one whose judge failed, one not judged."""
    served, now = serve("judged"), time.time_ns()
    usage = {"gen_ai__usage__input_tokens": 10**6, "gen_ai__usage__output_tokens": 0}
    for number in range(1, 11):
        trace = telling(bytes([number]) * 16, now - number * 10**10).span(
            1, "answer", 0, 900, session__id=f"s{number % 4}"
        )
        variant = {"langfuse__trace__tags": f'["v{number % 2}"]'}
        served.send(trace.span(2, "chat", 5, 20, parent=1, **CALL, **usage, **variant).body())
    with served.client() as client:
        client.add_scores([
            {"trace_id": bytes([number]).hex() * 16, "name": "solved"}
            | ({"error_type": "Timeout"} if number == 9 else {"value": float(number <= 6)})
            for number in range(1, 10)
        ] + [{"trace_id": "01" * 16, "name": "verdict", "label": "good"},
             {"trace_id": "02" * 16, "name": "verdict", "label": "poor"}])  # fmt: skip
    served.settle()
    return served


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.error, *page.subheader)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_a_score_in_the_url_says_what_a_success_cost(page: Open, judged: Any) -> None:
    shown = page(judged.note.api_url, "cost", range="24h", score="solved")
    assert not shown.exception
    said = words(shown)
    assert "A success (solved at least 0.5) cost **$3.33** (95 %:" in said
    assert "$20.00 over 6 successes of 8 scored traces." in said
    assert "10 traces with a priced call; not scored: 1; with a score that failed or tells no verdict: 1." in said


def test_a_label_and_the_unit_come_from_the_url(page: Open, judged: Any) -> None:
    shown = page(judged.note.api_url, "cost", range="24h", score="verdict", label="good", unit="session")
    assert not shown.exception
    assert shown.selectbox(key="label").value == "good"
    assert "1 success of 2 scored sessions" in words(shown)


def test_a_threshold_that_nobody_reaches_has_no_cost_per_success(page: Open, judged: Any) -> None:
    shown = page(judged.note.api_url, "cost", range="24h", score="solved", at_least="2.0")
    assert "None of 8 scored traces succeeded (solved at least 2); together they cost $20.00." in words(shown)


def test_nothing_is_computed_before_a_score_is_chosen(page: Open, judged: Any) -> None:
    shown = page(judged.note.api_url, "cost", range="24h")
    assert "The score says which outcomes are successes." in words(shown)
    assert list(shown.selectbox(key="score").options) == ["solved", "verdict"]


def test_a_score_of_labels_asks_for_one(page: Open, judged: Any) -> None:
    shown = page(judged.note.api_url, "cost", range="24h", score="verdict")
    assert "The number that it has to reach, or its label, says which outcomes are successes." in words(shown)


def test_without_scores_it_says_how_to_send_them(page: Open, empty_url: str) -> None:
    shown = page(empty_url, "cost")
    assert not shown.exception
    assert "What a successful outcome costs would be here." in words(shown)
    assert "POST /api/scores" in words(shown)


RULE = success.Rule("[x](http://a)", 0.5, None, "trace")
FOUND = {"units": 10, "scored": 4, "unscored": 6, "failed_scores": 0, "unpriced_units": 0, "unpriced": 0,
         "successes": 2,          "cost_usd": 1.0, "per_success": 0.5, "low": 0.3, "high": 0.8}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({}, "cost **$0.5** (95 %: $0.3 to 0.8): $1.00 over 2 successes of 4 scored traces.", id="some"),
        pytest.param({"low": None, "high": None}, "(95 %: no interval)", id="no-interval"),
        pytest.param({"unpriced": 3}, "cost at least **$0.5**", id="a-least"),
        pytest.param({"scored": 0, "successes": 0}, "what a success costs is unknown", id="none-scored"),
    ],
)
def test_the_finding(more: dict[str, Any], says: str) -> None:
    said = success.finding(RULE, FOUND | more)
    assert says in said.replace("\\", "")
    assert "](" not in said
