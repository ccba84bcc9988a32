"""The scores that a label makes on what it is about: of source `human`, by the field's name, of the queue as evaluator.

A field of kind text, spans or correction, and one with several choices, makes none: what it says is no one number or
word. What is compared gets a score on each side. A score is never changed; the newest counts, so one that was taken
back is followed by one without a value (error_type `withdrawn`), which enters no mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from collectors.facts import ScoreFacts
from collectors.model import TextMap
from server.labelling.content import Content, Side
from server.labelling.terms import COMPARING, TIE, Asked
from server.when import nanoseconds

WITHDRAWN = "withdrawn"
_WORDS = {1.0: "preferred", 0.5: "tie", 0.0: "not preferred"}
_SCORED = frozenset({"binary", "categorical", "ordinal", "numeric", "preference", "ranking"})


@dataclass(frozen=True, slots=True)
class About:
    """What a label is of, and whose it is."""

    queue: str
    queue_id: UUID  # names of queues may be used again
    fields_version: int
    number: int
    unit: str
    trace_id: UUID | None
    span_id: int | None
    session_id: str | None
    content: Content
    author: str


def scores(  # noqa: PLR0917 - what a label says
    about: About, fields: Sequence[Asked], answers: Mapping[str, Any], comment: str | None, label_id: UUID,
    at: datetime,
) -> list[ScoreFacts]:  # fmt: skip
    """The scores of one label; none where nothing stored is labelled."""
    found: list[ScoreFacts] = []
    for field in fields:
        if field.name in answers and field.kind in _SCORED and not field.several:
            for told in _told(about, field, answers[field.name]):
                metadata = told.metadata | {
                    "queue": about.queue, "queue_id": str(about.queue_id), "item": str(about.number),
                    "label_id": str(label_id),
                }  # fmt: skip
                found.append(replace(told, explanation=comment, time_ns=nanoseconds(at), metadata=metadata))
    return found


def withdrawn(
    about: About, fields: Sequence[Asked], answers: Mapping[str, Any], label_id: UUID, at: datetime
) -> list[ScoreFacts]:
    """The scores that take those of a label back: the same targets and names, without a value."""
    told = scores(about, fields, answers, None, label_id, at)
    return [replace(one, value=None, label=None, error_type=WITHDRAWN) for one in told]


def _told(about: About, field: Asked, answer: Any) -> Iterator[ScoreFacts]:
    if field.kind in COMPARING:
        yield from _compared(about, field, answer)
        return
    base = _bare(about, field.name)
    if base is None:
        return
    if field.kind == "numeric":
        scale: dict[str, Any] = {
            "low": field.low,
            "high": field.high,
            "labels": [],
            "better": field.better,
            "unit": None,
        }
        yield replace(base, value=float(answer), metadata=_scale(scale))
        return
    yield replace(base, value=field.numbers[answer], label=answer, metadata=_scale(_of_choices(field)))


def _of_choices(field: Asked) -> dict[str, Any]:
    """The scale of a field of choices, labels from the lowest number to the highest."""
    numbers = field.numbers
    told = sorted((value, place) for place, value in enumerate(numbers.values()) if value is not None)
    names = list(numbers)
    better = field.better or ("higher" if field.kind == "binary" else None)
    return {
        "low": told[0][0] if told else None, "high": told[-1][0] if told else None,
        "labels": [names[place] for _, place in told] or names, "better": better, "unit": None,
    }  # fmt: skip


def _scale(scale: Mapping[str, Any]) -> TextMap:
    return {"scale": json.dumps(scale)}


def _bare(about: About, name: str) -> ScoreFacts | None:
    """A score of the item's target that says nothing yet; null: nothing stored is labelled."""
    if about.unit == "session" and about.session_id is not None:
        return _score(about, name, session_id=about.session_id)
    if about.trace_id is not None:
        return _score(about, name, about.trace_id.bytes, about.span_id)
    return None


def _score(
    about: About, name: str, trace: bytes | None = None, span: int | None = None, session_id: str | None = None
) -> ScoreFacts:
    return ScoreFacts(
        trace_id=trace, span_id=span, session_id=session_id, response_id=None, carrier_trace_id=None,
        carrier_span_id=None, name=name, value=None, label=None, explanation=None, source="human",
        evaluator=about.queue, evaluator_version=str(about.fields_version), author=about.author, error_type=None,
        time_ns=0,
    )  # fmt: skip


def _compared(about: About, field: Asked, answer: Any) -> Iterator[ScoreFacts]:
    sides = [one for one in about.content.sides if one.trace_id]
    worth = _preference(answer) if field.kind == "preference" else ranked(answer)
    words = _WORDS if field.kind == "preference" else {}
    scale = {"low": 0.0, "high": 1.0, "labels": list(words.values())[::-1], "better": "higher", "unit": None}
    for side in sides:
        value = worth[side.key]
        yield replace(
            _of_side(about, field.name, side), value=value, label=words.get(value),
            metadata=_scale(scale) | _against(side, sides),
        )  # fmt: skip


def _of_side(about: About, name: str, side: Side) -> ScoreFacts:
    span = None if side.span_id is None else int(side.span_id, 16)
    return _score(about, name, bytes.fromhex(side.trace_id or ""), span)


def _against(side: Side, sides: Sequence[Side]) -> TextMap:
    """Of a pair, the other side's trace: preferences are read by it."""
    other = next((one for one in sides if one.key != side.key), None)
    return {"against": other.trace_id} if len(sides) == 2 and other is not None and other.trace_id else {}


def _preference(answer: str) -> dict[str, float]:
    if answer == TIE:
        return {"a": 0.5, "b": 0.5}
    return {key: float(key == answer) for key in ("a", "b")}


def ranked(groups: Sequence[Sequence[str]]) -> dict[str, float]:
    """What each side of a ranking is worth: 1 the best, 0 the worst, alike ones the mean of their places."""
    many = sum(map(len, groups))
    found: dict[str, float] = {}
    before = 0
    for group in groups:
        place = before + (len(group) - 1) / 2
        found |= dict.fromkeys(group, 1.0 if many == 1 else 1 - place / (many - 1))
        before += len(group)
    return found
