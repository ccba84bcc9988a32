"""What docs/monitors.md shows works: its monitors can be set, and its commands are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server import monitor_shell
from server.cli import app
from server.monitors.signals import SIGNALS

PAGE = Path(__file__).parents[1] / "docs" / "monitors.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda one: one.splitlines()[1].strip())
def test_its_monitors_can_be_set(tmp_path: Path, block: str) -> None:
    path = tmp_path / "monitors.yaml"
    path.write_text(block, "utf-8")
    assert monitor_shell.read_monitors(path)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("assay monitor")]


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_are_commands(line: str) -> None:
    words = shlex.split(line)[1:3]
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_every_signal_is_told() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in SIGNALS if f"`{name}`" not in text] == []
