"""`assay eval` as engineers and CI use it: exit codes, reports, resuming, refusals. Each run is a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, beside, good
from lxml import etree
from typer.testing import CliRunner

from server.cli import app
from server.evals.progress import Progress
from server.shell import expected

SCHEMA = Path(__file__).parent / "schemas" / "JUnit.xsd"
SUITE = """\
suite: answers
description: Answers that are there already.
dataset: {file: items.jsonl}
target: {answered: true}
evaluators:
  - {name: exact_match, as: right, pass: {at_least: 1}}
  - {name: length, as: short, options: {most: 40}, pass: {at_least: 1}}
gates:
  - {of: right, measure: pass_rate, at_least: 0.6}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, right=90, wrong=10)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def write(folder: Path, right: int, wrong: int, *, lost: int = 0) -> None:
    rows = [{"id": f"q{n}", "question": f"{n}?", "answer": f"{n}", "reference": f"{n}"} for n in range(right)]
    rows += [
        {"id": f"w{n}", "question": f"{n}?", "answer": f"<b>no & \x07 {n}</b>", "reference": f"{n}"}
        for n in range(wrong)
    ]
    rows += [{"id": f"l{n}", "question": f"{n}?", "reference": f"{n}"} for n in range(lost)]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def assay(folder: Path, *words: str, code: int = 0) -> str:
    """What the command says, run in this process: the work is the same, and starting Python takes longer."""
    with contextlib.chdir(folder):
        done = CliRunner(env={"ASSAY_DATA_DIR": str(folder / "none")}).invoke(app, ["eval", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        told = expected(done.exception)
        assert told is not None, done.exception
        assert told[1] == code, told
        return told[0]
    assert done.exit_code == code, done.output
    return done.stdout


def results(folder: Path) -> Path:
    return folder / "eval-results" / "answers"


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results(folder) / "summary.json").read_text())
    return found


def valid_junit(folder: Path) -> Any:
    tree = etree.parse(results(folder) / "junit.xml")
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(tree)
    return tree.getroot()


def test_a_suite_that_passes_writes_its_reports(folder: Path) -> None:
    said = assay(folder, "run", "suite.yaml")
    assert said.startswith("answers: passed\n")
    found = summary(folder)
    assert [one["state"] for one in found["gates"]] == ["met"]
    assert found["evaluators"][0]["pass_rate"]["value"] == 0.9
    root = valid_junit(folder)
    assert root.xpath("string(//testsuite/@failures)") == "0"
    page = (results(folder) / "report.html").read_text()
    assert "&lt;b&gt;no &amp;" in page
    assert "<b>no" not in page
    assert not re.search(r"(src|href)=|url\(|@import|<script", page)
    assert "10 answers of 100" in page
    assert r"| right pass\_rate \>= 0.6 | met | 0.9 [" in (results(folder) / "report.md").read_text()


def test_a_gate_that_the_data_refute_fails_the_build(folder: Path) -> None:
    write(folder, right=40, wrong=60)
    said = assay(folder, "run", "suite.yaml", code=1)
    assert said.startswith("answers: failed\n")
    (gate,) = summary(folder)["gates"]
    assert (gate["state"], gate["fails"]) == ("missed", True)
    root = valid_junit(folder)
    assert root.xpath("string(//failure/@type)") == "missed"


def test_a_mean_below_the_bound_alone_fails_nothing(folder: Path) -> None:
    write(folder, right=11, wrong=9)
    assay(folder, "run", "suite.yaml")
    (gate,) = summary(folder)["gates"]
    assert (gate["state"], gate["fails"]) == ("undecided", False)
    (folder / "suite.yaml").write_text(SUITE.replace("at_least: 0.6}", "at_least: 0.6, when_undecided: fail}"))
    assay(folder, "run", "suite.yaml", code=1)
    (gate,) = summary(folder)["gates"]
    assert (gate["state"], gate["fails"]) == ("undecided", True)


def test_too_many_failures_fail_the_build_whatever_the_gates_say(folder: Path) -> None:
    write(folder, right=80, wrong=0, lost=20)
    assay(folder, "run", "suite.yaml", code=1)
    found = summary(folder)
    assert [one["state"] for one in found["gates"]] == ["met"]
    assert found["completeness"]["fails"]
    assert found["failed_answers"] == {"empty": 20}
    assert "20 of 100 answers failed" in found["completeness"]["sentence"]


def test_the_same_seed_data_and_versions_give_the_same_bytes(folder: Path) -> None:
    for out in ("one", "two"):
        assay(folder, "run", "suite.yaml", "--out", out, "--sample", "50")
    told = [(folder / out / "results.jsonl").read_text() for out in ("one", "two")]
    rows = [[json.loads(line) for line in text.splitlines()] for text in told]
    for row in (*rows[0], *rows[1]):
        row.pop("measured")
    assert rows[0] == rows[1]
    manifests = [json.loads((folder / out / "manifest.json").read_text()) for out in ("one", "two")]
    assert manifests[0]["results_sha256"] == manifests[1]["results_sha256"]
    assert manifests[0]["dataset"]["items"] == 50
    assert manifests[0]["run_id"] != manifests[1]["run_id"]


def test_against_a_baseline_pairs_are_compared(folder: Path) -> None:
    text = SUITE.replace("at_least: 0.6", "no_worse_than: baseline, by_at_most: 0.02")
    (folder / "suite.yaml").write_text(text)
    assay(folder, "run", "suite.yaml", "--out", "base", code=1)  # there is none to compare with
    assay(folder, "run", "suite.yaml", "--out", "same", "--baseline", "base")
    rows = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    worse = [{**row, "answer": "other"} if n < 20 else row for n, row in enumerate(rows)]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in worse))
    assay(folder, "run", "suite.yaml", "--baseline", "base", code=1)
    (gate,) = summary(folder)["gates"]
    assert gate["state"] == "missed"
    assert gate["effect"]["value"] == pytest.approx(-0.2)
    assert gate["effect"]["high"] < 0


def answers(folder: Path, change: Callable[[int, dict[str, Any]], dict[str, Any]]) -> None:
    """The dataset with each row changed."""
    rows = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    (folder / "items.jsonl").write_text("".join(json.dumps(change(n, row)) + "\n" for n, row in enumerate(rows)))


def against_base(folder: Path, change: Callable[[int, dict[str, Any]], dict[str, Any]], *, code: int) -> Any:
    """The gate of a run whose dataset was changed after its baseline, and what the terminal says."""
    (folder / "suite.yaml").write_text(SUITE.replace("at_least: 0.6", "no_worse_than: baseline, by_at_most: 0.02"))
    assay(folder, "run", "suite.yaml", "-q", "--out", "base", "--no-baseline")
    answers(folder, change)
    said = assay(folder, "run", "suite.yaml", "-q", "--baseline", "base", code=code)
    (gate,) = summary(folder)["gates"]
    return gate, said


def test_a_baseline_that_shares_few_items_is_not_compared_with(folder: Path) -> None:
    gate, said = against_base(folder, lambda n, row: row | {"question": "else?"} if n else row | {"answer": ""}, code=1)
    assert (gate["state"], gate["fails"], gate["effect"]) == ("not_comparable", True, None)
    told = "No item can be compared with the baseline: 99 hold something else there, 1 has no value in one of the two."
    assert told in gate["sentence"]
    assert told in said


def test_items_that_are_not_compared_are_told(folder: Path) -> None:
    gate, _ = against_base(
        folder, lambda n, row: row | ({"id": f"n{n}"} if n < 10 else {"question": "else?"} if n < 30 else {}), code=0
    )
    assert gate["items"] == 70
    assert gate["sentence"].endswith("30 of 100 items left out: 20 hold something else there, 10 are not in it.")


@pytest.mark.parametrize(
    ("lost", "won", "told"),
    [
        pytest.param(8, 8, "no drop was found, and none is ruled out.", id="none"),
        pytest.param(1, 0, "a drop of 0.01, within the 0.02 allowed; more is not ruled out.", id="allowed"),
        pytest.param(3, 0, "a drop of 0.03, beyond the 0.02 allowed by no more than chance explains.", id="chance"),
    ],
)
def test_a_drop_that_chance_explains_is_called_a_drop(folder: Path, lost: int, won: int, told: str) -> None:
    def change(n: int, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"answer": "other" if n < lost else row["reference"] if n >= 100 - won else row["answer"]}

    gate, said = against_base(folder, change, code=0)
    assert gate["state"] == "undecided"
    assert told in gate["sentence"]
    assert said.startswith("answers: passed; nothing was shown to be worse; 1 of 1 gate is undecided\n")
    assert "says, with intervals of 90 %" in said


def test_one_item_tells_nothing_of_chance(folder: Path) -> None:
    write(folder, right=1, wrong=0)
    said = assay(folder, "run", "suite.yaml", "-q")
    assert "It is 1. One item alone tells nothing of chance: take more items." in said
    assert "The one answer came." in said
    assert "1 item, 1 answer." in said


def test_what_has_no_value_is_told(folder: Path) -> None:
    write(folder, right=90, wrong=0, lost=10)
    (folder / "suite.yaml").write_text(f"{SUITE}failures_at_most: 0.1\n")
    said = assay(folder, "run", "suite.yaml", "-q")
    (gate,) = summary(folder)["gates"]
    assert gate["sentence"].endswith("at least 0.6, over 90 of 100 items; 10 have no value.")
    assert (gate["items"], gate["without"]) == (90, 10)
    assert "10 of 100 answers failed (10 empty). The first empty: " in said


def test_an_evaluator_that_hardly_applies_is_told_and_fails_nothing(folder: Path) -> None:
    answers(folder, lambda n, row: row if n < 20 else {name: row[name] for name in ("id", "question", "answer")})
    assay(folder, "run", "suite.yaml", "-q")
    found = summary(folder)
    assert found["gates"][0]["sentence"].endswith("over 20 of 100 items; 80 have no value.")
    assert not found["completeness"]["fails"]
    assert found["completeness"]["sentence"] == (
        "All 100 answers came. right does not apply to 80 of 100 answers: see in results.jsonl what it lacks."
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda row: row | {"answer": "other"}, "is not what its run wrote: its digest is", id="digest"),
        pytest.param(lambda row: {**row, "cluster": None}, "line 3: the row has null as 'cluster'", id="value"),
        pytest.param(lambda row: {n: row[n] for n in row if n != "content"}, "line 3: the row has no 'content'", id="key"),
        pytest.param(lambda row: row | {"verdicts": {"right": {}}}, "line 3: its verdict right has no 'status'", id="verdict"),
        pytest.param(lambda row: row | {"usage": {}}, "line 3: its usage has no 'input_tokens'", id="usage"),
        pytest.param(lambda row: row | {"verdicts": []}, "line 3: it is no row of results", id="row"),
    ],
)  # fmt: skip
def test_a_damaged_baseline_is_refused(folder: Path, change: Any, told: str) -> None:
    assay(folder, "run", "suite.yaml", "-q", "--out", "base")
    file = folder / "base" / "results.jsonl"
    lines = file.read_text().splitlines()
    lines[2] = json.dumps(change(json.loads(lines[2])), ensure_ascii=False, separators=(",", ":"))
    file.write_text("\n".join(lines) + "\n")
    assert told in assay(folder, "run", "suite.yaml", "-q", "--baseline", "base", code=2)


def test_a_manifest_that_lacks_a_key_is_refused(folder: Path) -> None:
    assay(folder, "run", "suite.yaml", "-q", "--out", "base")
    (folder / "base" / "manifest.json").write_text('{"run_id": "1", "started_at": "2026-01-01", "evaluators": {}}')
    told = assay(folder, "run", "suite.yaml", "-q", "--baseline", "base", code=2)
    assert "without results_sha256: it is damaged" in told


def test_reports_bound_texts_and_call_nobody(folder: Path) -> None:
    long, turned = "long " * 5000, "\u202e@all see https://evil.example and www.evil.example, #1"
    answers(folder, lambda n, row: row | {"id": turned, "answer": long, "question": long} if n == 95 else row)
    answers(folder, lambda n, row: row | {"answer": row["reference"]} if n > 95 else row)
    assay(folder, "run", "suite.yaml", "-q")
    page = (results(folder) / "report.html").read_text()
    assert page.count("(cut; all of it stands in results.jsonl)") == 2
    assert max(map(len, page.splitlines())) < 50_000
    assert "unicode-bidi: isolate" in page
    text = (results(folder) / "report.md").read_text()
    assert not re.search("@all|https://|www\\.evil|#1|\u202e", text)
    assert "@\u2060all see https:\u2060//evil.example" in text


def test_all_suites_are_checked(folder: Path) -> None:
    for name, text in (("bad", "suite: ["), ("worse", SUITE.replace("length", "lenght")), ("good", SUITE)):
        (folder / f"{name}.yaml").write_text(text)
    said = assay(folder, "check", "bad.yaml", "worse.yaml", "good.yaml", code=2)
    assert said.startswith("good.yaml: 100 items in 100 clusters, 100 answers, 2 evaluators, 1 gate.")


def test_another_ruler_is_not_compared(folder: Path) -> None:
    text = SUITE.replace(
        "of: right, measure: pass_rate, at_least: 0.6", "of: short, measure: pass_rate, no_worse_than: baseline"
    )
    (folder / "suite.yaml").write_text(text)
    assay(folder, "run", "suite.yaml", "--out", "base", code=1)
    (folder / "suite.yaml").write_text(text.replace("most: 40", "most: 50"))
    assay(folder, "run", "suite.yaml", "--baseline", "base", code=1)
    (gate,) = summary(folder)["gates"]
    assert (gate["state"], gate["fails"]) == ("not_comparable", True)
    assert "short is length 1+" in gate["sentence"]
    assert "Run the baseline again" in gate["sentence"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(SUITE.replace("exact_match", "exakt_match"), "suite.yaml, line 6: evaluators.0: No evaluator is named 'exakt_match'. Did you mean 'exact_match'?", id="evaluator"),
        pytest.param(SUITE.replace("most: 40", "mots: 40"), "suite.yaml, line 7: evaluators.1: Evaluator 'length' has no option 'mots'. Did you mean 'most'?", id="option"),
        pytest.param(SUITE.replace("items.jsonl", "other.jsonl"), "other.jsonl is no file", id="dataset"),
        pytest.param(SUITE.replace("gates:", "gate:"), "suite.yaml, line 9: gate: there is no such key; did you mean 'gates'?", id="key"),
        pytest.param("suite: [", "is no YAML", id="yaml"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_run_is_refused_before_anything_is_asked(folder: Path, text: str, told: str) -> None:
    (folder / "suite.yaml").write_text(text)
    for word in ("check", "run"):
        assert told in assay(folder, word, "suite.yaml", code=2)
    assert not (folder / "eval-results").exists()


def test_what_failed_is_asked_again_alone(folder: Path) -> None:
    script = folder / "target.py"
    script.write_text(TARGET)
    (folder / "suite.yaml").write_text(
        SUITE.replace("target: {answered: true}", COMMAND)
        .replace("at_least: 0.6", "at_least: 0.5")
    )  # fmt: skip
    (folder / "fails").write_text("q7")
    assay(folder, "run", "suite.yaml", "-q")
    assert summary(folder)["failed_answers"] == {"target": 1}
    asked = (folder / "asked").read_text().split()
    assert len(asked) == 100
    (folder / "fails").unlink()
    assay(folder, "run", "suite.yaml", "-q", "--again")
    assert (folder / "asked").read_text().split()[100:] == ["q7"]
    assert summary(folder)["failed_answers"] == {}


def test_a_run_that_is_killed_goes_on_where_it_was(folder: Path) -> None:
    (folder / "target.py").write_text(TARGET)
    (folder / "suite.yaml").write_text(
        SUITE.replace("target: {answered: true}", COMMAND.replace("}}", ", processes: 4}}"))
        .replace("at_least: 0.6", "at_least: 0.1") + "repeats: 2\nconcurrency: 4\n"
    )  # fmt: skip
    assay(folder, "run", "suite.yaml", "-q", "--out", "whole")
    (folder / "asked").unlink()
    (folder / "slow").write_text("")
    for wanted, by in ((30, signal.SIGINT), (90, signal.SIGKILL)):
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "eval", "run", "suite.yaml", "-q"], cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, start_new_session=True,
            stderr=subprocess.PIPE, text=True,
            # What a shell starts in the background ignores SIGINT, and so does what that starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - it takes no lock
        )  # fmt: skip
        asked = folder / "asked"
        until = time.monotonic() + 60
        while not (asked.exists() and len(asked.read_text().split()) >= wanted):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        os.killpg(process.pid, by)
        said = process.communicate(timeout=30)[1]
        if by is signal.SIGINT:
            assert process.returncode == 130
            assert said.startswith("assay: The run was cut off. What was answered is kept in")
    (folder / "slow").unlink()
    assay(folder, "run", "suite.yaml", "-q")
    asked_ids = (folder / "asked").read_text().split()
    assert len(asked_ids) <= 200 + 2 * 4  # those in flight at a kill
    manifests = [json.loads((one / "manifest.json").read_text()) for one in (folder / "whole", results(folder))]
    assert manifests[0]["results_sha256"] == manifests[1]["results_sha256"]
    assert manifests[1]["resumed"] == 2


COMMAND = f"target: {{command: {{run: [{sys.executable}, target.py]}}}}"
TARGET = """\
import json, os, sys, time
for line in sys.stdin:
    row = json.loads(line)
    if os.path.exists("slow"):
        time.sleep(0.02)
    if os.path.exists("fails") and open("fails").read() == row["id"]:
        told = {"error": "It would not."}
    else:
        told = {"answer": row["reference"]}
    with open("asked", "a") as asked:
        asked.write(row["id"] + "\\n")
    print(json.dumps({**told, "_n": row.get("_n")}), flush=True)
"""


def test_answers_of_earlier_runs_are_taken_where_that_is_asked_for(folder: Path) -> None:
    (folder / "target.py").write_text(TARGET)
    text = SUITE.replace("target: {answered: true}", COMMAND).replace("items.jsonl", "items.jsonl, sample: 10")
    (folder / "suite.yaml").write_text(text)
    asked = []
    for words in ((), ("--reuse",), ("--again", "--reuse"), (), ("--sample", "5", "--reuse"), ("--fresh",)):
        assay(folder, "run", "suite.yaml", "-q", *words)
        asked.append(len((folder / "asked").read_text().split()))
    assert asked == [10, 10, 10, 20, 20, 30]
    for words in (("--again", "--fresh"), ("--baseline", "x", "--no-baseline")):
        assay(folder, "run", "suite.yaml", *words, code=2)


def test_two_runs_in_one_folder_do_not_mix(folder: Path) -> None:
    results(folder).mkdir(parents=True)
    with (results(folder) / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another run writes to" in assay(folder, "run", "suite.yaml", code=2)


def test_the_published_schema_is_that_of_the_code(folder: Path) -> None:
    published = Path(__file__).parents[2] / "docs" / "suite.schema.json"
    assert assay(folder, "schema") == published.read_text("utf-8")


TRACES = """\
suite: production
dataset:
  traces: {since: 2020-01-01, until: 2100-01-01, unit: UNIT, most: 40}
target: {answered: true}
failures_at_most: 1
evaluators: [refusal]
"""


@pytest.mark.parametrize("unit", ["trace", "call"])
def test_stored_traces_are_items(tmp_path: Path, filled: Any, unit: str) -> None:
    (tmp_path / "suite.yaml").write_text(TRACES.replace("UNIT", unit))
    assay(tmp_path, "run", "suite.yaml", "--api-url", filled.note.api_url)
    rows = [json.loads(line) for line in (tmp_path / "eval-results/production/results.jsonl").read_text().splitlines()]
    assert len(rows) >= 40 if unit == "call" else len(rows) == 40
    with filled.client() as client:
        for row in rows[:: len(rows) // 4]:
            trace, _, span = row["item"].partition("/")
            case = client.case(trace, span or None)
            assert (row["case"] or {}).get("question") == case.get("question")
            assert row["answer"] == case.get("answer") or row["error_type"] == "empty"


def test_a_filter_that_is_none_is_refused(tmp_path: Path, filled: Any) -> None:
    text = TRACES.replace("unit: UNIT", "filter: {modl: x}")
    (tmp_path / "suite.yaml").write_text(text)
    assert "modl" in assay(tmp_path, "run", "suite.yaml", "--api-url", filled.note.api_url, code=2)


def test_without_a_store_traces_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(TRACES.replace("UNIT", "trace"))
    assert "No store in" in assay(tmp_path, "run", "suite.yaml", code=2)


JUDGED = """\
suite: judged
dataset: {file: items.jsonl, sample: 10}
target:
  model: {base_url: "URL", model: m, prompt: "Say {{ question }}", price: {input: 1000, output: 1000}}
repeats: 2
evaluators:
  - {name: judge_helpfulness, as: helpful}
gates: [{of: target.cost_usd, measure: mean, at_most: 10}, {of: helpful, at_least: 1.1}]
"""
JUDGES = """\
judges: [{name: fake, base_url: "URL", model: judge, price: {input: 1000, output: 1000}}]
"""


def model_or_judge(body: dict[str, Any]) -> Act:
    if body["model"] == "judge":
        return good(reason="It helps.", score=4)
    return Act("Fine.")


def test_models_and_judges_are_asked_once_for_each_answer(folder: Path) -> None:
    with beside(model_or_judge) as fake:
        (folder / "suite.yaml").write_text(JUDGED.replace("URL", fake.url))
        (folder / "judges.yaml").write_text(JUDGES.replace("URL", fake.url))
        assay(folder, "run", "suite.yaml", "--judges", "judges.yaml", "-q")
        found = json.loads((folder / "eval-results/judged/summary.json").read_text())
        asked = len(fake.requests)
        assert (found["items"], found["answers"], asked) == (10, 20, 40)
        assert found["cost"]["target_usd"] > 0
        assert found["cost"]["judges_usd"] > 0
        assay(folder, "run", "suite.yaml", "--judges", "judges.yaml", "-q", "--again")
        assert len(fake.requests) == asked
        assay(folder, "run", "suite.yaml", "--judges", "judges.yaml", "-q")  # answers anew; equal ones are judged
        assert len(fake.requests) == asked + 20
        (folder / "suite.yaml").write_text(JUDGED.replace("URL", fake.url).replace("Say", "Tell"))
        assay(folder, "run", "suite.yaml", "--judges", "judges.yaml", "-q", "--reuse")
        assert len(fake.requests) == asked + 40


def test_target_and_judges_share_one_budget(folder: Path) -> None:
    with beside(model_or_judge) as fake:
        (folder / "suite.yaml").write_text(JUDGED.replace("URL", fake.url))
        (folder / "judges.yaml").write_text(JUDGES.replace("URL", fake.url))
        assay(folder, "run", "suite.yaml", "--judges", "judges.yaml", "-q", "--budget", "3", code=1)
        found = json.loads((folder / "eval-results/judged/summary.json").read_text())
        assert found["cost"]["target_usd"] + (found["cost"]["judges_usd"] or 0) <= 3
        kinds = {**found["failed_answers"], **found["evaluators"][0]["error_types"]}
        assert kinds["budget"] > 0
        assert found["completeness"]["fails"]


FLIPS = """\
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    flips = row["id"] in ("q1", "q2") and row["repeat"] == 1
    print(json.dumps({"answer": "other" if flips else row["reference"], "_n": row.get("_n")}), flush=True)
"""


def test_flaky_items_are_found_and_shown(folder: Path) -> None:
    (folder / "target.py").write_text(FLIPS)
    (folder / "suite.yaml").write_text(
        SUITE.replace("target: {answered: true}", COMMAND).replace(
            "file: items.jsonl", "file: items.jsonl, sample: 100"
        )
        + "repeats: 3\n"
    )
    assay(folder, "run", "suite.yaml", "-q")
    found = summary(folder)
    assert found["answers"] == 300
    assert [(one["item"], one["passed"], one["of"]) for one in found["flaky_items"]] == [("q1", 2, 3), ("q2", 2, 3)]
    assert found["evaluators"][0]["flaky"]["items"] == 2
    assert found["evaluators"][0]["pass_rate"]["n"] == 100  # items, not answers
    assert "Flaky items" in (results(folder) / "report.html").read_text()


def test_gates_on_what_is_measured_and_without_a_baseline(folder: Path) -> None:
    (folder / "target.py").write_text(TARGET)
    (folder / "suite.yaml").write_text(
        SUITE.replace("target: {answered: true}", COMMAND)
        + "  - {of: target.latency_ms, measure: p95, at_most: 60000}\n"
        + "  - {of: target.latency_ms, measure: p50, at_most: 0.0001}\n"
        + "  - {of: right, no_worse_than: baseline}\n"
    )
    assay(folder, "run", "suite.yaml", "-q", "--no-baseline", code=1)
    assert [one["state"] for one in summary(folder)["gates"]] == ["met", "met", "missed", "undecided"]
    (latency,) = summary(folder)["measured"]
    assert latency["known"] == 100
    assert 0 < latency["p50"] <= latency["p95"]


def test_progress_tells_answers_money_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("answers", 100, 2.0) as progress:
        for _ in range(10):
            progress.tell(kept=True, failed=False, cost_usd=0.0)
        for number in range(20):
            progress.tell(kept=False, failed=number == 3, cost_usd=0.01)
        assert (
            progress.sentence(progress.started + 40) == "30 of 100 answers, $0.2000 of $2.00, 1 failed, 2 min 20 s left"
        )
    assert capsys.readouterr().err == ""  # nothing before it is time
