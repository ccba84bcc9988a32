"""Export requests of real instrumentations, replayed as they were sent but for their times and one mark."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.demo.export import PROTOBUF, SECOND, Export, Value, attributes, sample_attributes

PERIOD = 6 * 3600 * SECOND
TIMING = "durations and order as recorded; all times of a capture shifted together"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request of a capture."""

    signal: Literal["traces", "logs"]
    content_type: str
    body: bytes


def exports(folder: Path, newest_ns: int) -> Iterator[Export]:
    """Captures end evenly over the last six hours, the last one at `newest_ns`."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for place, capture in enumerate(index, start=1):
        requests = [
            Recorded(
                request["signal"], request["content_type"], gzip.decompress((folder / request["file"]).read_bytes())
            )
            for request in capture["requests"]
        ]
        ends = [end for request in requests for end in times_of(request)]
        shift_ns = newest_ns - PERIOD + PERIOD * place // len(index) - max(ends)
        for request in requests:
            yield shifted(request, shift_ns, datetime.fromtimestamp(min(ends) / SECOND, UTC))


def times_of(request: Recorded) -> Iterator[int]:
    """The ends of its spans, or the times of its log records; Unix nanoseconds."""
    if request.content_type != PROTOBUF:
        for span in spans_of(json.loads(request.body)):
            yield int(span["endTimeUnixNano"])
    elif request.signal == "traces":
        message = ExportTraceServiceRequest.FromString(request.body)
        yield from (
            span.end_time_unix_nano
            for group in message.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        )
    else:
        logs = ExportLogsServiceRequest.FromString(request.body)
        yield from (
            log.time_unix_nano or log.observed_time_unix_nano
            for group in logs.resource_logs
            for scope in group.scope_logs
            for log in scope.log_records
        )


def spans_of(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (span for group in message["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"])


def shifted(request: Recorded, shift_ns: int, recorded: datetime) -> Export:
    marks: dict[str, Value] = {
        **sample_attributes("captures", TIMING),
        "assayline.sample.original_time": recorded.isoformat(timespec="seconds"),
    }
    change: Callable[[bytes, int, dict[str, Value]], tuple[bytes, list[bytes]]]
    if request.content_type != PROTOBUF:
        change = shift_json
    else:
        change = shift_traces if request.signal == "traces" else shift_logs
    body, owners = change(request.body, shift_ns, marks)
    traces = frozenset(owners) if request.signal == "traces" else frozenset[bytes]()
    return Export(request.signal, body, len(owners), traces, request.content_type)


def mark(resource: Resource, marks: dict[str, Value]) -> None:
    resource.attributes.extend(attributes(marks))


def shift_traces(body: bytes, shift_ns: int, marks: dict[str, Value]) -> tuple[bytes, list[bytes]]:
    """The request with its times moved, and the trace id of each span."""
    message, owners = ExportTraceServiceRequest.FromString(body), []
    for group in message.resource_spans:
        mark(group.resource, marks)
        for span in (span for scope in group.scope_spans for span in scope.spans):
            span.start_time_unix_nano += shift_ns
            span.end_time_unix_nano += shift_ns
            for event in span.events:
                event.time_unix_nano += shift_ns
            owners.append(span.trace_id)
    return message.SerializeToString(deterministic=True), owners


def shift_logs(body: bytes, shift_ns: int, marks: dict[str, Value]) -> tuple[bytes, list[bytes]]:
    """The request with its times moved, and the trace id of each log record."""
    message, owners = ExportLogsServiceRequest.FromString(body), []
    for group in message.resource_logs:
        mark(group.resource, marks)
        for log in (log for scope in group.scope_logs for log in scope.log_records):
            if log.time_unix_nano:
                log.time_unix_nano += shift_ns
            if log.observed_time_unix_nano:
                log.observed_time_unix_nano += shift_ns
            owners.append(log.trace_id)
    return message.SerializeToString(deterministic=True), owners


def shift_json(body: bytes, shift_ns: int, marks: dict[str, Value]) -> tuple[bytes, list[bytes]]:
    """The same of an OTLP/JSON request of spans."""
    message, owners = json.loads(body), []
    for group in message["resourceSpans"]:
        group["resource"]["attributes"] += [
            {"key": key, "value": {"boolValue": value} if isinstance(value, bool) else {"stringValue": value}}
            for key, value in marks.items()
        ]
    for span in spans_of(message):
        for timed, keys in (
            (span, ("startTimeUnixNano", "endTimeUnixNano")),
            *((event, ("timeUnixNano",)) for event in span.get("events", [])),
        ):
            timed.update({key: str(int(timed[key]) + shift_ns) for key in keys})
        owners.append(bytes.fromhex(span["traceId"]))
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(), owners
