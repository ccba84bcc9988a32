"""`assay serve` as senders meet it: real exporters, pressure, a low disk, kills, and a clean end."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import warm
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from server.client import Client

Serving = Any  # of conftest.py
Start = Callable[..., Serving]
CALL = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3}


def exporter(kind: str, serving: Serving, project: str | None = None) -> SpanExporter:
    headers = {"x-assayline-project": project} if project else None
    if kind == "grpc":
        return GrpcExporter(endpoint=serving.note.otlp_grpc_address, insecure=True, headers=headers)
    return HttpExporter(endpoint=f"{serving.note.otlp_http_url}/v1/traces", headers=headers)


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_an_exporter_of_the_sdk_reaches_the_totals(shared: Serving, kind: str) -> None:
    provider = TracerProvider(resource=Resource({"service.name": f"sdk-{kind}"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter(kind, shared)))
    with provider.get_tracer("test").start_as_current_span("chat", attributes=CALL) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    with shared.client() as client:
        (row,) = client.totals(trace_id=trace_id)
        sources = {entry["source"] for entry in client.ledger() if entry["service"] == f"sdk-{kind}"}
    assert (row["model_calls_ok"], row["input_tokens"], row["output_tokens"]) == (1, 12, 3)
    assert sources == {"grpc" if kind == "grpc" else "http-protobuf"}


def test_a_repeated_request_makes_no_second_copy(shared: Serving, otlp: Callable[..., bytes]) -> None:
    body = otlp(0xD0, spans=3, start_ns=time.time_ns())
    for _ in range(2):
        assert shared.post(body).content == b""
    with shared.client() as client:
        (row,) = client.totals(trace_id=f"{0xD0:032x}")
    assert row["spans"] == 3


def test_an_unknown_project_is_refused_and_the_known_ones_are_named(
    shared: Serving, otlp: Callable[..., bytes]
) -> None:
    answer = shared.post(otlp(1), **{"x-assayline-project": "nowhere"})
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "default" in Status.FromString(answer.content).message
    with shared.client() as client:
        refused = client.query("refused_requests").frame
    unknown = refused[refused["reason"] == "unknown_project"]
    assert len(unknown) > 0
    assert unknown["sample"].isna().all(), "a text of the project that was meant, told to another"


def test_projects_are_kept_apart(shared: Serving, otlp: Callable[..., bytes]) -> None:
    with shared.client() as client:
        assert client.add_project("apart")["project_id"] > 1
    assert shared.post(otlp(0xA9), **{"x-assayline-project": "apart"}).is_success
    with shared.client("apart") as apart, shared.client() as default:
        assert [row["trace_id"] for row in apart.totals()] == [f"{0xA9:032x}"]
        assert default.totals(trace_id=f"{0xA9:032x}") == []


def test_metrics_are_counted_and_not_stored(shared: Serving) -> None:
    made = ExportMetricsServiceRequest()
    metric = made.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.sum.data_points.add(as_int=1)
    metric.sum.data_points.add(as_int=2)
    answer = shared.post(made.SerializeToString(), "/v1/metrics")
    told = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (told.rejected_data_points, "not stored" in told.error_message) == (2, True)
    with shared.client() as client:
        (entry,) = [row for row in client.ledger() if row["signal"] == "metrics"]
    assert (entry["received"], entry["stored"], entry["rejected"]) == (2, 0, 2)
    assert entry["reasons"] == {"metrics_not_stored": 2}


def test_a_bad_span_is_rejected_and_its_neighbour_kept(shared: Serving, otlp: Callable[..., bytes]) -> None:
    made = ExportTraceServiceRequest.FromString(otlp(0xBAD, spans=2))
    made.resource_spans[0].resource.attributes[0].value.string_value = "half-bad"
    made.resource_spans[0].scope_spans[0].spans[0].span_id = b"\0" * 8
    answer = shared.post(made.SerializeToString())
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 1)
    assert "span id" in told.error_message
    with shared.client() as client:
        (entry,) = [row for row in client.ledger() if row["service"] == "half-bad"]
    assert (entry["received"], entry["stored"], entry["rejected"]) == (2, 1, 1)


def test_an_unreadable_request_is_on_record(shared: Serving) -> None:
    answer = shared.post(b"\xff\xff\xff not protobuf")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    with shared.client() as client:
        refused = client.query("refused_requests").frame
    assert refused.iloc[0]["signal"] == "traces"
    assert refused.iloc[0]["bytes"] == len(b"\xff\xff\xff not protobuf")


def test_the_status_counts_what_came_in(shared: Serving, otlp: Callable[..., bytes]) -> None:
    with shared.client() as client:
        before = client.status()["ingest"]
        shared.post(otlp(0x57A7, spans=7))
        after = client.status()["ingest"]
    assert after["stored"] - before["stored"] == 7
    assert after["received"] == after["stored"] + after["duplicate"] + after["rejected"]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_acknowledged_is_there_after_the_end_and_no_decoder_is(
    start: Start, load: Callable[..., Any], ending: signal.Signals
) -> None:
    serving = start()
    senders = load(serving)
    senders.wait_for(40)
    found = decoders(serving)
    assert found
    code = serving.end(ending)
    senders.stop()
    assert code == (0 if ending is signal.SIGTERM else -signal.SIGKILL)
    assert {200} <= set(senders.answers) <= {200, 503}
    assert psutil.wait_procs(found, timeout=30)[1] == []
    serving.start()
    with serving.client() as client:
        senders.check_kept(client.totals())


def test_a_request_in_flight_is_finished_before_the_end(start: Start, otlp: Callable[..., bytes]) -> None:
    """A slow sender has sent half of its request when the signal comes."""
    serving, body = start(drain_s=20), otlp(0xF17, spans=2)
    assert serving.post(otlp(1)).is_success  # on a busy machine the drain would be over before a decoder is up
    host, port = serving.note.otlp_http_url.removeprefix("http://").split(":")
    head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as sender:
        sender.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:50])
        time.sleep(0.2)
        assert serving.process is not None
        serving.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        sender.sendall(body[50:])
        sender.settimeout(30)
        assert sender.recv(1000).startswith(b"HTTP/1.1 200")
    assert serving.process.wait(10) == 0
    assert not (serving.folder / "server.json").exists()


ENDLESS = "select count(*) from range(1000000) a, range(1000000) b"


def test_a_read_that_outlasts_the_end_is_asked_to_come_again(start: Start) -> None:
    serving, answers = start(drain_s=1, query_timeout_s=60), []

    def ask() -> None:
        url = f"{serving.note.api_url}/api/sql"
        answers.append(httpx.post(url, json={"sql": ENDLESS}, trust_env=False, timeout=60))

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for_read(serving)
    assert serving.end(signal.SIGTERM) == 0
    thread.join()
    (answer,) = answers
    assert (answer.status_code, answer.json()["kind"]) == (503, "shutting_down")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert "Traceback" not in serving.log()


def wait_for_read(serving: Serving) -> None:
    """Until the server works on a question: it burns its processor."""
    process = psutil.Process(serving.process.pid)
    until = time.monotonic() + 20
    while process.cpu_percent(0.2) < 30 and time.monotonic() < until:
        pass


def test_a_request_that_outlasts_the_end_is_asked_to_come_again(start: Start, otlp: Callable[..., bytes]) -> None:
    """Senders drop what is answered with 500 for good."""
    serving, body = start(drain_s=1), otlp(0xF17, spans=2)
    host, port = serving.note.otlp_http_url.removeprefix("http://").split(":")
    head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as sender:
        sender.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:50])
        time.sleep(0.2)
        assert serving.process is not None
        serving.process.send_signal(signal.SIGTERM)
        assert sender.recv(1000).startswith(b"HTTP/1.1 503")
    assert serving.process.wait(20) == 0
    assert "Traceback" not in serving.log()


def test_a_second_signal_ends_at_once(start: Start, otlp: Callable[..., bytes]) -> None:
    serving, body = start(drain_s=60), otlp(1)
    host, port = serving.note.otlp_http_url.removeprefix("http://").split(":")
    head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as sender:
        sender.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:50])
        time.sleep(0.2)
        assert serving.process is not None
        serving.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        assert serving.end(signal.SIGINT) == 128 + signal.SIGINT
    assert time.monotonic() - began < 5


def test_a_full_queue_asks_to_come_again(start: Start, otlp: Callable[..., bytes]) -> None:
    """One request is always taken, however large; what comes beside it waits outside."""
    serving = start(queue_max_bytes=100_000, retry_after_s=2)
    body = otlp(5, spans=1000)
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(serving.post(body))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {answer.status_code for answer in answers}
    assert 200 in codes
    assert codes - {200}, "eight requests beside one another did not fill a queue of less than two"
    assert codes <= {200, 429, 503}
    asked = {answer.headers["retry-after"] for answer in answers if answer.status_code != 200}
    assert asked == {"2"}
    with serving.client() as client:
        assert client.status()["ingest"]["postponed_requests"] == sum(answer.status_code != 200 for answer in answers)


def test_a_low_disk_stops_ingest_and_not_reads(start: Start, otlp: Callable[..., bytes]) -> None:
    serving = start(min_free_bytes=2**60)
    answer = serving.post(otlp(1))
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(answer.headers["retry-after"]) >= 1
    with serving.client() as client:
        ready, reasons = client.ready()
        assert (ready, len(reasons)) == (False, 1)
        assert "MiB" in reasons[0]
        assert client.ledger() == []
    assert httpx.get(f"{serving.note.api_url}/healthz", trust_env=False).is_success


def test_a_port_in_use_is_named(tmp_path: Path, command_process: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command_process(tmp_path, "serve", otlp_grpc_port=port)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"Port {port} of 127.0.0.1 is in use" in ended.stderr
    assert "ASSAY_OTLP_GRPC_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_server_on_a_store_says_who_holds_it(shared: Serving, command_process: Callable[..., Any]) -> None:
    ended = command_process(shared.folder, "serve")
    assert ended.returncode == 1
    assert str(shared.process.pid) in ended.stderr
    assert "Traceback" not in ended.stderr
    with Client(shared.note.api_url) as client:
        assert client.ready() == (True, [])


def decoders(serving: Serving) -> list[psutil.Process]:
    children = psutil.Process(serving.process.pid).children()
    return [child for child in children if child.name() == warm.SPAWNED]


def test_a_lost_decoder_is_replaced(start: Start, otlp: Callable[..., bytes]) -> None:
    serving = start(decode_processes=1)
    assert serving.post(otlp(1)).is_success
    (before,) = decoders(serving)
    before.kill()
    before.wait(10)
    codes = [serving.post(otlp(number)).status_code for number in (2, 2, 3)]
    assert codes in ([503, 200, 200], [200, 200, 200])
    with serving.client() as client:
        assert [row["spans"] for row in client.totals()] == [1, 1, 1]
