"""What docs/labelling-filling.md shows works: its commands have their options and sources, its feeds can look."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
import typer.main
import yaml

from server.cli import app
from server.labelling import feeds
from server.labelling.terms import Terms
from server.labelling.wishes import ORIGINS, Method

PAGE = (Path(__file__).parents[1] / "docs/labelling-filling.md").read_text(encoding="utf-8")
COMMANDS = [line.partition(" #")[0] for line in re.findall(r"^assay queue (.+)$", PAGE, re.MULTILINE)]


def test_every_source_and_method_is_told() -> None:
    assert [name for name in (*ORIGINS, *get_args(Method)) if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_their_options(command: str) -> None:
    name, *words = shlex.split(command)
    queue = typer.main.get_command(app).commands["queue"]  # type: ignore[attr-defined]  # of a group
    queue.commands[name].make_context(name, words)


def test_the_feeds_can_look() -> None:
    (text,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    told = [one | {"name": None} for one in yaml.safe_load(text)["queues"]]
    terms = [Terms.model_validate({key: value for key, value in one.items() if key != "name"}) for one in told]
    assert [feeds.fault(feed) for one in terms for feed in one.feeds] == [None, None]
