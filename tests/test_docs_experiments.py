"""What docs/experiments.md shows works: the commands, the order over HTTP, the push in plain Python."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.api.experiments import NewExperiment
from server.cli import app
from server.evals import grid
from server.evals.pushed import MOST_REPEATS, MOST_ROWS, MOST_SCORES, Header, Row

PAGE = Path(__file__).parents[1] / "docs" / "experiments.md"
SUITE = """\
suite: support-answers
dataset: {stored: questions}
target: {model: {model: small, prompt: {stored: support}}}
evaluators: [exact_match]
"""


def text() -> str:
    return PAGE.read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    return [shlex.split(line) for block in blocks("bash") for line in re.findall(r"^assay (.*)$", block, re.MULTILINE)]


def test_commands_have_their_options() -> None:
    assert len(commands()) == 4
    assert [words for words in commands() if CliRunner().invoke(app, [*words, "--help"]).exit_code] == []


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[2])
def test_what_they_vary_can_be_varied(words: list[str]) -> None:
    over = [words[at + 1] for at, word in enumerate(words) if word == "--over"]
    assert grid.arms(SUITE, "suite", grid.read_over(over))


def test_the_order_is_one() -> None:
    (body,) = re.findall(r"-d '(\{.*?\})'$", blocks("bash")[1].strip(), re.DOTALL)
    order = NewExperiment.model_validate(json.loads(body))
    assert len(grid.arms(SUITE, "suite", {key: list(values) for key, values in order.over.items()})) == 4


def test_names_are_those_that_there_are() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", text(), re.MULTILINE))
    assert rows == dict(grid.SHORT)
    assert [key for key in (*Header.model_fields, *Row.model_fields) if not re.search(rf"\b{key}\b", text())] == []
    assert f"{MOST_ROWS:,} rows, {MOST_SCORES} names of scores, {MOST_REPEATS} repeats" in text()
    assert f"{grid.MOST_ARMS} at most" in text()


def test_the_push_is_kept(serve: Callable[[str], Any]) -> None:
    served = serve("docs-experiments")
    held: dict[str, Any] = {}
    exec(blocks("python")[0], held)  # noqa: S102 - the page's own
    made = held["push"](held["header"], held["rows"], served.note.api_url)
    assert (made["rows"], made["suite"]) == (3, "prompts-of-may")
    with served.client() as client:
        run = client.run(made["run_id"])
    assert (run["state"], run["arm"], run["source"]) == ("done", {"variant": "short prompt"}, "pushed")
    assert run["summary"]["failed_answers"] == {"harness_error": 1}
