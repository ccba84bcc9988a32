"""The text of a question: the time range that it names, and where in it the database found a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

NAMES = ("since", "until")
_ENDS_OPERAND = frozenset({
    TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN, TokenType.R_BRACKET,
    TokenType.R_BRACE, TokenType.L_BRACKET,
})  # fmt: skip
_TOLD = re.compile(r"\n+LINE (?P<line>\d+): (?P<text>.*)\n(?P<caret> *\^+)\s*$")
_LONGEST = 600  # characters of what the database says: of a wrong call it lists all functions of the name


@dataclass(frozen=True, slots=True)
class Times:
    """The range that `:since` and `:until` stand for, half-open, UTC without a zone; null: none was given."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a text, in characters from 0."""

    at: int
    length: int


def with_times(text: str) -> str:
    """`:since` and `:until` as the database writes parameters, `$since`; all else, and every place, stays.

    A colon after a value is a slice or a member, as in `list[1:since]` and `{a:since}`. A text that cannot be read
    stays as it is.
    """
    tokens = _tokens(text)
    for before, colon, name in zip([None, *tokens], tokens, tokens[1:], strict=False):
        if _is_time(before, colon, name):
            text = f"{text[: colon.start]}${text[colon.start + 1 :]}"
    return text


def _is_time(before: Token | None, colon: Token, name: Token) -> bool:
    if colon.token_type is not TokenType.COLON or name.text.lower() not in NAMES or name.start != colon.end + 1:
        return False
    return before is not None and before.token_type not in _ENDS_OPERAND


def asked_times(text: str) -> list[str]:
    """Which of `$since` and `$until` a text has."""
    tokens = _tokens(text)
    named = {
        name.text.lower()
        for sign, name in pairwise(tokens)
        if sign.token_type is TokenType.PARAMETER and name.start == sign.end + 1
    }
    return [name for name in NAMES if name in named]


def _tokens(text: str) -> list[Token]:
    try:
        return list(sqlglot.tokenize(text, dialect="duckdb"))
    except SqlglotError:
        return []


def without_place(message: str) -> str:
    """What the database says, without the line that it points at, and not endlessly."""
    said = _TOLD.sub("", message).rstrip()
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST].rstrip()} …"


def place_told(message: str, text: str, lines_before: int = 0) -> Place | None:
    """Where the database points at in `text`, which stood `lines_before` lines below the beginning of what it read.

    Null: nowhere, or elsewhere. Of a long line it shows a part, which is looked for.
    """
    told = _TOLD.search(message)
    lines = text.split("\n")
    number = int(told["line"]) - 1 - lines_before if told else -1
    if told is None or not 0 <= number < len(lines):
        return None
    shown, offset = told["text"], told["caret"].index("^") - len(f"LINE {told['line']}: ")
    part = shown.removeprefix("...").removesuffix("...")
    column = lines[number].find(part) + offset - (len(shown) - len(shown.removeprefix("...")))
    if part not in lines[number] or not 0 <= column <= len(lines[number]):
        return None
    length = min(told["caret"].count("^"), max(1, len(lines[number]) - column))
    return Place(sum(len(line) + 1 for line in lines[:number]) + column, length)


def place_of(word: str, text: str) -> Place | None:
    """Where a word stands first; null: nowhere."""
    found = re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE)
    return None if found is None else Place(found.start(), len(word))
