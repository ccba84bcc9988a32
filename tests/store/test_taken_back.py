"""A score that was taken back takes nothing of others with it, wherever the newest score of a target counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from summaries import summarise

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
ANN, BOB, JUDGE = ("human", "crowd", "ann"), ("human", "crowd", "bob"), ("llm", "relevance", None)
BACK = "withdrawn"
# What is said of one trace, in order, and what counts of it then; null: nothing does.
SAID = [
    pytest.param([(ANN, 1.0), (BOB, 0.0)], 0.0, id="the-newest"),
    pytest.param([(ANN, 1.0), (BOB, 0.0), (BOB, BACK)], 1.0, id="taken-back-shows-the-one-before"),
    pytest.param([(ANN, 1.0), (BOB, 0.0), (ANN, BACK)], 0.0, id="an-older-one-taken-back"),
    pytest.param([(ANN, 1.0), (ANN, BACK)], None, id="the-only-one"),
    pytest.param([(JUDGE, 1.0), (ANN, 0.0), (ANN, BACK)], 1.0, id="a-judge-stands"),
    pytest.param([(ANN, 0.0), (ANN, BACK), (ANN, 1.0)], 1.0, id="said-again"),
]  # fmt: skip


@pytest.fixture
def told(request: pytest.FixtureRequest, store: Any) -> Any:
    """A store with one call, of which this was said."""
    call = {"project_id": 1, "trace_id": UUID(int=1), "span_id": 1, "start_time": START, "kind": "llm",
            "usage_role": "leaf", "failed": False, "tags": [], "price_status": "priced", "cost_usd": 2.0,
            "response_model": "m"}  # fmt: skip
    store.add_calls(pd.DataFrame([call]))
    summarise(store.writer)
    base = {"project_id": 1, "trace_id": UUID(int=1), "name": "solved", "metadata": {}, "time": START}
    rows = [
        base | {"commit_seq": seq, "score_id": seq, "source": source, "evaluator": evaluator, "author": author,
                "value": None if value == BACK else value, "error_type": BACK if value == BACK else None}
        for seq, ((source, evaluator, author), value) in enumerate(request.param, 1)
    ]  # fmt: skip
    store.add("scores", pd.DataFrame(rows))
    return store


def asked(store: Any, name: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.readers.run(name, 1, {**WINDOW, **params}).table.to_pylist()
    return rows


@pytest.mark.parametrize(("told", "counts"), SAID, indirect=["told"])
def test_what_one_takes_back_hides_nothing_of_others(told: Any, counts: float | None) -> None:
    (row,) = asked(told, "cost_per_success", score="solved", at_least=0.5)
    expected = (int(counts is not None), int(bool(counts)), 0, int(counts is None))
    assert (row["scored"], row["successes"], row["failed_scores"], row["unscored"]) == expected
    bounds: list[dict[str, Any]] = [
        {}, {"with_score_at_least": 1.0}, {"with_score_at_most": 0.0}, {"with_score_failed": True},
    ]  # fmt: skip
    met = [asked(told, "calls_totals", with_score="solved", **bound)[0]["calls"] for bound in bounds]
    assert met == [int(counts is not None), int(counts == 1.0), int(counts == 0.0), 0]
    lines = ("has:score.solved", "score.solved>=1", "score.solved:0")
    found = [len(asked(told, "traces", q=line, words=False)) for line in lines]
    assert found == [int(counts is not None), int(counts == 1.0), int(counts == 0.0)]
    compared = asked(told, "compare_scores", score="solved", dimension="model", values=["m"])
    assert [one["amount"] for one in compared] == ([] if counts is None else [counts])
    watched = asked(told, "monitor_scores", scores=["solved"], bucket_us=3_600_000_000)
    assert (counts in [one["mean"] for one in watched]) is (counts is not None)
    assert sum(one["failed"] for one in watched) == 0
