"""Lists in YAML documents that people write: each entry checked, and each fault told with its line and key."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evaluators.errors import EvaluatorError

LineOf = Callable[[tuple[str | int, ...]], int]
"""Finds the line of a part of a document, by the keys and places that lead to it."""

_SHOWN = 120  # letters of a value that is refused


class DocumentError(EvaluatorError):
    """A document that cannot be used as it is."""


Entry = TypeVar("Entry", bound=BaseModel)


def entries(document: Any, key: str, kind: type[Entry], origin: str, line_of: LineOf | None) -> list[Entry]:
    """The entries of `{key: [...]}`, each of the kind and with a name of its own.

    Raises:
        DocumentError: it is not of that form; names origin, line, key, value and rule.
    """
    told = document.get(key) if isinstance(document, dict) else None
    if not isinstance(told, list):
        raise DocumentError(f"{origin} needs a list called {key!r} at its top.")
    found: dict[str, Entry] = {}
    for place, entry in enumerate(told):
        read = _entry(entry, (key, place), kind, origin, line_of)
        name = str(getattr(read, "name", place))
        if name in found:
            raise DocumentError(f"{_at(origin, (key, place, 'name'), line_of)}: name: {name!r} stands there twice.")
        found[name] = read
    return list(found.values())


def _entry(told: Any, path: tuple[str, int], kind: type[Entry], origin: str, line_of: LineOf | None) -> Entry:
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        faults = error.errors()
        first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # a typo, not a lack
        steps = tuple(part for part in first["loc"] if isinstance(part, str | int))
        key = ".".join(map(str, steps)) or "the entry"
        at = _at(origin, (*path, *steps), line_of)
        raise DocumentError(f"{at}, entry {path[1] + 1}: {key}: {_rule(first, kind)}; got {_got(first)}.") from error


def _at(origin: str, path: tuple[str | int, ...], line_of: LineOf | None) -> str:
    return origin if line_of is None else f"{origin}, line {line_of(path)}"


def _rule(fault: Any, kind: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        close = get_close_matches(str(fault["loc"][-1]), kind.model_fields, n=1)
        return "there is no such key" + (f"; did you mean {close[0]!r}?" if close else "")
    return str(fault["msg"]).removeprefix("Value error, ")


def _got(fault: Any) -> str:
    got = repr(fault["input"])
    return got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
