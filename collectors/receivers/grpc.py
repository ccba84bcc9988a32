"""OTLP over gRPC: three Export methods that hand undecoded messages to a `Sink`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, NoReturn

import grpc
import grpc.aio

from collectors.model import Signal
from collectors.receivers.limits import PROJECT_HEADER, Draining, ReceiverConfig
from collectors.receivers.refusals import RefusedError, record, too_large
from collectors.receivers.sink import ExportOutcome, ExportRequest, Sink
from collectors.receivers.status import (
    Refusal,
    refusal_of,
    refusal_status,
    success_body,
)

SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
# A refusal is told twice in the trailing headers, once percent-encoded, and clients take 8 KiB of these.
_MAX_MESSAGE = 400
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcReceiver:
    """A grpc.aio server on the running event loop; it shares that loop with any other server.

    Messages beyond twice the limit, before or after inflation, and unknown compressions are refused within gRPC itself
    (RESOURCE_EXHAUSTED without RetryInfo, UNIMPLEMENTED): the sink does not hear of them.
    """

    def __init__(self, sink: Sink, config: ReceiverConfig, draining: Draining | None = None) -> None:
        self._sink, self._config = sink, config
        self._draining = draining or Draining(config.retry_after_s)
        self._server: grpc.aio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one for port 0. Raises RuntimeError when it is taken."""
        server = grpc.aio.server(options=_options(self._config))
        for signal, service in SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(self._handler(signal))
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        bound = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        await server.start()
        self._server = server
        return bound

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, let those in flight finish within `grace_s` seconds, then close. Idempotent."""
        self._draining.start()
        if self._server is not None:
            await self._server.stop(grace_s)
            self._server = None

    def _handler(self, signal: Signal) -> Any:
        async def export(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            try:
                with self._draining.admit():
                    outcome = await self._export(ExportRequest(signal, "grpc", body, _project(context)))
                    return success_body(signal, outcome, "protobuf")
            except RefusedError as error:
                return await _abort(context, error.refusal)
            except Exception as error:  # noqa: BLE001 - whatever it is, the sender may send again
                return await _abort(context, refusal_of(error))

        return export

    async def _export(self, request: ExportRequest) -> ExportOutcome:
        if len(request.body) > self._config.max_bytes:
            error = too_large(self._config.max_bytes, len(request.body))
            await record(self._sink, replace(request, body=b""), error)
            raise error
        return await self._accept(request)

    async def _accept(self, request: ExportRequest) -> ExportOutcome:
        # A client that gives up cancels this call; what it sent is stored all the same, for its retry to find.
        task = asyncio.ensure_future(self._sink.accept(request))
        task.add_done_callback(_retrieve)
        return await asyncio.shield(task)


def _retrieve(task: asyncio.Future[ExportOutcome]) -> None:
    """Look at the outcome, so that nobody complains of one that a gone client did not wait for."""
    if not task.cancelled():
        task.exception()


async def _abort(context: grpc.aio.ServicerContext[bytes, bytes], refusal: Refusal) -> NoReturn:
    refusal = replace(refusal, message=refusal.message[:_MAX_MESSAGE])
    details = refusal_status(refusal).SerializeToString()
    await context.abort(_CODES[refusal.code], refusal.message, (("grpc-status-details-bin", details),))
    raise AssertionError  # abort has raised


def _project(context: grpc.aio.ServicerContext[bytes, bytes]) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == PROJECT_HEADER and value:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None


def _options(config: ReceiverConfig) -> list[tuple[str, int]]:
    return [
        # Twice the limit, as what gRPC itself refuses is on no record; it counts in 32 bits.
        ("grpc.max_receive_message_length", min(2 * config.max_bytes, 2**31 - 1)),
        ("grpc.so_reuseport", 0),  # two servers on one port would share the requests in silence
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]
