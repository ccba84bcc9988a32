"""Where in a YAML text something stands, so that an error can name the line."""

from __future__ import annotations

from typing import Any


def line_of(node: Any, path: tuple[str | int, ...]) -> int:
    """The line of the innermost part of a document that a path of keys and places leads to; the first is 1."""
    for step in path:
        below = _below(node, step)
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1


def _below(node: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return node.value[step] if node.id == "sequence" and step < len(node.value) else None
    if node.id != "mapping":
        return None
    return next((value for key, value in node.value if key.value == step), None)
