"""OTLP/JSON to `collectors.model`: orjson and a walk of our own.

As the specification has it: trace and span ids are hexadecimal, names are lowerCamelCase, enums are numbers (their
names are read too), 64-bit integers are numbers or decimal strings, unknown members are ignored, null is absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collectors.errors import UndecodableError
from collectors.model import Decoded, Origin, RawEvent, RawLink, RawLog, RawSpan, Signal
from collectors.otlp.anyvalue import json_int, json_list, json_map, json_string, json_text
from collectors.otlp.rejections import SAMPLE_LENGTH, BadItemError, Tally
from collectors.otlp.rows import NO_TRACE, Origins, Resource, Scope, check_count, event_name, placed, span_kind, status

UINT32_MAX, UINT64_MAX = 2**32 - 1, 2**64 - 1
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

_NAMES: dict[Signal, tuple[str, str, str]] = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
_METRIC_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")

Member = dict[str, Any]
Group = tuple[Resource | None, Scope | None, list[object]]
"""Resource (null: unreadable), scope (null: unreadable), items."""


def decode_json(signal: Signal, body: bytes) -> Decoded:
    """Decode one export request.

    Raises:
        UndecodableError: not JSON, the lists of resources, scopes or items are not lists, or there are more than
            `MAX_ITEMS` items.
    """
    try:
        groups = list(_groups(signal, _parsed(body)))
    except BadItemError as error:
        msg = f"The JSON is no OTLP {signal} request: a list or an object is missing."
        raise UndecodableError(msg) from error
    decoded = Decoded(signal, received=_count(signal, groups))
    check_count(sum(decoded.received.values()))
    if signal == "metrics":
        _refuse_metrics(decoded, groups)
    elif signal == "traces":
        _build(decoded, groups, _span, decoded.spans)
    else:
        _build(decoded, groups, _log, decoded.logs)
    return decoded


# What orjson refuses and the standard library reads: half a surrogate pair, NaN, infinities.
_STANDARD_LIBRARY_MAY_READ = re.compile(r"\\u[dD]|NaN|Infinity")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = body.decode("utf-8-sig", "replace")
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            if not _STANDARD_LIBRARY_MAY_READ.search(text):
                msg = f"The body is not JSON: {error}."
                raise UndecodableError(msg) from error
        return _parsed_by_standard_library(text)


def _parsed_by_standard_library(text: str) -> object:
    try:
        return _without_surrogates(json.loads(text))
    except (ValueError, RecursionError) as error:
        msg = f"The body is not JSON: {error}."
        raise UndecodableError(msg) from error


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return value


def _groups(signal: Signal, request: object) -> Iterator[Group]:
    outer, inner, items = _NAMES[signal]
    for resource_group in map(_object, json_list(_object(request).get(outer))):
        resource = _resource(resource_group)
        for scope_group in map(_object, json_list(resource_group.get(inner))):
            yield resource, _scope(scope_group), json_list(scope_group.get(items))


def _object(value: object) -> Member:
    """A message; empty when null. Raises BadItemError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadItemError
    return value


def _resource(group: Member) -> Resource | None:
    try:
        attributes = json_map(_object(group.get("resource")).get("attributes"))
        return Resource.of(attributes, _text(group, "schemaUrl"))
    except BadItemError:
        return None


def _scope(group: Member) -> Scope | None:
    try:
        scope = _object(group.get("scope"))
        attributes = json_map(scope.get("attributes"))
        return Scope(_text(scope, "name"), _text(scope, "version"), attributes, _text(group, "schemaUrl"))
    except BadItemError:
        return None


def _count(signal: Signal, groups: list[Group]) -> dict[str, int]:
    """Items per service, by the lengths of the lists alone: the rows are not asked."""
    received: dict[str, int] = {}
    for resource, _, items in groups:
        service = "" if resource is None else resource.service
        number = sum(data_points(each)[0] for each in items) if signal == "metrics" else len(items)
        if number:
            received[service] = received.get(service, 0) + number
    return received


def _build(decoded: Decoded, groups: list[Group], build: Callable[[Member, Origin], Any], rows: list[Any]) -> None:
    origins, tally = Origins(), Tally()
    for resource, scope, items in groups:
        service = "" if resource is None else resource.service
        origin = None
        if resource is not None and scope is not None and items:
            origin = origins.get(resource, scope, len(items))
        for item in items:
            if origin is None or not isinstance(item, dict):
                tally.add(service, "unreadable", item, _shortened)
                continue
            try:
                rows.append(build(item, origin))
            except BadItemError as error:
                tally.add(service, error.reason, item, _shortened)
    decoded.rejections = tally.rejections()


def _shortened(item: object) -> str:
    try:
        return orjson.dumps(item).decode()[:SAMPLE_LENGTH]
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, or nested deeper than orjson writes
        return type(item).__name__


def _span(span: Member, origin: Origin) -> RawSpan:
    trace_id = _id(span.get("traceId"), 16)
    if trace_id is None:
        msg = "bad_trace_id"
        raise BadItemError(msg)
    span_id = _id(span.get("spanId"), 8)
    if span_id is None:
        msg = "bad_span_id"
        raise BadItemError(msg)
    parent = _id(span.get("parentSpanId"), 8)
    start_ns, end_ns = placed(_time(span, "startTimeUnixNano"), _time(span, "endTimeUnixNano"))
    state = _object(span.get("status"))
    row = RawSpan(
        origin,
        trace_id,
        int.from_bytes(span_id, "big"),
        None if parent is None or parent == span_id else int.from_bytes(parent, "big"),
        _text(span, "name"),
        start_ns,
        end_ns,
        json_map(span.get("attributes")),
        span_kind(_enum(span, "kind", Span.SpanKind)),
        status(_enum(state, "code", Status.StatusCode)),
        _text(state, "message") or None,
        _text(span, "traceState") or None,
        _uint32(span, "flags"),
        [_event(_object(event)) for event in json_list(span.get("events"))],
        [],
        _uint32(span, "droppedAttributesCount"),
        _uint32(span, "droppedEventsCount"),
        _uint32(span, "droppedLinksCount"),
    )
    for link in json_list(span.get("links")):
        _add_link(row, _object(link))
    return row


def _event(event: Member) -> RawEvent:
    return RawEvent(
        _time(event, "timeUnixNano"),
        _text(event, "name"),
        json_map(event.get("attributes")),
        _uint32(event, "droppedAttributesCount"),
    )


def _add_link(row: RawSpan, link: Member) -> None:
    trace_id, span_id = _id(link.get("traceId"), 16), _id(link.get("spanId"), 8)
    if trace_id is None or span_id is None:
        row.dropped_links = min(row.dropped_links + 1, UINT32_MAX)
        return
    row.links.append(
        RawLink(
            trace_id,
            int.from_bytes(span_id, "big"),
            json_map(link.get("attributes")),
            _text(link, "traceState") or None,
            _uint32(link, "droppedAttributesCount"),
        )
    )


def _log(log: Member, origin: Origin) -> RawLog:
    trace_id = _id(log.get("traceId"), 16)
    span_id = _id(log.get("spanId"), 8) if trace_id else None
    attributes, body = json_map(log.get("attributes")), json_text(log.get("body"))
    return RawLog(
        origin,
        trace_id,
        int.from_bytes(span_id, "big") if span_id else None,
        _time(log, "timeUnixNano") or _time(log, "observedTimeUnixNano"),
        _enum(log, "severityNumber", SeverityNumber),
        _text(log, "severityText") or None,
        event_name(_text(log, "eventName"), attributes, body),
        body,
        attributes,
        _uint32(log, "flags"),
        _uint32(log, "droppedAttributesCount"),
    )


def _id(value: object, size: int) -> bytes | None:
    """The bytes of a hexadecimal id; null when missing, of the wrong length or type, all zero, or not hexadecimal."""
    if not isinstance(value, str) or len(value) != 2 * size:
        return None
    try:
        data = bytes.fromhex(value)
    except ValueError:
        return None
    return data if len(data) == size and data != NO_TRACE[:size] else None


def _text(message: Member, name: str) -> str:
    value = message.get(name)
    return "" if value is None else json_string(value)


def _uint32(message: Member, name: str) -> int:
    value = message.get(name)
    return 0 if value is None else json_int(value, 0, UINT32_MAX)


def _time(message: Member, name: str) -> int:
    value = message.get(name)
    if value is None or value == "":
        return 0
    try:
        return json_int(value, 0, UINT64_MAX)
    except BadItemError as error:
        msg = "bad_time"
        raise BadItemError(msg) from error


def _enum(message: Member, name: str, enum: Any) -> int:
    value = message.get(name)
    if value is None:
        return 0
    if isinstance(value, str) and value in enum.keys():  # noqa: SIM118 - an enum wrapper, not a dict
        return int(enum.Value(value))
    return json_int(value, INT32_MIN, INT32_MAX)


def data_points(metric: object) -> tuple[int, str]:
    """Data points of one metric and why they are refused; one for a metric that cannot be read."""
    try:
        if not isinstance(metric, dict):
            raise BadItemError  # noqa: TRY301
        lists = [json_list(_object(metric.get(kind)).get("dataPoints")) for kind in _METRIC_KINDS]
        return sum(map(len, lists)), "metrics_not_stored"
    except BadItemError:
        return 1, "unreadable"


def _refuse_metrics(decoded: Decoded, groups: list[Group]) -> None:
    tally = Tally()
    for resource, _, items in groups:
        service = "" if resource is None else resource.service
        for metric in items:
            number, reason = data_points(metric)
            if number:
                tally.add(service, reason, metric, _describe_metric, number)
    decoded.rejections = tally.rejections()


def _describe_metric(metric: object) -> str:
    name = metric.get("name") if isinstance(metric, dict) else None
    return f"metric {name[:150]!r}" if isinstance(name, str) else _shortened(metric)
