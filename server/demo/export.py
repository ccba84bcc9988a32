"""Spans and events of the sample data as OTLP messages, with ids that depend on the data alone."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
SPANS_A_REQUEST = 100  # agent spans repeat their history: this keeps a request under a few megabytes
PROTOBUF = "application/x-protobuf"

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class Export:
    """One OTLP request."""

    signal: Literal["traces", "logs"]
    body: bytes
    items: int
    traces: frozenset[bytes]
    content_type: str = PROTOBUF


@dataclass(slots=True)
class Sample:
    """The spans and events of one service of the sample data."""

    service: str
    dataset: str
    timing: str  # what of the times is known, for a person to read
    version: str | None = None
    spans: list[Span] = field(default_factory=list)
    events: list[LogRecord] = field(default_factory=list)

    def resource(self) -> Resource:
        known: dict[str, Value | None] = {
            "service.name": self.service,
            "service.version": self.version,
            "deployment.environment.name": "sample",
            **sample_attributes(self.dataset, self.timing),
        }
        return Resource(attributes=attributes(known))

    def exports(self) -> Iterator[Export]:
        """Spans first, then events."""
        scope = InstrumentationScope(name="assayline.sample")
        for spans in chunks(self.spans):
            group = ResourceSpans(resource=self.resource(), scope_spans=[ScopeSpans(scope=scope, spans=spans)])
            body = ExportTraceServiceRequest(resource_spans=[group]).SerializeToString(deterministic=True)
            yield Export("traces", body, len(spans), frozenset(span.trace_id for span in spans))
        for events in chunks(self.events):
            logs = ResourceLogs(resource=self.resource(), scope_logs=[ScopeLogs(scope=scope, log_records=events)])
            body = ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString(deterministic=True)
            yield Export("logs", body, len(events), frozenset())


def sample_attributes(dataset: str, timing: str) -> dict[str, Value]:
    """What marks a resource as sample data."""
    return {"assayline.sample": True, "assayline.sample.dataset": dataset, "assayline.sample.timing": timing}


Item = TypeVar("Item")


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + SPANS_A_REQUEST] for at in range(0, len(items), SPANS_A_REQUEST))


def any_value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case _:
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))


def attributes(known: Attributes) -> list[KeyValue]:
    """Attributes whose value is known: null is left out."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in known.items() if value is not None]


def stable_id(size: int, *parts: object) -> bytes:
    """An id of `size` bytes that depends on the parts alone."""
    return hashlib.sha256("/".join(map(str, ("assayline-sample", *parts))).encode()).digest()[:size]


def span(
    ids: tuple[bytes, bytes, bytes | None],
    name: str,
    times_ns: tuple[int, int],
    known: Attributes,
    *,
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_INTERNAL,
    error: str | None = None,
) -> Span:
    """One span; `ids` are trace, span and parent. `error` is the message of a failed one."""
    status = Status() if error is None else Status(code=Status.STATUS_CODE_ERROR, message=error)
    return Span(
        trace_id=ids[0],
        span_id=ids[1],
        parent_span_id=ids[2] or b"",
        name=name,
        kind=kind,
        start_time_unix_nano=times_ns[0],
        end_time_unix_nano=times_ns[1],
        attributes=attributes(known),
        status=status,
    )


@dataclass(frozen=True, slots=True)
class Score:
    """A score that came with the data."""

    name: str
    value: float
    label: str
    evaluator: str


def evaluation(score: Score, time_ns: int, target: Span | None = None, session: str | None = None) -> LogRecord:
    """The event `gen_ai.evaluation.result` on a span, or on a session."""
    known: dict[str, Value | None] = {
        "gen_ai.evaluation.name": score.name,
        "gen_ai.evaluation.score.value": score.value,
        "gen_ai.evaluation.score.label": score.label,
        "gen_ai.evaluation.evaluator.name": score.evaluator,
        "gen_ai.conversation.id": session,
    }
    return LogRecord(
        trace_id=b"" if target is None else target.trace_id,
        span_id=b"" if target is None else target.span_id,
        time_unix_nano=time_ns,
        observed_time_unix_nano=time_ns,
        severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
        event_name="gen_ai.evaluation.result",
        attributes=attributes(known),
    )


def text_message(role: str, content: str, finish_reason: str | None = None) -> dict[str, Any]:
    """One message of OpenTelemetry's GenAI schema with one text part."""
    message: dict[str, Any] = {"role": role, "parts": [{"type": "text", "content": content}]}
    return message if finish_reason is None else {**message, "finish_reason": finish_reason}


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def assumed_ns(written: str) -> int:
    """A duration where the data has none: half a second, and 5 ms for each character that the model wrote."""
    return SECOND // 2 + 5_000_000 * len(written)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def all_exports(samples: Iterable[Sample]) -> Iterator[Export]:
    for sample in samples:
        yield from sample.exports()
