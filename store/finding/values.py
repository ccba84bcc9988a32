"""Values as a line writes them: `2s`, `$0.01`, `1k`, `gpt-4*`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from uuid import UUID

from store.finding.errors import AskedError
from store.finding.fields import Field
from store.finding.scanner import Piece
from store.finding.tree import Exactly, Like, Operator, Value

_NUMBER = re.compile(r"(\$?)([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\$?)([^\W\d]*)", re.UNICODE)
_NANOSECONDS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "sec": 10**9, "m": 60 * 10**9, "min": 60 * 10**9,
    "h": 3_600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_TIMES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_CENTS = {"": 1.0, "usd": 1.0, "c": 0.01, "ct": 0.01}
_MOST = 2**63 - 1


def value_of(field: Field, operator: Operator, piece: Piece) -> Value:
    """What the piece means for the field.

    Raises:
        AskedError: it means nothing there.
    """
    if field.kind in {"count", "duration", "money"}:
        return _amount(field, piece)
    if field.kind == "id":
        return Exactly(_id(piece))
    if operator != ":" or (field.kind == "score" and _plain(piece) is not None and not piece.quoted):
        return _number(field, piece)
    return _text(field, piece)


def _text(field: Field, piece: Piece) -> Value:
    if piece.stretches:
        return Like(piece.stretches)
    if field.choices and piece.text not in field.choices:
        message = f"{_shown(piece)} is no {field.name}. Write {', '.join(field.choices[:-1])} or {field.choices[-1]}."
        raise AskedError(message, piece.at, piece.end - piece.at)
    return Exactly(piece.text)


def _id(piece: Piece) -> str:
    try:
        return str(UUID(piece.text))
    except ValueError as error:
        message = f"{_shown(piece)} is no trace id. It has 32 hex digits, with or without dashes."
        raise AskedError(message, piece.at, piece.end - piece.at) from error


def _number(field: Field, piece: Piece) -> float:
    number = _plain(piece)
    if number is None:
        raise AskedError(f"{_shown(piece)} is no number for {field.name}, such as 0.5.", piece.at, piece.end - piece.at)
    return number


def _plain(piece: Piece) -> float | None:
    try:
        number = float(piece.text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _amount(field: Field, piece: Piece) -> int | float:
    found = _NUMBER.fullmatch(piece.text)
    units, example = _UNITS[field.kind]
    unit = found[4].lower() if found else ""
    dollar = bool(found and (found[1] or found[3]))
    if found is None or (dollar and field.kind != "money"):
        raise AskedError(f"{_shown(piece)} is no {field.kind}, such as {example}.", piece.at, piece.end - piece.at)
    if unit not in units:
        told = f"has no unit {found[4]!r}" if unit else "has no unit"
        named = ", ".join(one for one in units if one)
        message = f"{_shown(piece)} {told}. A {field.kind} is written as {example}; units: {named}."
        raise AskedError(message, piece.at, piece.end - piece.at)
    amount = float(found[2]) * units[unit]
    if not math.isfinite(amount) or abs(amount) > _MOST:
        raise AskedError(f"{_shown(piece)} is too large.", piece.at, piece.end - piece.at)
    return amount if field.kind == "money" else _whole(amount)


def _whole(amount: float) -> int | float:
    """Whole where it is, so that 0.1 ms is 100,000 ns in spite of the number's last bit."""
    near = round(amount)
    return near if math.isclose(amount, near, rel_tol=1e-12) else amount


_UNITS: dict[str, tuple[Mapping[str, float], str]] = {
    "duration": (_NANOSECONDS, "2s, 300ms or 1.5min"),
    "count": (_TIMES, "1200 or 1.2k"),
    "money": (_CENTS, "0.01 or $0.01"),
}


def _shown(piece: Piece) -> str:
    return repr(piece.text if len(piece.text) <= 60 else f"{piece.text[:59]}…")
