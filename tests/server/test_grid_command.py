"""`assay eval grid`: arms are run one after other, gone on with, compared, bounded by a budget, told to a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import Act, beside

SUITE = """\
suite: answers
dataset: {file: items.jsonl}
target:
  model:
    base_url: URL
    model: small
    stream: false
    price: {input: 1000, output: 1000}
    prompt: "Say: {{ question }}"
evaluators: [{name: contains, options: {texts: [ok]}, pass: {at_least: 1}}]
gates: [{of: contains, measure: mean, at_least: 0.9}]
"""
ITEMS = 12


def act(body: dict[str, Any]) -> Act:
    return Act("ok" if body["model"] == "large" else "no", drop=body["model"] == "gone")


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    with beside(act) as server:
        yield server


@pytest.fixture
def suite(tmp_path: Path, model: Any) -> Path:
    rows = [{"id": str(place), "question": f"Why {place}?"} for place in range(ITEMS)]
    (tmp_path / "items.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    file = tmp_path / "suite.yaml"
    file.write_text(SUITE.replace("URL", model.url))
    return file


def test_arms_are_run_compared_and_not_run_again(
    suite: Path, model: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("eval", "grid", str(suite), "--over", "model=small,large", "--quiet")
    done = command(tmp_path, *words)
    assert done.returncode == 1, done.stderr
    told = done.stdout.splitlines()
    assert told[0] == "answers: model"
    assert any(line.split()[:3] == ["model=small", "failed", "12"] for line in told)
    assert any(line.split()[:3] == ["model=large", "passed", "12"] for line in told)
    assert any(
        line.startswith("contains passes: model=large is 100 points higher than model=small, 100% against 0%")
        for line in told
    ), done.stdout
    assert any(line.startswith("- model=small failed: ") and "contains" in line for line in told), done.stdout
    asked = len(model.requests)
    folders = sorted(one.name for one in (tmp_path / "eval-results" / "answers" / "arms").iterdir() if one.is_dir())
    assert [name.rpartition("-")[0] for name in folders] == ["model=large", "model=small"]
    state = tmp_path / "eval-results" / "answers" / "arms" / folders[0] / "state.json"

    # The large one was cut off: the same command asks for nothing that it was answered, and leaves the other alone.
    state.write_text(json.dumps(json.loads(state.read_text()) | {"ended": False}))
    again = command(tmp_path, *words, "--json")
    found = json.loads(again.stdout)
    assert [(arm["name"], arm["outcome"]) for arm in found["arms"]] == [
        ("model=small", "failed"), ("model=large", "passed"),
    ]  # fmt: skip
    assert len(model.requests) == asked
    assert found["pairs"][0]["difference"] == 1.0
    manifest = json.loads((state.parent / "manifest.json").read_text())
    assert manifest["experiment"] == {
        "id": found["experiment_id"], "name": "answers: model", "varied": {"model": ["small", "large"]},
        "arm": {"model": "large"},
    }  # fmt: skip

    # All have ended: the next time it is another experiment.
    fresh = json.loads(command(tmp_path, *words, "--json").stdout)
    assert fresh["experiment_id"] != found["experiment_id"]
    assert len(model.requests) == 2 * asked


def test_a_budget_is_of_all_arms(suite: Path, command: Callable[..., Any], tmp_path: Path) -> None:
    # An answer costs 0.12 dollars, and an arm 1.44.
    done = command(tmp_path, "eval", "grid", str(suite), "--over", "model=large,b,c", "--budget", "1.4", "--json")
    assert done.returncode == 1
    arms = json.loads(done.stdout)["arms"]
    assert sum(arm["cost_usd"] or 0 for arm in arms) <= 1.4
    assert arms[0]["answers"] == ITEMS
    assert "Arm 1 of 3: model=large" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["suite.yaml", "--over", "modle=a"], "Did you mean 'model'?", id="typo"),
        pytest.param(["suite.yaml", "--over", "prompt=support@2"], "No store in", id="no-store"),
        pytest.param(["suite.yaml", "--over", "dataset.file=none.jsonl"], "none.jsonl is no file", id="no-file"),
        pytest.param([], "one of them", id="nothing"),
        pytest.param(["suite.yaml", "--from", "ab"], "one of them", id="both"),
        pytest.param(["suite.yaml", "--over", "repeats=1,2", "--repeats", "3"], "say one of them", id="repeats-twice"),
        pytest.param(["suite.yaml", "--over", "dataset.sample=1,2", "--sample", "3"], "say one", id="sample-twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_told_before_anything_is_asked(
    suite: Path, model: Any, command: Callable[..., Any], tmp_path: Path, words: list[str], says: str
) -> None:
    asked = len(model.requests)
    done = command(suite.parent, "eval", "grid", *words)
    assert (done.returncode, len(model.requests)) == (2, asked)
    assert says in done.stderr


def test_a_server_is_told_and_a_stored_run_is_run_again_with_one_thing_changed(
    prompted: Any, suite: Path, model: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    url = prompted.note.api_url
    with prompted.client() as client:
        client.set_prompt("grid/support", {"text": "A: {{ question }}"})
        client.set_prompt("grid/support", {"text": "B: {{ question }}"})
    words = ("--over", "prompt=grid/support@1,grid/support", "--over", "model=large", "--sample", "3", "--json", "-q")
    done = command(tmp_path, "eval", "grid", str(suite), *words, api_url=url)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with prompted.client() as client:
        stored = client.experiment(told["experiment_id"])
        assert (stored["source"], stored["name"]) == ("cli", "answers: prompt")
        assert stored["varied"] == {"prompt": ["grid/support@1", "grid/support"], "model": ["large"]}
        assert [arm["name"] for arm in stored["arms"]] == ["prompt=grid/support@1", "prompt=grid/support"]
        second = client.run(told["arms"][1]["run_id"])
        assert second["manifest"]["target"]["prompt"]["version"] == 2
        client.set_prompt("grid/support", {"text": "C: {{ question }}"})

        again = command(tmp_path, "eval", "grid", "--from", second["run_id"], "--over", "temperature=0.5", "--json",
                        "-q", "--out", "again", api_url=url)  # fmt: skip
        assert again.returncode == 0, again.stderr
        (arm,) = json.loads(again.stdout)["arms"]
        assert (arm["name"], arm["items"]) == ("temperature=0.5", 3)
        run = client.run(arm["run_id"])
    assert run["arm"] == {"prompt": "grid/support", "model": "large", "temperature": 0.5}
    assert model.requests[-1]["messages"][-1]["content"].startswith("B: "), "the version that the run had read"
    assert model.requests[-1]["temperature"] == 0.5
    words = ("--from", second["run_id"], "--over", "dataset.sample=1,2", "--json", "-q", "--out", "fewer")
    fewer = command(tmp_path, "eval", "grid", *words, api_url=url)
    assert [arm["items"] for arm in json.loads(fewer.stdout)["arms"]] == [1, 2], "not the sample of the run"
