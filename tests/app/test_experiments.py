"""Experiments on their pages, over a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_runs
import pytest
from streamlit.testing.v1 import AppTest

from app import experiment, experiments, run_manifest, runs

Open = Callable[..., AppTest]
Listed = Callable[..., list[dict[str, str]]]
SUITE = """\
suite: asked
dataset: {file: items.jsonl}
target: {model: {base_url: http://127.0.0.1:9/v1, model: small}}
evaluators: [exact_match]
"""
HOSTILE = "<img src=x onerror=alert(1)> [x](http://a)"


@pytest.fixture(scope="module")
def told(serve: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two pushed runs, one experiment of twelve arms that waits, and one of which an arm could not be run."""
    folder: Path = tmp_path_factory.mktemp("suites")
    (folder / "items.jsonl").write_text("\n".join(made_runs.items(4)))
    (folder / "asked.yaml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SUITES_DIR", str(folder))
        served = serve("experiments-pages")
    with served.client() as client:
        for variant, passed in (("A", False), (HOSTILE, True)):
            row = {"item": "1", "scores": {"exact": passed, "tone": 0.5}, "latency_ms": 90}
            lines = ({"experiment": "Nightly", "variant": variant, "harness": "ours"}, row)
            served.pushed = client.push_run("\n".join(map(json.dumps, lines)).encode())
        over = {"model": ["a", "b", "c"], "temperature": [0, 0.3, 0.7, 1]}
        served.twelve = client.order_experiment({"suite": "asked", "over": over, "budget_usd": 2})["experiment_id"]
        manifest = made_runs.manifest(suite="broken", experiment={"id": "cd" * 16, "name": "Broken", "arm": {"x": 1}})
        client.begin_run(
            {"run_id": manifest["run_id"], "suite": "broken", "manifest": manifest, "document": "suite: x"}
        )
        client.end_run(manifest["run_id"], None, None, "line 6: No evaluator is named 'exactmatch'.")
        client.add_project("empty")
    return served


def words(page: AppTest) -> str:
    parts = (*page.title, *page.subheader, *page.markdown, *page.caption, *page.text, *page.error, *page.info,
             *page.success)  # fmt: skip
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("\u2060", "")


def test_experiments_are_listed_with_how_far_they_are(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "experiments")
    assert not shown.exception
    assert "3 experiments of 15 runs: 1 not over yet." in words(shown)
    rows = {row["Experiment"]: row for row in listed(shown)}
    assert rows["Nightly"]["Runs"] == "2: 2 passed"
    assert (rows["Broken"]["State"], rows["Broken"]["Runs"]) == ("ended", "1: 1 could not run")
    assert rows["asked: model x temperature"]["Runs"] == "12: 12 waiting"
    assert told.twelve in rows["asked: model x temperature"]["href"]


@pytest.mark.parametrize(
    ("which", "says"),
    [
        pytest.param("pushed", ["Of 2 arms: 2 passed.", "pushed by another harness"], id="pushed"),
        pytest.param("twelve", ["Of 12 arms: 12 waiting.", "0 of 12 arms over", "budget of all runs $2",
                                "Compare takes 10 runs at once"], id="twelve"),
        pytest.param("broken", ["Of 1 arm: 1 could not run.", "No evaluator is named 'exactmatch'."], id="error"),
        pytest.param("unknown", ["There is none of the id", "An experiment would be here."], id="unknown"),
    ],
)  # fmt: skip
def test_one_experiment(page: Open, told: Any, listed: Listed, which: str, says: list[str]) -> None:
    ids = {"pushed": told.pushed["experiment_id"], "twelve": told.twelve, "broken": "cd" * 16, "unknown": "0" * 32}
    shown = page(told.note.api_url, "experiments", experiment=ids[which])
    assert not shown.exception
    progress = " ".join(part.proto.text for part in shown.get("progress"))
    assert [one for one in says if one not in words(shown) + progress] == []
    if which == "pushed":
        rows = listed(shown)
        assert [row["exact"] for row in rows] == ["0 %", "100 %"]
        assert rows[1]["Arm"].startswith(f"variant={HOSTILE[:20]}")


def test_without_any_it_says_how_one_is_made(page: Open, told: Any) -> None:
    shown = page(told.note.api_url, "experiments", project="empty")
    assert not shown.exception
    assert "None was ordered yet." in words(shown)


def test_an_arm_on_the_pages_of_runs(page: Open, told: Any, listed: Listed) -> None:
    shown = page(told.note.api_url, "runs", run=told.pushed["run_id"])
    assert not shown.exception
    assert "pushed by another harness" in words(shown)
    assert "Arm variant=" in words(shown)
    assert "Run again" not in [button.label for button in shown.button], "it keeps no suite"
    rows = listed(page(told.note.api_url, "runs"))
    assert any(row["Suite"] == "asked: model=c, temperature=0.7" for row in rows)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(None, "—", id="none"),
        pytest.param({"measure": "mean", "value": None, "low": None, "high": None}, "—", id="unknown"),
        pytest.param({"measure": "pass_rate", "value": 0.5, "low": 0.2, "high": 0.8}, "50 % (20 to 80)", id="share"),
        pytest.param({"measure": "mean", "value": 3.25, "low": None, "high": None}, "3.25", id="no-interval"),
    ],
)
def test_a_value_is_told_with_its_interval(told: Any, said: str) -> None:
    assert experiment.value(told) == said


LOST = {"failing": [], "sentence": "20 of 20 answers failed (20 timeout)."}


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        pytest.param({"fault": "No file.", "outcome": None, "brief": None}, ("could not be run", "No file."), id="not"),
        pytest.param({"fault": None, "outcome": "failed", "brief": LOST}, ("failed", LOST["sentence"]), id="answers"),
        pytest.param({"fault": None, "outcome": "failed", "brief": {"failing": ["exact"]}}, None, id="a-gate"),
        pytest.param({"fault": None, "outcome": "passed", "brief": LOST}, None, id="passed"),
        pytest.param({"fault": None, "outcome": None, "brief": None}, None, id="waiting"),
    ],
)  # fmt: skip
def test_why_an_arm_failed(arm: Any, said: Any) -> None:
    assert experiment.fault(arm) == said


def test_words() -> None:
    assert runs.arm_words({"parameters.stop": "x", "prompt": {"stored": "a"}}) == 'stop=x, prompt={"stored": "a"}'
    one = {"cost_usd": 1.5, "cost_unknown": 1, "answers_done": 3, "answers_total": 6, "counts": {}, "arms": []}
    assert (experiments.cost(one), experiments.answers(one), experiments.counts(one)) == ("≥ $1.50", "3 / 6", "0")
    manifest = made_runs.manifest(target={"kind": "pushed", "ruler": "unknown", "pinned": False}, harness="ours")
    manifest["dataset"]["file"] = None
    facts = run_manifest.facts(manifest)
    assert (facts["Harness"], facts["Dataset"]) == ("ours", "not told, 8 items")
