"""What docs/imports.md shows is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from collectors.importers.calls import FIELDS
from collectors.importers.pieces import FORMATS
from server.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "imports.md").read_text("utf-8")
LINES = [
    line for block in re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_can_be_parsed(line: str) -> None:
    words = shlex.split(line)
    assert words[:2] == ["assay", "import"]
    command = get_command(app).commands["import"]  # type: ignore[attr-defined]  # of a group
    told = command.make_context("import", words[2:])
    assert told.params["files"] or told.params["listed"]


def test_every_format_and_field_is_told() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(FORMATS)
    told = re.search(r"^Fields: (.*?)\.$", PAGE, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert re.findall(r"`([\w.]+)`", told[1]) == [*FIELDS, "score.NAME"]
