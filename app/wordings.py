"""Two texts against each other, word by word. Pure: texts in, safe HTML out; all that is theirs is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape

from app import format as fmt

MOST = 3_000  # words and signs of a text that are compared; beyond it the whole text is taken for changed
KEPT = 24  # words and signs that stay in sight before and after a change
LEAST = 0.2  # share of letters that two texts beside one another have in common, below which nothing is marked
_PIECE = re.compile(r"\s+|\w+|[^\w\s]")
_TEXT = (
    "font-size:0.9rem;line-height:1.55;white-space:pre-wrap;overflow-wrap:anywhere;"
    "border-left:2px solid #9aa5b480;padding:2px 0 2px 10px;margin-bottom:4px"
)
_GONE = "background:color-mix(in srgb, #d1495b 26%, transparent);text-decoration:line-through;color:inherit"
_NEW = "background:color-mix(in srgb, #2a9d6f 28%, transparent);text-decoration:none;font-weight:600;color:inherit"


def compared(before: str, after: str) -> str:
    """One text with what is gone struck through and what is new marked; long stretches that are equal are cut."""
    return f'<div style="{_TEXT}">{"".join(_parts(before, after))}</div>'


def beside(first: str, second: str) -> tuple[str, str]:
    """Both texts, to stand side by side: what the second lacks is struck through, what it has more is marked.

    Texts that have next to nothing in common, or are very long, are shown without marks, which would cover them.
    """
    old, new = _PIECE.findall(fmt.straight(first)), _PIECE.findall(fmt.straight(second))
    long = max(len(old), len(new)) > MOST
    steps = [] if long else SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    alike = sum(len(word) for kind, a, b, *_ in steps if kind == "equal" for word in old[a:b])
    if 2 * alike < LEAST * (len(first) + len(second)):
        return _beside([escape("".join(old))]), _beside([escape("".join(new))])
    left = [escape("".join(old[a:b])) if kind == "equal" else _gone("".join(old[a:b])) for kind, a, b, *_ in steps]
    right = [escape("".join(new[c:d])) if kind == "equal" else _new("".join(new[c:d])) for kind, *_, c, d in steps]
    return _beside(left), _beside(right)


def _beside(parts: list[str]) -> str:
    return f'<div style="{_TEXT};max-height:32em;overflow-y:auto">{"".join(parts)}</div>'


def _parts(before: str, after: str) -> Iterator[str]:
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    if len(old) > MOST or len(new) > MOST:
        yield _gone(before) + _new(after)
        return
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for place, (kind, a, b, c, d) in enumerate(steps):
        if kind == "equal":
            yield _equal(old[a:b], first=place == 0, last=place == len(steps) - 1)
        else:
            yield _gone("".join(old[a:b])) + _new("".join(new[c:d]))


def _equal(pieces: list[str], *, first: bool, last: bool) -> str:
    head, tail = (0 if first else KEPT), (0 if last else KEPT)
    if len(pieces) <= head + tail + KEPT:
        return escape("".join(pieces))
    ends = pieces[len(pieces) - tail :] if tail else []
    return f"{escape(''.join(pieces[:head]))} \u2026 {escape(''.join(ends))}"


def _gone(text: str) -> str:
    return f'<del style="{_GONE}">{escape(text)}</del>' if text else ""


def _new(text: str) -> str:
    return f'<ins style="{_NEW}">{escape(text)}</ins>' if text else ""
