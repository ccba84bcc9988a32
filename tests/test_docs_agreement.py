"""What docs/agreement.md shows works: its commands have their options, and its tables name what is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import shell

from analytics.agreement import COEFFICIENTS
from server.calibration.estimates import METHODS

PAGE = (Path(__file__).parents[1] / "docs/agreement.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^assay (.+)$", PAGE, re.MULTILINE)


def test_every_coefficient_and_method_is_told() -> None:
    assert [name for name in (*COEFFICIENTS, *METHODS) if f"| `{name}` |" not in PAGE] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(tmp_path: Path, command: str) -> None:
    grades = ["low", "mid", "high"]
    labels = [
        f"{at},{who},{grades[(at + (who == 'bob') * (at % 4 == 0)) % 3]},law,mid"
        for at in range(30)
        for who in ("ann", "bob")
    ]
    (tmp_path / "labels.csv").write_text("item,labeller,label,topic,truth\n" + "\n".join(labels))
    pairs = [
        f"{at},{at % 7 / 6},{['yes', 'no', ''][at % 3]},law,{100 + at},{'ab'[at % 2]},{'mn'[at % 2]}"
        for at in range(60)
    ]
    (tmp_path / "pairs.csv").write_text("item,judge,human,topic,chars,place,model\n" + "\n".join(pairs))
    done = shell.run(tmp_path, tuple(shlex.split(command)), {}, None)
    assert done.returncode == 0, done.stderr
