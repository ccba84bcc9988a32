"""Stored text form of an OTLP AnyValue, from protobuf and from JSON; both forms of one value give the same text.

| AnyValue | stored text |
|---|---|
| string | as it is; what is not valid Unicode becomes U+FFFD |
| bool | `true`, `false` |
| int | decimal |
| double | JSON; a whole number keeps its `.0`; `NaN`, `Infinity`, `-Infinity` by name |
| array, kvlist | compact JSON; NaN and infinities as strings, bytes as base64, empty values as null |
| bytes | base64 |
| empty, `string_value_strindex` (of profiles only) | null |

Of repeated keys the last counts. Arrays and kvlists nested deeper than `MAX_DEPTH` become the text `TOO_DEEP`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, cast

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collectors.model import TextMap
from collectors.otlp.rejections import BadItemError

# upb stops at 100 nested messages, three for each kvlist: at 24 every value that is kept whole is one that it reads.
MAX_DEPTH = 24
TOO_DEEP = "[nested too deep]"

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_DOUBLE_NAMES = ("NaN", "Infinity", "-Infinity")
_DECIMAL = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,9})?")


def proto_text(value: AnyValue) -> str | None:
    """Stored text of a protobuf AnyValue; null when it holds nothing."""
    return value.string_value or _proto_other(value)


def proto_map(attributes: Iterable[KeyValue]) -> TextMap:
    """Stored texts of protobuf attributes, by key."""
    result: TextMap = {}
    for pair in attributes:
        value = pair.value
        # Reading the string first spares asking which member is set: it is a string nine times in ten.
        result[pair.key] = value.string_value or _proto_other(value)
    return result


def json_text(value: object) -> str | None:
    """Stored text of an AnyValue in OTLP/JSON, already parsed; null when it holds nothing.

    Raises:
        BadItemError: a member has the wrong type.
    """
    name, member = _json_member(value)
    if name is None:
        return None
    if name in _JSON_COMPOSITES:
        return _compact(_json_plain(value, 1))
    return _scalar_text(_JSON_SCALARS[name](member))


def json_map(attributes: object) -> TextMap:
    """Stored texts of OTLP/JSON attributes, by key; none for a null list.

    Raises:
        BadItemError: not a list of {key, value}, or a value has the wrong type.
    """
    result: TextMap = {}
    for key, value in _json_pairs(attributes):
        # Short cut for the usual case, a lone string; orjson has already made sure that it is valid Unicode.
        if type(value) is dict and len(value) == 1 and type(text := value.get("stringValue")) is str:
            result[key] = text
        else:
            result[key] = json_text(value)
    return result


def _scalar_text(value: str | bool | float) -> str:
    if isinstance(value, str):
        return value
    return _compact(value)


def _compact(plain: object) -> str:
    return orjson.dumps(plain).decode()


def _named(value: float) -> float | str:
    """A double as JSON can hold it."""
    if math.isfinite(value):
        return value
    return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")  # noqa: PLR0124


def _proto_other(value: AnyValue) -> str | None:
    kind = value.WhichOneof("value")
    if kind == "int_value":
        return str(value.int_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind is None or kind == "string_value_strindex":
        return None
    plain = _proto_plain(value, 1)
    return plain if isinstance(plain, str) else _compact(plain)


def _proto_plain(value: AnyValue, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind in {"array_value", "kvlist_value"}:
        return TOO_DEEP if depth > MAX_DEPTH else _proto_composite(value, kind, depth)
    if kind is None or kind == "string_value_strindex":
        return None
    if kind == "double_value":
        return _named(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _proto_composite(value: AnyValue, kind: str, depth: int) -> Any:
    if kind == "array_value":
        return [_proto_plain(each, depth + 1) for each in value.array_value.values]
    return {pair.key: _proto_plain(pair.value, depth + 1) for pair in value.kvlist_value.values}


def _json_plain(value: object, depth: int) -> Any:
    name, member = _json_member(value)
    if name is None:
        return None
    if name not in _JSON_COMPOSITES:
        return _JSON_SCALARS[name](member)
    if depth > MAX_DEPTH:
        return TOO_DEEP
    if not isinstance(member, dict):
        raise BadItemError
    values = member.get("values")
    if name == "arrayValue":
        return [_json_plain(each, depth + 1) for each in json_list(values)]
    return {key: _json_plain(each, depth + 1) for key, each in _json_pairs(values)}


def _json_member(value: object) -> tuple[str | None, object]:
    """Which member of the AnyValue is set, and to what; of several the last counts, as in protobuf."""
    if value is None:
        return None, None
    if not isinstance(value, dict):
        raise BadItemError
    found: tuple[str | None, object] = (None, None)
    for name, member in value.items():
        if member is not None and (name in _JSON_SCALARS or name in _JSON_COMPOSITES):
            found = name, member
    return found


def _json_pairs(pairs: object) -> Iterable[tuple[str, object]]:
    for pair in json_list(pairs):
        if not isinstance(pair, dict):
            raise BadItemError
        key = pair.get("key")
        yield ("" if key is None else json_string(key)), pair.get("value")


def json_list(value: object) -> list[object]:
    """A repeated field: a list, or none at all when null. Raises BadItemError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadItemError
    return value


def json_string(value: object) -> str:
    """A string field. Raises BadItemError for anything else."""
    if not isinstance(value, str):
        raise BadItemError
    return value


def json_int(value: object, low: int = INT64_MIN, high: int = INT64_MAX) -> int:
    """A whole number, given as number or decimal string. Raises BadItemError for anything else, or out of range."""
    if isinstance(value, str) and value.strip("-0123456789") == "" and len(value) < 100:
        try:
            value = int(value)
        except ValueError as error:
            raise BadItemError from error
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise BadItemError
    return value


def _json_double(value: object) -> float | str:
    if isinstance(value, str):
        if value in _DOUBLE_NAMES:
            return value
        if _DECIMAL.fullmatch(value) is None:
            raise BadItemError
        value = float(value)
    if type(value) is int:
        value = _float(value)
    if type(value) is not float:
        raise BadItemError
    return _named(value)


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise BadItemError from error


def _json_bool(value: object) -> bool:
    if type(value) is not bool:
        raise BadItemError
    return value


def _json_bytes(value: object) -> str:
    """Base64 in its standard form; the URL-safe alphabet and missing padding are read too, as protobuf JSON asks."""
    text = json_string(value).rstrip("=").translate(_STANDARD_ALPHABET)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadItemError from error
    return base64.b64encode(data).decode()


_STANDARD_ALPHABET = str.maketrans("-_", "+/")

_JSON_SCALARS = cast(
    "dict[str, Callable[[object], str | bool | float]]",
    {
        "stringValue": json_string,
        "boolValue": _json_bool,
        "intValue": json_int,
        "doubleValue": _json_double,
        "bytesValue": _json_bytes,
    },
)
_JSON_COMPOSITES = frozenset({"arrayValue", "kvlistValue"})
