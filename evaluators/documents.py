"""YAML documents that people write: checked against a model, and each fault told with its line and key."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

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


def document(told: Any, kind: type[Entry], origin: str, line_of: LineOf | None) -> Entry:
    """The whole document as the model has it.

    Raises:
        DocumentError: it is not of that form; names origin, line, key, value, rule and the nearest key.
    """
    if not isinstance(told, dict):
        raise DocumentError(
            f"{origin} needs keys such as {next(iter(_keys(kind)))!r} at its top; it holds {_got(told)}."
        )
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        steps, key, what = _fault(error, kind)
        raise DocumentError(f"{_at(origin, steps, line_of)}: {key or 'the document'}: {what}.") from error


def _entry(told: Any, path: tuple[str, int], kind: type[Entry], origin: str, line_of: LineOf | None) -> Entry:
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        steps, key, what = _fault(error, kind)
        at = _at(origin, (*path, *steps), line_of)
        raise DocumentError(f"{at}, entry {path[1] + 1}: {key or 'the entry'}: {what}.") from error


def _at(origin: str, path: tuple[str | int, ...], line_of: LineOf | None) -> str:
    return origin if line_of is None else f"{origin}, line {line_of(path)}"


def _fault(error: ValidationError, kind: type[BaseModel]) -> tuple[tuple[str | int, ...], str, str]:
    """The steps to what is wrong, its key, and the rule that it breaks with the value."""
    faults = error.errors()
    first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])  # a typo, not a lack
    steps = tuple(part for part in first["loc"] if isinstance(part, str | int))
    rule = _rule(first, steps, kind)
    if first["type"] == "value_error" and isinstance(first["input"], dict):
        return steps, ".".join(map(str, steps)), rule  # of several keys at once: it names their values itself
    return steps, ".".join(map(str, steps)), f"{rule}; got {_got(first['input'])}"


def _rule(fault: Any, steps: tuple[str | int, ...], kind: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        close = get_close_matches(str(steps[-1]), _keys_at(kind, steps[:-1]), n=1)
        return "there is no such key" + (f"; did you mean {close[0]!r}?" if close else "")
    return str(fault["msg"]).removeprefix("Value error, ")


def _keys_at(kind: type[BaseModel], steps: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand where the steps lead; places in lists are no step of a model."""
    models = [kind]
    for step in steps:
        inner = [_models(field.annotation) for one in models for name, field in _fields(one) if name == step]
        models = [model for found in inner for model in found] or models
    return [key for one in models for key in _keys(one)]


def _fields(kind: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(field.alias or name, field) for name, field in kind.model_fields.items()]


def _keys(kind: type[BaseModel]) -> list[str]:
    return [name for name, _ in _fields(kind)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models within a type, such as `tuple[Use, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _got(value: Any) -> str:
    got = repr(value)
    return got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
