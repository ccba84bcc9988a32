"""Values as JSON text, wherever they come from: numbers of any length, times in UTC, ids in hex."""

from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def dumps(value: Any) -> bytes:
    """NaN and infinities, which JSON has no words for, are null."""
    try:
        return orjson.dumps(value, _plain, OPTIONS)
    except orjson.JSONEncodeError:  # integers beyond 64 bits, lone surrogates: the standard library takes them
        return json.dumps(_finite(value), default=_plain, separators=(",", ":")).encode()


def _finite(value: Any) -> Any:
    """What orjson does by itself: null for what is not finite, and text for keys of other types."""
    if isinstance(value, dict):
        return {_key(key): _finite(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, str | int | float) else str(_plain(key))


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat()}Z"  # the store knows no zone but UTC
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
