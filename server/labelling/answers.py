"""Answers of a form: whether they fit its fields, and the number that each is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from server.labelling.content import Content
from server.labelling.terms import TIE, Asked

LONGEST_TEXT = 100_000  # characters
MOST_MARKS = 500


class AnswerError(Exception):
    """An answer that a field does not take."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        self.field, self.value, self.rule = field, value, rule
        shown = repr(value)
        super().__init__(f"Field {field!r} has {shown if len(shown) <= 80 else shown[:79] + '…'}: {rule}.")


def checked(
    fields: Sequence[Asked], answers: Mapping[str, Any], sides: Sequence[str] = ("a",), *, whole: bool = True
) -> dict[str, Any]:
    """Answers that fit, in the order of the fields; those that say nothing (null, empty) are left out.

    Args:
        fields: of the form.
        answers: by field.
        sides: keys of what is shown.
        whole: whether required fields must be answered; false of a draft and of right answers.

    Raises:
        AnswerError: a field is unknown, unanswered or answered otherwise than its kind is.
    """
    names = [one.name for one in fields]
    for name, value in answers.items():
        if name not in names:
            raise AnswerError(name, value, f"the queue has no such field; it has {', '.join(names)}")
    found: dict[str, Any] = {}
    for field in fields:
        value = answers.get(field.name)
        if value is None or value == "" or (value == [] and field.kind != "spans" and not field.several):
            if whole and field.required:
                raise AnswerError(field.name, value, "it is required; answer it, or skip the item")
            continue
        found[field.name] = _fits(field, value, sides)
    return found


def _fits(field: Asked, value: Any, sides: Sequence[str]) -> Any:  # noqa: PLR0911 - a kind each
    match field.kind:
        case "binary" | "ordinal":
            return _choice(field, value)
        case "categorical":
            return _several(field, value) if field.several else _choice(field, value)
        case "numeric":
            return _number(field, value)
        case "text" | "correction":
            return _text(field, value)
        case "spans":
            return _marks(field, value, sides)
        case "preference":
            return _preferred(field, value, sides)
        case "ranking":
            return _ranked(field, value, sides)


def _choice(field: Asked, value: Any) -> str:
    known = [one.value for one in field.choices]
    if not isinstance(value, str) or value not in known:
        raise AnswerError(field.name, value, f"choose one of {', '.join(known)}")
    return value


def _several(field: Asked, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise AnswerError(field.name, value, "several can be chosen; give a list")
    chosen = {_choice(field, one) for one in value}
    return [one.value for one in field.choices if one.value in chosen]


def _number(field: Asked, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise AnswerError(field.name, value, "give a number")
    if (field.low is not None and value < field.low) or (field.high is not None and value > field.high):
        raise AnswerError(field.name, value, f"give a number {_bounds(field)}")
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that is more than a float can be
        return False


def _bounds(field: Asked) -> str:
    if field.low is not None and field.high is not None:
        return f"from {field.low:g} to {field.high:g}"
    return f"of {field.low:g} or more" if field.low is not None else f"of {field.high:g} or less"


def _text(field: Asked, value: Any) -> str:
    if not isinstance(value, str):
        raise AnswerError(field.name, value, "give text")
    if len(value) > LONGEST_TEXT:
        raise AnswerError(field.name, value, f"it has {len(value):,} characters, and {LONGEST_TEXT:,} is the most")
    return value.encode("utf-8", "replace").decode()  # half of a surrogate pair can be neither read again nor sent


_MARK = ("side", "part", "start", "end", "label")


def _marks(field: Asked, value: Any, sides: Sequence[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MOST_MARKS:
        raise AnswerError(field.name, value, f"give a list of at most {MOST_MARKS} marks")
    marks = [_mark(field, one, sides) for one in value]
    return sorted(marks, key=lambda one: tuple(one[name] for name in _MARK))


def _mark(field: Asked, told: Any, sides: Sequence[str]) -> dict[str, Any]:
    if not isinstance(told, Mapping) or set(told) - {"side"} != set(_MARK) - {"side"}:
        raise AnswerError(field.name, told, f"a mark has {', '.join(_MARK)}")
    side, part, start, end = told.get("side", sides[0]), told["part"], told["start"], told["end"]
    if side not in sides:
        raise AnswerError(field.name, side, f"the item's sides are {', '.join(sides)}")
    where = part == "answer" or (isinstance(part, str) and part.startswith("contexts.") and part[9:].isdecimal())
    if not where:
        raise AnswerError(field.name, part, "a mark is in part answer, or contexts.0, contexts.1, ...")
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in (start, end)) or not 0 <= start < end:
        raise AnswerError(field.name, [start, end], "a mark goes from start to end, in characters, end after start")
    return {"side": side, "part": part, "start": start, "end": end, "label": _choice(field, told["label"])}


def placed(fields: Sequence[Asked], answers: Mapping[str, Any], content: Content) -> None:
    """Marks stand in the texts that are shown; `answers` as `checked` gives them.

    Raises:
        AnswerError: a mark is of a document that the item does not have, or goes on behind the end of its text.
    """
    for field in fields:
        for mark in answers.get(field.name, ()) if field.kind == "spans" else ():
            text = _marked(field, mark, content)
            if text is not None and mark["end"] > len(text):
                rule = f"{mark['part']} has {len(text):,} characters; a mark ends there at most"
                raise AnswerError(field.name, [mark["start"], mark["end"]], rule)


def _marked(field: Asked, mark: Mapping[str, Any], content: Content) -> str | None:
    """The text that a mark is in; null: the answer is told by messages alone."""
    if mark["part"] == "answer":
        return next(one.answer for one in content.sides if one.key == mark["side"])
    place = int(mark["part"].partition(".")[2])
    if place >= len(content.contexts):
        raise AnswerError(
            field.name, mark["part"], f"the item has {len(content.contexts)} contexts, from contexts.0 on"
        )
    return content.contexts[place].text


def _preferred(field: Asked, value: Any, sides: Sequence[str]) -> str:
    known = [*sides, TIE] if field.ties else list(sides)
    if not isinstance(value, str) or value not in known:
        raise AnswerError(field.name, value, f"name one of {', '.join(known)}")
    return value


def _ranked(field: Asked, value: Any, sides: Sequence[str]) -> list[list[str]]:
    groups = [one if isinstance(one, list) else [one] for one in value] if isinstance(value, list) else []
    told = [key for group in groups for key in group if isinstance(key, str)]
    if sorted(told) != sorted(sides) or any(not group for group in groups):
        raise AnswerError(field.name, value, f"put each of {', '.join(sides)} into one group, the best first")
    if not field.ties and any(len(group) > 1 for group in groups):
        raise AnswerError(field.name, value, "sides cannot be alike here; put each into a group of its own")
    return [sorted(group) for group in groups]


def fits(field: Asked, value: Any, sides: Sequence[str]) -> bool:
    """Whether an answer is one that the field takes as it is asked now."""
    try:
        _fits(field, value, sides)
    except AnswerError:
        return False
    return True


def numbers(fields: Sequence[Asked], answers: Mapping[str, Any]) -> dict[str, float]:
    """What each answer is worth by itself, by field: of a choice its number, of a numeric field the number, of a
    preference 1 for the first side, 0 for the second, 0.5 for a tie. Answers without a number are left out.
    """  # noqa: D205 - one thought
    found = {field.name: _worth(field, answers[field.name]) for field in fields if field.name in answers}
    return {name: value for name, value in found.items() if value is not None}


def _worth(field: Asked, value: Any) -> float | None:
    if field.kind == "numeric":
        return float(value)
    if field.kind == "preference":
        return {"a": 1.0, TIE: 0.5, "b": 0.0}.get(value)
    if field.choices and isinstance(value, str):
        return field.numbers.get(value)
    return None
