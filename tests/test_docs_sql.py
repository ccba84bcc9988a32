"""What docs/sql.md shows works: its commands have their options, its questions are questions, its file is one."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
import yaml

from server.api.sql import Statement
from server.cli import app
from server.dashboards import Content
from store.prompt import check
from store.sqltext import with_times

PAGE = (Path(__file__).parents[1] / "docs/sql.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.+?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^assay (\w+) ([^>\n]+)", SHELL, re.MULTILINE)
(BODY,) = re.findall(r"-d '(\{.+?\})'", SHELL)


@pytest.mark.parametrize(("name", "rest"), COMMANDS)
def test_commands_have_their_options(name: str, rest: str) -> None:
    command, words = typer.main.get_command(app).commands[name], shlex.split(rest)  # type: ignore[attr-defined]  # of a group
    if hasattr(command, "commands"):
        name, command = words[0], command.commands[words.pop(0)]
    command.make_context(name, words)


@pytest.mark.parametrize(
    "question",
    [
        *re.findall(r"```sql\n(.+?)```", PAGE, re.DOTALL),
        *(shlex.split(rest)[-1] for name, rest in COMMANDS if name == "sql"),
        json.loads(BODY)["sql"],
        *re.findall(r'question = \{"sql": "(.+?)"', PAGE),
    ],
)
def test_questions_are_questions(question: str) -> None:
    check(with_times(question))


def test_the_body_and_the_file_are_taken() -> None:
    Statement.model_validate_json(BODY)
    (file,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    boards = [Content.model_validate(one) for one in yaml.safe_load(file)["dashboards"]]
    assert [chart.kind for board in boards for chart in board.charts] == ["line", "number"]
