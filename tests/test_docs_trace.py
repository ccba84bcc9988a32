"""What docs/trace.md names is there: routes, keys of the waterfall, evaluators."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import component
from evaluators.registry import available
from server.api.app import MODULES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "trace.md").read_text("utf-8")
ROUTES = {route.path for module in MODULES for route in module.routes.routes}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"/api/[\w/{}]+", PAGE))))
def test_routes_are_there(path: str) -> None:
    assert path in ROUTES


@pytest.mark.parametrize("key", re.findall(r"`([a-z/])`", PAGE))
def test_keys_are_those_of_the_waterfall(key: str) -> None:
    script = component.script("waterfall", ("folds",))
    assert re.search(rf'"{re.escape(key)}"|\b{re.escape(key)}: -?1', script)


def test_evaluators_are_installed() -> None:
    assert {"repeated_steps", "loops"} <= set(available())
