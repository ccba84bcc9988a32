"""Compare traces: its sentences, and the page over a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from told_twice import NAMES

from app import pair_words, trace_compare

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]

SUMMARY: dict[str, Any] = {
    "duration_ns": 2 * 10**9, "spans": 4, "model_calls_ok": 2, "model_calls_failed": 0, "tool_executions": 1,
    "errors": 0, "input_tokens": 300, "output_tokens": 20, "unknown_usage_calls": 0, "cost_usd": 0.01,
    "half_told_calls": 0, "unpriced_calls": 0, "embedding_calls": 0,
}  # fmt: skip
STEP: dict[str, Any] = {
    "number": 2, "depth": 1, "differs": ["output"],
    "a": {"name": "chat", "kind": "llm", "status": "ok"}, "b": {"name": "chat", "kind": "llm", "status": "error"},
}  # fmt: skip


def words(page: AppTest) -> str:
    parts = (*page.title, *page.markdown, *page.caption, *page.text, *page.error, *page.warning, *page.info)
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_the_page_tells_where_two_traces_part_and_shows_the_words(page: Open, chatted: Any, listed: Listed) -> None:
    opened = page(chatted.note.api_url, "trace_compare", a=NAMES["a"], b=NAMES["b"])
    assert not opened.exception
    said = words(opened)
    assert "They part at step 2 of 5, chat (llm): what comes out differs; what goes in is the same." in said
    assert "0 of 5 steps are alike, 4 differ, 1 only in B." in said
    rows = listed(opened)
    assert [row["Differs"] for row in rows] == ["output", "output", "input", "only in B", "model, input, output"]
    assert rows[3]["A"] == "—"
    assert rows[4]["Model"] == "gpt-4o → gpt-4o-mini"
    assert "Step 2, chat (llm): output" in said


def test_a_step_of_one_trace_alone_is_shown_as_such(page: Open, chatted: Any) -> None:
    opened = page(chatted.note.api_url, "trace_compare", a=NAMES["a"], b=NAMES["b"], step="4", only="differing")
    assert not opened.exception
    assert "It is only in the second trace." in words(opened)


def test_traces_that_do_not_differ(page: Open, chatted: Any) -> None:
    opened = page(chatted.note.api_url, "trace_compare", a=NAMES["a"], b=NAMES["again"])
    assert not opened.exception
    assert "The traces do not differ: 4 steps" in words(opened)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param({}, "Which two traces?", id="none"),
        pytest.param({"a": "x"}, "x is no trace id. The first one needs 32 hex digits.", id="no-id"),
        pytest.param({"a": NAMES["a"]}, "Of the same name", id="one"),
        pytest.param({"a": NAMES["a"], "b": "0" * 32}, "has no trace", id="not-there"),
    ],
)
def test_without_two_traces_it_says_what_to_do(page: Open, chatted: Any, url: dict[str, str], says: str) -> None:
    opened = page(chatted.note.api_url, "trace_compare", **url)
    assert not opened.exception
    assert says in words(opened)


def test_hostile_text_stays_letters(page: Open, filled: Any, hostile: str, listed: Listed) -> None:
    opened = page(filled.note.api_url, "trace_compare", a="09" * 16, b="07" * 15 + "05", step="2")
    assert not opened.exception
    assert any(row["A"].strip().startswith(hostile[:40]) for row in listed(opened))
    drawn = "".join(str(part.value) for part in (*opened.markdown, *opened.caption))
    assert "![x](" not in drawn
    assert "<img" not in "".join(part.proto.body for part in opened.get("html"))


def test_a_trace_leads_to_the_page(page: Open, chatted: Any) -> None:
    opened = page(chatted.note.api_url, "trace", trace=NAMES["a"])
    assert not opened.exception
    assert "Compare with …" in [link.proto.label for link in opened.get("page_link")]


@pytest.mark.parametrize(
    ("first", "says"),
    [
        pytest.param(None, "The traces do not differ: 5 steps, with the same inputs, outputs and models.", id="none"),
        pytest.param(
            ["output"], "They part at step 2 of 5, chat (llm): what comes out differs; what goes in is the same.",
            id="output",
        ),
        pytest.param(
            ["model", "input"], "They part at step 2 of 5, chat (llm): another model answers and what goes in differs.",
            id="two",
        ),
        pytest.param(["only_a"], "They part at step 2 of 5, chat (llm): it is only in the first trace.", id="gone"),
        pytest.param(["status"], "They part at step 2 of 5, chat (llm): it fails only in the second trace.", id="bad"),
    ],
)  # fmt: skip
def test_where_they_part_in_words(first: list[str] | None, says: str) -> None:
    found = {"counts": {"steps": 5}, "at_first": STEP, "first": first and {"number": 2, "differs": first}}
    assert pair_words.parted(found) == says


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({}, "as long as A, and the same tokens and money as far as they are known", id="alike"),
        pytest.param({"duration_ns": 3 * 10**9}, "1 s longer than A", id="longer"),
        pytest.param(
            {"duration_ns": 10**9, "output_tokens": 30, "cost_usd": 0.008},
            "1 s shorter, 10 tokens more and $0.002 less than A", id="all",
        ),
        pytest.param({"duration_ns": 10**9, "unknown_usage_calls": 1}, "1 s shorter than A", id="tokens-unknown"),
        pytest.param({"duration_ns": 10**9, "cost_usd": None}, "1 s shorter than A", id="cost-unknown"),
        pytest.param({"cost_usd": 0.008, "unpriced_calls": 1, "duration_ns": 10**9}, "1 s shorter than A",
                     id="cost-of-some-calls"),
        pytest.param({"output_tokens": 90, "half_told_calls": 1, "duration_ns": 10**9}, "1 s shorter than A",
                     id="tokens-half-told"),
    ],
)  # fmt: skip
def test_what_the_second_took_in_words(change: dict[str, Any], says: str) -> None:
    assert pair_words.took(SUMMARY, SUMMARY | change) == says


NO_CALL = {"model_calls_ok": 0, "cost_usd": None, "input_tokens": None, "output_tokens": None}


@pytest.mark.parametrize(
    ("change", "name", "row"),
    [
        pytest.param({}, "Duration", ["2 s", "2 s", "0"], id="equal"),
        pytest.param({"spans": 5}, "Spans", ["4", "5", "+1"], id="more"),
        pytest.param({"cost_usd": None}, "Cost", ["$0.01", "unknown", "unknown"], id="cost-unknown"),
        pytest.param(
            {"cost_usd": 0.02, "unpriced_calls": 1}, "Cost", ["$0.01", "≥ $0.02", "unknown"], id="cost-partial"
        ),
        pytest.param({"unknown_usage_calls": 1}, "Input tokens", ["300", "≥ 300", "unknown"], id="tokens-partial"),
        pytest.param({"model_calls_failed": 2}, "Model calls", ["2", "4", "+2"], id="failed-calls-are-calls"),
        pytest.param(NO_CALL, "Cost", ["$0.01", "—", "—"], id="no-call"),
    ],
)
def test_totals_tell_what_is_unknown(change: dict[str, Any], name: str, row: list[str]) -> None:
    told = {what: both for what, *both in pair_words.totals(SUMMARY, SUMMARY | change)}
    assert told[name] == row


def test_one_step_is_spoken_of_as_one() -> None:
    counts = {"steps": 1, "alike": 1, "changed": 0, "only_a": 0, "only_b": 0}
    assert pair_words.summed({"counts": counts, "a": SUMMARY, "b": SUMMARY}).startswith("1 of 1 step is alike. B took")


@pytest.mark.parametrize(
    ("score", "says"),
    [({"n": 1, "mean": 0.8}, "0.8"), ({"n": 4, "mean": 0.75}, "0.75 (n 4)"), ({"n": 0, "mean": None}, "—")],
)
def test_a_score_of_a_trace(score: dict[str, Any], says: str) -> None:
    assert trace_compare.score(score) == says
