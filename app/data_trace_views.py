"""Doors of views of Traces that are kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import data


def views() -> list[dict[str, Any]]:
    """The project's views, by name."""
    return data.client().trace_views()


def put(name: str, view: Mapping[str, Any]) -> dict[str, Any]:
    """Set a view; raises ApiError when it was changed meanwhile."""
    return data.client().set_trace_view(name, view)


def delete(name: str, upon: int) -> None:
    """Take a view away."""
    data.client().delete_trace_view(name, upon)
