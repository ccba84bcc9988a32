"""The stable views: what one row of each is, and that plain names of the SQL prompt mean them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from store import schema
from store.prompt import run_sql

START = pd.Timestamp("2026-09-21T14:00Z")
SECOND = 10**9
DOCS = (Path(__file__).parents[2] / "docs/sql.md").read_text(encoding="utf-8")


def call(number: int, **more: Any) -> dict[str, Any]:
    return {
        "project_id": 1, "trace_id": UUID(int=number), "span_id": number, "start_time": START, "kind": "llm",
        "usage_role": "leaf", "failed": False, "tags": [], "price_status": "priced",
    } | more  # fmt: skip


def summary(number: int, **more: Any) -> dict[str, Any]:
    counts = (
        "embedding_calls", "tool_executions", "tool_executions_failed", "model_calls_failed", "unknown_usage_calls",
        "errors",
    )  # fmt: skip
    lists = ("services", "models", "tags", "variants", "prompts")
    return {
        "project_id": 1, "trace_id": UUID(int=number), "resolved_seq": 1, "start_time": START, "duration_ns": SECOND,
        "root_span_id": 1, "root_name": "chat", "root_missing": False, "spans": 2, "model_calls_ok": 1,
        "usage_estimated": False, "status": "ok",
    } | dict.fromkeys(counts, 0) | {name: [] for name in lists} | more  # fmt: skip


def score(seq: int, **more: Any) -> dict[str, Any]:
    return {
        "project_id": 1, "commit_seq": seq, "score_id": seq, "trace_id": UUID(int=1), "name": "good", "source": "code",
        "metadata": {}, "time": START + pd.Timedelta(seconds=seq),
    } | more  # fmt: skip


CALLS = [
    call(1, duration_ns=1_500_000, ttft_ns=None, request_model="a", cost_usd=0.25),
    call(2, request_model="a", response_model="a-2026", cost_usd=None),
    call(3, usage_role="duplicate", cost_usd=9.0),
]
TRACES = [
    summary(1, session_id="s", user_id="ann", cost_usd=0.5, input_tokens=10),
    summary(2, session_id="s", user_id="bob", cost_usd=None, start_time=START + pd.Timedelta(minutes=1), errors=1,
            status="error"),
    summary(3, sample=True),
]  # fmt: skip
SCORES = [
    score(1, value=0.25), score(2, value=0.75, explanation="Better."), score(3, value=1.0, name="taken back"),
    score(4, name="taken back", error_type="withdrawn"), score(5, name="broken", error_type="timeout"),
    score(6, value=0.5, span_id=7), score(7, value=0.5, trace_id=None, session_id="s"),
    score(8, score_id=9, value=0.9, label="later", name="one commit", time=START + pd.Timedelta(seconds=9)),
    score(8, score_id=8, value=0.1, label="before", name="one commit"),
    score(8, score_id=7, value=0.2, label="first", name="one commit", time=START),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(store_class: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = store_class(tmp_path_factory.mktemp("store"))
    for table, rows in {"calls": CALLS, "trace_summaries": TRACES, "scores": SCORES}.items():
        opened.add(table, pd.DataFrame(rows))
    yield opened
    opened.close()


def ask(store: Any, question: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_sql(store.readers, question).table.to_pylist(maps_as_pydicts="lossy")
    return found


def test_calls_are_those_that_count(store: Any) -> None:
    found = ask(store, "select project, span_id, model, duration_ms, ttft_ms, cost_usd from calls order by span_id")
    assert found == [
        {"project": "default", "span_id": 1, "model": "a", "duration_ms": 1.5, "ttft_ms": None, "cost_usd": 0.25},
        {"project": "default", "span_id": 2, "model": "a-2026", "duration_ms": None, "ttft_ms": None, "cost_usd": None},
    ]
    assert ask(store, "select count(*) as n from main.calls") == [{"n": 3}], "the table is still there"


def test_traces_have_their_end(store: Any) -> None:
    found = ask(store, "select name, epoch_ms(end_time - start_time) as ms, sample, model_calls from traces")
    assert [row["ms"] for row in found] == [1000] * 3
    assert sorted(row["sample"] for row in found) == [False, False, True]
    assert found[0]["model_calls"] == 1


def test_sessions_sum_their_traces(store: Any) -> None:
    (found,) = ask(store, "select * exclude (project_id) from sessions")
    wanted = {"session_id": "s", "user_id": "ann", "traces": 2, "failed_traces": 1, "errors": 1, "cost_usd": 0.5,
              "input_tokens": 10, "output_tokens": None, "busy_ms": 2000.0}  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert (found["end_time"] - found["start_time"]).total_seconds() == 61


def test_scores_are_the_latest_and_none_that_was_taken_back(store: Any) -> None:
    found = ask(store, "select target, name, value, explanation, failed, error_type from scores order by time limit 4")
    assert [tuple(row.values()) for row in found] == [
        ("trace", "good", 0.75, "Better.", False, None),
        ("trace", "broken", None, None, True, "timeout"),
        ("span", "good", 0.5, None, False, None),
        ("session", "good", 0.5, None, False, None),
    ]


def test_of_scores_in_one_commit_the_latest_is_told_whole(store: Any) -> None:
    found = ask(store, "select value, label from scores where name = 'one commit'")
    assert found == [{"value": 0.9, "label": "later"}]


def test_the_schema_tells_views_first_and_what_their_columns_mean(store: Any) -> None:
    with store.readers.read() as cursor:
        found = schema.relations(cursor)
    views = [one for one in found if one.stable]
    assert [one.name for one in views] == ["calls", "scores", "sessions", "traces"]
    assert found[: len(views)] == views
    assert {"main.calls", "main.spans", "main.dashboards"} <= {one.name for one in found}
    assert [column.name for one in views for column in one.columns if not column.comment] == []


def test_the_docs_tell_every_column(store: Any) -> None:
    """Who changes a view changes the docs, and sees that others rely on it: columns are only added."""
    with store.readers.read() as cursor:
        views = [one for one in schema.relations(cursor) if one.stable]
    for view in views:
        (part,) = re.findall(rf"^### `{view.name}`\n(.+?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL)
        assert view.comment in part
        told = [tuple(cell.strip(" `") for cell in line.split(" | ")) for line in part.splitlines() if "| `" in line]
        wanted = [(f"| `{column.name}", column.type, f"{column.comment} |") for column in view.columns]
        assert told == [tuple(cell.strip(" `") for cell in row) for row in wanted]
