"""What docs/finding.md shows works: its lines mean something, its fields are there, its commands ask routes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from server.api.app import MODULES
from store.finding import fields
from store.finding.grammar import parse

PAGE = (Path(__file__).parents[1] / "docs/finding.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_line_means_something() -> None:
    lines = [line for block in blocks("text") for line in block.splitlines()]
    assert len(lines) > 5
    assert all(parse(line) for line in lines)


def test_every_field_is_told_and_is_one() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    named = {name.replace("KEY", "").replace("NAME", "") for name in told}
    assert named == set(fields.known(within=False)) - set(fields.FLAGS)


def test_commands_ask_routes_that_there_are_for_lines_that_mean_something() -> None:
    paths = {getattr(route, "path", "") for module in MODULES for route in module.routes.routes}
    commands = [shlex.split(block) for block in blocks("bash")]
    assert len(commands) == 2
    for words in commands:
        (url,) = (word for word in words if word.startswith("http"))
        assert url.partition(":8420")[2] in paths
        (line,) = (word[2:] for word in words if word.startswith("q="))
        assert parse(line)
    assert set(re.findall(r"`(?:GET )?(/api/[a-z/]+)", PAGE)) <= paths
