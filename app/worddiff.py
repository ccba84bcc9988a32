"""Two texts side by side with the words in which they differ. Pure: texts in, safe HTML out, escaped whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

from app import format as fmt

MOST = 2_000  # words of a text; longer ones are shown without a difference: it would take seconds
LEAST = 0.2  # share of letters that both have, below which marks would cover nearly all and say nothing
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_TEXT = (
    "font-size:0.93rem;line-height:1.6;white-space:pre-wrap;overflow-wrap:anywhere;"
    "border-left:2px solid #9aa5b480;padding:2px 0 2px 10px;max-height:32em;overflow-y:auto"
)
# Never colour alone: what is gone is struck through, what is new underlined.
_GONE = "background:color-mix(in srgb, #d55e00 26%, transparent);color:inherit;text-decoration:line-through"
_NEW = "background:color-mix(in srgb, #4477aa 30%, transparent);color:inherit;text-decoration:underline"


def beside(first: str, second: str) -> tuple[str, str]:
    """HTML of both: words that only the first has are struck through in it, those of the second underlined.

    Texts that have next to nothing in common, or are very long, are shown without marks.
    """
    left, right = _WORDS.findall(fmt.straight(first)), _WORDS.findall(fmt.straight(second))
    codes = (
        [] if max(len(left), len(right)) > MOST else SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    )
    alike = sum(len(word) for kind, a, b, *_ in codes if kind == "equal" for word in left[a:b])
    if 2 * alike < LEAST * (len(first) + len(second)):
        return _whole([escape("".join(left), quote=False)]), _whole([escape("".join(right), quote=False)])
    parts: tuple[list[str], list[str]] = ([], [])
    for kind, a, b, c, d in codes:
        parts[0].append(_marked(left[a:b], "del", _GONE, differs=kind != "equal"))
        parts[1].append(_marked(right[c:d], "ins", _NEW, differs=kind != "equal"))
    return _whole(parts[0]), _whole(parts[1])


def _marked(words: Sequence[str], tag: str, style: str, *, differs: bool) -> str:
    text = escape("".join(words), quote=False)
    return f'<{tag} style="{style}">{text}</{tag}>' if differs and text else text


def _whole(parts: Sequence[str]) -> str:
    return f'<div style="{_TEXT}">{"".join(parts)}</div>'
