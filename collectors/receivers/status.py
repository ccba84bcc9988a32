"""Answers of both receivers: success, partial success, and `google.rpc.Status` with RetryInfo, as protobuf or JSON."""

from __future__ import annotations

import logging
import math
import traceback
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collectors.errors import UnavailableError, UndecodableError, UnknownProjectError
from collectors.model import Signal
from collectors.receivers.sink import ExportOutcome

Encoding = Literal["protobuf", "json"]
CONTENT_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}

INVALID_ARGUMENT: int = code_pb2.INVALID_ARGUMENT
NOT_FOUND: int = code_pb2.NOT_FOUND
RESOURCE_EXHAUSTED: int = code_pb2.RESOURCE_EXHAUSTED
UNIMPLEMENTED: int = code_pb2.UNIMPLEMENTED
UNAVAILABLE: int = code_pb2.UNAVAILABLE

# Clients read at most 4 MiB of an answer; a sentence needs far less.
_MAX_MESSAGE = 2000
# What a sender is asked to wait after a fault that nobody foresaw.
_FAULT_RETRY_S = 5.0

_RESPONSES: dict[Signal, Any] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}
_REJECTED: dict[Signal, tuple[str, str]] = {
    "traces": ("rejected_spans", "rejectedSpans"),
    "logs": ("rejected_log_records", "rejectedLogRecords"),
    "metrics": ("rejected_data_points", "rejectedDataPoints"),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not taken, in the words of both transports."""

    http_status: int
    code: int  # of google.rpc.Code
    message: str  # English, without anything of the payload
    retry_after_s: float | None = None  # set: the sender should send again


def refusal_of(error: Exception) -> Refusal:
    """The refusal for what a sink raised. An error that it does not name is logged, and the sender is asked to retry.

    The log holds the error's type and place and not its text, which may quote the payload.
    """
    match error:
        case UndecodableError():
            return Refusal(400, INVALID_ARGUMENT, str(error))
        case UnknownProjectError():
            return Refusal(404, NOT_FOUND, str(error))
        case UnavailableError():
            return Refusal(429 if error.overloaded else 503, UNAVAILABLE, str(error), error.retry_after_s)
    log.error("export failed: %s", _place(error))
    # Never 500: a client drops what was answered with 500, and the fault may pass.
    return Refusal(
        503, UNAVAILABLE, "The request was not stored, by a fault of the server. Send again.", _FAULT_RETRY_S
    )


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    path = " > ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames)
    return f"{type(error).__name__} at {path}"


def retry_after_header(seconds: float) -> str:
    """Value of `Retry-After`: whole seconds, at least 1."""
    return str(max(1, math.ceil(seconds)))


def refusal_body(refusal: Refusal, encoding: Encoding) -> bytes:
    """A serialized `google.rpc.Status`; RetryInfo among its details when the sender should retry."""
    if encoding == "protobuf":
        return refusal_status(refusal).SerializeToString()  # type: ignore[no-any-return]  # untyped package
    return orjson.dumps(
        {"code": refusal.code, "message": refusal.message[:_MAX_MESSAGE], "details": _json_retry(refusal)}
    )


def refusal_status(refusal: Refusal) -> Any:
    """The refusal as a `google.rpc.Status` message."""
    status = Status(code=refusal.code, message=refusal.message[:_MAX_MESSAGE])
    if refusal.retry_after_s is not None:
        detail = AnyMessage()
        delay = Duration()
        delay.FromNanoseconds(round(refusal.retry_after_s * 1e9))
        detail.Pack(RetryInfo(retry_delay=delay))
        status.details.append(detail)
    return status


def _json_retry(refusal: Refusal) -> list[dict[str, str]]:
    if refusal.retry_after_s is None:
        return []
    kind = f"type.googleapis.com/{RetryInfo.DESCRIPTOR.full_name}"
    return [{"@type": kind, "retryDelay": f"{round(refusal.retry_after_s, 3):.3f}s"}]


def success_body(signal: Signal, outcome: ExportOutcome, encoding: Encoding) -> bytes:
    """The serialized Export*ServiceResponse; `partial_success` is unset when there is nothing to say."""
    name, json_name = _REJECTED[signal]
    said = bool(outcome.rejected or outcome.message)
    message = outcome.message[:_MAX_MESSAGE]
    if encoding == "json":
        partial = {json_name: str(outcome.rejected), "errorMessage": message}
        return orjson.dumps({"partialSuccess": partial} if said else {})
    response = _RESPONSES[signal]()
    if said:
        setattr(response.partial_success, name, outcome.rejected)
        response.partial_success.error_message = message
    data: bytes = response.SerializeToString()
    return data
