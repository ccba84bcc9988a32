"""Runs of other harnesses: what lines become, what stays unknown, and which lines are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.suites.items import file_rows, items_of
from evaluators.suites.suite import Dataset
from server.evals.pushed import built

NOW = "2026-11-28T10:00:00+00:00"
HEADER = {"experiment": "May", "variant": "A"}


def body(*rows: object, header: object = HEADER) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in (header, *rows)) + b"\n"


def told(*rows: object, header: object = HEADER) -> dict[str, Any]:
    found = built(body(*rows, header=header), "default", NOW)
    assert found["problem"] is None
    return found


def lines(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for part in found["parts"] for line in part.splitlines()]


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        pytest.param(0.5, ("ok", 0.5, None, None, ""), id="number"),
        pytest.param(7, ("ok", 7.0, None, None, ""), id="whole-number"),
        pytest.param(True, ("ok", 1.0, None, True, ""), id="true-passes"),
        pytest.param(False, ("ok", 0.0, None, False, ""), id="false-does-not"),
        pytest.param({"passed": False, "reason": "Wrong."}, ("ok", 0.0, None, False, "Wrong."), id="passed-alone"),
        pytest.param({"label": "good"}, ("ok", None, "good", None, ""), id="label"),
        pytest.param({"value": 0.2, "label": "bad", "passed": False}, ("ok", 0.2, "bad", False, ""), id="all"),
        pytest.param(
            {"error": "The judge timed out."}, ("error", None, None, None, "The judge timed out."), id="error"
        ),
        pytest.param(None, ("not_applicable", None, None, None, "No score of this name was pushed."), id="null"),
    ],
)
def test_what_a_score_becomes(score: object, verdict: tuple[object, ...]) -> None:
    found = told({"item": "1", "scores": {"a": score, "b": 1}}, {"item": "2", "scores": {"b": 1}})
    said = lines(found)[0]["verdicts"]["a"]
    assert tuple(said[key] for key in ("status", "value", "label", "passed", "reason")) == verdict
    assert lines(found)[1]["verdicts"]["a"]["status"] == "not_applicable", "every row has every score"


def test_what_is_not_told_is_unknown_and_an_error_is_a_row() -> None:
    found = told(
        {"item": 1, "input": "Why?", "output": {"a": 1}, "expected": ["x"], "scores": {"exact": True}, "cost_usd": 0.5},
        {"item": 2, "error": "It took too long."},
    )
    first, second = lines(found)
    assert (first["case"], first["answer"]) == ({"question": "Why?", "reference": '["x"]'}, '{"a": 1}')
    assert first["usage"] == {"input_tokens": None, "output_tokens": None, "cost_usd": 0.5}
    assert first["measured"]["latency_ms"] is None
    assert (second["status"], second["reason"], second["error_type"]) == ("error", "It took too long.", "harness_error")
    assert second["verdicts"]["exact"]["error_type"] == "no_answer"
    summary, manifest = found["summary"], found["manifest"]
    assert summary["cost"] == {"target_usd": 0.5, "judges_usd": None, "unknown": 1}
    assert (summary["outcome"], summary["failed_answers"], summary["gates"]) == ("failed", {"harness_error": 1}, [])
    assert summary["evaluators"][0]["pass_rate"]["n"] == 1, "a failed score is in no mean"
    assert manifest["experiment"]["arm"] == {"variant": "A"}
    assert (manifest["python"], manifest["started_at"], manifest["git"]) == ("unknown", NOW, None)


def test_items_hold_what_those_of_suites_hold_so_that_they_pair(tmp_path: Any) -> None:
    rows = [{"id": str(place), "question": f"Why {place}?", "reference": "So."} for place in range(3)]
    (tmp_path / "items.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    own = items_of(file_rows(tmp_path / "items.jsonl", {}), Dataset(file="items.jsonl"), 0, "items")
    pushed = told(
        *({"item": row["id"], "input": row["question"], "expected": "So.", "scores": {"a": 1}} for row in rows)
    )
    assert [line["content"] for line in lines(pushed)] == [item.content for item in own]


def test_repeats_clusters_and_rulers() -> None:
    header = HEADER | {"cluster": "user", "scores": {"cost": {"better": "lower", "version": "3"}},
                       "dataset": {"name": "questions", "version": 2}, "arm": {"k": 4}, "suite": "qa"}  # fmt: skip
    rows = [
        {"item": "b", "repeat": 1, "scores": {"cost": 4}},
        {"item": "a", "metadata": {"user": "u"}, "scores": {"cost": 2}},
        {"item": "b", "metadata": {"user": "u"}, "scores": {"cost": 3}},
    ]
    rows[0]["metadata"] = {"user": "u"}
    found = told(*rows, header=header)
    assert [(line["item"], line["repeat"], line["place"], line["cluster"]) for line in lines(found)] == [
        ("b", 0, 0, "u"), ("b", 1, 0, "u"), ("a", 0, 1, "u"),
    ]  # fmt: skip
    assert [line["case"] is None for line in lines(found)] == [False, True, False]
    scale = found["summary"]["evaluators"][0]["scale"]
    assert (scale["better"], scale["low"], found["summary"]["repeats"]) == ("lower", None, 2)
    manifest = found["manifest"]
    assert manifest["evaluators"]["cost"]["version"] == "3"
    assert manifest["dataset"]["stored"] == {"project": "default", "name": "questions", "version": 2, "split": None}
    assert (manifest["experiment"]["arm"], found["suite"]) == ({"variant": "A", "k": 4}, "qa")


def test_the_same_push_is_the_same_run_and_an_id_takes_its_place() -> None:
    row, other = {"item": "1", "scores": {"a": 1}}, {"item": "1", "scores": {"a": 0}}
    assert told(row)["run_id"] == told(row)["run_id"]
    assert told(row)["run_id"] != told(other)["run_id"]
    assert told(row)["experiment_id"] == told(other)["experiment_id"]
    named = HEADER | {"id": "nightly-7"}
    assert told(row, header=named)["run_id"] == told(other, header=named)["run_id"]
    assert built(body(row), "elsewhere", NOW)["run_id"] != told(row)["run_id"]


@pytest.mark.parametrize(
    ("pushed", "says"),
    [
        pytest.param(b"", "Nothing was pushed. The first line is", id="nothing"),
        pytest.param(b"{}\n", "Line 1: experiment: Field required", id="no-experiment"),
        pytest.param(body(), "No row was pushed.", id="no-rows"),
        pytest.param(body({"item": "1"}), "No row has a score", id="no-scores"),
        pytest.param(body({"item": "1", "scores": {"a": "yes"}}), "write {label: 'yes'} for a label", id="label"),
        pytest.param(body({"item": "1", "scores": {"a": [1]}}), "Line 2: scores.a: a score is a number", id="list"),
        pytest.param(body() + b'{"item": "1", "scores": {"a": NaN}}', "Line 2: It is not JSON: NaN", id="nan"),
        pytest.param(body({"item": "1", "scores": {"a": 1e308}}), "Line 2: scores.a.value: Input should be less",
                     id="too-large"),
        pytest.param(body({"item": "1", "input_tokens": 10**30}), "Line 2: input_tokens: Input should be less",
                     id="too-many-tokens"),
        pytest.param(
            body({"item": "1"}, header=HEADER | {"started_at": "2026-01-02", "ended_at": "2026-01-01T10:00:00+02:00"}),
            "ended_at 2026-01-01 08:00:00+00:00 is before started_at 2026-01-02 00:00:00+00:00", id="ended-before",
        ),
        pytest.param(body({"itm": "1"}), "Line 2: itm: there is no such key; did you mean 'item'?", id="typo"),
        pytest.param(body({"item": "1", "latency_ms": -1}), "Line 2: latency_ms: Input should", id="negative"),
        pytest.param(body({"item": "1", "repeat": 100}), "Line 2: repeat: Input should be less", id="repeat"),
        pytest.param(body({"item": "1", "trace_id": "x"}), "Line 2: trace_id", id="trace-id"),
        pytest.param(body({"item": "1"}, {"item": "1"}), "Line 3: item '1', repeat 0 stands in line 2", id="twice"),
        pytest.param(body({"item": "1", "input": "a", "scores": {"a": 1}}, {"item": "1", "repeat": 1, "input": "b"}),
                     "Line 3: input of item '1' is another than in line 2", id="another-input"),
        pytest.param(body({"item": "1", "scores": {"target": 1}}), "A score is called 'target'", id="target"),
        pytest.param(body({"item": "1", "scores": {"a": 1}}, header=HEADER | {"scores": {"b": {}}}),
                     "no row has the score 'b'", id="ruler-of-nothing"),
        pytest.param(body({"item": "1", "scores": {"a": 1}}, header=HEADER | {"cluster": "user"}),
                     "It has no 'user'", id="no-cluster"),
        pytest.param(body(*({"item": str(place), "x": 1} for place in range(7))), "And 2 more lines.", id="many"),
    ],
)  # fmt: skip
def test_what_is_refused(pushed: bytes, says: str) -> None:
    problem = built(pushed, "default", NOW)["problem"]
    assert problem is not None
    assert says in problem


def test_the_largest_numbers_are_summed() -> None:
    rows = [{"item": str(place), "scores": {"a": (-1) ** place * 1e100}, "cost_usd": 1e100} for place in range(4)]
    (found,) = told(*rows)["summary"]["evaluators"]
    assert (found["mean"]["value"], found["mean"]["n"]) == (0, 4)
    assert 0 < found["mean"]["high"] < 1e101


@given(st.binary(max_size=200))
def test_any_bytes_are_told_to_be_no_run(said: bytes) -> None:
    assert built(said, "default", NOW)["problem"]
