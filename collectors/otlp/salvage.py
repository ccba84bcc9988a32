"""Reading a protobuf request that upb refuses as a whole: follow the frames by hand, and judge each item alone.

upb stops at the first string that is not UTF-8 and at 100 nested messages. Both are mended here: such bytes become
U+FFFD, such nests the text `TOO_DEEP`. What is left (a length that points beyond its frame, a wire type that does
not exist) makes the one item `Unreadable`. Only a broken frame of a resource or scope group fails the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collectors.errors import UndecodableError
from collectors.otlp.anyvalue import MAX_DEPTH, TOO_DEEP

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_TOO_DEEP_VALUE = AnyValue(string_value=TOO_DEEP).SerializeToString()


class WireError(Exception):
    """A frame that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One item that could not be mended."""

    data: bytes

    def printable(self, length: int) -> str:
        """Its readable characters, at most `length`."""
        text = self.data[: 4 * length].decode("utf-8", "replace")
        return "".join(c if c.isprintable() else "." for c in text)[:length]


def salvaged(item: type[Message], body: bytes) -> Iterator[tuple[Any, str, Any, str, list[Any]]]:
    """(resource, its schema URL, scope, its schema URL, items) of each scope group of the request.

    A resource or scope that cannot be mended is null, such an item is `Unreadable`.

    Raises:
        UndecodableError: a frame of the request, of a resource group or of a scope group is broken.
    """
    try:
        for resource_group in _nested(body, 1):
            resource = _read(Resource, b"".join(_nested(resource_group, 1)))
            resource_url = _last_text(resource_group, 3)
            for scope_group in _nested(resource_group, 2):
                scope = _read(InstrumentationScope, b"".join(_nested(scope_group, 1)))
                items = [_read(item, data) or Unreadable(data) for data in _nested(scope_group, 2)]
                yield resource, resource_url, scope, _last_text(scope_group, 3), items
    except WireError as error:
        msg = f"The body is not an OTLP protobuf message: {error}."
        raise UndecodableError(msg) from error


def counted(body: bytes, most: int) -> int:
    """Items in the request, by its frames; counts to `most` + 1, and no further than a broken frame."""
    number = 0
    try:
        for resource_group in _nested(body, 1):
            for scope_group in _nested(resource_group, 2):
                for _ in _nested(scope_group, 2):
                    number += 1
                    if number > most:
                        return number
    except WireError:
        pass
    return number


def _read(kind: type[Message], data: bytes) -> Message | None:
    try:
        return kind.FromString(data)
    except DecodeError:
        pass
    try:
        return kind.FromString(mended(kind.DESCRIPTOR, data))
    except (DecodeError, WireError):
        return None


def mended(descriptor: Any, data: bytes, depth: int = 0) -> bytes:
    """The message with strings made valid UTF-8 and AnyValues nested too deep cut off.

    Raises:
        WireError: a frame within it is broken.
    """
    depth += descriptor is AnyValue.DESCRIPTOR
    # One nest further than the text form shows, so that the cut is made there and in one way only.
    if depth > MAX_DEPTH + 1:
        return _TOO_DEEP_VALUE
    out = bytearray()
    for number, wire, start, at, end in fields(data):
        field = descriptor.fields_by_number.get(number)
        if wire != _BYTES or field is None:
            out += data[start:end]
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            out += _frame(number, mended(field.message_type, data[at:end], depth))
        elif field.type == FieldDescriptor.TYPE_STRING:
            out += _frame(number, data[at:end].decode("utf-8", "replace").encode())
        else:
            out += data[start:end]
    return bytes(out)


def _frame(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _nested(data: bytes, number: int) -> Iterator[bytes]:
    for found, wire, _, at, end in fields(data):
        if found == number and wire == _BYTES:
            yield data[at:end]


def _last_text(data: bytes, number: int) -> str:
    text = b""
    for text in _nested(data, number):  # noqa: B007 - the last one counts
        pass
    return text.decode("utf-8", "replace")


def fields(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """(field number, wire type, start of the tag, start and end of the payload) of each field, in order."""
    at, size = 0, len(data)
    while at < size:
        start = at
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _BYTES:
            length, at = read_varint(data, at)
            end = at + length
        elif wire == _VARINT:
            _, end = read_varint(data, at)
        elif wire in {_FIXED64, _FIXED32}:
            end = at + (8 if wire == _FIXED64 else 4)
        else:
            msg = f"wire type {wire} at byte {start} is not in use"
            raise WireError(msg)
        if number == 0 or end > size:
            msg = f"the field at byte {start} of {size} is cut or malformed"
            raise WireError(msg)
        yield number, wire, start, at, end
        at = end


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        if at >= len(data):
            msg = f"a number is cut at byte {at}"
            raise WireError(msg)
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at
    msg = f"a number before byte {at} is too long"
    raise WireError(msg)
