"""What a queue's form works on: where it begins, and what the API takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Terms = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
CHOOSING = ("binary", "categorical", "ordinal", "spans")
_RIGHT = {"name": "correct", "kind": "binary", "title": "Is the answer right?", "choices": ["yes", "no"]}
STARTS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "right or wrong": (_RIGHT,),
    "a scale": (
        {
            "name": "quality", "kind": "ordinal", "title": "How good is the answer?",
            "choices": ["bad", "poor", "fair", "good", "very good"], "better": "higher",
        },
    ),
    "which is better": ({"name": "better", "kind": "preference", "title": "Which answer is better?"},),
    "mark what is wrong": (
        {"name": "correct", "kind": "binary", "title": "Is all of it right?", "choices": ["yes", "no"]},
        {
            "name": "wrong", "kind": "spans", "title": "Mark what is not.", "choices": ["wrong fact", "not asked for"],
            "required": False,
        },
    ),
    "write it better": (
        {"name": "correct", "kind": "binary", "title": "Is the answer right?", "choices": ["yes", "no"]},
        {"name": "better_answer", "kind": "correction", "title": "How should it be?", "required": False},
    ),
}  # fmt: skip
"""Forms to begin with, by what they ask."""
_NEW: Terms = {
    "description": "", "guidelines": "", "examples": [], "labels": 1, "blind": True, "gold_share": 0.1,
    "labellers": [], "lease_minutes": 15.0, "order": "priority", "priority": 0, "deadline": None, "feeds": [],
}  # fmt: skip


def begun(start: str) -> Terms:
    """Terms of a new queue."""
    return {**_NEW, "fields": [whole(one) for one in STARTS[start]]}


def whole(field: Mapping[str, Any]) -> dict[str, Any]:
    """A field with all that the form shows."""
    choices = [one if isinstance(one, Mapping) else {"value": one} for one in field.get("choices", ())]
    usual: dict[str, Any] = {"title": None, "help": None, "required": True, "several": False,
             "low": None, "high": None, "ties": True,
             "better": None, "judges": []}  # fmt: skip
    return {**usual, **field, "choices": [{"title": None, "help": None, "number": None, **one} for one in choices]}


def lines(choices: Sequence[Mapping[str, Any]]) -> str:
    """Choices as they are typed, one a line: `value`, `value = 2`, `value | as it is shown`."""
    told = []
    for one in choices:
        number = "" if one.get("number") is None else f" = {one['number']:g}"
        title = f" | {one['title']}" if one.get("title") else ""
        told.append(f"{one['value']}{number}{title}")
    return "\n".join(told)


_LINE = re.compile(r"(?P<value>.*?)(?:\s=\s*(?P<number>[-+]?[\d.]+(?:e[-+]?\d+)?))?(?:\s\|\s(?P<title>.+))?")


def choices(text: str, known: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Choices of lines; what cannot be typed (a choice's help) stays as `known` has it."""
    helps = {one["value"]: one.get("help") for one in known}
    found = []
    for line in text.splitlines():
        told = _LINE.fullmatch(line.strip())
        if told is None or not told["value"]:
            continue
        value, number = told["value"].strip(), told["number"]
        if number is not None:
            try:
                parsed: float | None = float(number)
            except ValueError:
                value, parsed = line.strip(), None
        else:
            parsed = None
        found.append({"value": value, "number": parsed, "title": told["title"], "help": helps.get(value)})
    return found


def field(told: Mapping[str, Any]) -> dict[str, Any]:
    """A field as the API takes it: without what its kind does not have."""
    kind = told["kind"]
    kept: dict[str, Any] = {
        "name": told["name"], "kind": kind, "title": told["title"] or None, "help": told["help"] or None,
        "required": told["required"], "judges": list(told["judges"]),
    }  # fmt: skip
    if kind in CHOOSING:
        kept["choices"] = told["choices"]
    if kind == "categorical":
        kept["several"] = told["several"]
    if kind == "numeric":
        kept |= {"low": told["low"], "high": told["high"]}
    if kind in {"preference", "ranking"}:
        kept["ties"] = told["ties"]
    if kind in {"binary", "ordinal", "numeric"}:
        kept["better"] = told["better"]
    return kept


def filter_lines(told: Mapping[str, Any]) -> str:
    """A filter as it is typed: `service = shop`, a line each."""
    return "\n".join(f"{name} = {value}" for name, value in told.items())


def filters(text: str) -> dict[str, Any]:
    """A filter of lines `name = value`; numbers and true or false are read as such.

    Raises:
        ValueError: a line without an equals sign.
    """
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not name:
            raise ValueError(f"{line.strip()!r} is no filter. Write it as service = shop, one a line.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        return text
