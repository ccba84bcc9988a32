"""OTLP files of every form to pieces: the same spans, whatever the file is framed, grouped and compressed by."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collectors.importers import jsontext, pieces
from collectors.importers.decoding import decoded_piece
from collectors.importers.pieces import ImportFileError, Piece, packed, unpacked
from collectors.importers.protofile import signal_of
from collectors.importers.reading import plan, read
from collectors.model import Decoded

REQUESTS = 5
SPANS = 3


def request(number: int) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = f"shop {number % 2}"
    scope = group.scope_spans.add()
    for span in range(SPANS):
        told = scope.spans.add(
            trace_id=(number + 1).to_bytes(16, "big"), span_id=(span + 1).to_bytes(8, "big"), name=f"say \"{{[' {span}",
            start_time_unix_nano=1_700_000_000_000_000_000 + number, end_time_unix_nano=1_700_000_001_000_000_000,
        )  # fmt: skip
        told.attributes.add(key="tokens").value.int_value = 7
    return made


def as_json(made: ExportTraceServiceRequest) -> dict[str, object]:
    """As the specification of OTLP has it: ids are hexadecimal, which protobuf's own JSON writes in base 64."""
    value = MessageToDict(made)
    for group, told in zip(made.resource_spans, value["resourceSpans"], strict=True):
        for scope, shown in zip(group.scope_spans, told["scopeSpans"], strict=True):
            for span, one in zip(scope.spans, shown["spans"], strict=True):
                one |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
    return value


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def zstd(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return bytes(out.getvalue())


ALL = [request(number) for number in range(REQUESTS)]
BODIES = [one.SerializeToString() for one in ALL]
LINES = b"".join(json.dumps(as_json(one)).encode() + b"\n" for one in ALL)
WHOLE = {"resourceSpans": [group for one in ALL for group in as_json(one)["resourceSpans"]]}  # type: ignore[attr-defined]
FOUR = b"".join(len(one).to_bytes(4, "big") + one for one in BODIES)

FILES = [
    pytest.param(b"".join(BODIES), id="protobuf-one-request"),
    pytest.param(b"".join(varint(len(one)) + one for one in BODIES), id="protobuf-delimited"),
    pytest.param(FOUR, id="collector-proto"),
    pytest.param(
        b"".join(len(one).to_bytes(4, "big") + one for one in map(zstd, BODIES)), id="collector-proto-zstd-a-message"
    ),
    pytest.param(
        b"".join(len(one).to_bytes(4, "big") + one for one in map(zstd, LINES.splitlines())),
        id="collector-json-zstd-a-message",
    ),
    pytest.param(zstd(FOUR), id="collector-proto-zstd-whole"),
    pytest.param(zstd(LINES[:900]) + zstd(LINES[900:]), id="collector-json-zstd-frames"),
    pytest.param(LINES, id="collector-json"),
    pytest.param(gzip.compress(LINES[:700]) + gzip.compress(LINES[700:]), id="json-lines-gzip-members"),
    pytest.param(b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\r\n"), id="json-lines-windows"),
    pytest.param(json.dumps(WHOLE).encode(), id="json-one-line"),
    pytest.param(json.dumps(WHOLE, indent=2).encode(), id="json-indented"),
    pytest.param(json.dumps({"meta": {"resourceSpans": [1]}, **WHOLE, "rest": "]}"}).encode(), id="json-with-more"),
    pytest.param(json.dumps([as_json(one) for one in ALL]).encode(), id="json-array-of-requests"),
    pytest.param("\n".join(json.dumps(as_json(one), indent=1) for one in ALL).encode(), id="json-indented-requests"),
]


def imported(path: Path) -> list[Piece]:
    return [unpacked(packed(piece)) for piece, _ in read(path, plan(path))]


def spans_of(found: list[Piece]) -> list[tuple[str, int, str, str | None]]:
    told = [decoded_piece(piece) for piece in found]
    return sorted(
        (span.trace_id.hex(), span.span_id, span.name, span.origin.resource["service.name"])
        for one in told
        for span in one.spans
    )


def balanced(found: Decoded) -> bool:
    kept = len(found.spans) + len(found.logs) + sum(one.count for one in found.rejections)
    return sum(found.received.values()) == kept


@pytest.mark.parametrize("data", FILES)
def test_every_form_gives_the_same_spans(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(data)
    found = imported(path)
    expected = [decoded_piece(Piece("traces", "protobuf", body)) for body in BODIES]
    assert spans_of(found) == sorted(
        (span.trace_id.hex(), span.span_id, span.name, span.origin.resource["service.name"])
        for one in expected
        for span in one.spans
    )
    assert not [rejection for piece in found for rejection in decoded_piece(piece).rejections]
    assert imported(path) == found


@pytest.mark.parametrize("data", FILES)
def test_small_pieces_hold_the_same(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data"
    path.write_bytes(data)
    together = spans_of(imported(path))
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1)
    found = imported(path)
    assert len(found) >= REQUESTS
    assert spans_of(found) == together


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        pytest.param(LINES + b'{"resourceSpans": [{"scopeSp\n', {"unreadable": 1}, id="cut-line"),
        pytest.param(LINES + b"what is this\n", {"not_json": 1}, id="no-json"),
        pytest.param(LINES + b'{"hello": 1}\n', {"not_otlp": 1}, id="other-json"),
        pytest.param(FOUR[:-5], {"cut": 1}, id="cut-message"),
        pytest.param(FOUR + b"\0\0", {"cut": 1}, id="cut-length"),
        pytest.param(FOUR + b"\0\0\0\x03\xff\xff\xff", {"unreadable": 1}, id="no-message"),
        pytest.param(json.dumps(WHOLE).encode()[:-40], {"cut": 1}, id="cut-json"),
    ],
)
def test_what_cannot_be_read_is_counted_and_the_rest_kept(data: bytes, reasons: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(data)
    told = [decoded_piece(piece) for piece in imported(path)]
    assert {one.reason: one.count for found in told for one in found.rejections} == reasons
    assert all(map(balanced, told))
    assert sum(len(found.spans) for found in told) >= (REQUESTS - 1) * SPANS


def test_a_rejected_line_is_told_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(LINES + b"\n\n{oh}\n" + LINES + b'{"resourceSpans": 3}\n')
    told = [one.sample for piece in imported(path) for one in decoded_piece(piece).rejections]
    assert [one.partition(":")[0] for one in told] == ["line 14", "line 8"]


def test_a_large_request_is_divided(tmp_path: Path) -> None:
    made = request(0)
    scope = made.resource_spans[0].scope_spans[0]
    for number in range(40):
        scope.spans.add().CopyFrom(scope.spans[0])
        scope.spans[-1].span_id = (100 + number).to_bytes(8, "big")
        scope.spans[-1].attributes.add(key="text").value.string_value = "é" * 150_000
    forms = {"pb": made.SerializeToString(), "json": json.dumps(as_json(made)).encode(),
             "jsonl": json.dumps(as_json(made)).encode() + b"\n" + LINES}  # fmt: skip
    for name, data in forms.items():
        path = tmp_path / name
        path.write_bytes(data)
        found = imported(path)
        spans = {(span.trace_id, span.span_id) for piece in found for span in decoded_piece(piece).spans}
        assert len(found) > 3
        assert len(spans) >= 43
        assert max(len(piece.body) for piece in found) < 4 * pieces.MIB


@pytest.mark.parametrize(
    ("message", "signal"),
    [
        pytest.param(BODIES[0], "traces", id="spans"),
        pytest.param(b"", "traces", id="nothing"),
        pytest.param(b"\xff\xff", None, id="no-frames"),
    ],
)
def test_the_signal_of_a_message(message: bytes, signal: str | None) -> None:
    assert signal_of(message) == signal


def test_the_signal_of_logs_and_metrics_and_of_a_span_without_times() -> None:
    logs, metrics, spans = ExportLogsServiceRequest(), ExportMetricsServiceRequest(), ExportTraceServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(observed_time_unix_nano=5)
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="n" * 16).sum.data_points.add(as_int=1)
    spans.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="n")
    assert [signal_of(one.SerializeToString()) for one in (logs, metrics, spans)] == ["logs", "metrics", "traces"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"%PDF-1.7 what is this", id="pdf"),
        pytest.param(gzip.compress(LINES)[:60], id="cut-gzip"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_by_its_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some.data"
    path.write_bytes(data)
    with pytest.raises(ImportFileError, match=r"some\.data"):
        imported(path)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers(-5, 5) | st.text(st.characters(codec="utf-8"), max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=6,
    ),
    st.sampled_from([None, 1]),
)
@pytest.mark.parametrize("named", [False, True])
def test_the_elements_of_any_json(named: bool, values: list[object], indent: int | None) -> None:
    value = {"before": values, "data": values, "after": [{"data": 1}]} if named else values
    text = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    stream = io.BufferedReader(io.BytesIO(text))  # type: ignore[arg-type]
    found = list(jsontext.elements(stream, ["data"]))
    assert [json.loads(one.data) for one in found] == values
    assert jsontext.is_json(text)


@pytest.mark.parametrize("size", [ord("["), ord("{")])
@pytest.mark.parametrize("delimited", [False, True])
def test_protobuf_whose_length_looks_like_json_is_protobuf(size: int, delimited: bool, tmp_path: Path) -> None:
    """A request, or its only group, of 91 or 123 bytes: its length is an opening bracket."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.start_time_unix_nano = 1_700_000_000_000_000_000
    while (request.ByteSize() if delimited else request.resource_spans[0].ByteSize()) < size:
        span.name += "n"
    data = request.SerializeToString()
    path = tmp_path / "spans.bin"
    path.write_bytes(bytes([len(data)]) + data if delimited else data)
    assert bytes([size]) in path.read_bytes()[:2]
    assert [len(decoded_piece(piece).spans) for piece in imported(path)] == [1]
