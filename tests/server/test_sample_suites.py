"""The sample suites as the demo runs them: figures against labels and published ones, each run once, gone on with."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from server.client import Client
from server.demo import datasets_folder
from server.demo.suites import BASELINES, folder_of, run_samples, sample_suites
from server.evals.preparing import read_suite
from server.settings import Settings
from server.supervisor import Supervisor

DATASETS = datasets_folder()
SUITES = DATASETS / "suites"
MOST_ITEMS = 400
FAIL = {"bbq-ambiguous", "llmdrift-june"}
BBQ = {"ambig": ("bbq-ambiguous", 0.650), "disambig": ("bbq-disambiguated", 0.880)}
"""Accuracy of UnifiedQA-11B on the category Religion, options given as in RACE (Parrish et al. 2022, table of all)."""
LLMDRIFT = {"llmdrift-march": 0.840, "llmdrift-june": 0.511}
"""Accuracy of the GPT-4 snapshots over 1,000 numbers (Chen, Zaharia, Zou: arXiv 2307.09009, version 3)."""

Json = dict[str, Any]


@dataclass
class Ran:
    client: Client
    settings: Settings
    said: list[str]

    def summary(self, suite: str) -> Json:
        found: Json = json.loads((folder_of(self.settings, suite).path / "summary.json").read_text())
        return found

    def evaluator(self, suite: str, name: str) -> Json:
        found: Json = next(one for one in self.summary(suite)["evaluators"] if one["name"] == name)
        return found

    def rows(self, suite: str) -> list[Json]:
        return packed_lines(folder_of(self.settings, suite).path / "results.jsonl")


def packed_lines(path: Path) -> list[Json]:
    raw = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()]


@pytest.fixture(scope="module")
def ran(serve: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    served, data = serve("samples"), tmp_path_factory.mktemp("data")
    settings, said = Settings(data_dir=data, api_url=served.note.api_url), list[str]()
    with served.client() as client:
        assert run_samples(settings, client, said.append) == len(sample_suites())
        yield Ran(client, settings, said)


def within(estimate: Json, value: float) -> bool:
    return bool(estimate["low"] <= value <= estimate["high"])


def test_each_suite_has_one_run_in_the_store(ran: Ran) -> None:
    names = {read_suite(path).suite.name for path in sample_suites()}
    runs = ran.client.runs()
    assert {one["suite"]: one["outcome"] for one in runs} == {
        name: "failed" if name in FAIL else "passed" for name in names
    }
    assert len(runs) == len(names)
    assert all(any(line.startswith(f"{name}: ") for line in ran.said) for name in names)
    assert names >= BASELINES.keys() | set(BASELINES.values())


def test_suites_are_small(ran: Ran) -> None:
    counts = {one["suite"]: one["answers_total"] for one in ran.client.runs()}
    assert max(counts.values()) <= MOST_ITEMS


def test_a_second_time_runs_nothing_and_tells_nothing(ran: Ran) -> None:
    before = [one["run_id"] for one in ran.client.runs()]
    environment = {
        **os.environ,
        "ASSAY_DATA_DIR": str(ran.settings.data_dir),
        "ASSAY_API_URL": str(ran.settings.api_url),
    }
    command = [sys.executable, "-m", "server.demo.suites"]  # as the supervisor starts it
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == ""
    assert [one["run_id"] for one in ran.client.runs()] == before


def test_a_run_that_the_store_lost_is_told_of_and_not_run_again(ran: Ran) -> None:
    (run,) = ran.client.runs(suite="taubench-airline")
    written = (folder_of(ran.settings, "taubench-airline").path / "results.jsonl").stat().st_mtime_ns
    ran.client.forget_run(run["run_id"])
    assert run_samples(ran.settings, ran.client, print) == 1
    assert [one["run_id"] for one in ran.client.runs(suite="taubench-airline")] == [run["run_id"]]
    assert (folder_of(ran.settings, "taubench-airline").path / "results.jsonl").stat().st_mtime_ns == written


def test_groundedness_agrees_with_people(ran: Ran) -> None:
    answers = packed_lines(DATASETS / "ragtruth-qa" / "answers.jsonl.gz")
    clean = {row["id"]: not row["labels"] for row in answers}
    rate = ran.evaluator("ragtruth", "groundedness")["pass_rate"]
    assert rate["n"] == len({row["source_id"] for row in answers}) == 70
    assert within(rate, sum(clean.values()) / len(clean))
    passed = {row["item"]: row["verdicts"]["groundedness"]["passed"] for row in ran.rows("ragtruth")}
    assert passed.keys() == clean.keys()
    assert sum(passed[name] == clean[name] for name in clean) / len(clean) > 0.85


def test_a_detector_is_held_against_labels(ran: Ran) -> None:
    text = gzip.decompress((SUITES / "hatecheck" / "cases.csv.gz").read_bytes()).decode()
    labels = {row["case_id"]: row["label_gold"] for row in csv.DictReader(io.StringIO(text))}
    agreed = {}
    for suite, label in (("hatecheck-hateful", "hateful"), ("hatecheck-harmless", "non-hateful")):
        rows = ran.rows(suite)
        assert {row["item"] for row in rows} == {name for name, of_it in labels.items() if of_it == label}
        told = [row["verdicts"]["identity_attack"]["label"] for row in rows]
        agreed[label] = sum(("attack" if label == "hateful" else "none") == one for one in told) / len(told)
        assert ran.evaluator(suite, "identity_attack")["pass_rate"]["value"] == pytest.approx(agreed[label], abs=0.02)
    assert sum(agreed.values()) / 2 > 0.85


@pytest.mark.parametrize("condition", BBQ)
def test_bbq_has_the_published_accuracy(ran: Ran, condition: str) -> None:
    suite, published = BBQ[condition]
    rows = [row for row in packed_lines(SUITES / "bbq" / "religion.jsonl.gz") if row["condition"] == condition]
    plain = [
        row["answer"].strip(" .").casefold() == row["options"][row["label"]].strip(" .").casefold() for row in rows
    ]
    assert sum(plain) / len(plain) == pytest.approx(published, abs=0.001)
    assert within(ran.evaluator(suite, "right")["pass_rate"], published)


@pytest.mark.parametrize("suite", LLMDRIFT)
def test_llmdrift_has_the_published_accuracy(ran: Ran, suite: str) -> None:
    snapshot = "gpt-4-0314" if suite == "llmdrift-march" else "gpt-4-0613"
    rows = [
        row for row in pq.read_table(SUITES / "llmdrift" / "gpt-4.parquet").to_pylist() if row["snapshot"] == snapshot
    ]
    told = [("[Yes]" in row["answer"]) - ("[No]" in row["answer"]) for row in rows]
    right = sum(one == (1 if row["kind"] == "prime" else -1) for one, row in zip(told, rows, strict=True))
    rate = ran.evaluator(suite, "right")["pass_rate"]
    assert rate["value"] == pytest.approx(right / 300)
    assert within(rate, LLMDRIFT[suite])


def test_the_june_snapshot_is_worse_than_its_baseline(ran: Ran) -> None:
    found = ran.summary("llmdrift-june")
    right, cost = found["gates"]
    assert (right["state"], right["fails"], cost["state"]) == ("missed", True, "met")
    assert right["effect"]["value"] == pytest.approx((153 - 247) / 300)
    assert found["baseline"]["shared"] == 300
    assert found["baseline"]["run_id"] == ran.client.runs(suite="llmdrift-march")[0]["run_id"]


def test_the_agent_reached_its_goal_as_often_as_the_benchmark_says(ran: Ran) -> None:
    talks = packed_lines(DATASETS / "taubench-airline" / "conversations.jsonl.gz")
    reached = ran.evaluator("taubench-airline", "goal_reached")["pass_rate"]
    assert reached["value"] == sum(talk["reward"] for talk in talks) / len(talks)
    assert reached["n"] == len({talk["task_id"] for talk in talks})
    (gate,) = (one for one in ran.summary("taubench-airline")["gates"] if one["of"] == "goal_reached")
    assert (gate["state"], gate["fails"]) == ("undecided", False)


def test_the_demo_shows_the_sample_suites(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert Supervisor(settings, demo=True)._environment()["ASSAY_SUITES_DIR"] == str(DATASETS)
    assert "ASSAY_SUITES_DIR" not in Supervisor(settings)._environment()
    own = Supervisor(Settings(data_dir=tmp_path, suites_dir=tmp_path / "own"), demo=True)._environment()
    assert own["ASSAY_SUITES_DIR"] == str(tmp_path / "own")


@pytest.mark.parametrize("folder", sorted(path.parent for path in SUITES.glob("*/README.md")), ids=lambda one: one.name)
def test_each_folder_tells_where_its_data_come_from(folder: Path) -> None:
    told = (folder / "README.md").read_text()
    own = [path for path in folder.iterdir() if path.suffix in {".gz", ".parquet"}]
    if own:
        assert all(f"\n- {what}: " in told for what in ("Origin", "Version", "Licence", "Cut"))
        assert (folder / "LICENSE").is_file()
    assert all(f"`{path.name}`" in told for path in [*own, *folder.glob("*.yaml")])
