"""OTLP requests to raw spans and logs: cases of both encodings, salvage, and the law of the count."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from collectors.errors import UndecodableError
from collectors.model import Decoded, RawSpan
from collectors.otlp import decode
from collectors.otlp.anyvalue import TOO_DEEP
from collectors.otlp.rejections import REASONS, message
from collectors.otlp.rows import MAX_ITEMS

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
SPAN_NUMBER = int.from_bytes(SPAN, "big")
START = 1_700_000_000_000_000_000


def text_pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def span(**members: Any) -> Span:
    given = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "name": "s",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 5,
    }
    return Span(**{**given, **members})


def request(*spans: Span, service: str = "api") -> ExportTraceServiceRequest:
    resource = Resource(attributes=[text_pair("service.name", service)])
    scope = InstrumentationScope(name="lib", version="1")
    group = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[group])


def from_proto(*spans: Span) -> Decoded:
    return lawful(decode("traces", "http-protobuf", request(*spans).SerializeToString()))


def from_json(*spans: object, **resource: object) -> Decoded:
    group = {"resource": resource, "scopeSpans": [{"scope": {"name": "lib"}, "spans": list(spans)}]}
    return lawful(decode("traces", "http-json", orjson.dumps({"resourceSpans": [group]})))


def json_span(**members: object) -> dict[str, object]:
    given = {"traceId": TRACE.hex(), "spanId": SPAN.hex(), "name": "s", "startTimeUnixNano": str(START)}
    return {**given, "endTimeUnixNano": str(START + 5), **members}


def lawful(decoded: Decoded) -> Decoded:
    """Received = rows + rejections, per service, and every reason is of the closed list."""
    told = Counter(decoded.received)
    kept = Counter((row.origin.resource.get("service.name") or "") for row in (*decoded.spans, *decoded.logs))
    refused: Counter[str] = Counter()
    for rejection in decoded.rejections:
        assert rejection.reason in REASONS
        assert len(rejection.sample) <= 200
        assert rejection.count > 0
        refused[rejection.service] += rejection.count
    assert sum(told.values()) == sum(kept.values()) + sum(refused.values())
    if not any((name or "").startswith("unknown_service") for name in kept):
        assert told == kept + refused
    return decoded


def reasons(decoded: Decoded) -> dict[str, int]:
    return {rejection.reason: rejection.count for rejection in decoded.rejections}


def only(decoded: Decoded) -> RawSpan:
    (row,) = decoded.spans
    assert not decoded.rejections
    return row


# Cases of both encodings


def test_every_member_of_a_span(otlp_json: Callable[..., bytes]) -> None:
    whole = request(
        span(
            parent_span_id=b"\x09" * 8, name="n", kind=3, flags=257, trace_state="a=b",
            attributes=[text_pair("k", "v"), KeyValue(key="n", value=AnyValue(int_value=3))],
            events=[
                Span.Event(time_unix_nano=7, name="e", attributes=[text_pair("x", "y")], dropped_attributes_count=2)
            ],
            links=[Span.Link(trace_id=TRACE, span_id=SPAN, trace_state="t", attributes=[text_pair("l", "m")])],
            status=Status(code=Status.STATUS_CODE_ERROR, message="bad"),
            dropped_attributes_count=1, dropped_events_count=2, dropped_links_count=3,
        )
    )  # fmt: skip
    whole.resource_spans[0].schema_url, whole.resource_spans[0].scope_spans[0].schema_url = "r", "s"
    row = only(decode("traces", "grpc", whole.SerializeToString()))
    assert (row.trace_id, row.span_id, row.parent_span_id) == (TRACE, SPAN_NUMBER, int.from_bytes(b"\x09" * 8, "big"))
    assert (row.name, row.span_kind, row.status, row.status_message) == ("n", "client", "error", "bad")
    assert (row.start_ns, row.end_ns, row.flags, row.trace_state) == (START, START + 5, 257, "a=b")
    assert row.attributes == {"k": "v", "n": "3"}
    assert (row.dropped_attributes, row.dropped_events, row.dropped_links) == (1, 2, 3)
    (event,), (link,) = row.events, row.links
    assert (event.time_ns, event.name, event.attributes, event.dropped) == (7, "e", {"x": "y"}, 2)
    assert (link.trace_id, link.span_id, link.attributes, link.trace_state) == (TRACE, SPAN_NUMBER, {"l": "m"}, "t")
    assert (row.origin.scope_name, row.origin.scope_version) == ("lib", "1")
    assert (row.origin.resource_schema_url, row.origin.scope_schema_url) == ("r", "s")
    for numbers in (True, False):
        assert only(decode("traces", "http-json", otlp_json(whole, numbers_for_enums=numbers))) == row


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param({"trace_id": b""}, "bad_trace_id", id="no-trace-id"),
        pytest.param({"trace_id": b"\1" * 15}, "bad_trace_id", id="short-trace-id"),
        pytest.param({"trace_id": b"\1" * 17}, "bad_trace_id", id="long-trace-id"),
        pytest.param({"trace_id": bytes(16)}, "bad_trace_id", id="zero-trace-id"),
        pytest.param({"span_id": b""}, "bad_span_id", id="no-span-id"),
        pytest.param({"span_id": b"\1" * 16}, "bad_span_id", id="long-span-id"),
        pytest.param({"span_id": bytes(8)}, "bad_span_id", id="zero-span-id"),
    ],
)
def test_bad_ids_refuse_the_span_alone(members: dict[str, bytes], reason: str, otlp_json: Callable[..., bytes]) -> None:
    both = request(span(**members), span())
    for source, body in (("grpc", both.SerializeToString()), ("http-json", otlp_json(both))):
        decoded = lawful(decode("traces", source, body))  # type: ignore[arg-type]  # two of the three sources
        assert (len(decoded.spans), reasons(decoded), decoded.received) == (1, {reason: 1}, {"api": 2})


@pytest.mark.parametrize(
    "parent",
    [b"", bytes(8), b"\1", b"\1" * 9, SPAN],
    ids=["none", "zero", "short", "long", "itself"],
)
def test_a_bad_parent_leaves_a_root(parent: bytes, otlp_json: Callable[..., bytes]) -> None:
    whole = request(span(parent_span_id=parent))
    assert only(decode("traces", "grpc", whole.SerializeToString())).parent_span_id is None
    assert only(decode("traces", "http-json", otlp_json(whole))).parent_span_id is None


def test_a_link_with_bad_ids_is_counted_as_dropped(otlp_json: Callable[..., bytes]) -> None:
    links = [Span.Link(trace_id=b"\1", span_id=SPAN), Span.Link(trace_id=TRACE, span_id=SPAN), Span.Link()]
    whole = request(span(links=links, dropped_links_count=2))
    row = only(decode("traces", "grpc", whole.SerializeToString()))
    assert (len(row.links), row.dropped_links) == (1, 4)
    assert only(decode("traces", "http-json", otlp_json(whole))) == row


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        pytest.param(START, START - 1, (START, START - 1), id="end-before-start"),
        pytest.param(START, 0, (START, 0), id="never-ended"),
        pytest.param(0, START, (START, 0), id="no-start-stands-at-its-end"),
        pytest.param(0, 0, (0, 0), id="no-time-at-all"),
        pytest.param(2**64 - 1, 2**64 - 1, (2**64 - 1, 2**64 - 1), id="largest"),
    ],
)
def test_times(start: int, end: int, kept: tuple[int, int]) -> None:
    row = only(from_proto(span(start_time_unix_nano=start, end_time_unix_nano=end)))
    assert (row.start_ns, row.end_ns) == kept
    row = only(from_json(json_span(startTimeUnixNano=start, endTimeUnixNano=end)))
    assert (row.start_ns, row.end_ns) == kept


def test_unknown_enum_numbers_are_unspecified() -> None:
    row = only(from_proto(span(kind=77, status=Status(code=-5))))  # type: ignore[arg-type]  # not of the enum
    assert (row.span_kind, row.status) == ("unspecified", "unset")


def test_ten_thousand_attributes_are_kept() -> None:
    row = only(from_proto(span(attributes=[text_pair(f"k{i}", "v") for i in range(10_000)])))
    assert len(row.attributes) == 10_000


def test_an_empty_request_is_decoded() -> None:
    for signal in ("traces", "logs", "metrics"):
        assert decode(signal, "grpc", b"") == Decoded(signal)  # type: ignore[arg-type]  # of the three signals
        assert decode(signal, "http-json", b"{}") == Decoded(signal)  # type: ignore[arg-type]


def test_placeholder_services_count_as_unset() -> None:
    whole = request(span(), service="unknown_service:python")
    assert decode("traces", "grpc", whole.SerializeToString()).received == {"": 1}


def test_equal_origins_are_one_object_with_one_id_whatever_the_order() -> None:
    first, second = [text_pair("a", "1"), text_pair("b", "2")], [text_pair("b", "2"), text_pair("a", "1")]
    groups = [
        ResourceSpans(resource=Resource(attributes=each), scope_spans=[ScopeSpans(spans=[span()])])
        for each in (first, second)
    ]
    decoded = decode("traces", "grpc", ExportTraceServiceRequest(resource_spans=groups).SerializeToString())
    one, other = (row.origin for row in decoded.spans)
    assert one is other
    assert 0 < one.origin_id < 2**64
    assert only(from_proto(span())).origin.origin_id != one.origin_id


def test_the_id_of_an_origin_stays_what_stored_rows_have() -> None:
    scope = InstrumentationScope(name="lib", version="1", attributes=[text_pair("a", "b")])
    scopes = [ScopeSpans(scope=scope, spans=[span()], schema_url="s"), ScopeSpans(spans=[span()])]
    resource = Resource(attributes=[text_pair("service.name", "api"), text_pair("k", "é")])
    groups = [
        ResourceSpans(resource=resource, scope_spans=scopes, schema_url="r"),
        ResourceSpans(scope_spans=scopes),
    ]
    decoded = decode("traces", "grpc", ExportTraceServiceRequest(resource_spans=groups).SerializeToString())
    assert [row.origin.origin_id for row in decoded.spans] == [
        18394432612373968952, 15434348384633154728, 15726722913505300477, 8907458363902255924,
    ]  # fmt: skip


# Protobuf: salvage


def with_bytes(body: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert body.count(old) == 1
    return body.replace(old, new)


def test_a_string_that_is_not_utf8_is_mended_and_the_span_kept() -> None:
    body = request(span(name="good"), span(name="badname", attributes=[text_pair("k", "value-x")])).SerializeToString()
    decoded = lawful(decode("traces", "grpc", with_bytes(body, b"value-x", b"value-\xff")))
    assert [row.name for row in decoded.spans] == ["good", "badname"]
    assert decoded.spans[1].attributes == {"k": "value-\ufffd"}
    assert decoded.received == {"api": 2}


def test_a_resource_that_is_not_utf8_is_mended() -> None:
    body = request(span(), service="apix").SerializeToString()
    decoded = lawful(decode("traces", "grpc", with_bytes(body, b"apix", b"api\xff")))
    assert decoded.received == {"api\ufffd": 1}
    assert decoded.spans[0].origin.scope_version == "1"


def field(number: int, payload: bytes) -> bytes:
    """One length-delimited field, its length in four bytes so that any payload fits."""
    size = len(payload)
    low = [size >> shift & 0x7F | 0x80 for shift in (0, 7, 14)]
    return bytes([number << 3 | 2, *low, size >> 21]) + payload


def test_a_span_cut_within_its_frame_is_refused_alone() -> None:
    # The last member of the middle span says that it is longer than the span.
    broken = span(name="broken").SerializeToString() + b"\x4a\x7f\x0a"
    good = span().SerializeToString()
    body = field(1, field(2, b"".join(field(2, each) for each in (good, broken, good))))
    decoded = lawful(decode("traces", "grpc", body))
    assert (len(decoded.spans), reasons(decoded), decoded.received) == (2, {"unreadable": 1}, {"": 3})
    assert "broken" in decoded.rejections[0].sample


@pytest.mark.parametrize("scope", [b"", field(1, b"\x0a\x7f")], ids=["resource", "scope"])
def test_spans_of_an_unreadable_origin_are_refused_and_others_kept(scope: bytes) -> None:
    resource = b"" if scope else field(1, b"\x0a\x7f")
    group = field(1, resource + field(2, scope + field(2, span().SerializeToString())))
    decoded = lawful(decode("traces", "grpc", group + request(span()).SerializeToString()))
    assert (len(decoded.spans), reasons(decoded), decoded.received) == (1, {"unreadable": 1}, {"": 1, "api": 1})


@pytest.mark.parametrize("size", [40, 60, -1], ids=["in-a-group", "in-a-span", "last-byte"])
def test_a_cut_request_is_undecodable(size: int) -> None:
    body = request(span(name="n" * 50)).SerializeToString()
    with pytest.raises(UndecodableError):
        decode("traces", "grpc", body[:size])


@pytest.mark.parametrize("body", [b"\xff" * 20, b'{"resourceSpans":[]}', b"\0", b"hello"], ids=repr)
def test_what_is_no_protobuf_is_undecodable(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode("traces", "http-protobuf", body)


def test_a_nest_deeper_than_upb_reads_is_cut_and_the_span_kept() -> None:
    wire: bytes = field(1, b"core")
    plain: dict[str, object] = {"stringValue": "core"}
    for _ in range(60):
        wire = field(6, field(1, field(1, b"k") + field(2, wire)))
        plain = {"kvlistValue": {"values": [{"key": "k", "value": plain}]}}
    attribute = field(9, field(1, b"deep") + field(2, wire))
    body = field(1, field(2, field(2, span().SerializeToString() + attribute)))
    row = only(lawful(decode("traces", "grpc", body)))
    assert TOO_DEEP in (row.attributes["deep"] or "")
    assert only(from_json(json_span(attributes=[{"key": "deep", "value": plain}]))).attributes == row.attributes


def test_many_bad_items_stay_one_rejection() -> None:
    decoded = decode("traces", "grpc", field(1, field(2, b"\x12\x00" * 60_000)))
    assert decoded.received == {"": 60_000}
    assert reasons(decoded) == {"bad_trace_id": 60_000}
    assert len(decoded.rejections) == 1


@pytest.mark.parametrize("number", [MAX_ITEMS + 1, 3_000_000], ids=["after-parsing", "before-parsing"])
def test_a_swarm_of_items_is_refused_as_a_whole(number: int) -> None:
    body = field(1, field(2, b"\x12\x00" * number))
    with pytest.raises(UndecodableError, match="more than 250000 items"):
        decode("traces", "grpc", body)
    if number == MAX_ITEMS + 1:
        swarm = b"{}," * MAX_ITEMS + b"{}"
        with pytest.raises(UndecodableError, match="more than 250000 items"):
            decode("traces", "http-json", b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + swarm + b"]}]}]}")


# JSON


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param({"traceId": 5}, "bad_trace_id", id="number-as-trace-id"),
        pytest.param({"traceId": "AQIDBAUGBwgJCgsMDQ4PEA=="}, "bad_trace_id", id="base64-trace-id"),
        pytest.param({"traceId": "0g" * 16}, "bad_trace_id", id="not-hexadecimal"),
        pytest.param({"spanId": " 1020304050607 "}, "bad_span_id", id="blanks-in-span-id"),
        pytest.param({"spanId": None}, "bad_span_id", id="null-span-id"),
        pytest.param({"startTimeUnixNano": "soon"}, "bad_time", id="word-as-time"),
        pytest.param({"startTimeUnixNano": -1}, "bad_time", id="time-before-1970"),
        pytest.param({"endTimeUnixNano": str(2**64)}, "bad_time", id="time-beyond-64-bits"),
        pytest.param({"events": [{"timeUnixNano": 1.5}]}, "bad_time", id="half-a-nanosecond"),
        pytest.param({"name": 5}, "unreadable", id="number-as-name"),
        pytest.param({"attributes": {"k": "v"}}, "unreadable", id="object-as-attributes"),
        pytest.param({"attributes": ["k"]}, "unreadable", id="text-as-attribute"),
        pytest.param({"attributes": [{"key": "k", "value": {"intValue": "x"}}]}, "unreadable", id="word-as-int"),
        pytest.param({"kind": "SPAN_KIND_UNHEARD_OF"}, "unreadable", id="unknown-enum-name"),
        pytest.param({"kind": 2**31}, "unreadable", id="enum-beyond-32-bits"),
        pytest.param({"flags": -1}, "unreadable", id="negative-flags"),
        pytest.param({"droppedEventsCount": 2**32}, "unreadable", id="count-beyond-32-bits"),
        pytest.param({"status": "ok"}, "unreadable", id="text-as-status"),
        pytest.param({"events": [[]]}, "unreadable", id="list-as-event"),
        pytest.param({"links": {}}, "unreadable", id="object-as-links"),
    ],
)
def test_wrong_members_refuse_the_span_alone(members: dict[str, object], reason: str) -> None:
    decoded = from_json(json_span(**members), json_span())
    assert (len(decoded.spans), reasons(decoded)) == (1, {reason: 1})


@pytest.mark.parametrize("item", [None, 5, "span", []], ids=repr)
def test_items_that_are_no_objects_are_refused_alone(item: object) -> None:
    assert reasons(from_json(item, json_span())) == {"unreadable": 1}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"traceId": TRACE.hex().upper(), "spanId": SPAN.hex().upper()}, id="upper-case-ids"),
        pytest.param({"startTimeUnixNano": START, "endTimeUnixNano": START + 5}, id="times-as-numbers"),
        pytest.param({"events": None, "links": None, "attributes": None, "status": None, "kind": None}, id="nulls"),
        pytest.param({"parentSpanId": "", "traceState": "", "events": [], "status": {}}, id="empty-members"),
        pytest.param({"unknown": {"a": [1]}, "trace_id": "x", "start_time_unix_nano": 5}, id="unknown-and-snake-case"),
    ],
)
def test_forms_that_mean_the_same(members: dict[str, object]) -> None:
    assert only(from_json(json_span(**members))) == only(from_json(json_span()))


def test_spans_of_a_wrong_resource_are_refused() -> None:
    assert reasons(from_json(json_span(), attributes=5)) == {"unreadable": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null ", b"5", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"na', b'{"resourceSpans":5}',
        b'{"resourceSpans":[5]}', b'{"resourceSpans":[{"scopeSpans":{}}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
        b'{"a":NaN', b'{"a":' + b"[" * 3000 + b"NaN" + b"]" * 3000 + b"}", b'{"a":NaN,"b":' + b"9" * 5000 + b"}",
        b"\xff\xfe", b"\x0a\x00",
    ],
    ids=lambda body: repr(body[:40]),
)  # fmt: skip
def test_what_is_no_request_in_json_is_undecodable(body: bytes) -> None:
    if body == b"null ":  # null is an empty message, by protobuf's JSON mapping
        assert decode("traces", "http-json", body) == Decoded("traces")
        return
    with pytest.raises(UndecodableError):
        decode("traces", "http-json", body)


def test_half_surrogates_nan_and_bad_utf8_are_read_all_the_same() -> None:
    attributes = rb'[{"key":"k","value":{"stringValue":"a\ud83d"}},{"key":"n","value":{"doubleValue":NaN}}]'
    plain = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [json_span(attributes="HERE")]}]}]})
    row = only(decode("traces", "http-json", plain.replace(b'"HERE"', attributes)))
    assert row.attributes == {"k": "a\ufffd", "n": "NaN"}
    cut = b'[{"key":"k","value":{"stringValue":"caf\xc3"}}]'
    row = only(decode("traces", "http-json", plain.replace(b'"HERE"', cut)))
    assert row.attributes == {"k": "caf\ufffd"}


# Logs and metrics


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    resource = Resource(attributes=[text_pair("service.name", "api")])
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])]
    )


@pytest.mark.parametrize(
    ("record", "name"),
    [
        pytest.param(LogRecord(event_name="a"), "a", id="field"),
        pytest.param(LogRecord(attributes=[text_pair("event.name", "b")]), "b", id="attribute"),
        pytest.param(LogRecord(attributes=[text_pair("event_name", "c")]), "c", id="underscore"),
        pytest.param(LogRecord(event_name="a", attributes=[text_pair("event.name", "b")]), "a", id="field-first"),
        pytest.param(LogRecord(), None, id="none"),
    ],
)
def test_event_names(record: LogRecord, name: str | None, otlp_json: Callable[..., bytes]) -> None:
    whole = logs(record)
    (row,) = decode("logs", "grpc", whole.SerializeToString()).logs
    assert row.event_name == name
    assert decode("logs", "http-json", otlp_json(whole)).logs == [row]


@pytest.mark.parametrize(
    ("name", "body", "whole"),
    [
        pytest.param("api_request", "claude_code.api_request", "claude_code.api_request", id="claude-code"),
        pytest.param("c", "a-1.x_y.c", "a-1.x_y.c", id="of-three-parts"),
        pytest.param("a.b", "a.b", "a.b", id="the-same"),
        pytest.param("b", "Went to a.b", "b", id="a-sentence"),
        pytest.param("b", "a.bb", "b", id="another-name"),
        pytest.param("b", ".b", "b", id="no-head"),
        pytest.param("b", "a.b\n", "b", id="two-lines"),
        pytest.param("", "claude_code.api_request", None, id="no-name"),
    ],
)
def test_an_event_is_named_by_a_body_that_has_its_name_whole(
    name: str, body: str, whole: str | None, otlp_json: Callable[..., bytes]
) -> None:
    for record in (LogRecord(event_name=name), LogRecord(attributes=[text_pair("event.name", name)])):
        record.body.string_value = body
        (row,) = decode("logs", "grpc", logs(record).SerializeToString()).logs
        assert (row.event_name, row.body) == (whole, body)
        assert decode("logs", "http-json", otlp_json(logs(record))).logs == [row]


def test_a_log_keeps_its_body_and_loses_bad_ids_only(otlp_json: Callable[..., bytes]) -> None:
    body = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)]))
    whole = logs(
        LogRecord(
            trace_id=TRACE, span_id=SPAN, time_unix_nano=5, observed_time_unix_nano=9, severity_number=9, body=body
        ),  # type: ignore[arg-type]
        LogRecord(trace_id=b"\1", span_id=SPAN, observed_time_unix_nano=9, severity_text="WARN"),
        LogRecord(trace_id=TRACE, span_id=b"\1\2"),
    )
    decoded = lawful(decode("logs", "grpc", whole.SerializeToString()))
    assert [(row.trace_id, row.span_id) for row in decoded.logs] == [(TRACE, SPAN_NUMBER), (None, None), (TRACE, None)]
    assert [(row.time_ns, row.severity, row.severity_text, row.body) for row in decoded.logs] == [
        (5, 9, None, "[1]"), (9, 0, "WARN", None), (0, 0, None, None),
    ]  # fmt: skip
    assert decode("logs", "http-json", otlp_json(whole)) == decoded


def test_metrics_are_counted_by_data_point_and_not_kept(otlp_json: Callable[..., bytes]) -> None:
    points = [NumberDataPoint(as_int=1), NumberDataPoint(as_int=2)]
    metrics = [
        Metric(name="m", gauge=Gauge(data_points=points)),
        Metric(name="n", sum=Sum(data_points=points)),
        Metric(),
    ]
    resource = Resource(attributes=[text_pair("service.name", "api")])
    group = ResourceMetrics(resource=resource, scope_metrics=[ScopeMetrics(metrics=metrics)])
    whole = ExportMetricsServiceRequest(resource_metrics=[group])
    decoded = lawful(decode("metrics", "grpc", whole.SerializeToString()))
    assert (decoded.received, reasons(decoded)) == ({"api": 4}, {"metrics_not_stored": 4})
    assert (
        message("metrics", decoded.rejections)
        == "Not stored, do not send again. 4 data points: metrics are not stored."
    )
    assert decode("metrics", "http-json", otlp_json(whole)) == decoded


# Laws

ids = st.one_of(st.just(TRACE), st.binary(max_size=18), st.just(bytes(16)))
short_ids = st.one_of(st.just(SPAN), st.binary(max_size=9), st.just(bytes(8)))
uint64, uint32 = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)
values = st.recursive(
    st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=st.text(max_size=5)),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats()),
    ),
    lambda inner: st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=2))),
    max_leaves=3,
)
attributes = st.lists(
    st.builds(KeyValue, key=st.sampled_from(["a", "b", "service.name", "event.name"]), value=values), max_size=3
)
events = st.lists(
    st.builds(Span.Event, time_unix_nano=uint64, name=st.text(max_size=3), attributes=attributes), max_size=2
)
links = st.lists(st.builds(Span.Link, trace_id=ids, span_id=short_ids, attributes=attributes, flags=uint32), max_size=2)
any_span = st.builds(
    Span, trace_id=ids, span_id=short_ids, parent_span_id=short_ids, name=st.text(max_size=5), kind=st.integers(0, 5),
    start_time_unix_nano=uint64, end_time_unix_nano=uint64, attributes=attributes, flags=uint32, events=events,
    status=st.builds(Status, code=st.integers(0, 2), message=st.text(max_size=3)), links=links,
    dropped_attributes_count=uint32, dropped_links_count=uint32,
)  # fmt: skip
any_log = st.builds(
    LogRecord, trace_id=ids, span_id=short_ids, time_unix_nano=uint64, observed_time_unix_nano=uint64, body=values,
    severity_number=st.integers(0, 24), severity_text=st.text(max_size=3), attributes=attributes,
    event_name=st.text(max_size=3),
)  # fmt: skip
scope = st.builds(InstrumentationScope, name=st.text(max_size=2), version=st.text(max_size=2), attributes=attributes)
resource = st.builds(Resource, attributes=attributes)
any_traces = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans, resource=resource, schema_url=st.text(max_size=2),
            scope_spans=st.lists(st.builds(ScopeSpans, scope=scope, spans=st.lists(any_span, max_size=3)), max_size=2),
        ),
        max_size=2,
    ),
)  # fmt: skip
any_logs = st.builds(logs, any_log, any_log)
FEWER = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def comparable(decoded: Decoded) -> tuple[Any, ...]:
    """All but the samples, which show an item as it was sent."""
    return decoded.spans, decoded.logs, decoded.received, [(r.service, r.reason, r.count) for r in decoded.rejections]


@FEWER
@given(any_traces, st.booleans())
def test_both_encodings_of_any_traces_give_the_same_rows(
    otlp_json: Callable[..., bytes], whole: ExportTraceServiceRequest, numbers: bool
) -> None:
    decoded = decode("traces", "grpc", whole.SerializeToString())
    sent = sum(len(scope.spans) for group in whole.resource_spans for scope in group.scope_spans)
    assert sum(decoded.received.values()) == sent == len(decoded.spans) + sum(r.count for r in decoded.rejections)
    assert comparable(decode("traces", "http-json", otlp_json(whole, numbers_for_enums=numbers))) == comparable(decoded)


@FEWER
@given(any_logs)
def test_both_encodings_of_any_logs_give_the_same_rows(
    otlp_json: Callable[..., bytes], whole: ExportLogsServiceRequest
) -> None:
    decoded = decode("logs", "grpc", whole.SerializeToString())
    assert sum(decoded.received.values()) == 2 == len(decoded.logs)
    assert comparable(decode("logs", "http-json", otlp_json(whole))) == comparable(decoded)


@given(st.binary(max_size=60), st.sampled_from(["traces", "logs", "metrics"]), st.sampled_from(["grpc", "http-json"]))
def test_any_bytes_are_decoded_or_undecodable(body: bytes, signal: Any, source: Any) -> None:
    with suppress(UndecodableError):
        lawful(decode(signal, source, body))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["key", "value", "values", "stringValue", "intValue", "arrayValue", "kvlistValue"]),
            inner, max_size=3,
        ),
    ),
    max_leaves=5,
)  # fmt: skip
MEMBERS = [
    "traceId",
    "spanId",
    "name",
    "kind",
    "status",
    "attributes",
    "events",
    "links",
    "startTimeUnixNano",
    "flags",
    "parentSpanId",
]


@FEWER
@given(st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=3), json_values)
def test_any_json_in_one_span_leaves_its_neighbours(members: dict[str, object], item: object) -> None:
    decoded = from_json(json_span(), json_span(**members), item, json_span(name="last"))
    assert (decoded.spans[0].name, decoded.spans[-1].name) == ("s", "last")
    assert decoded.received == {"": 4}


def test_decoding_keeps_its_pace() -> None:
    """At most 60 us a span of 12 attributes here; 9 us are measured on an idle core, and the budget is 12."""
    pairs = [text_pair(f"gen_ai.attribute.{i}", "some text of a usual length") for i in range(12)]
    body = request(*[span(attributes=pairs) for _ in range(500)]).SerializeToString()
    gc.collect()
    best = min(_seconds(lambda: decode("traces", "grpc", body)) for _ in range(5))
    assert best / 500 < 60e-6


def _seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
