"""What docs/training-data.md shows is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from server.cli import app
from server.training.formats import FORMATS

PAGE = (Path(__file__).parents[1] / "docs" / "training-data.md").read_text()
LINES = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


@pytest.mark.parametrize("line", LINES, ids=lambda one: " ".join(one.split()[2:4]))
def test_a_command_has_its_options(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0])
    assert words[:2] == ["assay", "training-data"]
    told = CliRunner().invoke(app, [*words[1:3], "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    command = get_command(app).commands["training-data"].commands[words[2]]  # type: ignore[attr-defined]  # of a group
    known = {name for one in command.params for name in one.opts}
    assert {word for word in words[3:] if word.startswith("-")} <= known


def test_every_format_is_told_with_its_columns() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (`.*?`) \|", PAGE, re.MULTILINE))
    assert set(rows) >= set(FORMATS)
    for name, one in FORMATS.items():
        assert set(one.columns) <= set(re.findall(r"`(\w+)`", rows[name]))
