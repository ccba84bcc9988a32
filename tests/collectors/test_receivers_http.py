"""OTLP over HTTP: real exporters, plain clients and raw sockets against a real server."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import orjson
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from collectors.errors import UnavailableError, UnknownProjectError
from collectors.receivers.connection import Connection
from collectors.receivers.limits import capped, inflated
from collectors.receivers.sink import ExportOutcome, ExportRequest

Receivers = Any  # of conftest.py, which cannot be imported
Receive = Callable[..., Receivers]

PROTOBUF, JSON = "application/x-protobuf", "application/json"
LIMIT = 64 * 1024


def one_span(**members: Any) -> bytes:
    request = ExportTraceServiceRequest()
    given = {"trace_id": b"\1" * 16, "span_id": b"\2" * 8, "name": "one", "start_time_unix_nano": 5, **members}
    request.resource_spans.add().scope_spans.add().spans.add(**given)
    return request.SerializeToString()


def post(receivers: Receivers, body: bytes = b"", path: str = "/v1/traces", **headers: str) -> httpx.Response:
    named = {"content-type": PROTOBUF} | {key.replace("_", "-"): value for key, value in headers.items()}
    return httpx.post(f"http://127.0.0.1:{receivers.http_port}{path}", content=body, headers=named, timeout=10)


def status_of(response: httpx.Response) -> Status:
    assert response.headers["content-type"] == PROTOBUF
    status = Status.FromString(response.content)
    assert status.message
    return status


def retry_info(status: Status) -> RetryInfo:
    (detail,) = status.details
    info = RetryInfo()
    assert detail.Unpack(info)
    return info


def finished_spans(*names: str) -> tuple[Any, ...]:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for name in names:
        provider.get_tracer("lib", "1.0").start_span(name, attributes={"n": 1, "list": ["a", "b"]}).end()
    return memory.get_finished_spans()


def export(exporter: SpanExporter, *names: str) -> SpanExportResult:
    try:
        return exporter.export(finished_spans(*names))
    finally:
        exporter.shutdown()


# Real exporters


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip], ids=lambda each: each.value)
def test_the_python_exporter_delivers(receive: Receive, compression: Compression) -> None:
    receivers = receive()
    url = f"http://127.0.0.1:{receivers.http_port}/v1/traces"
    exporter = OTLPSpanExporter(url, compression=compression, headers={"x-assayline-project": "team-a"})
    assert export(exporter, "first", "second") is SpanExportResult.SUCCESS
    assert receivers.sink.span_names == ["first", "second"]
    (request,) = receivers.sink.requests
    assert (request.signal, request.source, request.project) == ("traces", "http-protobuf", "team-a")
    assert receivers.sink.decoded[0].spans[0].attributes == {"n": "1", "list": '["a","b"]'}


def test_the_python_exporter_waits_and_sends_again(receive: Receive) -> None:
    receivers = receive()
    receivers.sink.errors = [UnavailableError("full", 0.2, overloaded=True), UnavailableError("low disk", 0.2)]
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{receivers.http_port}/v1/traces")
    assert export(exporter, "kept") is SpanExportResult.SUCCESS
    assert receivers.sink.span_names == ["kept"]
    assert len({request.body for request in receivers.sink.requests}) == 1
    assert len(receivers.sink.requests) == 3


def test_the_python_metric_exporter_is_told_that_nothing_is_stored(receive: Receive) -> None:
    receivers = receive()
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader]).get_meter("lib")
    meter.create_counter("calls").add(3)
    exporter = OTLPMetricExporter(f"http://127.0.0.1:{receivers.http_port}/v1/metrics")
    data = reader.get_metrics_data()
    assert data is not None
    exporter.export(data)
    exporter.shutdown()
    assert receivers.sink.decoded[0].received == {"": 1}
    response = post(receivers, receivers.sink.requests[0].body, "/v1/metrics")
    assert response.status_code == 200
    assert b"metrics are not stored" in response.content


# Answers


def test_success_is_an_empty_message_in_the_encoding_of_the_request(receive: Receive) -> None:
    receivers = receive()
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        response = post(receivers, b"", path)
        assert (response.status_code, response.content, response.headers["content-type"]) == (200, b"", PROTOBUF)
        response = post(receivers, b"{}", path, content_type="application/json; charset=utf-8")
        assert (response.status_code, response.content, response.headers["content-type"]) == (200, b"{}", JSON)
    assert not ExportTraceServiceResponse.FromString(post(receivers, one_span()).content).HasField("partial_success")


def test_bad_spans_are_a_partial_success(receive: Receive, otlp_json: Callable[..., bytes]) -> None:
    receivers = receive()
    both = one_span(span_id=b"\1") + one_span()
    response = post(receivers, both)
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (response.status_code, partial.rejected_spans) == (200, 1)
    assert partial.error_message == (
        "Not stored, do not send again. 1 span: the span id must be 8 bytes, not all zero."
    )
    response = post(receivers, otlp_json(ExportTraceServiceRequest.FromString(both)), content_type=JSON)
    assert orjson.loads(response.content) == {
        "partialSuccess": {"rejectedSpans": "1", "errorMessage": partial.error_message}
    }
    assert receivers.sink.span_names == ["one", "one"]


def test_a_warning_is_a_partial_success_without_rejections(receive: Receive) -> None:
    receivers = receive()

    async def accept(_: ExportRequest) -> ExportOutcome:
        return ExportOutcome(0, "attributes were cut")

    receivers.sink.accept = accept
    response = ExportLogsServiceResponse.FromString(post(receivers, b"", "/v1/logs").content)
    assert response.partial_success.rejected_log_records == 0
    assert response.partial_success.error_message == "attributes were cut"


def test_a_configured_prefix_is_served_too(receive: Receive) -> None:
    receivers = receive(prefixes=("/api/public/otel/", "/"))
    assert post(receivers, one_span(), "/api/public/otel/v1/traces").status_code == 200
    assert post(receivers, one_span(), "/v1/traces").status_code == 200
    assert post(receivers, one_span(), "/other/v1/traces").status_code == 404


@pytest.mark.parametrize(
    ("error", "http_status", "code", "retry_after"),
    [
        pytest.param(UnavailableError("queue full", 2.2, overloaded=True), 429, 14, "3", id="too-fast"),
        pytest.param(UnavailableError("disk low", 0.1), 503, 14, "1", id="not-able"),
        pytest.param(UnknownProjectError("No project is named 'x'."), 404, 5, None, id="no-such-project"),
        pytest.param(ValueError("secret payload"), 503, 14, "5", id="never-500"),
    ],
)
def test_errors_of_the_sink(
    receive: Receive, error: Exception, http_status: int, code: int, retry_after: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    receivers = receive()
    receivers.sink.errors = [error, error]
    response = post(receivers, one_span())
    assert (response.status_code, response.headers.get("retry-after")) == (http_status, retry_after)
    status = status_of(response)
    assert status.code == code
    if retry_after is not None:
        assert retry_info(status).retry_delay.ToMilliseconds() > 0
    response = post(receivers, b"{}", content_type=JSON)
    assert (response.status_code, response.headers["content-type"]) == (http_status, JSON)
    told = orjson.loads(response.content)
    assert (told["code"], told["message"]) == (code, status.message)
    assert [each["@type"] for each in told["details"]] == ["type.googleapis.com/google.rpc.RetryInfo"] * bool(
        retry_after
    )
    assert "secret payload" not in caplog.text + status.message
    assert ("ValueError" in caplog.text) == isinstance(error, ValueError)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"\xff" * 9, PROTOBUF), (b'{"resourceSpans":[{"sco', JSON)],
    ids=["protobuf", "json"],
)
def test_what_cannot_be_decoded_is_400(receive: Receive, body: bytes, content_type: str) -> None:
    response = post(receive(), body, content_type=content_type)
    assert (response.status_code, response.headers["content-type"]) == (400, content_type)
    code = orjson.loads(response.content)["code"] if content_type == JSON else status_of(response).code
    assert code == 3
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpc", "", "application/x-protobuff"], ids=repr)
def test_other_content_types_are_415(receive: Receive, content_type: str) -> None:
    response = post(receive(), b"", content_type=content_type)
    assert (response.status_code, response.headers["content-type"]) == (415, JSON)
    assert orjson.loads(response.content)["code"] == 3


@pytest.mark.parametrize("content_encoding", ["zstd", "deflate", "gzip, gzip", "br"])
def test_other_compressions_are_415(receive: Receive, content_encoding: str) -> None:
    receivers = receive()
    response = post(receivers, b"abc", content_encoding=content_encoding)
    assert response.status_code == 415
    assert status_of(response).code == 3
    assert receivers.sink.refused == [("http-protobuf", "unsupported_compression", 3)]


@pytest.mark.parametrize("second", ["gzip", "deflate", "identity"])
def test_a_second_compression_is_not_overlooked_in_a_line_of_its_own(receive: Receive, second: str) -> None:
    receivers = receive()
    body = gzip.compress(one_span())
    with connected(receivers) as raw:
        lines = (f"Content-Length: {len(body)}", "Content-Encoding: gzip", f"Content-Encoding: {second}")
        raw.sendall(head(*lines) + body)
        assert answer(raw)[0] == 415
    assert receivers.sink.refused == [("http-protobuf", "unsupported_compression", len(body))]


@pytest.mark.parametrize("content_encoding", ["identity", "", "GZIP", "x-gzip"], ids=repr)
def test_names_of_known_compressions(receive: Receive, content_encoding: str) -> None:
    receivers = receive()
    body = gzip.compress(one_span()) if "gzip" in content_encoding.lower() else one_span()
    assert post(receivers, body, content_encoding=content_encoding).status_code == 200
    assert receivers.sink.span_names == ["one"]


def test_other_paths_and_methods_get_a_status_too(receive: Receive) -> None:
    receivers = receive()
    assert status_of(post(receivers, b"", "/v1/trace")).code == 5
    assert status_of(post(receivers, b"", "/v1/traces/")).code == 5
    for method in ("GET", "PUT", "OPTIONS", "DELETE"):
        response = httpx.request(method, f"http://127.0.0.1:{receivers.http_port}/v1/traces")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert orjson.loads(response.content)["code"] == 12


# Size and compression


def test_size_before_inflation(receive: Receive) -> None:
    receivers = receive()
    assert post(receivers, one_span(name="n" * (LIMIT - 100))).status_code == 200
    response = post(receivers, b"x" * (LIMIT + 1))
    assert response.status_code == 413
    status = status_of(response)
    assert (status.code, list(status.details)) == (8, [])
    assert "retry-after" not in response.headers
    assert receivers.sink.refused == [("http-protobuf", "too_large", LIMIT + 1)]


def test_size_after_inflation(receive: Receive) -> None:
    receivers = receive()
    fits = one_span(name="n" * (LIMIT - 100))
    assert post(receivers, gzip.compress(fits), content_encoding="gzip").status_code == 200
    assert receivers.sink.requests[0].body == fits
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    assert len(bomb) < LIMIT
    response = post(receivers, bomb, content_encoding="gzip")
    assert response.status_code == 413
    assert status_of(response).code == 8
    # It was not inflated to the end: the limit and at most one piece more.
    ((_, reason, size),) = receivers.sink.refused
    assert reason == "too_large"
    assert LIMIT < size <= LIMIT + 1024 * 1024


GZIPPED = gzip.compress(one_span())


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(GZIPPED, 1, id="one-member"),
        pytest.param(GZIPPED * 3, 3, id="three-members"),
        pytest.param(GZIPPED + bytes(20), 1, id="zero-padding"),
        pytest.param(b"", 0, id="nothing-at-all"),
        pytest.param(gzip.compress(b""), 0, id="empty-member"),
    ],
)
def test_whole_gzip_streams(receive: Receive, body: bytes, kept: int) -> None:
    receivers = receive()
    assert post(receivers, body, content_encoding="gzip").status_code == 200
    assert receivers.sink.span_names == ["one"] * kept


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GZIPPED[:-1], id="cut-in-the-checksum"),
        pytest.param(GZIPPED[:15], id="cut-in-the-content"),
        pytest.param(GZIPPED[:4], id="cut-in-the-header"),
        pytest.param(GZIPPED + b"rest", id="something-after-it"),
        pytest.param(GZIPPED + GZIPPED[:9], id="second-member-cut"),
        pytest.param(GZIPPED[:-8] + bytes(8), id="wrong-checksum"),
        pytest.param(one_span(), id="not-compressed"),
        pytest.param(zlib.compress(one_span()), id="zlib-not-gzip"),
        pytest.param(bytes(9), id="zeros"),
    ],
)
def test_broken_gzip_streams_are_400(receive: Receive, body: bytes) -> None:
    receivers = receive()
    response = post(receivers, body, content_encoding="gzip")
    assert response.status_code == 400
    assert status_of(response).code == 3
    assert receivers.sink.refused == [("http-protobuf", "bad_compression", len(body))]
    assert not receivers.sink.requests


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_inflation_is_the_same_in_any_pieces(step: int) -> None:
    content = [b"a" * 3_000_000, b"", bytes(range(256)) * 50]
    body = b"".join(map(gzip.compress, content))

    async def chunks() -> Any:
        for at in range(0, len(body), step):
            yield body[at : at + step]

    async def joined() -> bytes:
        return b"".join([piece async for piece in capped(inflated(chunks()), 10**7)])

    assert asyncio.run(joined()) == b"".join(content)


def test_bodies_held_at_once_are_bounded(receive: Receive) -> None:
    receivers = receive(max_held_bytes=1000)
    assert post(receivers, one_span(name="n" * 500)).status_code == 200
    response = post(receivers, one_span(name="n" * 1000))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert post(receivers, one_span(name="n" * 500)).status_code == 200


def test_a_record_that_fails_does_not_change_the_answer(receive: Receive, caplog: pytest.LogCaptureFixture) -> None:
    receivers = receive()

    async def refuse(*_: object) -> None:
        raise OSError("disk")

    receivers.sink.refuse = refuse
    assert post(receivers, b"x" * (LIMIT + 1)).status_code == 413
    assert "could not be recorded: OSError" in caplog.text


# Connections, by raw sockets


@contextmanager
def connected(receivers: Receivers) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", receivers.http_port), timeout=10) as raw:
        yield raw


def head(*lines: str, path: str = "/v1/traces") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {PROTOBUF}", *lines, "", ""]).encode()


def answer(raw: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next response on the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = raw.recv(65536)
        assert received, data
        data += received
    lines, _, body = data.partition(b"\r\n\r\n")
    named = dict(line.lower().split(b": ", 1) for line in lines.split(b"\r\n")[1:])
    length = int(named[b"content-length"])
    while len(body) < length:
        body += raw.recv(65536)
    return int(lines.split()[1]), body[:length]


def to_the_end(raw: socket.socket) -> bytes:
    """What still comes on the connection before the server closes it."""
    received = b""
    while part := raw.recv(65536):
        received += part
    return received


def test_many_requests_on_one_connection(receive: Receive) -> None:
    receivers = receive()
    body = one_span()
    with connected(receivers) as raw:
        for _ in range(5):
            raw.sendall(head(f"Content-Length: {len(body)}") + body)
            assert answer(raw) == (200, b"")
        raw.sendall(head("Content-Length: 3") + b"\xff\xff\xff")
        assert answer(raw)[0] == 400
        raw.sendall(head(f"Content-Length: {len(body)}") + body)
        assert answer(raw) == (200, b"")
    assert len(receivers.sink.span_names) == 6


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_an_offer_to_upgrade_is_ignored_and_the_body_read(receive: Receive, protocol: str, pieces: int) -> None:
    """Java's HTTP client offers HTTP/2 with every request; a parser that believes it leaves the body out."""
    receivers = receive()
    body = one_span()
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
    with connected(receivers) as raw:
        start = head(*offer, f"Content-Length: {len(body)}")
        for part in [start + body] if pieces == 1 else [start, body]:
            raw.sendall(part)
            time.sleep(0.05)
        assert answer(raw) == (200, b"")
        raw.sendall(head(f"Content-Length: {len(body)}") + body)
        assert answer(raw) == (200, b"")
    assert receivers.sink.span_names == ["one", "one"]


def test_headers_are_bounded(receive: Receive) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        endless = b"POST /v1/traces HTTP/1.1\r\nX-Endless: " + b"a" * 10_000_000
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            raw.sendall(endless)
    assert post(receivers, one_span()).status_code == 200


def test_chunked_bodies(receive: Receive) -> None:
    receivers = receive()
    body = one_span()
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:])) + b"0\r\n\r\n"
    with connected(receivers) as raw:
        raw.sendall(head("Transfer-Encoding: chunked") + pieces)
        assert answer(raw) == (200, b"")
    assert receivers.sink.span_names == ["one"]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_request_that_names_no_length_is_refused(receive: Receive, version: bytes) -> None:
    """By the rules it has no body; a sender that means its end by closing would see its spans acknowledged."""
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(head().replace(b"1.1", version, 1) + one_span())
        status, body = answer(raw)
    assert (status, Status.FromString(body).code) == (411, 3)
    assert receivers.sink.refused == [("http-protobuf", "no_length", 0)]


def test_http_1_0_is_answered_and_closed(receive: Receive) -> None:
    receivers = receive()
    body = one_span()
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {len(body)}").replace(b"1.1", b"1.0", 1).replace(b"Host: a\r\n", b"") + body)
        assert to_the_end(raw).startswith(b"HTTP/1.1 200 ")
    assert receivers.sink.span_names == ["one"]


def test_requests_sent_ahead_of_their_answers(receive: Receive) -> None:
    receivers = receive()
    body = one_span()
    good, bad = head(f"Content-Length: {len(body)}") + body, head("Content-Length: 3") + b"\xff\xff\xff"
    with connected(receivers) as raw:
        raw.sendall(good + bad + good + good.replace(b"/traces", b"/nope", 1) + good + head("Connection: close"))
        told = to_the_end(raw)
    codes = [part.split()[0] for part in told.split(b"HTTP/1.1 ")[1:]]
    assert codes == [b"200", b"400", b"200", b"404", b"200", b"411"]
    assert receivers.sink.span_names == ["one"] * 3


def test_a_chunked_body_without_end_is_refused_at_the_limit(receive: Receive) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(head("Transfer-Encoding: chunked"))
        for _ in range(LIMIT // 8192 + 1):
            raw.sendall(b"2000\r\n" + bytes(8192) + b"\r\n")
        status, body = answer(raw)
    assert (status, Status.FromString(body).code) == (413, 8)


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(receive: Receive) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {10**12}", "Expect: 100-continue"))
        status, body = answer(raw)
    assert (status, Status.FromString(body).code) == (413, 8)
    assert receivers.sink.refused == [("http-protobuf", "too_large", 10**12)]


@pytest.mark.parametrize("content_type", [PROTOBUF, "text/plain"], ids=["too-large", "not-supported"])
def test_a_body_that_is_not_asked_for_ends_the_connection(receive: Receive, content_type: str) -> None:
    """Its sender waits for a word and may well go on without it: the next request would be taken for that body."""
    receivers = receive()
    with connected(receivers) as raw:
        start = head(f"Content-Length: {LIMIT + 1}", "Expect: 100-Continue")
        raw.sendall(start.replace(PROTOBUF.encode(), content_type.encode()))
        told = to_the_end(raw)
    assert told.split()[1] in {b"413", b"415"}
    assert b"connection: close" in told.lower().split(b"\r\n")


def test_a_body_that_is_asked_for_is_taken(receive: Receive) -> None:
    receivers = receive()
    body = one_span()
    with connected(receivers) as raw:
        for _ in range(2):
            raw.sendall(head(f"Content-Length: {len(body)}", "Expect: 100-continue"))
            assert raw.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            raw.sendall(body)
            assert answer(raw) == (200, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n", b"POST\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", head("Content-Length: -5"),
        head("Content-Length: a"), head("Content-Length: 3", "Content-Length: 4"),
        head("Transfer-Encoding: chunked") + b"zz\r\n",
    ],
    ids=lambda data: repr(data[-24:]),
)  # fmt: skip
def test_malformed_http_ends_that_connection_only(
    receive: Receive, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        received = to_the_end(raw)
    assert received == b"" or received.split()[1] in {b"400", b"404", b"405"}
    assert post(receivers, one_span()).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_refused_body_that_turns_out_malformed_ends_its_connection(
    receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(head("Transfer-Encoding: chunked").replace(PROTOBUF.encode(), b"text/plain"))
        assert answer(raw)[0] == 415
        raw.sendall(b"zz\r\n")
        assert to_the_end(raw) == b""
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_sender_that_hangs_up_midway_leaves_nothing(receive: Receive, caplog: pytest.LogCaptureFixture) -> None:
    receivers = receive()
    with connected(receivers) as raw:
        raw.sendall(head("Content-Length: 100") + b"abc")
    assert post(receivers, one_span()).status_code == 200
    assert len(receivers.sink.requests) == 1
    assert receivers.on_loop(lambda: receivers.draining.finished(5))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("lines", "begun"),
    [
        pytest.param(("Content-Length: 100",), b"abc", id="some-of-it"),
        pytest.param(("Content-Length: 100",), b"", id="nothing-of-it"),
        pytest.param(("Content-Length: 100", "Content-Encoding: gzip"), gzip.compress(bytes(9))[:9], id="gzip"),
        pytest.param(("Transfer-Encoding: chunked",), b"3\r\nabc\r\n", id="chunked"),
        pytest.param(("Content-Length: 100", "Expect: 100-continue"), b"abc", id="expect"),
    ],
)
def test_an_upload_that_stops_is_given_up_and_asked_for_again(
    receive: Receive, lines: tuple[str, ...], begun: bytes, content_type: str
) -> None:
    receivers = receive(stall_s=0.3)
    with connected(receivers) as raw:
        raw.sendall(head(*lines).replace(PROTOBUF.encode(), content_type.encode()) + begun)
        told = to_the_end(raw)
    lines_told, _, body = told.rpartition(b"\r\n\r\n")
    assert b"HTTP/1.1 503 " in lines_told
    assert {b"Retry-After: 1".lower(), b"connection: close"} <= set(lines_told.lower().split(b"\r\n"))
    code = orjson.loads(body)["code"] if content_type == JSON else Status.FromString(body).code
    assert code == 14
    assert post(receivers, one_span()).status_code == 200
    assert len(receivers.sink.requests) == 1
    assert receivers.on_loop(lambda: receivers.draining.finished(5))


def test_an_upload_that_trickles_is_given_up(receive: Receive) -> None:
    """However much came at first: else one byte now and then would hold it all."""
    receivers = receive(stall_s=0.3, min_bytes_per_s=1000)
    with connected(receivers) as raw:
        raw.sendall(head("Content-Length: 30000") + bytes(20_000))
        raw.settimeout(0.05)
        began, told = time.monotonic(), b""
        while not told and time.monotonic() < began + 5:
            raw.sendall(b"a")
            with suppress(TimeoutError):
                told = raw.recv(65536)
    assert told.startswith(b"HTTP/1.1 503 ")


def test_a_slow_upload_that_keeps_coming_is_taken(receive: Receive) -> None:
    receivers = receive(stall_s=0.5, min_bytes_per_s=1000)
    body = one_span(name="n" * 5000)
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {len(body)}"))
        for at in range(0, len(body), 200):
            raw.sendall(body[at : at + 200])
            time.sleep(0.05)
        assert answer(raw)[0] == 200


def test_the_time_that_we_take_is_not_the_senders(receive: Receive) -> None:
    receivers = receive(stall_s=0.2)
    receivers.sink.gate = gate = asyncio.Event()
    body = one_span()
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {len(body)}") + body)
        time.sleep(0.6)
        receivers.on_loop(gate.set)
        assert answer(raw) == (200, b"")


def test_stalled_uploads_give_back_what_they_hold(receive: Receive) -> None:
    receivers = receive(stall_s=0.5, max_held_bytes=1000)
    with connected(receivers) as raw:
        raw.sendall(head("Content-Length: 901") + bytes(900))
        time.sleep(0.1)
        assert post(receivers, one_span(name="n" * 500)).status_code == 429
        assert to_the_end(raw).startswith(b"HTTP/1.1 503 ")
        assert post(receivers, one_span(name="n" * 500)).status_code == 200


class Hasty(Connection):
    head_s, rest_s = 0.3, 0.3


HASTY = {"http": Hasty, "timeout_keep_alive": 2}


def seconds_to_the_end(raw: socket.socket, trickle: bytes = b"") -> float:
    """How long the server leaves the connection open, while `trickle` is sent now and then."""
    began = time.monotonic()
    raw.settimeout(0.05)
    while time.monotonic() < began + 8:
        try:
            if not raw.recv(65536):
                return time.monotonic() - began
            raw.sendall(trickle)
        except TimeoutError:
            with suppress(OSError):
                raw.sendall(trickle)
        except OSError:
            return time.monotonic() - began
    pytest.fail("the connection is still open")


@pytest.mark.parametrize("before", ["", "answered", "refused"])
@pytest.mark.parametrize("trickle", [b"", b"a"], ids=["stalled", "trickling"])
@pytest.mark.parametrize("begun", [b"P", head("X-Long: ")[:-4]], ids=["first-byte", "headers"])
def test_half_a_head_is_not_waited_for(receive: Receive, before: str, trickle: bytes, begun: bytes) -> None:
    """Closed without an answer, which is sent again; and half a head names no encoding to answer in."""
    receivers = receive(HASTY)
    with connected(receivers) as raw:
        if before:
            body = one_span() if before == "answered" else bytes(LIMIT + 1)
            raw.sendall(head(f"Content-Length: {len(body)}") + body)
            assert answer(raw)[0] == (200 if before == "answered" else 413)
        raw.sendall(begun)
        assert 0.2 < seconds_to_the_end(raw, trickle) < 1.5


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(head("Content-Length: 0"), id="a-request"),
        pytest.param(head(f"Content-Length: {LIMIT + 1}") + bytes(LIMIT + 1), id="a-refused-request"),
    ],
)
def test_an_idle_connection_is_kept_for_its_time_and_no_longer(receive: Receive, before: bytes) -> None:
    receivers = receive(HASTY)
    with connected(receivers) as raw:
        raw.sendall(before)
        assert 1.5 < seconds_to_the_end(raw) < 4


def test_an_idle_connection_is_kept_after_a_refusal_too(receive: Receive) -> None:
    receivers = receive(HASTY)
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {LIMIT + 1}"))
        assert answer(raw)[0] == 413
        raw.sendall(bytes(LIMIT + 1))
        time.sleep(0.8)
        raw.sendall(head("Content-Length: 0"))
        assert answer(raw)[0] == 200


@pytest.mark.parametrize("trickle", [b"", b"a" * 1000], ids=["stalled", "flowing"])
def test_the_rest_of_a_refused_body_is_read_for_a_while(receive: Receive, trickle: bytes) -> None:
    """Not cut at once: a sender that is still writing would find a broken connection in place of the answer."""
    receivers = receive(HASTY)
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {10**12}") + b"abc")
        assert answer(raw)[0] == 413
        assert 0.2 < seconds_to_the_end(raw, trickle) < 1.5


def test_half_a_head_may_wait_while_we_work(receive: Receive) -> None:
    receivers = receive(HASTY)
    receivers.sink.gate = gate = asyncio.Event()
    body = one_span()
    request = head(f"Content-Length: {len(body)}") + body
    with connected(receivers) as raw:
        raw.sendall(request + request[:20])
        time.sleep(0.8)
        receivers.on_loop(gate.set)
        assert answer(raw) == (200, b"")
        raw.sendall(request[20:])
        assert answer(raw) == (200, b"")


# Browsers and stopping


def test_cors_is_off_by_default(receive: Receive) -> None:
    receivers = receive()
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    response = httpx.options(f"http://127.0.0.1:{receivers.http_port}/v1/traces", headers=asked)
    assert (response.status_code, "access-control-allow-origin" in response.headers) == (405, False)
    assert "access-control-allow-origin" not in post(receivers, one_span(), origin="https://app.example").headers


def test_cors_allows_the_listed_origins(receive: Receive) -> None:
    receivers = receive(cors_origins=("https://app.example",))
    url = f"http://127.0.0.1:{receivers.http_port}/v1/traces"
    wanted = "authorization,content-encoding,content-type,traceparent,x-assayline-project"
    asked = {
        "origin": "https://app.example", "access-control-request-method": "POST",
        "access-control-request-headers": wanted,
    }  # fmt: skip
    response = httpx.options(url, headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert set(wanted.split(",")) <= set(response.headers["access-control-allow-headers"].replace(" ", "").split(","))
    assert int(response.headers["access-control-max-age"]) > 0
    response = post(receivers, b"\xff", origin="https://app.example")
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (400, "https://app.example")
    other = httpx.options(url, headers=asked | {"origin": "https://evil.example"})
    assert other.status_code == 400
    assert "access-control-allow-origin" not in other.headers


def test_draining_finishes_what_is_in_flight_and_refuses_the_rest(receive: Receive) -> None:
    receivers = receive()
    receivers.sink.gate = gate = asyncio.Event()
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(post(receivers, one_span())))
    thread.start()
    assert receivers.sink.entered.wait(10)
    receivers.on_loop(receivers.draining.start)
    late = post(receivers, one_span())
    assert (late.status_code, late.headers["retry-after"], status_of(late).code) == (503, "1", 14)
    assert not receivers.on_loop(lambda: receivers.draining.finished(0.05))
    receivers.on_loop(gate.set)
    thread.join(10)
    assert [response.status_code for response in answers] == [200]
    assert receivers.on_loop(lambda: receivers.draining.finished(5))
    assert receivers.sink.span_names == ["one"]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_not_finished_by_the_end_is_asked_for_again(receive: Receive, whole: bool) -> None:
    """uvicorn answers 500 for a task that it cancels, and exporters drop what is answered with 500."""
    receivers = receive({"timeout_graceful_shutdown": 1})
    receivers.sink.gate = asyncio.Event()
    body = one_span()
    with connected(receivers) as raw:
        raw.sendall(head(f"Content-Length: {len(body)}") + (body if whole else body[:9]))
        time.sleep(0.3)
        receivers.http.should_exit = True
        told = to_the_end(raw)
    lines, _, said = told.partition(b"\r\n\r\n")
    assert lines.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in lines.lower().split(b"\r\n")
    assert Status.FromString(said).code == 14
