"""What differs between two versions of a prompt: words of texts, and model, parameters, tools. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

Op = Literal["same", "out", "in"]
Part = tuple[Op, str]
Json = dict[str, Any]

_WORD = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")  # with what stands before it: spaces of their own match everywhere
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_MOST = 1_000_000  # pairs of lines, or of words of one stretch, that are compared; what is more counts as replaced


def diff(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Json:
    """`texts`, `model`, `parameters`, `tools` that differ, and whether all is `equal`.

    `texts`: per message `place_from`, `place_to` (from 0; null: it is not there), `role_from`, `role_to`, `changed`,
    and `parts`, [same | out | in, text] in order. `model`: [from, to]; null: the same one.
    """
    texts = [_text(*pair) for pair in _paired(_messages(older), _messages(newer))]
    model = None if older.get("model") == newer.get("model") else [older.get("model"), newer.get("model")]
    parameters = _changes(dict(older.get("parameters") or {}), dict(newer.get("parameters") or {}), "key")
    tools = _changes(_tools(older), _tools(newer), "name")
    equal = model is None and not parameters and not tools and not any(one["changed"] for one in texts)
    return {"equal": equal, "texts": texts, "model": model, "parameters": parameters, "tools": tools}


def words(older: str, newer: str) -> list[Part]:
    """The parts of both texts in order; those that are `same` or `out` are the older text, `same` or `in` the newer."""
    parts: list[Part] = []
    for op, gone, come in _opcodes(_LINES.findall(older), _LINES.findall(newer)):
        if op == "same":
            _add(parts, "same", "".join(gone))
            continue
        for inner, out, new in _opcodes(_WORD.findall("".join(gone)), _WORD.findall("".join(come))):
            _add(parts, "same" if inner == "same" else "out", "".join(out))
            _add(parts, "in", "" if inner == "same" else "".join(new))
    return parts


def _add(parts: list[Part], op: Op, text: str) -> None:
    if text and parts and parts[-1][0] == op:
        parts[-1] = (op, parts[-1][1] + text)
    elif text:
        parts.append((op, text))


def _opcodes(older: Sequence[str], newer: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Stretches that are the same or replaced. What is equal at both ends is taken off first."""
    head = next((at for at, (a, b) in enumerate(zip(older, newer, strict=False)) if a != b),
                min(len(older), len(newer)))  # fmt: skip
    most = min(len(older), len(newer)) - head
    tail = next((at for at in range(most) if older[-1 - at] != newer[-1 - at]), most)
    old, new = older[head : len(older) - tail], newer[head : len(newer) - tail]
    if head:
        yield "same", older[:head], newer[:head]
    if len(old) * len(new) > _MOST or not old or not new:
        yield "other", old, new
    else:
        for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            yield "same" if op == "equal" else "other", old[a:b], new[c:d]
    if tail:
        yield "same", older[len(older) - tail :], newer[len(newer) - tail :]


Placed = tuple[int, str, str]
"""Place, role, text."""


def _messages(told: Mapping[str, Any]) -> list[Placed]:
    if told.get("text") is not None:
        return [(0, "text", str(told["text"]))]
    return [(place, str(one["role"]), str(one["content"])) for place, one in enumerate(told.get("messages") or ())]


def _paired(older: list[Placed], newer: list[Placed]) -> Iterator[tuple[Placed | None, Placed | None]]:
    """Messages that stand for one another: equal ones first, then those between in order."""
    matcher = SequenceMatcher(None, [one[1:] for one in older], [one[1:] for one in newer], autojunk=False)
    for op, a, b, c, d in matcher.get_opcodes():
        if op == "replace" and b - a != d - c:
            yield from _by_role(older[a:b], newer[c:d])
        else:
            yield from zip_longest(older[a:b], newer[c:d])


def _by_role(older: list[Placed], newer: list[Placed]) -> Iterator[tuple[Placed | None, Placed | None]]:
    matcher = SequenceMatcher(None, [one[1] for one in older], [one[1] for one in newer], autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        yield from zip_longest(older[a:b], newer[c:d])


def _text(older: Placed | None, newer: Placed | None) -> Json:
    return {
        "place_from": older and older[0], "place_to": newer and newer[0],
        "role_from": older and older[1], "role_to": newer and newer[1],
        "changed": (older and older[1:]) != (newer and newer[1:]),
        "parts": words(older[2] if older else "", newer[2] if newer else ""),
    }  # fmt: skip


def _changes(older: Mapping[str, Any], newer: Mapping[str, Any], key: str) -> list[Json]:
    """What was added, removed or changed, by name."""
    return [
        {key: name, "change": "added" if name not in older else "removed" if name not in newer else "changed",
         "from": older.get(name), "to": newer.get(name)}
        for name in sorted({*older, *newer})
        if name not in older or name not in newer or older[name] != newer[name]
    ]  # fmt: skip


def _tools(told: Mapping[str, Any]) -> dict[str, Any]:
    """Tools by the name that they give themselves, else by their number."""
    found: dict[str, Any] = {}
    for number, tool in enumerate(told.get("tools") or (), 1):
        function = tool.get("function")
        named = tool.get("name") or (function.get("name") if isinstance(function, Mapping) else None)
        name = str(named or f"tool {number}")
        found[name if name not in found else f"{name} ({number})"] = tool
    return found
