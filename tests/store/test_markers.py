"""What happened on the axis of time, over the real store: each kind by its first call, and what replaced nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

START = datetime(2026, 3, 10, tzinfo=UTC)
WINDOW = {"since": START, "until": START + timedelta(days=2)}
CALL = {
    "project_id": 1,
    "kind": "llm",
    "usage_role": "leaf",
    "failed": False,
    "tags": [],
    "price_status": "unknown_model",
    "service": "shop",
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-05",
}


def calls(*told: dict[str, Any]) -> pd.DataFrame:
    """Calls at so many `hours` after the window began."""
    rows = [
        CALL
        | one
        | {"trace_id": UUID(int=place + 1), "span_id": place, "start_time": START + timedelta(hours=one["hours"])}
        for place, one in enumerate(told)
    ]
    return pd.DataFrame(rows).drop(columns="hours")


def marks(store: Any, name: str = "markers", **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.readers.run(name, 1, {**WINDOW, **params}).table.to_pylist()
    return rows


def short(rows: list[dict[str, Any]]) -> list[tuple[float, str, str | None, str | None, str | None]]:
    """Hours after the window began, what, name, before, after."""
    began = START.replace(tzinfo=None)
    return [
        ((one["happened_at"] - began) / timedelta(hours=1), one["what"], one["name"], one["before"], one["after"])
        for one in rows
    ]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


RELEASES = [{"hours": -90, "release": "1.7"}, {"hours": 3, "release": "1.8"}, {"hours": 4, "release": "1.7"}]
CASES = [
    pytest.param(RELEASES, (3, "release", "shop", "1.7", "1.8"), id="a-release-that-replaced-another"),
    pytest.param(
        [{"hours": -90}, {"hours": 5, "release": "1.0"}], (5, "release", "shop", None, "1.0"), id="a-first-release"
    ),
    pytest.param(
        [{"hours": -90}, {"hours": 5, "release": "7", "service": None}],
        (5, "release", None, None, "7"),
        id="of-an-unnamed-service",
    ),
    pytest.param(
        [
            {"hours": -90, "prompt_name": "answer", "prompt_version": "3"},
            {"hours": 6, "prompt_name": "answer", "prompt_version": "4"},
        ],
        (6, "prompt", "answer", "3", "4"),
        id="a-version-of-a-prompt",
    ),
    pytest.param(
        [{"hours": -90}, {"hours": 6, "prompt_name": "greet", "prompt_version": "1"}],
        (6, "prompt", "greet", None, "1"),
        id="a-first-prompt",
    ),
    pytest.param(
        [{"hours": -90}, {"hours": 7, "response_model": "gpt-4o-08"}],
        (7, "model", "gpt-4o", "gpt-4o-05", "gpt-4o-08"),
        id="another-model-answers",
    ),
    pytest.param(
        [{"hours": -90}, {"hours": 7, "request_model": "o3", "response_model": "o3-1"}],
        (7, "model", "o3", None, "o3-1"),
        id="a-first-model",
    ),
]


@pytest.mark.parametrize(("told", "wanted"), CASES)
def test_what_calls_say_happened(store: Any, told: list[dict[str, Any]], wanted: tuple[object, ...]) -> None:
    store.add_calls(calls(*told))
    assert short(marks(store)) == [wanted]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([{"hours": 1, "release": "1.0"}, {"hours": 20}], id="all-is-new-with-the-first-calls"),
        pytest.param([{"hours": -90, "release": "1.7"}, {"hours": 50, "release": "1.8"}], id="after-the-window"),
        pytest.param([{"hours": -90, "release": "1.7"}, {"hours": -1, "release": "1.8"}], id="before-the-window"),
        pytest.param(
            [{"hours": -90}, {"hours": 3, "response_model": None, "failed": True}], id="a-failed-call-names-no-model"
        ),
        pytest.param(
            [{"hours": -90, "release": "1"}, {"hours": 3, "release": "2", "project_id": 2}], id="another-project"
        ),
        pytest.param(
            [{"hours": -90, "release": "1"}, {"hours": 3, "release": "2", "usage_role": "duplicate"}], id="told-twice"
        ),
    ],
)
def test_what_is_no_mark(store: Any, told: list[dict[str, Any]]) -> None:
    store.add_calls(calls(*told))
    assert marks(store) == []


def test_filters_are_of_the_calls(store: Any) -> None:
    store.add_calls(calls(*RELEASES, {"hours": 5, "service": "mail", "release": "9"}))
    assert [one["name"] for one in marks(store)] == ["shop", "mail"]
    assert [one["name"] for one in marks(store, service="shop")] == ["shop"]


def test_evaluators_labels_the_normaliser_and_alerts(store: Any) -> None:
    score = {
        "project_id": 1,
        "commit_seq": 1,
        "trace_id": UUID(int=1),
        "name": "relevance",
        "value": 1.0,
        "source": "llm",
        "evaluator": "judge",
        "metadata": {},
    }
    scores = [
        {"evaluator_version": "1", "time": at(-90)},
        {"evaluator_version": "2", "time": at(2)},
        {"evaluator_version": "2", "time": at(3)},
        {"evaluator_version": "3", "time": at(3.5), "error_type": "timeout"},
        {"source": "human", "evaluator": None, "evaluator_version": None, "time": at(3)},
    ]
    store.add("scores", pd.DataFrame([score | one | {"score_id": place} for place, one in enumerate(scores)]))
    label = {"project_id": 1, "name": "answer", "label": "production", "protected": False, "reason": ""}
    moves = [
        {"place": 1, "version": 3, "from_version": None, "moved_at": at(1)},
        {"place": 2, "version": 3, "from_version": 3, "moved_at": at(1.5), "protected": True},
        {"place": 3, "version": 4, "from_version": 3, "moved_at": at(4)},
        {"place": 4, "version": None, "from_version": 4, "moved_at": at(6)},
    ]
    store.add("prompt_labels", pd.DataFrame([label | one for one in moves]))
    store.add(
        "alerts",
        pd.DataFrame(
            [
                {
                    "project_id": 1,
                    "alert_id": UUID(int=9),
                    "number": 1,
                    "monitor_id": UUID(int=8),
                    "monitor": "errors",
                    "version": 1,
                    "severity": "warning",
                    "state": "resolved",
                    "opened_at": at(7),
                    "cause": "monitor:errors",
                    "verdict": "It rose.",
                    "document": "{}",
                    "last_counted": at(7),
                }
            ]
        ),
    )
    found = marks(store)
    assert short(found) == [
        (1, "label", "answer", None, "3"),
        (2, "evaluator", "relevance", "judge 1", "judge 2"),
        (4, "label", "answer", "3", "4"),
        (6, "label", "answer", "4", None),
        (7, "alert", "errors", None, "warning"),
    ]
    assert [one["detail"] for one in found if one["what"] == "label"] == ["production"] * 3
    assert found[-1]["detail"] == "It rose."


def test_a_version_of_the_normaliser_is_one_too(store: Any, make: Any) -> None:
    store.writer.submit(make.traces(make.span())).result()
    first = store.rows("select min(start_time), max(normaliser_version) from spans")[0]
    assert marks(store) == []
    store.writer.submit(make.traces(make.span(trace=2, at=3600))).result()
    store.writer.call(
        lambda con: con.execute(
            "update spans set normaliser_version = 99 where trace_id = (select max(trace_id) from spans)"
        )
    ).result()
    window = {"since": first[0], "until": first[0] + timedelta(days=1)}
    (found,) = marks(store, **window)
    assert (found["what"], found["name"], found["before"], found["after"]) == ("normaliser", None, str(first[1]), "99")
    assert found["happened_at"] == first[0] + timedelta(hours=1)


def test_a_cut_list_is_the_earliest(store: Any) -> None:
    store.add_calls(calls({"hours": -90}, *({"hours": hour, "release": str(hour)} for hour in range(1, 6))))
    answer = store.readers.run("markers", 1, WINDOW, max_rows=2)
    assert answer.truncated
    assert [one["after"] for one in answer.table.to_pylist()] == ["1", "2"]
