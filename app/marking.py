"""Texts with the stretches that a verdict rests on. Pure: text and stretches in, safe HTML out.

The text is untrusted. It is escaped whole, and the only tags are ours; so `st.html` may draw it, and nothing that it
names is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app import format as fmt

CONTEXT = 240  # letters that stay in sight before and after a mark of a long text
FOLD = 2 * CONTEXT  # what is shorter between two marks is not worth a fold
INK = "#e8962e"
SHARES = (24, 40)  # percent of that ink in a mark's ground: of weight 0, and of 1

_TEXT = (
    "font-size:0.93rem;line-height:1.6;white-space:pre-wrap;overflow-wrap:anywhere;"
    "border-left:2px solid #9aa5b480;padding:2px 0 2px 10px"
)
_MARK = "background:color-mix(in srgb, {ink} {share}%, transparent);color:inherit;border-bottom:2px solid #c0741a"
_NUMBER = "font-size:0.72em;font-weight:600;margin-left:2px;vertical-align:super;line-height:0"
_FOLDED = "opacity:0.75;cursor:pointer;font-size:0.85em"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters [start, end) of one text, and why they are marked."""

    start: int
    end: int
    why: str
    weight: float | None = None  # 0 to 1; null: the evaluator does not say


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark in a text: stretches that overlap are one, with all their reasons."""

    start: int
    end: int
    whys: tuple[str, ...]  # each once, in order of where they begin
    weight: float | None


def stretches(told: Iterable[Mapping[str, Any]]) -> dict[str, list[Stretch]]:
    """By field, what a score's metadata or a verdict names; members that are no offsets are left out."""
    found: dict[str, list[Stretch]] = {}
    for one in told:
        start, end, weight = _whole(one.get("start")), _whole(one.get("end")), one.get("weight")
        if start is not None and end is not None:
            stretch = Stretch(start, end, str(one.get("why") or ""), fmt.finite(weight))
            found.setdefault(str(one.get("field") or "answer"), []).append(stretch)
    return found


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def marks(text: str, told: Iterable[Stretch]) -> list[Mark]:
    """The marks of a text, in order. Offsets beyond it are cut; what has no character in it is none."""
    inside = sorted(
        ((max(one.start, 0), min(one.end, len(text)), one) for one in told), key=lambda cut: (cut[0], cut[1])
    )
    groups: list[tuple[int, int, list[Stretch]]] = []
    for start, end, one in inside:
        if start >= end:
            continue
        if groups and start < groups[-1][1]:
            first, last, held = groups[-1]
            groups[-1] = (first, max(last, end), [*held, one])
        else:
            groups.append((start, end, [one]))
    return [Mark(start, end, _whys(held), _weight(held)) for start, end, held in groups]


def _whys(held: Sequence[Stretch]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.why for one in held if one.why))


def _weight(held: Sequence[Stretch]) -> float | None:
    known = [min(max(one.weight, 0.0), 1.0) for one in held if one.weight is not None]
    return max(known, default=None)


def marked(text: str, told: Iterable[Stretch], first: int = 1) -> str:
    """HTML of the text with its marks numbered from `first`; long stretches without a mark are folded.

    Without our tags and the numbers it is the text, letter by letter; only marks that turn the direction of writing
    are left out, as they are everywhere on the pages.
    """
    found = marks(text, told)
    parts, at = [], 0
    for number, mark in enumerate(found, first):
        parts.append(_between(text[at : mark.start], opens=at == 0, closes=False))
        parts.append(_marked(text[mark.start : mark.end], mark, number))
        at = mark.end
    parts.append(_between(text[at:], opens=at == 0, closes=True))
    return f'<div style="{_TEXT}">{"".join(parts)}</div>'


def _marked(text: str, mark: Mark, number: int) -> str:
    low, high = SHARES
    share = round(low + (high - low) * (1.0 if mark.weight is None else mark.weight))
    numbered = f'<sup style="{_NUMBER}" aria-hidden="true" data-number="{number}">{number}</sup>'
    return f'<mark style="{_MARK.format(ink=INK, share=share)}">{_safe(text)}</mark>{numbered}'


def _between(text: str, *, opens: bool, closes: bool) -> str:
    """Text without a mark; of a long one what stands near marks (or begins the text) stays in sight."""
    head = 0 if opens and not closes else CONTEXT
    tail = 0 if closes else CONTEXT
    hidden = text[head : len(text) - tail] if len(text) > head + tail + FOLD else ""
    if not hidden:
        return _safe(text)
    fold = (
        f'<details style="display:inline"><summary style="{_FOLDED};display:inline" data-letters="{len(hidden)}">'
        f" … {len(hidden):,} letters … </summary>{_safe(hidden)}</details>"
    )
    return _safe(text[:head]) + fold + _safe(text[len(text) - tail :] if tail else "")


def _safe(text: str) -> str:
    return escape(fmt.straight(text), quote=False)


def text_of(case: Mapping[str, Any], field: str) -> str | None:
    """The text that a field of a case names: `answer`, `contexts.0`, `messages.2`; null: it is not there.

    Of a message its text parts, joined by newlines, as evaluators read it; of what is no text its JSON.
    """
    name, _, place = field.partition(".")
    found = case.get(name)
    if place and isinstance(found, list):
        found = found[int(place)] if place.isdigit() and int(place) < len(found) else None
    if isinstance(found, dict) and isinstance(found.get("parts", found.get("content")), list | str):
        return _message(found)
    if found is None or isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False)


def _message(message: Mapping[str, Any]) -> str:
    parts = message.get("content", message.get("parts"))
    if isinstance(parts, str):
        return parts
    return "\n".join(_parts(parts or ()))


def _parts(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping) and part.get("type") in {"text", "input_text", "output_text"}:
            yield str(part.get("content", part.get("text", "")))
        elif isinstance(part, Mapping) and part.get("type") == "tool_call_response":
            response = part.get("response")
            yield response if isinstance(response, str) else json.dumps(response, ensure_ascii=False)


def title(field: str) -> str:
    """`contexts.0` is Context 1: people count from one."""
    name, _, place = field.partition(".")
    one = {"contexts": "context", "messages": "message", "tool_calls": "tool call", "steps": "step"}.get(name, name)
    return f"{one.capitalize()} {int(place) + 1}" if place.isdigit() else name.replace("_", " ").capitalize()
