"""YAML texts that people set: read, and where in them something stands, so that an error can name the line."""

from __future__ import annotations

from typing import Any


def parsed(text: str, origin: str, most_letters: int, refused: type[Exception]) -> Any:
    """What the text holds; null: nothing. Raises `refused`, naming the origin, when it is too long or no YAML."""
    if not text.strip():
        return None
    import yaml  # noqa: PLC0415 - only where a text is read

    if len(text) > most_letters:
        raise refused(f"{origin} has {len(text)} letters; {most_letters} are the most.")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that no calendar has
        raise refused(f"{origin} is no YAML: {error}") from error


def line_in(text: str, path: tuple[str | int, ...]) -> int:
    """The line of the innermost part of a YAML text that a path of keys and places leads to; the first is 1."""
    import yaml  # noqa: PLC0415

    node: Any = yaml.compose(text, yaml.SafeLoader)
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
