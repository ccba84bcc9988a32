"""What the documentation shows works: suites are suites, commands have their options, workflows pass their linters."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from evaluators.suites.suite import Dataset, Gate, Pass, Suite, Traces, Use
from evaluators.targets.config import (
    WAYS,
    CommandSettings,
    HttpSettings,
    ModelSettings,
    PythonSettings,
    TargetSettings,
)  # fmt: skip
from server.cli import app
from server.monitor_shell import read_monitors
from server.queue_shell import read_queues
from server.rule_shell import read_rules

DOCS = Path(__file__).parents[1] / "docs"
SUITES, CI = (DOCS / name for name in ("suites.md", "ci.md"))
GITHUB, GITLAB = (DOCS / "examples" / name for name in ("assay-eval.yml", "assay-eval.gitlab-ci.yml"))
LINT = {
    GITHUB: ("--builtin-schema", "vendor.github-workflows"),
    GITLAB: ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}
PARTS = (Suite, Dataset, Traces, Use, Pass, Gate, HttpSettings, ModelSettings, CommandSettings, PythonSettings)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def lint(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", *words, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", LINT, ids=lambda one: one.name)
def test_workflows_are_those_of_their_hosts(file: Path) -> None:
    done = lint(file, *LINT[file])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(GITHUB, "runs-on:", "run-on:", id="key"),
        pytest.param(GITHUB, "    branches: [main]", "    branch: main", id="trigger"),
        pytest.param(GITHUB, "checks: write", "checks: all", id="permission"),
        pytest.param(GITLAB, "when: always", "when: ever", id="gitlab"),
    ],
)
def test_the_linter_finds_what_it_looks_for(tmp_path: Path, file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    wrong = tmp_path / file.name
    wrong.write_text(text.replace(old, new, 1))
    assert lint(wrong, *LINT[file]).returncode == 1


def scripts(file: Path) -> list[str]:
    told: Any = yaml.safe_load(file.read_text())
    if file == GITHUB:
        return [step["run"] for step in told["jobs"]["evals"]["steps"] if "run" in step]
    return [str(line) for line in told["evals"]["script"]]


@pytest.mark.parametrize("file", LINT, ids=lambda one: one.name)
def test_their_scripts_are_scripts(file: Path) -> None:
    found = scripts(file)
    assert any("assay eval run" in script for script in found)
    for script in found:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_page_shows_the_examples_as_they_are() -> None:
    assert blocks(CI, "yaml") == [GITHUB.read_text(), GITLAB.read_text()]


def test_the_suites_run_step_fails_when_a_suite_does(tmp_path: Path) -> None:
    """The script of the workflow, with a stand-in for `assay` that fails for one suite of two."""
    (script,) = (one for one in scripts(GITHUB) if "assay eval run" in one)
    for name in ("evals/good.yaml", "evals/bad.yaml", "baseline/good/manifest.json", "bin/assay"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('#!/bin/sh\necho "$@" >> said\ncase "$3" in *bad*) exit 1;; esac\n')
    (tmp_path / "bin/assay").chmod(0o755)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]  # as GitHub starts it
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    assert subprocess.run(command, cwd=tmp_path, env={"PATH": path}, check=False).returncode == 1
    assert (tmp_path / "said").read_text().splitlines() == [
        "eval run evals/bad.yaml --out eval-results/bad --no-store --quiet --no-baseline",
        "eval run evals/good.yaml --out eval-results/good --no-store --quiet --baseline baseline/good",
    ]
    (tmp_path / "evals/bad.yaml").unlink()
    assert subprocess.run(command, cwd=tmp_path, env={"PATH": path}, check=False).returncode == 0


def commands() -> Iterator[list[str]]:
    """Every command line of ours in the pages and examples."""
    texts = [text for page in (SUITES, CI) for text in blocks(page, "bash")] + [
        script for file in LINT for script in scripts(file)
    ]
    for text in texts:
        for line in re.findall(r"^\s*assay (.*)$", text.replace("\\\n", " "), re.MULTILINE):
            yield shlex.split(re.split(r"\|\||&&", line)[0], comments=True)


def is_known(words: list[str]) -> bool:
    """Whether there is such a command with such options: with --help they are read and not carried out."""
    return CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_commands_have_their_options() -> None:
    found = list(commands())
    assert len(found) >= 9
    assert [words for words in found if not is_known(words)] == []
    assert not is_known(["eval", "run", "a.yaml", "--bseline", "b"])
    assert not is_known(["eval", "rnu", "a.yaml"])


def test_suites_and_parts_of_them_are_right() -> None:
    whole, *parts = (yaml.safe_load(text) for text in blocks(SUITES, "yaml"))
    Suite.model_validate(whole)
    ways = set()
    for part in parts:
        (key,) = part
        if key == "target":
            ways |= {way for way in WAYS if getattr(TargetSettings.model_validate(part[key]), way) is not None}
        else:
            Suite.model_validate({**whole, **part})
    assert ways == {"http", "model", "command", "python"}


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one.__name__)
def test_every_key_of_a_suite_is_told(part: Any) -> None:
    page = SUITES.read_text()
    keys = [field.alias or name for name, field in part.model_fields.items()]
    assert [key for key in keys if not re.search(rf"\b{key}\b", page)] == []


@pytest.mark.parametrize("page", [SUITES, CI], ids=lambda one: one.name)
def test_files_that_are_linked_exist(page: Path) -> None:
    linked = re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text())
    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_what_the_page_on_labelling_sets_is_read(tmp_path: Path) -> None:
    (text,) = blocks(DOCS / "labelling.md", "yaml")
    file = tmp_path / "queues.yaml"
    file.write_text(text)
    (found,) = read_queues(file)
    assert [one["name"] for one in found.terms["fields"]] == ["correct", "quality", "faults"]


@pytest.mark.parametrize("read", [pytest.param(read_queues, id="queues"), pytest.param(read_monitors, id="monitors"),
                                  pytest.param(read_rules, id="rules")])  # fmt: skip
def test_what_the_readme_sets_is_read(tmp_path: Path, request: pytest.FixtureRequest, read: Any) -> None:
    kind = request.node.callspec.id
    (text,) = (one for one in blocks(DOCS.parent / "README.md", "yaml") if one.startswith(f"{kind}:"))
    file = tmp_path / "told.yaml"
    file.write_text(text)
    assert read(file)
