"""Suite files: what they may say, and how a fault is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from evaluators.documents import DocumentError
from evaluators.suites.suite import Pass, Suite, schema
from evaluators.verdict import failed, not_applicable, verdict
from server.evals.preparing import read_suite

GOOD = """\
suite: answers
seed: 7
dataset:
  file: items.jsonl
  fields: {question: prompt}
  cluster: customer
target:
  answered: true
repeats: 2
evaluators:
  - groundedness
  - name: answer_relevance
    as: relevance
    pass: {at_least: 0.5}
gates:
  - {of: relevance, measure: pass_rate, at_least: 0.7}
  - {of: groundedness, no_worse_than: baseline, by_at_most: 0.02}
  - {of: target, measure: errors, at_most: 0.05}
  - {of: target.latency_ms, measure: p95, at_most: 2000}
"""


def suite(tmp_path: Path, text: str) -> Suite:
    file = tmp_path / "suite.yaml"
    file.write_text(text, "utf-8")
    return read_suite(file).suite


def test_a_whole_suite_is_read(tmp_path: Path) -> None:
    found = suite(tmp_path, GOOD)
    assert [use.called for use in found.evaluators] == ["groundedness", "relevance"]
    assert [gate.text for gate in found.gates] == [
        "relevance pass_rate >= 0.7", "groundedness mean not worse than the baseline by more than 0.02",
        "target errors <= 0.05", "target.latency_ms p95 <= 2000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        pytest.param("repeats: 2", "repeat: 2", 9, "did you mean 'repeats'?", id="key-at-the-top"),
        pytest.param("cluster: customer", "clusters: x", 6, "dataset.clusters: there is no such key; did you mean 'cluster'?", id="key-below"),
        pytest.param("as: relevance", "alas: relevance", 13, "evaluators.1.alas: there is no such key", id="key-in-a-list"),
        pytest.param("pass: {at_least: 0.5}", "pass: {at_lest: 0.5}", 14, "did you mean 'at_least'?", id="key-far-below"),
        pytest.param("repeats: 2", "repeats: 0", 9, "greater than or equal to 1; got 0", id="value"),
        pytest.param("items.jsonl", "items.xlsx", 4, ".csv, .parquet, .jsonl.gz, .ndjson.gz, .csv.gz; got 'items.xlsx'", id="format"),
        pytest.param("of: relevance", "of: relevants", 1, "no evaluator is called so; there are: groundedness, relevance", id="gate-of-none"),
        pytest.param("of: groundedness, no", "of: groundedness, measure: pass_rate, no", 1, "which has no `pass`", id="no-pass"),
        pytest.param(", at_least: 0.7", "", 16, "one of at_least, at_most, no_worse_than; not none", id="gate-without-bound"),
        pytest.param("as: relevance", "as: groundedness", 1, "two evaluators are called 'groundedness'", id="two-of-one-name"),
        pytest.param("target.latency_ms", "target.latency", 19, "what is: target.latency_ms", id="unmeasured"),
        pytest.param("{question: prompt}", "{qestion: prompt}", 5, "'qestion' is no field of a case", id="field"),
        pytest.param("errors, at_most: 0.05", "errors, at_most: 2", 18, "errors is a share from 0 to 1, and at_most is 2; 2 % is 0.02", id="percent"),
        pytest.param("at_least: 0.7", "at_least: -1", 16, "pass_rate is a share from 0 to 1, and at_least is -1", id="share-below-0"),
        pytest.param("pass_rate, at_least: 0.7", "pass_rate, no_worse_than: baseline, by_at_most: 5", 16, "by_at_most is 5; 5 % is 0.05", id="margin-of-a-share"),
        pytest.param("at_most: 2000", "at_most: -5", 19, "target.latency_ms is never below 0, and at_most is -5", id="latency-below-0"),
        pytest.param("file: items.jsonl", 'file: "a\\0.jsonl"', 4, "dataset.file: a file's name holds no NUL", id="nul"),
        pytest.param("items.jsonl", "x" * 5000 + ".jsonl", 4, "at most 4096 characters", id="name-too-long"),
        pytest.param("file: items.jsonl", "traces: {since: 0001-01-01T00:00:00+14:00, until: 2026-01-01T00:00:00Z}", 4, "dataset.traces.since: in UTC it lies before the year 1", id="before-year-1"),
        pytest.param("file: items.jsonl", "traces: {since: 2026-01-01T00:00:00Z, until: 9999-12-31T23:00:00-14:00}", 4, "dataset.traces.until: in UTC it lies", id="after-9999"),
        pytest.param("  file: items.jsonl\n", "", 4, "a dataset has a file, stored, or traces", id="no-source"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_line_and_key(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError) as error:
        suite(tmp_path, GOOD.replace(old, new, 1))
    assert f"suite.yaml, line {line}: " in str(error.value)
    assert told in str(error.value)


def test_the_schema_takes_what_is_read_and_refuses_what_is_not(tmp_path: Path) -> None:
    told = yaml.safe_load(GOOD)
    jsonschema.Draft202012Validator.check_schema(schema())
    check = jsonschema.Draft202012Validator(schema())
    assert check.is_valid(told)
    assert not check.is_valid(told | {"repeat": 2})
    assert not check.is_valid(told | {"repeats": 0})


@pytest.mark.parametrize(
    ("rule", "said", "passes"),
    [
        pytest.param({"at_least": 0.5}, verdict(0.5, ""), True, id="at-the-bound"),
        pytest.param({"at_least": 0.5}, verdict(0.4999, ""), False, id="below"),
        pytest.param({"at_most": 0.5}, verdict(0.6, ""), False, id="above"),
        pytest.param({"at_least": 0.2, "at_most": 0.5}, verdict(0.3, ""), True, id="between"),
        pytest.param({"label": "yes"}, verdict(None, "", label="yes"), True, id="label"),
        pytest.param({"labels": ["yes", "so so"]}, verdict(1.0, "", label="no"), False, id="other-label"),
        pytest.param({"label": "yes"}, verdict(1.0, ""), None, id="no-label"),
        pytest.param({"at_least": 0.5}, verdict(None, "", label="yes"), None, id="no-value"),
        pytest.param({"at_least": 0.5}, not_applicable("x"), None, id="not-applicable"),
        pytest.param({"at_least": 0.0}, failed("x", "x"), None, id="failed-is-no-zero"),
    ],
)
def test_when_a_verdict_passes(rule: dict[str, Any], said: Any, passes: bool | None) -> None:
    assert Pass.model_validate(rule).of(said) is passes
