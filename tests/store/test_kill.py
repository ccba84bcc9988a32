"""SIGKILL at random moments: the short form of `benchmarks/kill.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL = Path(__file__).parents[2] / "benchmarks" / "kill.py"


def test_no_kill_loses_halves_or_doubles_a_request(tmp_path: Path) -> None:
    command = [sys.executable, str(KILL), "--rounds", "4", "--longest", "1.2", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["acknowledged"] > 0
    assert (found["lost"], found["half"], found["doubled"], found["ledger_balanced"]) == (0, 0, 0, True)
