"""OTLP out of what other tools export: ids, times and values of theirs as spans and scores on the wire."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson

from collectors.importers.opening import Opened
from collectors.importers.pieces import MAX_PIECE_BYTES, Gathering, Piece
from collectors.importers.records import Row, records
from collectors.model import Signal

Attributes = dict[str, Any]
STATUS = {"UNSET": 0, "OK": 1, "ERROR": 2}
_MOST_NANOSECONDS = 2**63 - 1
_HEX = re.compile(r"[0-9a-fA-F]+")
_NUMBER = re.compile(r"\d+(\.\d+)?")
# A number since 1970 is of the unit in which it lies between 2001 and 2286.
_UNITS = ((1e9, 1e10, 1_000_000_000), (1e12, 1e13, 1_000_000), (1e15, 1e16, 1_000), (1e18, 1e19, 1))


class RecordError(Exception):
    """A record that cannot be imported: a code of `pieces.REASONS`, and how to recognise it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


def trace_id(text: object) -> str:
    """32 hexadecimal digits: the id itself, as W3C, a uuid or MLflow's `tr-` have it; of other ids their hash."""
    told = str(text).strip()
    bare = told.removeprefix("tr-").removeprefix("0x").replace("-", "")
    return _id(bare, told, 32)


def span_id(text: object) -> str:
    """16 hexadecimal digits: the id itself, or its hash."""
    told = str(text).strip()
    return _id(told.removeprefix("0x"), told, 16)


def _id(bare: str, told: str, size: int) -> str:
    if len(bare) == size and _HEX.fullmatch(bare) and bare.strip("0"):
        return bare.lower()
    return hashlib.blake2b(told.encode(errors="replace"), digest_size=size // 2).hexdigest()


def nanoseconds(value: object) -> int | None:
    """A time since 1970: ISO 8601 (UTC where it names no zone), or a number of s, ms, µs or ns; null: it is none."""
    if isinstance(value, datetime):
        return _of_datetime(value)
    if isinstance(value, date):
        return _of_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    text = f"{value:f}" if isinstance(value, float) else str(value).strip() if _is_told(value) else ""
    if _NUMBER.fullmatch(text):
        return _of_number(text)
    try:
        return _of_datetime(datetime.fromisoformat(text.replace(" UTC", "Z"))) if text else None
    except ValueError:
        return None


def _is_told(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _of_datetime(value: datetime) -> int | None:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    past = aware - datetime(1970, 1, 1, tzinfo=UTC)
    found = (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1_000
    return found if 0 <= found <= _MOST_NANOSECONDS else None


def _of_number(text: str) -> int | None:
    number = float(text)
    for low, high, unit in _UNITS:
        if low <= number < high:
            whole, _, part = text.partition(".")
            return int(whole) * unit + round(float(f"0.{part or 0}") * unit)
    return None


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP's JSON has it; structures as their JSON text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _word(value)}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {"arrayValue": {"values": [{"stringValue": one} for one in value]}}
    return {"stringValue": text_of(value)}


def _word(value: float) -> str:
    """What OTLP's JSON says of a float that JSON has no number for."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def plain_value(value: Any) -> Any:
    """The value of an AnyValue in JSON, by names of either spelling; null: it has none."""
    if not isinstance(value, dict):
        return value
    told = next(((name.replace("_", "").lower(), one) for name, one in value.items() if one is not None), None)
    match told:
        case ("arrayvalue", {"values": list(values)}):
            return [plain_value(one) for one in values]
        case ("kvlistvalue", {"values": list(values)}):
            return plain_attributes(values)
        case ("intvalue", str(text)) if text.lstrip("-").isdecimal():
            return int(text)
        case (_, plain):
            return plain
        case _:
            return None


def plain_attributes(told: Any) -> Attributes:
    """Attributes as an object: as they are, or of OTLP's list of pairs; empty: they are neither."""
    if isinstance(told, list):
        pairs = [one for one in told if isinstance(one, dict) and "key" in one]
        return {str(one["key"]): plain_value(one.get("value")) for one in pairs}
    return {str(key): value for key, value in told.items()} if isinstance(told, dict) else {}


def text_of(value: Any) -> str:
    """A text as it is, all else as JSON."""
    return value if isinstance(value, str) else dumped(value)


def dumped(value: Any) -> str:
    """A value as JSON; what JSON does not know as its text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


def held(value: Any) -> Any:
    """What a cell holds: JSON objects and lists are read, all else stays."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of a cell that holds one; none: it is no list."""
    told = held(value)
    return [one for one in map(held, told) if isinstance(one, dict)] if isinstance(told, list) else []


def empty(value: Any) -> bool:
    """Whether a member says nothing."""
    return value is None or (isinstance(value, str | dict | list) and not value)


def key_values(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP's JSON has them; those that say nothing are left out."""
    return [{"key": str(key), "value": any_value(value)} for key, value in attributes.items() if value is not None]


@dataclass(slots=True)
class MadeSpan:
    """One span to be written."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int | None  # null: unknown
    attributes: Attributes
    status: int = 0
    message: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    def written(self) -> dict[str, Any]:
        """As OTLP's JSON has it."""
        return {
            "traceId": self.trace_id, "spanId": self.span_id, "parentSpanId": self.parent_id or "", "name": self.name,
            "startTimeUnixNano": str(self.start_ns), "endTimeUnixNano": str(self.end_ns or 0),
            "attributes": key_values(self.attributes),
            "status": {"code": self.status, "message": text_of(self.message or "")}, "events": self.events,
        }  # fmt: skip


def event(name: str, time_ns: int | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An event of a span."""
    return {"name": name, "timeUnixNano": str(time_ns or 0), "attributes": key_values(attributes)}


@dataclass(slots=True)
class MadeScore:
    """One verdict to be written, as OpenTelemetry's evaluation event."""

    trace_id: str | None
    span_id: str | None
    time_ns: int
    name: str
    value: float | None = None
    label: str | None = None
    explanation: str | None = None
    source: str | None = None  # human llm code api user
    evaluator: str | None = None
    author: str | None = None
    error: str | None = None
    session: str | None = None
    rest: Attributes = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """A log record of OTLP's JSON."""
        attributes = {
            "gen_ai.evaluation.name": self.name, "gen_ai.evaluation.score.value": self.value,
            "gen_ai.evaluation.score.label": self.label, "gen_ai.evaluation.explanation": self.explanation,
            "gen_ai.evaluation.evaluator.name": self.evaluator, "assayline.score.source": self.source,
            "assayline.score.author": self.author, "error.type": self.error, "session.id": self.session, **self.rest,
        }  # fmt: skip
        return {
            "timeUnixNano": str(self.time_ns), "traceId": self.trace_id or "", "spanId": self.span_id or "",
            "eventName": "gen_ai.evaluation.result", "attributes": key_values(attributes),
        }  # fmt: skip


class Making:
    """Spans and scores to pieces: as many of each together as make a good size."""

    def __init__(self, noun: str) -> None:
        self._spans, self._logs = Gathering(noun), Gathering(noun)
        self._ready: list[Piece] = []  # of a record that makes several

    def refuse(self, reason: str, number: int, text: str) -> None:
        """Note a record that cannot be taken."""
        self._spans.refuse(reason, number, text)

    def add(self, number: int, made: MadeSpan | MadeScore, resource: Attributes, scope: Mapping[str, str]) -> None:
        """Put a span or a score in."""
        item = orjson.dumps(_group(made, resource, scope))
        if len(item) > MAX_PIECE_BYTES:
            named = f"span {made.name!r} {made.span_id}" if isinstance(made, MadeSpan) else f"score {made.name!r}"
            self.refuse("too_large", number, f"{named} of trace {made.trace_id} has {len(item):,} bytes")
        elif isinstance(made, MadeSpan):
            self._add("traces", self._spans, item, number)
        else:
            self._add("logs", self._logs, item, number)

    def _add(self, signal: Signal, gathering: Gathering, item: bytes, number: int) -> None:
        gathering.add(signal, "json", item, number)
        if gathering.full():
            self._ready += gathering.taken()

    def full(self) -> Iterator[Piece]:
        """The pieces that are ready to be sent."""
        if self._spans.full():  # of what was refused
            self._ready += self._spans.taken()
        ready, self._ready = self._ready, []
        yield from ready

    def rest(self) -> Iterator[Piece]:
        """What is left at the end."""
        yield from self.full()
        yield from self._spans.taken()
        yield from self._logs.taken()


def made_of(
    file: Opened, members: Sequence[str], noun: str, add: Callable[[Making, int, Row], None]
) -> Iterator[Piece]:
    """The pieces of a file of records, which `add` puts in by their number; those that cannot be read are refused.

    `members`: of an object around the records, those that may list them. `noun`: what one record is called.
    """
    making = Making(noun)
    for record in records(file, members):
        if record.row is None:
            making.refuse(record.fault, record.number, record.text)
        else:
            add(making, record.number, record.row)
        yield from making.full()
    yield from making.rest()


def _group(made: MadeSpan | MadeScore, resource: Attributes, scope: Mapping[str, str]) -> dict[str, Any]:
    outer, inner = ("scopeSpans", "spans") if isinstance(made, MadeSpan) else ("scopeLogs", "logRecords")
    scoped = {"scope": {"name": scope.get("name", ""), "version": scope.get("version", "")}, inner: [made.written()]}
    return {"resource": {"attributes": key_values(resource)}, outer: [scoped]}
