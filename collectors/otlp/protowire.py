"""OTLP protobuf to `collectors.model`, through upb.

A request that upb refuses as a whole (one string that is not UTF-8 is enough) is walked on the wire instead, item by
item: see `salvage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collectors.model import Decoded, Origin, RawEvent, RawLink, RawLog, RawSpan, Signal
from collectors.otlp.anyvalue import proto_map, proto_text
from collectors.otlp.rejections import SAMPLE_LENGTH, BadItemError, Tally
from collectors.otlp.rows import (
    MAX_ITEMS,
    NO_SPAN,
    NO_TRACE,
    Origins,
    Resource,
    Scope,
    check_count,
    describe_span,
    event_name,
    placed,
    span_kind,
    status,
)
from collectors.otlp.salvage import Unreadable, counted, salvaged

_REQUESTS: dict[Signal, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_ITEMS: dict[Signal, type[Message]] = {"traces": Span, "logs": LogRecord, "metrics": Metric}
# The three signals have one shape: resource groups hold scope groups, which hold the items.
_NAMES: dict[Signal, tuple[str, str, str]] = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
}

# Larger bodies are counted before they are parsed: parsing 4 MiB of empty spans takes 350 MB, and no more is risked.
_COUNTED_FIRST = 4 * 1024 * 1024

Group = tuple[Resource | None, Any, str, Sequence[Any]]
"""Resource (null: unreadable), scope message (null: unreadable), schema URL of the scope, items or `Unreadable`."""


def decode_protobuf(signal: Signal, body: bytes) -> Decoded:
    """Decode one export request.

    Raises:
        UndecodableError: not even the frames of its resources, scopes and items can be followed, or it holds more
            than `MAX_ITEMS` items.
    """
    if len(body) > _COUNTED_FIRST:
        check_count(counted(body, MAX_ITEMS))
    try:
        request = _REQUESTS[signal].FromString(body)
    except DecodeError:
        groups = list(_salvaged_groups(signal, body))
    else:
        groups = list(_groups(signal, request))
    decoded = Decoded(signal, received=_count(signal, groups))
    check_count(sum(decoded.received.values()))
    if signal == "metrics":
        _refuse_metrics(decoded, groups)
    elif signal == "traces":
        _build(decoded, groups, _span, decoded.spans, _describe_span)
    else:
        _build(decoded, groups, _log, decoded.logs, _describe_log)
    return decoded


def _groups(signal: Signal, request: Any) -> Iterator[Group]:
    outer, inner, items = _NAMES[signal]
    for resource_group in getattr(request, outer):
        resource = Resource.of(proto_map(resource_group.resource.attributes), resource_group.schema_url)
        for scope_group in getattr(resource_group, inner):
            yield resource, scope_group.scope, scope_group.schema_url, getattr(scope_group, items)


def _salvaged_groups(signal: Signal, body: bytes) -> Iterator[Group]:
    for resource, resource_url, scope, scope_url, items in salvaged(_ITEMS[signal], body):
        known = None if resource is None else Resource.of(proto_map(resource.attributes), resource_url)
        yield known, scope, scope_url, items


def _count(signal: Signal, groups: list[Group]) -> dict[str, int]:
    """Items per service, by the lengths of the lists alone: the rows are not asked."""
    received: dict[str, int] = {}
    for resource, _, _, items in groups:
        service = "" if resource is None else resource.service
        number = sum(map(data_points, items)) if signal == "metrics" else len(items)
        if number:
            received[service] = received.get(service, 0) + number
    return received


def _build(
    decoded: Decoded,
    groups: list[Group],
    build: Callable[[Any, Origin], Any],
    rows: list[Any],
    describe: Callable[[Any], str],
) -> None:
    origins, tally = Origins(), Tally()
    for resource, scope, scope_url, items in groups:
        service = "" if resource is None else resource.service
        origin = None
        if resource is not None and scope is not None and items:
            known = Scope(scope.name, scope.version, proto_map(scope.attributes), scope_url)
            origin = origins.get(resource, known, len(items))
        for item in items:
            if origin is None or isinstance(item, Unreadable):
                tally.add(service, "unreadable", item, describe)
                continue
            try:
                rows.append(build(item, origin))
            except BadItemError as error:
                tally.add(service, error.reason, item, describe)
    decoded.rejections = tally.rejections()


def _span(span: Span, origin: Origin) -> RawSpan:
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or trace_id == NO_TRACE:
        msg = "bad_trace_id"
        raise BadItemError(msg)
    if len(span_id) != 8 or span_id == NO_SPAN:
        msg = "bad_span_id"
        raise BadItemError(msg)
    start_ns, end_ns = placed(span.start_time_unix_nano, span.end_time_unix_nano)
    state = span.status
    row = RawSpan(
        origin,
        trace_id,
        int.from_bytes(span_id, "big"),
        _parent(span.parent_span_id, span_id),
        span.name,
        start_ns,
        end_ns,
        proto_map(span.attributes),
        span_kind(span.kind),
        status(state.code),
        state.message or None,
        span.trace_state or None,
        span.flags,
        [_event(event) for event in span.events],
        [],
        span.dropped_attributes_count,
        span.dropped_events_count,
        span.dropped_links_count,
    )
    if links := span.links:
        _add_links(row, links)
    return row


def _parent(parent: bytes, own: bytes) -> int | None:
    if len(parent) != 8 or parent == own:
        return None
    return int.from_bytes(parent, "big") or None


def _event(event: Span.Event) -> RawEvent:
    return RawEvent(event.time_unix_nano, event.name, proto_map(event.attributes), event.dropped_attributes_count)


def _add_links(row: RawSpan, links: Iterable[Span.Link]) -> None:
    for link in links:
        if not _identified(link.trace_id, link.span_id):
            row.dropped_links = min(row.dropped_links + 1, 2**32 - 1)
            continue
        row.links.append(
            RawLink(
                link.trace_id,
                int.from_bytes(link.span_id, "big"),
                proto_map(link.attributes),
                link.trace_state or None,
                link.dropped_attributes_count,
            )
        )


def _identified(trace_id: bytes, span_id: bytes) -> bool:
    return len(trace_id) == 16 and trace_id != NO_TRACE and len(span_id) == 8 and span_id != NO_SPAN


def _log(log: LogRecord, origin: Origin) -> RawLog:
    trace_id = log.trace_id if len(log.trace_id) == 16 and log.trace_id != NO_TRACE else None
    span_id = int.from_bytes(log.span_id, "big") if trace_id and len(log.span_id) == 8 else 0
    attributes, body = proto_map(log.attributes), proto_text(log.body)
    return RawLog(
        origin,
        trace_id,
        span_id or None,
        log.time_unix_nano or log.observed_time_unix_nano,
        log.severity_number,
        log.severity_text or None,
        event_name(log.event_name, attributes, body),
        body,
        attributes,
        log.flags,
        log.dropped_attributes_count,
    )


def data_points(metric: Metric | Unreadable) -> int:
    """Data points of one metric; one for a metric that cannot be read."""
    if isinstance(metric, Unreadable):
        return 1
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


def _refuse_metrics(decoded: Decoded, groups: list[Group]) -> None:
    tally = Tally()
    for resource, _, _, items in groups:
        service = "" if resource is None else resource.service
        for metric in items:
            reason = "unreadable" if isinstance(metric, Unreadable) else "metrics_not_stored"
            if number := data_points(metric):
                tally.add(service, reason, metric, _describe_metric, number)
    decoded.rejections = tally.rejections()


def _describe_metric(metric: Metric | Unreadable) -> str:
    return metric.printable(SAMPLE_LENGTH) if isinstance(metric, Unreadable) else f"metric {metric.name[:150]!r}"


def _describe_span(span: Span | Unreadable) -> str:
    if isinstance(span, Unreadable):
        return span.printable(SAMPLE_LENGTH)
    return describe_span(span.name, span.trace_id.hex(), span.span_id.hex())


def _describe_log(log: LogRecord | Unreadable) -> str:
    if isinstance(log, Unreadable):
        return log.printable(SAMPLE_LENGTH)
    return f"log record {(proto_text(log.body) or '')[:150]!r}"
