"""Templates of suites: found, copied, run as they stand, and right in what they leave as a comment."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from evaluators.targets.config import TargetSettings
from server.cli import app
from server.evals.starting import FOLDER, TemplateError, copied, templates
from server.shell import expected

ROOT = Path(__file__).parents[2]
NAMES = ["rag", "safety", "summarisation", "support-agent", "tool-agent"]


def assay(folder: Path, *words: str) -> str:
    with contextlib.chdir(folder):
        done = CliRunner(env={"ASSAY_DATA_DIR": str(folder / "none")}).invoke(app, ["eval", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_they_are_listed(tmp_path: Path) -> None:
    said = assay(tmp_path, "new").splitlines()
    assert [line.split()[0] for line in said[: len(NAMES)]] == NAMES
    assert said[-1] == "Copy one by: assay eval new NAME"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Copies a template, checks and runs it once; where its results stand."""

    @cache
    def run(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        assert f"assay eval run evals/{name}.yaml\n" in assay(folder, "new", name, "--to", "evals")
        assert f"evals/{name}.yaml: " in assay(folder, "check", f"evals/{name}.yaml")
        assay(folder, "run", "--quiet", f"evals/{name}.yaml")
        return folder / "eval-results" / name

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_runs_as_it_stands(results: Callable[[str], Path], name: str) -> None:
    found = json.loads((results(name) / "summary.json").read_text())
    assert (found["outcome"], found["failed_answers"]) == ("passed", {})
    assert 10 <= found["items"] <= 20
    assert [one["name"] for one in found["evaluators"] if one["errors"]] == []
    assert {one["of"] for one in found["gates"]} - {"target"} == {one["name"] for one in found["evaluators"]}


@pytest.mark.parametrize(
    ("name", "evaluator", "item"),
    [("rag", "groundedness", "q12"), ("summarisation", "groundedness", "d10"), ("tool-agent", "goal_reached", "t06")],
)
def test_the_examples_have_a_fault_to_be_seen(
    results: Callable[[str], Path], name: str, evaluator: str, item: str
) -> None:
    """Else a newcomer sees nothing but numbers of 1."""
    rows = [json.loads(line) for line in (results(name) / "results.jsonl").read_text().splitlines()]
    assert [row["item"] for row in rows if row["verdicts"][evaluator]["passed"] is False] == [item]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    suite = copied("rag", tmp_path)[0]
    suite.write_text("mine")
    with pytest.raises(
        TemplateError, match=r"rag\.yaml is there already, and is left as it is\. Name another folder by --to"
    ):
        copied("rag", tmp_path)
    assert suite.read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(TemplateError, match="file cannot be written"):
        copied("rag", tmp_path / "file")


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(app, ["eval", "new", "support"])
    assert done.exception is not None
    told = expected(done.exception)
    assert told is not None
    assert "No template is named 'support'. Did you mean 'support-agent'? There are: rag, " in told[0]
    assert told[1] == 2


@pytest.mark.parametrize("name", NAMES)
def test_targets_in_comments_are_targets(name: str) -> None:
    """Each is what a newcomer uncomments: the text between `# http:` and the next one that begins so."""
    text = (FOLDER / f"{name}.yaml").read_text()
    commented = [
        line.removeprefix("  # ") for line in text[text.index("target:") :].split("\n\n")[0].splitlines()
        if line.startswith("  # ")
    ]  # fmt: skip
    starts = [at for at, line in enumerate(commented) if re.match(r"(http|model|command|python): ?(\{.*)?$", line)]
    ways = set()
    for at in starts:
        lines = [commented[at]]
        for line in commented[at + 1 :]:
            if not line.startswith("  "):
                break
            lines.append(line)
        told = yaml.safe_load("\n".join(lines))
        TargetSettings.model_validate(told)
        ways |= told.keys()
    assert {"http", "command"} <= ways
    assert ways & {"model", "python"}


@pytest.mark.parametrize("name", NAMES)
def test_gates_explain_themselves(name: str) -> None:
    """On top of each stands a comment."""
    _, gates = (FOLDER / f"{name}.yaml").read_text().split("\ngates:\n")
    lines = gates.splitlines()
    bare = [at for at, line in enumerate(lines) if line.startswith("  - ") and not lines[at - 1].startswith("  #")]
    assert bare == []


def test_an_installed_package_has_them() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["server"]
    needed = [file for one in templates() for file in one.files]
    needed += list((ROOT / "server" / "evals" / "report" / "templates").iterdir())
    told = [file.relative_to(ROOT / "server").as_posix() for file in needed]
    assert len(told) >= 12
    assert [one for one in told if not any(fnmatch(one, pattern) for pattern in patterns)] == []
