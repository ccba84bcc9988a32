"""Files of protobuf: how their messages are framed, which signal a message is of, how a large one is divided."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collectors.importers.opening import ZSTD
from collectors.importers.pieces import MAX_ITEM_BYTES, PIECE_BYTES
from collectors.model import Signal
from collectors.otlp.salvage import WireError, fields, read_varint

Framing = Literal["whole", "varint", "four-bytes"]
"""One request; requests each after its length as a varint, or as four bytes, the most significant first."""

_GROUP = 0x0A  # the tag of field 1, of the groups by resource that all of a request is
_IN_GROUP = (b"\x0a", b"\x12", b"\x1a")  # resource, groups by scope, schema URL
_FIXED64, _BYTES, _VARINT = 1, 2, 0
_TRACE_ID, _SPAN_ID = 16, 8
_METRIC = {(number, _BYTES) for number in (5, 7, 9, 10, 11)}  # gauge, sum, histogram, exponential histogram, summary
_REQUESTS: dict[Signal, tuple[type[Message], str, str, str]] = {
    "traces": (ExportTraceServiceRequest, "resource_spans", "scope_spans", "spans"),
    "logs": (ExportLogsServiceRequest, "resource_logs", "scope_logs", "log_records"),
    "metrics": (ExportMetricsServiceRequest, "resource_metrics", "scope_metrics", "metrics"),
}


@dataclass(frozen=True, slots=True)
class Framed:
    """One message; of a whole request one of its groups by resource, which is a request itself."""

    number: int
    data: bytes
    fault: str = ""


def framing_of(head: bytes) -> Framing | None:
    """How the messages of a file are framed, by its first bytes; null: it is no such file."""
    if len(head) > 4 and _begins_message(head[4:]) and 0 < int.from_bytes(head[:4], "big") <= MAX_ITEM_BYTES:
        return "four-bytes"
    try:
        if head[:1] == bytes([_GROUP]):
            size, at = read_varint(head, 1)
            if size == 0 or head[at : at + 1] in _IN_GROUP:
                return "whole"
        size, at = read_varint(head, 0)
        if head[at : at + 1] == bytes([_GROUP]):
            inner, place = read_varint(head, at + 1)
            return "varint" if place - at + inner <= size else None
    except WireError:
        pass
    return None


def _begins_message(data: bytes) -> bool:
    return data[:1] in (bytes([_GROUP]), b"{") or data.startswith(ZSTD)


def messages(stream: io.BufferedReader, framing: Framing) -> Iterator[Framed]:
    """The messages of a file. One that is too large is skipped, and one that is cut ends it; both are told."""
    number = 0
    while (found := _size(stream, framing)) is not None:
        number += 1
        size, tag = found
        if size < 0:
            yield Framed(number, tag, "cut")
            return
        if size > MAX_ITEM_BYTES:
            beginning = stream.read(200)
            if not _skipped(stream, size - len(beginning)):
                yield Framed(number, beginning, "cut")
                return
            yield Framed(number, beginning, "too_large")
            continue
        data = stream.read(size)
        if len(data) < size:
            yield Framed(number, data, "cut")
            return
        yield Framed(number, tag + data)


def _size(stream: io.BufferedReader, framing: Framing) -> tuple[int, bytes] | None:
    """Bytes of the next message, and what goes before them to make them a request; null at the end, -1: it is cut."""
    if framing == "four-bytes":
        told = stream.read(4)
        return None if not told else (int.from_bytes(told, "big") if len(told) == 4 else -1, b"")
    tag = b""
    if framing == "whole":
        tag = stream.read(1)
        if not tag:
            return None
        if tag[0] != _GROUP:
            return -1, tag
    told = b""
    while len(told) < 10 and (byte := stream.read(1)):
        told += byte
        if byte[0] < 0x80:
            return read_varint(told, 0)[0], tag + told if tag else b""
    return (-1, tag + told) if told or tag else None


def _skipped(stream: io.BufferedReader, size: int) -> bool:
    while size > 0:
        data = stream.read(min(size, 1024 * 1024))
        if not data:
            return False
        size -= len(data)
    return True


def signal_of(message: bytes) -> Signal | None:
    """What a request is of, by its first item: spans, log records and metrics differ in their fields.

    Null when its frames cannot be followed. Without an item it is of traces.
    """
    try:
        for number, wire, _, at, end in fields(message):
            if number != 1 or wire != _BYTES:
                continue
            for item in _items(message[at:end]):
                return _signal(item)
    except WireError:
        return None
    return "traces"


def _items(group: bytes) -> Iterator[bytes]:
    for number, wire, _, at, end in fields(group):
        if number == 2 and wire == _BYTES:
            scope = group[at:end]
            for inner, kind, _, begin, stop in fields(scope):
                if inner == 2 and kind == _BYTES:
                    yield scope[begin:stop]


def _signal(item: bytes) -> Signal:
    """Spans begin with ids of 16 and 8 bytes; records have a time in field 1 or 11, or a severity; else a metric."""
    try:
        found = {(number, wire): end - at for number, wire, _, at, end in fields(item)}
    except WireError:
        return "traces"
    if {(1, _FIXED64), (11, _FIXED64), (2, _VARINT)} & found.keys():
        return "logs"
    named = found.get((1, _BYTES), 0) == _TRACE_ID and found.get((2, _BYTES), 0) == _SPAN_ID
    timed = (7, _FIXED64) in found or (8, _FIXED64) in found
    return "traces" if named or timed or not _METRIC & found.keys() else "metrics"


def divided(signal: Signal, message: bytes) -> Iterator[bytes]:
    """A large request as several; as it is, when it cannot be read."""
    kind, outer, inner, items = _REQUESTS[signal]
    try:
        request: Any = kind.FromString(message)
    except DecodeError:
        yield message
        return
    for group in getattr(request, outer):
        for scope in getattr(group, inner):
            held = getattr(scope, items)
            begun = nbytes = 0
            for place, item in enumerate(held):
                size = item.ByteSize()
                if nbytes and nbytes + size > 2 * PIECE_BYTES:
                    yield _part(signal, group, scope, held[begun:place])
                    begun, nbytes = place, 0
                nbytes += size
            yield _part(signal, group, scope, held[begun:])


def _part(signal: Signal, group: Any, scope: Any, some: Any) -> bytes:
    kind, outer, inner, items = _REQUESTS[signal]
    request: Any = kind()
    made = getattr(request, outer).add()
    made.resource.CopyFrom(group.resource)
    made.schema_url = group.schema_url
    scoped = getattr(made, inner).add()
    scoped.scope.CopyFrom(scope.scope)
    scoped.schema_url = scope.schema_url
    getattr(scoped, items).extend(some)
    return bytes(request.SerializeToString())
