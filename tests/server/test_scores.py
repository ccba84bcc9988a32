"""The scores of one trace: which there are, and which of several counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

TRACE, OTHER = "01" * 16, "02" * 16
NOW = datetime.now(UTC)
CALL = {"gen_ai__operation__name": "chat"}


@pytest.fixture(scope="module")
def scored(serve: Callable[[str], Any], telling: Any) -> Any:
    """A trace of two calls that tell response ids, and another that tells one of them too."""
    served, now = serve("scores"), time.time_ns()
    one = telling(bytes([1]) * 16, now - 60 * 10**9).span(1, "root", 0, 900)
    one.span(2, "chat", 5, 20, parent=1, **CALL, gen_ai__response__id="r1")
    one.span(3, "chat", 50, 20, parent=1, **CALL, gen_ai__response__id="r2")
    served.send(one.body())
    served.send(telling(bytes([2]) * 16, now - 50 * 10**9).span(1, "chat", 0, 90, **CALL).body())
    served.settle()
    return served


def ask(served: Any, trace: str = TRACE) -> list[dict[str, Any]]:
    with served.client() as client:
        found: list[dict[str, Any]] = client.rows("trace_scores", trace_id=trace)
    return found


def test_scores_come_with_their_metadata_newest_first(scored: Any) -> None:
    with scored.client() as client:
        client.add_scores([
            {"trace_id": TRACE, "name": "a", "value": 1, "time": (NOW - timedelta(hours=2)).isoformat(),
             "metadata": {"scale": "{}", "job": "j"}},
            {"trace_id": TRACE, "span_id": f"{3:016x}", "name": "b", "label": "good",
             "time": (NOW - timedelta(hours=1)).isoformat()},
            {"response_id": "r1", "name": "c", "value": 2, "time": NOW.isoformat()},
            {"response_id": "r9", "name": "d", "value": 3}, {"trace_id": OTHER, "name": "e", "value": 4},
            {"session_id": "s", "name": "f", "value": 5},
        ])  # fmt: skip
    found = ask(scored)
    assert [(row["name"], row["span_id"]) for row in found] == [("c", f"{2:016x}"), ("b", f"{3:016x}"), ("a", None)]
    assert found[2]["metadata"] == {"scale": "{}", "job": "j"}
    assert [row["name"] for row in ask(scored, OTHER)] == ["e"]


def test_of_each_version_the_latest_counts(scored: Any) -> None:
    base = {"trace_id": OTHER, "name": "graded", "evaluator": "grader"}
    with scored.client() as client:
        for version, value in (("1", 0.1), ("2", 0.2), ("1", 0.3), (None, 0.4)):
            client.add_scores([base | {"evaluator_version": version, "value": value}])
    found = [row for row in ask(scored, OTHER) if row["name"] == "graded"]
    assert [(row["evaluator_version"], row["value"]) for row in found] == [(None, 0.4), ("1", 0.3), ("2", 0.2)]


def test_a_span_and_a_response_id_are_one_target_each(scored: Any) -> None:
    """Whoever names the call by its response id and whoever names its span may both have judged it."""
    with scored.client() as client:
        client.add_scores([{"response_id": "r2", "name": "twice", "value": 1}])
        client.add_scores([{"trace_id": TRACE, "span_id": f"{3:016x}", "name": "twice", "value": 2}])
    found = [row for row in ask(scored) if row["name"] == "twice"]
    assert [(row["span_id"], row["value"]) for row in found] == [(f"{3:016x}", 2), (f"{3:016x}", 1)]


def test_scores_of_a_trace_that_never_came_are_found(scored: Any) -> None:
    with scored.client() as client:
        client.add_scores([{"trace_id": "77" * 16, "name": "early", "value": 1}])
    assert [row["name"] for row in ask(scored, "77" * 16)] == ["early"]
    assert ask(scored, "78" * 16) == []
