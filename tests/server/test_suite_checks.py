"""What a check of a suite finds before anything is asked: bounds, labels and answers that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluators.errors import EvaluatorError
from evaluators.suites.suite import Traces
from server.evals.preparing import Prepared, prepared, read_suite
from server.evals.traces import cases_of
from server.judging import Files
from server.settings import Settings

GOOD = """\
suite: answers
dataset:
  file: items.jsonl
target: {answered: true}
evaluators:
  - {name: refusal, pass: {label: answer}}
  - {name: exact_match, pass: {at_least: 0.5, at_most: 1}}
  - {name: length, options: {most: 9}, pass: {labels: [pass]}}
  - {name: latency, options: {limit_ms: 9}, pass: {at_most: 2000}}
gates:
  - {of: exact_match, measure: mean, at_least: 0.5}
  - {of: exact_match, measure: mean, no_worse_than: baseline, by_at_most: 0.1}
  - {of: length, measure: pass_rate, no_worse_than: baseline}
  - {of: latency, measure: p95, at_most: 4000}
"""
ROWS: list[dict[str, Any]] = [{"id": 1, "question": "Who?", "answer": "Me.", "reference": "Me."}]


def checked(folder: Path, text: str = GOOD, rows: list[dict[str, Any]] = ROWS) -> Prepared:
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "suite.yaml").write_text(text, "utf-8")
    return prepared(read_suite(folder / "suite.yaml"), Files())


def test_a_suite_within_its_scales_is_taken(tmp_path: Path) -> None:
    assert checked(tmp_path).items.count == 1


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        pytest.param("label: answer", "label: answred", "line 6: evaluators.0.pass.label: ",
                     "refusal has no label 'answred'; did you mean 'answer'? Its labels: ", id="label"),
        pytest.param("[pass]", "[pass, purple]", "line 8: evaluators.2.pass.labels: ",
                     "length has no label 'purple'. Its labels: ", id="labels"),
        pytest.param("{at_least: 0.5", "{at_least: 50", "line 7: evaluators.1.pass.at_least: ",
                     "exact_match is from 0 to 1, and at_least is 50.", id="pass-above"),
        pytest.param("{at_most: 2000}", "{at_most: -1}", "line 9: evaluators.3.pass.at_most: ",
                     "latency is at least 0, and at_most is -1.", id="pass-below"),
        pytest.param("mean, at_least: 0.5", "mean, at_most: 50", "line 11: gates.0.at_most: ",
                     "exact_match is from 0 to 1, and at_most is 50.", id="gate"),
        pytest.param("by_at_most: 0.1", "by_at_most: 5", "line 12: gates.1.by_at_most: ",
                     "exact_match is from 0 to 1, and by_at_most is 5: no change is as large.", id="margin"),
        pytest.param("length, measure: pass_rate", "length, measure: mean", "line 13: gates.2.no_worse_than: ",
                     "of length neither a high nor a low value is better", id="no-better-end"),
    ],
)  # fmt: skip
def test_what_the_card_rules_out_is_told_with_line_and_key(
    tmp_path: Path, old: str, new: str, at: str, told: str
) -> None:
    assert old in GOOD
    with pytest.raises(EvaluatorError) as error:
        checked(tmp_path, GOOD.replace(old, new, 1))
    assert f"suite.yaml, {at}{told}" in str(error.value)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"antwort": "Me.", "team": 1}, "Columns that are no field of a case: antwort, team. Name the one "
                     "of the answers by `fields`, such as {answer: antwort}.", id="column"),
        pytest.param({"answer": " "}, "none of the items of items.jsonl has an answer", id="blank"),
        pytest.param({"messages": [{"role": "user", "content": "Who?"}]}, "has an answer", id="nothing-said"),
        pytest.param({"messages": [{"role": "assistant", "content": "Me."}]}, None, id="a-conversation"),
    ],
)  # fmt: skip
def test_recorded_answers_have_to_be_there(tmp_path: Path, row: dict[str, Any], told: str | None) -> None:
    rows = [{"id": 1, "question": "Who?", **row}, {"id": 2, "question": "Why?"}]
    if told is None:
        assert checked(tmp_path, rows=rows).items.count == 2
        return
    with pytest.raises(EvaluatorError, match="line 3: dataset: ") as error:
        checked(tmp_path, rows=rows)
    assert told in str(error.value)


def test_a_suite_that_lets_all_answers_fail_is_taken(tmp_path: Path) -> None:
    assert checked(tmp_path, f"{GOOD}failures_at_most: 1\n", [{"id": 1}]).items.count == 1


def content(folder: Path, evaluator: str, metadata: dict[str, Any]) -> str:
    text = "\n".join([*GOOD.splitlines()[:4], f"evaluators: [{evaluator}]"])
    (item,) = checked(folder, text, [ROWS[0] | metadata]).items
    return item.content


@pytest.mark.parametrize(
    ("evaluator", "one", "other", "same"),
    [
        pytest.param("multiple_choice", {"label": 0}, {"label": 1}, False, id="its-key"),
        pytest.param("exact_match", {"label": 0}, {"label": 1}, True, id="looks-at-none"),
        pytest.param("goal_reached", {"success": 0}, {"success": 1}, True, id="what-came-about"),
        pytest.param("goal_reached", {"expected_state": {"a": 0}}, {"expected_state": {"a": 1}}, False, id="due"),
    ],
)  # fmt: skip
def test_metadata_that_an_evaluator_reads_tell_items_apart(
    tmp_path: Path, evaluator: str, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert (content(tmp_path, evaluator, one) == content(tmp_path, evaluator, other)) is same


@pytest.mark.parametrize(
    ("since", "until"),
    [
        pytest.param("0001-01-01T00:00:00Z", "2100-01-01T00:00:00Z", id="year-1"),
        pytest.param("2020-01-01T14:00:00+14:00", "9999-12-31T23:59:59Z", id="year-9999"),
    ],
)
def test_traces_are_asked_for_up_to_the_ends_of_the_calendar(
    tmp_path: Path, filled: Any, since: str, until: str
) -> None:
    wanted = Traces.model_validate({"since": since, "until": until, "most": 3})
    settings = Settings(data_dir=tmp_path, api_url=filled.note.api_url)
    assert len(list(cases_of(settings, wanted))) == 3
