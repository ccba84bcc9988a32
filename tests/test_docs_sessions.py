"""What docs/sessions.md shows works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from server.api.app import MODULES

PAGE = Path(__file__).parents[1] / "docs" / "sessions.md"


def test_its_program_runs(chatted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    held: dict[str, Any] = {}
    exec(program.replace("http://127.0.0.1:8420", chatted.note.api_url), held)  # noqa: S102 - the page's own
    held["client"].close()
    said = capsys.readouterr().out
    assert "Where is my order?" in said
    assert "'alike':" in said


def test_its_routes_exist() -> None:
    named = set(re.findall(r"`GET (/api/[\w/]+)`", PAGE.read_text("utf-8")))
    known = {route.path for module in MODULES for route in module.routes.routes if isinstance(route, APIRoute)}
    assert named
    assert named <= known
