"""Stored spans and logs as OTLP/JSON again: one request a call, as the Collector's file exporter writes a line.

What arrived is told, not what was worked out. Attributes are stored as text, so their types are read from it: numbers,
`true` and `false`, and lists of such in JSON get their types back, all else is a string. Reading it again gives the
same rows. Starts are to the microsecond, as they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from collectors.frames import restored_attributes
from collectors.model import SPAN_KINDS, STATUSES
from collectors.otlp.anyvalue import INT64_MAX, INT64_MIN

Row = Mapping[str, Any]
Json = dict[str, Any]

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def spans_request(spans: Sequence[Row], origins: Mapping[int, Row]) -> Json:
    """`ExportTraceServiceRequest` of rows of `spans_sent`; `origins`: rows of `origins_sent` by their id."""
    parts = [
        _of_origin(origins[origin_id], "scopeSpans", {"spans": [_span(row) for row in rows]})
        for origin_id, rows in _by_origin(spans).items()
    ]
    return {"resourceSpans": parts}


def logs_request(logs: Sequence[Row], origins: Mapping[int, Row]) -> Json:
    """`ExportLogsServiceRequest` of rows of `logs_sent`."""
    parts = [
        _of_origin(origins[origin_id], "scopeLogs", {"logRecords": [_log(row) for row in rows]})
        for origin_id, rows in _by_origin(logs).items()
    ]
    return {"resourceLogs": parts}


def _by_origin(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["origin_id"], []).append(row)
    return found


def _of_origin(origin: Row, name: str, items: Json) -> Json:
    scope = {
        "name": origin["scope_name"], "version": origin["scope_version"],
        "attributes": attributes(origin["scope_attributes"]),
    }  # fmt: skip
    inner = {"scope": _told(scope), **items, "schemaUrl": origin["scope_schema_url"]}
    resource = {"attributes": attributes(origin["resource"])}
    return _told({"resource": resource, name: [_told(inner)], "schemaUrl": origin["resource_schema_url"]})


def _span(row: Row) -> Json:
    start_ns = row["start_us"] * 1000
    end_ns = None if row["duration_ns"] is None else str(start_ns + row["duration_ns"])
    sent = restored_attributes(row["attributes"], row["input_key"], row["input"], row["output_key"], row["output"])
    return _told({
        "traceId": row["trace_id"].hex, "spanId": _id(row["span_id"]), "parentSpanId": _id(row["parent_span_id"]),
        "traceState": row["trace_state"], "flags": row["flags"], "name": row["name"],
        "kind": SPAN_KINDS.index(row["span_kind"]), "startTimeUnixNano": str(start_ns), "endTimeUnixNano": end_ns,
        "attributes": attributes(sent), "droppedAttributesCount": row["dropped_attributes"],
        "events": [_event(one) for one in row["events"]], "droppedEventsCount": row["dropped_events"],
        "links": [_link(one) for one in row["links"]], "droppedLinksCount": row["dropped_links"],
        "status": _told({"code": STATUSES.index(row["status"]), "message": row["status_message"]}),
    })  # fmt: skip


def _event(one: Row) -> Json:
    told = {"timeUnixNano": _nanoseconds(one["time"]), "name": one["name"], "attributes": attributes(one["attributes"])}
    return _told({**told, "droppedAttributesCount": one["dropped"]})


def _link(one: Row) -> Json:
    return _told({
        "traceId": one["trace_id"].hex, "spanId": _id(one["span_id"]), "traceState": one["trace_state"],
        "attributes": attributes(one["attributes"]), "droppedAttributesCount": one["dropped"],
    })  # fmt: skip


def _log(row: Row) -> Json:
    return _told({
        "timeUnixNano": str(row["time_us"] * 1000), "severityNumber": row["severity"],
        "severityText": row["severity_text"], "eventName": row["event_name"],
        "body": None if row["body"] is None else any_value(row["body"]), "attributes": attributes(row["attributes"]),
        "droppedAttributesCount": row["dropped_attributes"], "flags": row["flags"],
        "traceId": None if row["trace_id"] is None else row["trace_id"].hex, "spanId": _id(row["span_id"]),
    })  # fmt: skip


def attributes(told: Mapping[str, str | None] | Sequence[tuple[str, str | None]]) -> list[Json]:
    """Stored texts by key as OTLP's list of pairs."""
    pairs = told.items() if isinstance(told, Mapping) else told
    return [{"key": key, "value": any_value(text)} for key, text in pairs]


def any_value(text: str | None) -> Json:
    """The AnyValue of a stored text; an empty one of null."""
    if text is None:
        return {}
    if text in {"true", "false"}:
        return {"boolValue": text == "true"}
    if _WHOLE.fullmatch(text) and text != "-0" and INT64_MIN <= int(text) <= INT64_MAX:
        return {"intValue": text}
    if (text[:1].isdigit() or text[:1] in {"-", "["}) and (value := _plain(text)) is not None:
        return _typed(value)
    return {"stringValue": text}


def _plain(text: str) -> float | list[Any] | None:
    """A number, or a list of plain values, that would be stored as this very text; else null."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    simple = isinstance(value, float) or (
        isinstance(value, list) and all(isinstance(one, str | bool | int | float) for one in value)
    )
    return value if simple and orjson.dumps(value).decode() == text else None


def _typed(value: Any) -> Json:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_typed(one) for one in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _id(number: int | None) -> str | None:
    return None if number is None else f"{number:016x}"


def _nanoseconds(at: datetime | None) -> str | None:
    if at is None:
        return None
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return str((since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000)


def _told(values: Json) -> Json:
    """Without what is null, empty or 0: OTLP's defaults."""
    return {name: value for name, value in values.items() if value not in (None, "", 0, [], {})}
