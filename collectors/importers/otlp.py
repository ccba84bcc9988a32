"""OTLP files: requests in protobuf or JSON, one or many, as the Collector's file exporter and other tools write them.

Protobuf: one request; requests each after its length, a varint (protobuf's delimited form, which the specification of
OTLP files names) or four bytes (the Collector; with its compression each request is a Zstandard frame of its own).
JSON: one request, indented or not; requests a line; an array of them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import orjson

from collectors.importers import jsontext
from collectors.importers.opening import ZSTD, Opened, zstd
from collectors.importers.pieces import (
    MAX_ITEM_BYTES,
    MAX_PIECE_BYTES,
    PIECE_BYTES,
    RESOURCES,
    Gathering,
    ImportFileError,
    Piece,
)
from collectors.importers.protofile import Framing, divided, framing_of, messages, signal_of
from collectors.model import Signal

_SIGNALS: dict[str, Signal] = {name: signal for signal, name in RESOURCES.items()}
_NAMED = re.compile(rb'"(resourceSpans|resourceLogs|resourceMetrics)"\s*:')
_INNER: dict[Signal, tuple[str, str]] = {
    "traces": ("scopeSpans", "spans"),
    "logs": ("scopeLogs", "logRecords"),
    "metrics": ("scopeMetrics", "metrics"),
}
_DIVIDED_ITEMS = 1_000  # spans of a part of what was too large


def pieces(file: Opened) -> Iterator[Piece]:
    """The requests of a file, grouped or divided so that each has a good size.

    Raises:
        ImportFileError: it is neither JSON nor protobuf of OTLP.
    """
    head = file.head()
    if jsontext.is_json(head):
        yield from _of_json(file.stream)
        return
    framing = framing_of(head)
    if framing is None:
        message = "The file is no OTLP: neither JSON with resourceSpans or resourceLogs, nor a request in protobuf."
        raise ImportFileError(message)
    yield from _of_protobuf(file.stream, framing)


def _of_json(stream: io.BufferedReader) -> Iterator[Piece]:
    gathering = Gathering("line")
    if jsontext.is_lines(stream, tuple(_SIGNALS)):
        for element in jsontext.lines(stream):
            yield from _add_line(gathering, element)
    else:
        gathering.noun = "element"
        for element in jsontext.elements(stream, tuple(_SIGNALS)):
            yield from _add_element(gathering, element)
    yield from gathering.taken()


def _add_line(gathering: Gathering, element: jsontext.Element) -> Iterator[Piece]:
    found = None if element.fault else _NAMED.search(element.data)
    if found is None:
        whole = element.fault or jsontext.parsed(element.data) is not None
        gathering.refuse(element.fault or ("not_otlp" if whole else "not_json"), element.number, _text(element.data))
    else:
        yield from _add(gathering, _SIGNALS[found[1].decode()], "json-lines", element)
    if gathering.full():
        yield from gathering.taken()


def _add_element(gathering: Gathering, element: jsontext.Element) -> Iterator[Piece]:
    """An element of the list of resources; of an array of requests, a request."""
    signal = _SIGNALS.get(element.member)
    if element.fault or signal is None:
        yield from _add_line(gathering, element)
        return
    yield from _add(gathering, signal, "json", element)
    if gathering.full():
        yield from gathering.taken()


def _add(gathering: Gathering, signal: Signal, encoding: Any, element: jsontext.Element) -> Iterator[Piece]:
    if len(element.data) > 4 * PIECE_BYTES:
        yield from gathering.taken()
        yield from _divided(gathering, signal, element)
        return
    if not gathering.fits(signal, encoding, element.number):
        yield from gathering.taken()
    gathering.add(signal, encoding, element.data, element.number)


def _divided(gathering: Gathering, signal: Signal, element: jsontext.Element) -> Iterator[Piece]:
    """The parts of a large request, or of a large element of its list."""
    value = jsontext.parsed(element.data)
    groups = value.get(RESOURCES[signal], [value]) if isinstance(value, dict) else None
    if groups is None:
        gathering.refuse("not_json", element.number, _text(element.data))
        return
    for part in _parts(signal, groups if isinstance(groups, list) else []):
        data = orjson.dumps(part)
        if len(data) > MAX_PIECE_BYTES:
            gathering.refuse("too_large", element.number, _text(data))
            continue
        gathering.add(signal, "json", data, element.number)
        yield from gathering.taken()


def _parts(signal: Signal, groups: list[Any]) -> Iterator[Any]:
    inner, items = _INNER[signal]
    for group in groups:
        scopes = group.get(inner) if isinstance(group, dict) else None
        if not isinstance(scopes, list):
            yield group
            continue
        for scope in scopes:
            held = scope.get(items) if isinstance(scope, dict) else None
            if not isinstance(held, list):
                yield {**group, inner: [scope]}
                continue
            for some in _bounded(held):
                yield {**group, inner: [{**scope, items: some}]}


def _bounded(items: list[Any]) -> Iterator[list[Any]]:
    """Items in lists of at most `_DIVIDED_ITEMS`, and of some MiB."""
    some: list[Any] = []
    nbytes = 0
    for item in items:
        size = len(orjson.dumps(item))
        if some and (nbytes + size > 2 * PIECE_BYTES or len(some) >= _DIVIDED_ITEMS):
            yield some
            some, nbytes = [], 0
        some.append(item)
        nbytes += size
    if some or not items:
        yield some


def _of_protobuf(stream: io.BufferedReader, framing: Framing) -> Iterator[Piece]:
    gathering = Gathering("message", encoding="protobuf")
    for message in messages(stream, framing):
        data = _inflated(message.data)
        if data[:1] == b"{":  # the Collector's JSON when it is compressed
            yield from _add_line(gathering, jsontext.Element(message.number, data, message.fault))
            continue
        signal = None if message.fault else signal_of(data)
        if signal is None:
            gathering.refuse(message.fault or "unreadable", message.number, _text(data))
        elif len(data) > 4 * PIECE_BYTES:
            yield from gathering.taken()
            for part in divided(signal, data):
                if len(part) > MAX_PIECE_BYTES:
                    gathering.refuse("too_large", message.number, _text(part))
                else:
                    gathering.add(signal, "protobuf", part, message.number)
                    yield from gathering.taken()
        else:
            if not gathering.fits(signal, "protobuf", message.number):
                yield from gathering.taken()
            gathering.add(signal, "protobuf", data, message.number)
        if gathering.full():
            yield from gathering.taken()
    yield from gathering.taken()


def _inflated(data: bytes) -> bytes:
    if not data.startswith(ZSTD):
        return data
    try:
        return zstd(io.BytesIO(data)).read(MAX_ITEM_BYTES)
    except OSError:
        return data


def _text(data: bytes) -> str:
    told = data[:400].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "." for char in told)[:200]
