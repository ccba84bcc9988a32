"""One stored span as an OTLP/JSON request, as it was received. Pure.

The store keeps the text of every attribute, and not of which type it was: all are strings, from which the same span
is read again. Times are exact to the microsecond for the start, and to the nanosecond for the duration.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
Json = dict[str, Any]
_KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_STATUS = {"unset": 0, "ok": 1, "error": 2}


def request(span: Row) -> Json:
    """`span`: a row of the query `span_detail` with `attributes` whole, see `collectors.frames.restored_attributes`."""
    scope = {
        "name": span["scope_name"], "version": span["scope_version"],
        "attributes": _attributes(span["scope_attributes"]),
    }  # fmt: skip
    spans = [{"scope": _told(scope), "spans": [_span(span)]}]
    return {"resourceSpans": [{"resource": {"attributes": _attributes(span["resource"])}, "scopeSpans": spans}]}


def _span(span: Row) -> Json:
    start = int(span["start_us"]) * 1000
    end = start + int(span["duration_ns"]) if span["duration_ns"] is not None else 0
    return _told(
        {
            "traceId": span["trace_id"], "spanId": span["span_id"], "parentSpanId": span["parent_span_id"],
            "traceState": span["trace_state"], "flags": span["flags"], "name": span["name"],
            "kind": _KINDS.get(span["span_kind"], 0), "startTimeUnixNano": str(start), "endTimeUnixNano": str(end),
            "attributes": _attributes(span["attributes"]), "droppedAttributesCount": span["dropped_attributes"],
            "events": [_event(one) for one in span["events"] or []], "droppedEventsCount": span["dropped_events"],
            "links": [_link(one) for one in span["links"] or []], "droppedLinksCount": span["dropped_links"],
            "status": _told({"code": _STATUS.get(span["status"], 0), "message": span["status_message"]}),
        }
    )  # fmt: skip


def _event(one: Row) -> Json:
    when = one["time"]
    return _told(
        {
            "timeUnixNano": str(_nanoseconds(when)), "name": one["name"], "attributes": _attributes(one["attributes"]),
            "droppedAttributesCount": one["dropped"],
        }
    )  # fmt: skip


def _nanoseconds(when: datetime) -> int:
    """Of a time in UTC, exact to the microsecond."""
    since = when.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


def _link(one: Row) -> Json:
    span_id = one["span_id"]
    told = {
        "traceId": str(one["trace_id"]).replace("-", ""),
        "spanId": span_id if isinstance(span_id, str) else f"{span_id:016x}", "traceState": one["trace_state"],
        "attributes": _attributes(one["attributes"]), "droppedAttributesCount": one["dropped"],
    }  # fmt: skip
    return _told(told)


def _attributes(told: Row | None) -> list[Json]:
    return [{"key": key, "value": {} if text is None else {"stringValue": text}} for key, text in (told or {}).items()]


def _told(fields: Json) -> Json:
    """Without what is empty, as OTLP leaves it out."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {})}
