"""Waits for what others do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

WAIT_S = 90.0


def until(condition: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """What the condition gives once it holds; a busy machine takes long."""
    end = time.monotonic() + wait_s
    while not (found := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {wait_s:g} s")
        time.sleep(0.05)
    return found
