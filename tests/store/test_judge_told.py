"""Scores of judges as cards read them: by response id too, and apart from what end users send under their names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pandas as pd

from store.target_scores import Target, scores

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TRACE = UUID(int=7)


def put(store: Any, *rows: dict[str, Any]) -> None:
    base = {"project_id": 1, "name": "right", "metadata": {}, "time": NOW, "evaluator": "judge",
            "evaluator_version": "1", "author": None, "error_type": None}  # fmt: skip
    told = [base | {"commit_seq": seq, "score_id": seq} | row for seq, row in enumerate(rows, 1)]
    store.add("scores", pd.DataFrame(told))


def asked(store: Any, name: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.readers.run(name, 1, params).table.to_pylist()
    return rows


def test_a_score_by_response_id_meets_the_labels_of_its_call(store: Any) -> None:
    insert = "insert into span_derived (project_id, trace_id, span_id, response_id) values (1, ?, ?, ?)"
    store.writer.call(lambda cursor: cursor.executemany(insert, [[TRACE, 1, "r1"], [TRACE, 2, "r2"]])).result()
    put(
        store,
        {"trace_id": TRACE, "span_id": 2, "source": "human", "value": 1.0, "evaluator": "crowd", "author": "ann"},
        {"response_id": "r2", "source": "llm", "value": 0.8},
        {"response_id": "not stored", "source": "llm", "value": 0.1},
        {"trace_id": TRACE, "span_id": 1, "source": "llm", "value": 0.3},
    )
    (label,) = asked(store, "judge_labels")
    met = {row["target"]: row["value"] for row in asked(store, "judge_met")}
    assert met[label["target"]] == 0.8
    assert sorted(met.values()) == [0.3, 0.8]
    rows = asked(store, "judge_rows", score="right", evaluator="judge", version="1")
    assert {row["target"]: row["value"] for row in rows} == met


def test_what_an_end_user_sends_under_the_name_of_a_judge_stands_apart(store: Any) -> None:
    put(
        store,
        {"trace_id": TRACE, "source": "llm", "value": 0.8},
        {"trace_id": TRACE, "source": "user", "value": 0.0},
        {"trace_id": TRACE, "source": "human", "value": 1.0, "evaluator": "crowd", "author": "ann"},
    )
    with store.readers.read() as cursor:
        found = scores(cursor, 1, Target(TRACE))
    told = {(one["source"], one["value"]) for one in found if one["evaluator"] == "judge"}
    assert told == {("llm", 0.8), ("user", 0.0)}
    shown = asked(store, "trace_scores", trace_id=str(TRACE))
    assert {(one["source"], one["value"]) for one in shown if one["evaluator"] == "judge"} == told
    assert [row["value"] for row in asked(store, "judge_met")] == [0.8]
