"""What a queue's form works on: where it begins, and what the API takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Terms = dict[str, Any]

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
SCALED = ("binary", "categorical", "ordinal", "numeric")  # of which a higher number may be better
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
    return "\n".join(_line(one) for one in choices)


def _line(one: Mapping[str, Any]) -> str:
    number = "" if one.get("number") is None else f" = {_digits(one['number'])}"
    title = f" | {one['title']}" if one.get("title") else ""
    return f"{one['value']}{number}{title}"


def _digits(number: float) -> str:
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


_LINE = re.compile(r"(?P<value>.*?)(?:\s=\s*(?P<number>[-+]?[\d.]+(?:e[-+]?\d+)?))?(?:\s\|\s(?P<title>.+))?")


def choices(text: str, known: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Choices of lines; of one that `known` has they are as there, and its help stays when more is typed."""
    as_known = {_line(one): {"number": None, "title": None, "help": None, **one} for one in known}
    helps = {one["value"]: one.get("help") for one in known}
    found = []
    for line in (one.strip() for one in text.splitlines()):
        if line in as_known:
            found.append(as_known[line])
        elif (told := _LINE.fullmatch(line)) is not None and told["value"]:
            value, number = _read(line, told)
            found.append({"value": value, "number": number, "title": told["title"], "help": helps.get(value)})
    return found


def _read(line: str, told: re.Match[str]) -> tuple[str, float | None]:
    if told["number"] is None:
        return told["value"].strip(), None
    try:
        return told["value"].strip(), float(told["number"])
    except ValueError:  # such as 1.2.3
        return line, None


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
    if kind in SCALED:
        kept["better"] = told["better"]
    return kept


def told_lines(told: Mapping[str, Any]) -> str:
    """What is told by name, as it is typed: `service = shop`, a line each; what is no plain text is JSON."""
    return "\n".join(f"{name} = {_written(value)}" for name, value in told.items())


def _written(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() == value and "\n" not in value else json.dumps(value)


def of_lines(text: str, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What lines `name = value` tell: text, or JSON where they begin as lists, objects and quoted text do.

    A line that nobody touched says what `known` has there.

    Raises:
        ValueError: a line without an equals sign.
    """
    as_known = {f"{name} = {_written(value)}": (name, value) for name, value in (known or {}).items()}
    found: dict[str, Any] = {}
    for line in (one.strip() for one in text.splitlines() if one.strip()):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not name:
            raise ValueError(f"{line!r} lacks an equals sign. Write it as service = shop, one a line.")
        kept = as_known.get(line)
        found[name if kept is None else kept[0]] = _value(value) if kept is None else kept[1]
    return found


def _value(text: str) -> Any:
    if text[:1] not in {"[", "{", '"'}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
