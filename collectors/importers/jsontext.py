"""JSON files of any size, element by element: lines, an array, or the lists within one object.

Only the element at hand is in memory. A file whose first line is a JSON object is one of lines.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from collectors.importers.pieces import MAX_ITEM_BYTES

_SKIPPED = re.compile(rb"[\s,\xef\xbb\xbf]*")  # between values; the three bytes are a byte order mark
_SPACES = b"\xef\xbb\xbf \t\r\n"
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STRUCTURE = re.compile(rb'[{}\[\]"]')
_IN_STRING = re.compile(rb'(?:[^"\\]+|\\.)*', re.DOTALL)
_SCALAR_END = re.compile(rb"[,\]}\s]")
_READ_BYTES = 256 * 1024
_HEAD_BYTES = 1024 * 1024
_BEGINNING = 200


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its bytes; where it is too large or cut, how it begins."""

    number: int  # from 1: the line, or the place in its list
    data: bytes
    fault: str = ""  # a code of `pieces.REASONS`
    member: str = ""  # the list of the object that it was in; '': none


def is_json(head: bytes) -> bool:
    """Whether a file begins as JSON. Of protobuf `[` and `{` may be lengths: tags follow, which no text has."""
    return head.lstrip(_SPACES)[:1] in (b"{", b"[") and not _BINARY.search(head[:64])


def elements(stream: io.BufferedReader, members: Sequence[str]) -> Iterator[Element]:
    """The elements of a file: its lines, those of the array that it is, or of its objects' lists of these names.

    An object with none of the lists is an element itself.
    """
    return lines(stream) if is_lines(stream, members) else _Scanner(stream, frozenset(members)).run()


def is_lines(stream: io.BufferedReader, members: Sequence[str]) -> bool:
    """Whether the first line is a JSON object; alone in its file it must have none of the lists."""
    head = stream.peek(_HEAD_BYTES).lstrip(_SPACES)
    line, newline, rest = head.partition(b"\n")
    if not line.startswith(b"{") or not isinstance(value := parsed(line), dict):
        return False
    return bool(newline and rest.strip()) or not any(isinstance(value.get(name), list) for name in members)


def lines(stream: io.BufferedReader) -> Iterator[Element]:
    """Every line that is not empty. One that is too large is skipped and told."""
    number = 0
    while data := stream.readline(MAX_ITEM_BYTES + 1):
        number += 1
        if len(data) > MAX_ITEM_BYTES:
            yield Element(number, data[:_BEGINNING], "too_large")
            while data and not data.endswith(b"\n"):
                data = stream.readline(MAX_ITEM_BYTES)
            continue
        told = data.strip(_SPACES)
        if told:
            yield Element(number, told)


def parsed(data: bytes) -> Any:
    """The value; null where it is no JSON. `NaN` and `Infinity`, which Python's exports write as numbers, are read."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _with_words(data) if b"NaN" in data or b"Infinity" in data else None


def _with_words(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


class _Scanner:
    """The elements of a text that is no JSON lines."""

    def __init__(self, stream: io.BufferedReader, members: frozenset[str]) -> None:
        self._text, self._members = _Text(stream), members
        self._number = 0

    def run(self) -> Iterator[Element]:
        while opening := self._text.next():
            if opening == b"[":
                yield from self._list("")
            elif opening == b"{":
                yield from self._object()
            else:
                yield self._element("")

    def _list(self, member: str) -> Iterator[Element]:
        self._text.step()
        while (token := self._text.next()) not in (b"]", b""):
            if token == b"}":  # what closes nothing would be met for ever
                self._text.step()
                continue
            yield self._element(member)
        self._text.step()

    def _element(self, member: str) -> Element:
        self._number += 1
        self._text.keep()
        whole = self._text.past_value()
        return self._kept(member, whole=whole)

    def _kept(self, member: str, *, whole: bool) -> Element:
        data, small = self._text.kept()
        fault = "" if whole and small else "cut" if small else "too_large"
        return Element(self._number, data if whole and small else data[:_BEGINNING], fault, member)

    def _object(self) -> Iterator[Element]:
        """The elements of its lists; itself when it has none of them."""
        text, found, whole = self._text, False, True
        text.keep()
        text.step()
        while whole and (token := text.next()) not in (b"}", b""):
            name = text.name() if token == b'"' else None
            if name is None:
                whole = text.past_value()
            elif name in self._members and text.next() == b"[":
                found = True
                text.kept()
                yield from self._list(name)
            else:
                whole = text.past_value()
        whole = whole and bool(text.next())
        text.step()
        if not found:
            self._number += 1
            yield self._kept("", whole=whole)


class _Text:
    """A place in a text that is read in pieces, and from where on its bytes are kept."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._buffer, self._at = stream, b"", 0
        self._from: int | None = None  # bytes from here on are kept
        self._name_from: int | None = None  # as are those of a name
        self._beginning = b""  # of what grew too large to be kept

    def keep(self) -> None:
        """Keep the bytes from here on."""
        self._from, self._beginning = self._at, b""

    def kept(self) -> tuple[bytes, bool]:
        """The bytes since `keep`, and true; of those that were too many the beginning, and false."""
        data, small = self._beginning, self._from is not None
        if self._from is not None:
            data = self._buffer[self._from : self._at]
        self._from = None
        return data, small

    def next(self) -> bytes:
        """The next byte that is no space or comma, which stays to be read; empty at the end."""
        while True:
            found = _SKIPPED.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def step(self) -> None:
        """Go past that byte."""
        self._at = min(self._at + 1, len(self._buffer))

    def name(self) -> str | None:
        """The name of a member that begins here, and go past its colon; null when it is not followed by one."""
        self._name_from = self._at
        whole = self.past_value()
        value = parsed(self._buffer[self._name_from : self._at])
        self._name_from = None
        if not whole:
            return None
        if self.next() != b":":
            return None
        self.step()
        return value if isinstance(value, str) else ""

    def past_value(self) -> bool:
        """Go past the value that begins here; false: the text ends within it."""
        token = self.next()
        if token == b'"':
            self.step()
            return self._past_string()
        if token in (b"{", b"["):
            return self._past_nested()
        self.step()
        return self._past_scalar()

    def _past_string(self) -> bool:
        while True:
            found = _IN_STRING.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._buffer[self._at : self._at + 1] == b'"':
                self._at += 1
                return True
            if not self._more():
                self._at = len(self._buffer)
                return False

    def _past_nested(self) -> bool:
        depth = 0
        while True:
            found = _STRUCTURE.search(self._buffer, self._at)
            if found is None:
                self._at = len(self._buffer)
                if not self._more():
                    return False
                continue
            self._at, token = found.end(), found.group()
            if token == b'"':
                if not self._past_string():
                    return False
                continue
            depth += 1 if token in b"{[" else -1
            if depth == 0:
                return True

    def _past_scalar(self) -> bool:
        while True:
            found = _SCALAR_END.search(self._buffer, self._at)
            self._at = found.start() if found else len(self._buffer)
            if found or not self._more():
                return True

    def _more(self) -> bool:
        """Read on; what is neither kept nor ahead is let go. False at the end."""
        data = self._stream.read(_READ_BYTES)
        if not data:
            return False
        if self._from is not None and self._at - self._from > MAX_ITEM_BYTES:
            self._beginning = self._buffer[self._from : self._from + _BEGINNING]
            self._from = None
        first = min(place for place in (self._at, self._from, self._name_from) if place is not None)
        self._buffer = self._buffer[first:] + data
        self._at -= first
        self._from = None if self._from is None else self._from - first
        self._name_from = None if self._name_from is None else self._name_from - first
        return True
