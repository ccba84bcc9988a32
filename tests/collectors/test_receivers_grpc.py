"""OTLP over gRPC: the real exporters and plain channels against a real server, beside the HTTP one on its loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from collectors.errors import UnavailableError, UnknownProjectError
from collectors.receivers.grpc import SERVICES, GrpcReceiver

Receivers = Any  # of conftest.py, which cannot be imported
Receive = Callable[..., Receivers]
LIMIT = 64 * 1024


def one_span(**members: Any) -> bytes:
    request = ExportTraceServiceRequest()
    given = {"trace_id": b"\1" * 16, "span_id": b"\2" * 8, "name": "one", "start_time_unix_nano": 5, **members}
    request.resource_spans.add().scope_spans.add().spans.add(**given)
    return request.SerializeToString()


@contextmanager
def channel(receivers: Receivers, **options: Any) -> Iterator[grpc.Channel]:
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(f"127.0.0.1:{receivers.grpc_port}", options=unlimited, **options) as opened:
        yield opened


def export(opened: grpc.Channel, body: bytes, signal: Any = "traces", **options: Any) -> bytes:
    method: Any = opened.unary_unary(f"/{SERVICES[signal]}/Export")
    answer: bytes = method(body, timeout=10, **options)
    return answer


def refused(receivers: Receivers, body: bytes, **options: Any) -> Any:
    with channel(receivers, **options) as opened, pytest.raises(grpc.RpcError) as caught:
        export(opened, body)
    return caught.value


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
def test_the_python_exporter_delivers(receive: Receive, compression: grpc.Compression) -> None:
    receivers = receive()
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("lib").start_span("first", attributes={"n": 1}).end()
    exporter = OTLPSpanExporter(
        f"127.0.0.1:{receivers.grpc_port}", insecure=True, compression=compression,
        headers={"x-assayline-project": "team-a"},
    )  # fmt: skip
    assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    exporter.shutdown()
    (request,) = receivers.sink.requests
    assert (request.signal, request.source, request.project) == ("traces", "grpc", "team-a")
    assert receivers.sink.span_names == ["first"]


def test_the_python_exporter_waits_and_sends_again(receive: Receive) -> None:
    receivers = receive()
    receivers.sink.errors = [UnavailableError("full", 0.2, overloaded=True), UnavailableError("low disk", 0.2)]
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("lib").start_span("kept").end()
    exporter = OTLPSpanExporter(f"127.0.0.1:{receivers.grpc_port}", insecure=True)
    assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert receivers.sink.span_names == ["kept"]
    assert len(receivers.sink.requests) == 3


def test_the_three_services_answer_an_empty_request_with_success(receive: Receive) -> None:
    receivers = receive()
    empty = (ExportTraceServiceRequest(), ExportLogsServiceRequest(), ExportMetricsServiceRequest())
    with channel(receivers) as opened:
        for signal, request in zip(SERVICES, empty, strict=True):
            assert export(opened, request.SerializeToString(), signal) == b""
    assert [request.signal for request in receivers.sink.requests] == ["traces", "logs", "metrics"]
    assert {request.project for request in receivers.sink.requests} == {None}


def test_bad_spans_are_a_partial_success(receive: Receive) -> None:
    receivers = receive()
    with channel(receivers) as opened:
        answer = export(opened, one_span(trace_id=b"") + one_span())
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 1
    assert "trace id" in partial.error_message
    assert receivers.sink.span_names == ["one"]


def test_refused_logs_and_metrics_are_counted_in_their_own_member(receive: Receive) -> None:
    receivers = receive()
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add()
    # A log record with a member that runs beyond its end.
    logs = b"\x0a\x06\x12\x04\x12\x02\x1a\x7f"
    with channel(receivers) as opened:
        counted = ExportMetricsServiceResponse.FromString(export(opened, metrics.SerializeToString(), "metrics"))
        refused_logs = ExportLogsServiceResponse.FromString(export(opened, logs, "logs"))
    assert counted.partial_success.rejected_data_points == 1
    assert "metrics are not stored" in counted.partial_success.error_message
    assert refused_logs.partial_success.rejected_log_records == 1


@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        pytest.param(UnavailableError("queue full", 2.5, overloaded=True), grpc.StatusCode.UNAVAILABLE, 2.5, id="fast"),
        pytest.param(UnavailableError("disk low", 1), grpc.StatusCode.UNAVAILABLE, 1, id="not-able"),
        pytest.param(UnknownProjectError("No such project."), grpc.StatusCode.NOT_FOUND, None, id="no-such-project"),
        pytest.param(ValueError("secret payload"), grpc.StatusCode.UNAVAILABLE, 5, id="fault"),
    ],
)
def test_errors_of_the_sink(
    receive: Receive, error: Exception, code: grpc.StatusCode, seconds: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    receivers = receive()
    receivers.sink.errors = [error]
    told = refused(receivers, one_span())
    assert told.code() is code
    status = rpc_status.from_call(told)
    assert isinstance(status, Status)
    assert (status.code, status.message) == (code.value[0], told.details())
    delays = [info.retry_delay.ToMilliseconds() / 1000 for info in map(_retry_info, status.details)]
    assert delays == ([] if seconds is None else [seconds])
    assert "secret payload" not in caplog.text + told.details()
    assert ("ValueError" in caplog.text) == isinstance(error, ValueError)


@pytest.mark.parametrize("letter", ["x", "\u6f22", "\U0001f600"])
def test_a_long_sentence_leaves_the_code_and_the_delay_readable(receive: Receive, letter: str) -> None:
    """They travel in headers, of which clients take 8 KiB; each byte that is not ASCII costs three there."""
    receivers = receive()
    receivers.sink.errors = [UnavailableError(letter * 5000, 2)]
    told = refused(receivers, one_span())
    assert told.code() is grpc.StatusCode.UNAVAILABLE
    status = rpc_status.from_call(told)
    assert status.message == told.details()
    assert status.message == letter * len(status.message) != ""
    assert _retry_info(status.details[0]).retry_delay.seconds == 2
    trailers = sum(len(key) + len(value) for key, value in told.trailing_metadata())
    assert trailers * 4 / 3 + 12 * len(status.message) < 8192


def _retry_info(detail: Any) -> RetryInfo:
    info = RetryInfo()
    assert detail.Unpack(info)
    return info


def test_what_cannot_be_decoded_is_an_invalid_argument(receive: Receive) -> None:
    told = refused(receive(), b"\xff\xff\xff")
    assert told.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not rpc_status.from_call(told).details


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
@pytest.mark.parametrize("size", [LIMIT + 1, 30 * 1024 * 1024], ids=["one-byte-more", "a-bomb"])
def test_size_before_and_after_inflation(receive: Receive, compression: grpc.Compression, size: int) -> None:
    receivers = receive()
    with channel(receivers, compression=compression) as opened:
        assert export(opened, one_span(name="n" * (LIMIT - 100))) == b""
    told = refused(receivers, bytes(size), compression=compression)
    assert told.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = rpc_status.from_call(told)
    assert status is None or not status.details  # no RetryInfo: a client must not send it again
    assert len(receivers.sink.requests) == 1


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
def test_a_request_that_is_too_large_is_on_record(receive: Receive, compression: grpc.Compression) -> None:
    """Up to twice the limit; gRPC itself refuses what is beyond, and tells nobody."""
    receivers = receive()
    told = refused(receivers, bytes(2 * LIMIT), compression=compression)
    assert f"larger than {LIMIT} bytes" in told.details()
    assert rpc_status.from_call(told).code == 8
    assert receivers.sink.refused == [("grpc", "too_large", 2 * LIMIT)]
    refused(receivers, bytes(2 * LIMIT + 1), compression=compression)
    assert len(receivers.sink.refused) == 1
    assert not receivers.sink.requests


def test_a_limit_beyond_what_grpc_can_count(receive: Receive) -> None:
    receivers = receive(max_bytes=2**32)
    with channel(receivers) as opened:
        assert export(opened, one_span()) == b""


def test_unknown_methods_are_unimplemented(receive: Receive) -> None:
    with channel(receive()) as opened, pytest.raises(grpc.RpcError) as caught:
        opened.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Import")(b"", timeout=10)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_many_calls_at_once_on_one_connection(receive: Receive) -> None:
    receivers = receive()
    with channel(receivers) as opened:
        method: Any = opened.unary_unary(f"/{SERVICES['traces']}/Export")
        calls = [method.future(one_span(name=f"s{i}"), timeout=10) for i in range(200)]
        assert {call.result() for call in calls} == {b""}
    assert sorted(receivers.sink.span_names) == sorted(f"s{i}" for i in range(200))


def test_a_call_given_up_is_finished_all_the_same(receive: Receive) -> None:
    receivers = receive()
    receivers.sink.gate = gate = asyncio.Event()
    with channel(receivers) as opened:
        call: Any = opened.unary_unary(f"/{SERVICES['traces']}/Export")
        pending = call.future(one_span(), timeout=10)
        assert receivers.sink.entered.wait(10)
        pending.cancel()
        assert receivers.on_loop(lambda: receivers.draining.finished(5))
    receivers.on_loop(gate.set)
    receivers.on_loop(lambda: asyncio.sleep(0))
    assert receivers.sink.span_names == ["one"]


def test_a_taken_port_is_an_error(receive: Receive) -> None:
    receivers = receive()
    second = GrpcReceiver(receivers.sink, receivers.config)
    with pytest.raises(RuntimeError):
        receivers.on_loop(lambda: second.start("127.0.0.1", receivers.grpc_port))
    receivers.on_loop(lambda: second.stop(0))


def test_draining_finishes_what_is_in_flight_and_refuses_the_rest(receive: Receive) -> None:
    receivers = receive()
    receivers.sink.gate = gate = asyncio.Event()
    answers: list[bytes] = []
    with channel(receivers) as opened:
        thread = threading.Thread(target=lambda: answers.append(export(opened, one_span())))
        thread.start()
        assert receivers.sink.entered.wait(10)
        receivers.on_loop(receivers.draining.start)
        told = refused(receivers, one_span())
        assert told.code() is grpc.StatusCode.UNAVAILABLE
        assert len(rpc_status.from_call(told).details) == 1
        stopping = asyncio.run_coroutine_threadsafe(receivers.grpc.stop(10), receivers.loop)
        receivers.on_loop(gate.set)
        thread.join(10)
        stopping.result(10)
    assert answers == [b""]
    assert receivers.sink.span_names == ["one"]


def test_both_receivers_answer_on_one_loop(receive: Receive) -> None:
    receivers = receive()
    with channel(receivers) as opened:
        for _ in range(5):
            assert export(opened, one_span(name="grpc")) == b""
            url = f"http://127.0.0.1:{receivers.http_port}/v1/traces"
            sent = httpx.post(url, content=one_span(name="http"), headers={"content-type": "application/x-protobuf"})
            assert sent.status_code == 200
    assert receivers.sink.span_names == ["grpc", "http"] * 5
