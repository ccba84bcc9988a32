"""Sends OTLP requests as an exporter does: gzip, patience when asked to wait, partial success read."""

from __future__ import annotations

import gzip
import json
import time
from typing import Self

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from server.demo.export import PROTOBUF, Export

RETRYABLE = frozenset({429, 502, 503, 504})  # OTLP specification, "Retryable Response Codes"
ATTEMPTS = 30


class DemoRefusedError(Exception):
    """The sample data could not be delivered."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"The sample data could not be sent to {url}: {reason}")


class Sender:
    """A connection to one OTLP/HTTP endpoint."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, export: Export) -> int:
        """Deliver one request; returns how many of its items were rejected.

        Raises:
            DemoRefusedError: no connection, a final refusal, or a receiver that kept asking to wait.
        """
        for _ in range(ATTEMPTS):
            response = self._post(export)
            if response.status_code == httpx.codes.OK:
                return rejected(export, response.content)
            if response.status_code not in RETRYABLE:
                break
            time.sleep(float(response.headers.get("retry-after", "1")))
        raise DemoRefusedError(self._url, f"answer {response.status_code}, {response.text[:200]}")

    def _post(self, export: Export) -> httpx.Response:
        headers = {"content-type": export.content_type, "content-encoding": "gzip"}
        try:
            return self._client.post(
                f"{self._url}/v1/{export.signal}", content=gzip.compress(export.body, 1), headers=headers
            )
        except httpx.TransportError as error:
            raise DemoRefusedError(self._url, str(error)) from error


def rejected(export: Export, body: bytes) -> int:
    """Items that a successful answer says were not taken."""
    if export.content_type != PROTOBUF:
        partial = json.loads(body or b"{}").get("partialSuccess", {})
        return int(partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0)
    if export.signal == "traces":
        return ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
    return ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records
