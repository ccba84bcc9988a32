"""Stored `input` and `output` to canonical messages, and to one line for tables."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Literal

import orjson

from collectors.conventions.shapes import Message, Part, text_message, to_messages
from collectors.conventions.values import Json, dumps, loads, looks_like_json, parse, parse_python

Side = Literal["input", "output"]

PLAIN_TEXT_KEYS = frozenset(
    {"ai.response.text", "ai.response.object", "gen_ai.response.text", "lk.response.text", "final_result"}
)
"""Attributes that hold the model's words as they are, even when those words are JSON."""

_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[{}\[\],]', re.DOTALL)
_CALL_MEMBERS = {"args", "kwargs", "sanitize_inputs_outputs"}  # the last is smolagents'
_REPAIRS = 12  # places at which a cut JSON text is tried again
_MAX_NESTING = 1024  # what orjson reads: a deeper text cannot be repaired

_Open = tuple[str, Any] | None
"""What closes the innermost open bracket, and the same of those around it. A chain, not a list: marks share it."""


def messages(text: str | None, key: str | None, role: Side) -> list[Message]:
    """Canonical messages of what is stored in `input` or `output`; empty when nothing is.

    `key` is the stored `input_key` or `output_key`: null for canonical JSON. JSON that was cut is closed where it broke
    and its last part carries `"cut": true`; text that is no conversation comes back as one text part. Never raises.
    """
    if not text:
        return []
    if key in PLAIN_TEXT_KEYS or not looks_like_json(text):
        return [text_message(text, role)]
    value, cut = read(text)
    found = _messages(value, text, role)
    if cut and found and found[-1]["parts"]:
        found[-1]["parts"][-1]["cut"] = True
    return found


def _messages(value: Json, text: str, role: Side) -> list[Message]:
    if isinstance(value, str):
        return [text_message(value, role)] if value else []
    arguments = _call_arguments(value)
    if arguments is not None:
        value, text = arguments, dumps(arguments)
    try:
        found = to_messages(value, role)
    except (TypeError, AttributeError, KeyError, IndexError, RecursionError, ValueError):
        found = []  # a shape that only resembles messages: shown as the text it is
    return found or [text_message(text, role)]


def _call_arguments(value: Json) -> Json | None:
    """The arguments of a traced Python function, told as {"args": [], "kwargs": {...}}; null for anything else."""
    if not isinstance(value, dict) or "kwargs" not in value or not value.keys() <= _CALL_MEMBERS:
        return None
    positional, named = value.get("args"), value["kwargs"]
    return positional if positional and not named else named if not positional else None


def read(text: str) -> tuple[Json, bool]:
    """The JSON value of a text and whether it was cut and had to be closed; the text itself if it is not JSON."""
    try:
        return loads(text), False
    except ValueError:
        pass
    value = parse_python(text)
    if value is not None:
        return value, False
    value = _repaired(text)
    return (text, True) if value is None else (value, True)


def is_cut(text: str) -> bool:
    """Whether the text opens like JSON and does not parse: an attribute limit cut it, or it was never JSON."""
    return text[:1] in {"{", "["} and parse(text) is None and _repaired(text) is not None


def _repaired(text: str) -> Json:
    """A cut JSON text, closed where it ends or at one of its last commas and brackets; null if that does not help."""
    opened, marks, tail = _scan(text)
    if opened is None:
        return None
    closing = _closers(opened)
    for end in ("", ":null", "null"):
        with suppress(ValueError):
            return loads(tail + end + closing)
    for position, around in reversed(marks):
        with suppress(ValueError):
            return loads(text[:position] + _closers(around))
    return None


def _scan(text: str) -> tuple[_Open, deque[tuple[int, _Open]], str]:
    """The open brackets; where a value may end, with what is open there; the text with its string closed.

    Linear in the text, whatever it holds: nothing is open in one that cannot be repaired.
    """
    opened: _Open = None
    depth = 0
    marks: deque[tuple[int, _Open]] = deque(maxlen=_REPAIRS)
    tail = text
    for token in _JSON_TOKEN.finditer(text):
        char = token[0][0]
        if char == '"':
            tail = text if token[1] else text[: token.end()] + '"'
        elif char in "{[":
            opened, depth = ("}" if char == "{" else "]", opened), depth + 1
            if depth > _MAX_NESTING:
                return None, marks, text
            marks.append((token.end(), opened))
        elif char == ",":
            marks.append((token.start(), opened))
        elif opened is None or opened[0] != char:
            return None, marks, text
        else:
            opened, depth = opened[1], depth - 1
    return opened, marks, tail


def _closers(opened: _Open) -> str:
    """The text that closes the open brackets, innermost first."""
    closers = []
    while opened is not None:
        closers.append(opened[0])
        opened = opened[1]
    return "".join(closers)


def preview(text: str | None, key: str | None, role: Side, limit: int = 120) -> str:
    """One line of at most `limit` characters: the last user message, or the assistant's final text or tool calls."""
    found = messages(text, key, role)
    speaker = "user" if role == "input" else "assistant"
    chosen = next((m for m in reversed(found) if m["role"] == speaker and m["parts"]), found[-1] if found else None)
    line = " ".join(" ".join(_lines(chosen["parts"])).split()) if chosen else ""
    return line if len(line) <= limit else line[: max(limit - 1, 0)].rstrip() + "…"


def _lines(parts: Iterable[Part]) -> list[str]:
    lines = []
    for part in parts:
        kind = part.get("type")
        if kind == "text":
            lines.append(str(part.get("content") or ""))
        elif kind == "tool_call":
            lines.append(f"{part.get('name')}({_inline(part.get('arguments'))})")
        elif kind == "tool_call_response":
            lines.append(_inline(part.get("response")))
        elif kind != "reasoning":
            lines.append(f"[{part.get('of') or kind}]")
    return lines


def _inline(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_inline(item)}" for name, item in value.items())
    return "" if value is None else value if isinstance(value, str) else dumps(value)


def content_hash(given: Sequence[Message], answered: Sequence[Message]) -> int | None:
    """Unsigned 64-bit hash of one call's texts, equal for the same call told by two dialects.

    The upper half is of the question: what the user said last. The lower half is of the answer: the assistant's text,
    then the names and arguments of the tools it called. A half is 0 where its text is unknown or was cut: either alone
    can show that two calls differ. White space is left out, for dialects join parts each in their own way. Null when
    neither is known.
    """
    return (_half(_question(given), given) << 32 | _half(_answer(answered), answered)) or None


def _half(words: bytes, told: Sequence[Message]) -> int:
    if not words or any(part.get("cut") for message in told for part in message["parts"]):
        return 0
    digest = hashlib.blake2b(words, digest_size=4).digest()
    return int.from_bytes(digest, "big") or 1


def _question(given: Sequence[Message]) -> bytes:
    """The newest words of the user. One message alone: smolagents' roles leave no gap between older ones (captured)."""
    asked = (_text(message) for message in reversed(given) if message["role"] == "user")
    return next(filter(None, asked), b"")


def _answer(answered: Sequence[Message]) -> bytes:
    said = [message for message in answered if message["role"] == "assistant"]
    calls = [
        f"\x1f{part.get('name')}({_sorted(part.get('arguments') or {})})".encode(errors="replace")
        for message in said
        for part in message["parts"]
        if part["type"] == "tool_call"
    ]
    return b"".join([*map(_text, said), *calls])


def _text(message: Message) -> bytes:
    """The message's words without white space."""
    text = "".join([str(part.get("content")) for part in message["parts"] if part["type"] == "text"])
    if text.isascii():  # as most are: five times as fast
        return text.encode().translate(None, _ASCII_SPACE)
    return "".join(text.split()).encode(errors="replace")


_ASCII_SPACE = "".join(filter(str.isspace, map(chr, range(128)))).encode()


def _sorted(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
