"""Real receivers on free ports over a sink in memory, and OTLP/JSON of protobuf requests by an independent road."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import uvicorn
import uvloop
from google.protobuf import json_format

from collectors.model import Decoded
from collectors.otlp import decode
from collectors.otlp.rejections import message
from collectors.receivers.grpc import GrpcReceiver
from collectors.receivers.http import UVICORN, http_app
from collectors.receivers.limits import Draining, ReceiverConfig
from collectors.receivers.sink import ExportOutcome, ExportRequest

KIB = 1024
ID_MEMBERS = ("traceId", "spanId", "parentSpanId")


def as_otlp_json(request: Any, *, numbers_for_enums: bool = True) -> bytes:
    """OTLP/JSON of a protobuf request by protobuf's own JSON mapping; ids turned from base64 to hexadecimal."""
    plain = json_format.MessageToDict(request, use_integers_for_enums=numbers_for_enums)
    return orjson.dumps(_hex_ids(plain))


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(each) for each in value]
    if isinstance(value, dict):
        return {k: base64.b64decode(v).hex() if k in ID_MEMBERS else _hex_ids(v) for k, v in value.items()}
    return value


@pytest.fixture(scope="session")
def otlp_json() -> Callable[..., bytes]:
    return as_otlp_json


@dataclass
class MemorySink:
    """Decodes and remembers. `errors` are raised first, one a request; `gate` holds requests back."""

    requests: list[ExportRequest] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)
    refused: list[tuple[str, str, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    gate: asyncio.Event | None = None

    async def accept(self, request: ExportRequest) -> ExportOutcome:
        self.requests.append(request)
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        decoded = decode(request.signal, request.source, request.body)
        self.decoded.append(decoded)
        return ExportOutcome(sum(r.count for r in decoded.rejections), message(request.signal, decoded.rejections))

    async def refuse(self, request: ExportRequest, reason: str, size: int) -> None:
        assert request.body == b""
        self.refused.append((request.source, reason, size))

    @property
    def span_names(self) -> list[str]:
        return [span.name for decoded in self.decoded for span in decoded.spans]


class _Uvicorn(uvicorn.Server):
    def install_signal_handlers(self) -> None: ...


@dataclass
class Receivers:
    """Both receivers on one event loop, in a thread: as the server runs them."""

    config: ReceiverConfig
    uvicorn: dict[str, Any] = field(default_factory=dict)  # in place of some of UVICORN
    sink: MemorySink = field(default_factory=MemorySink)
    http_port: int = 0
    grpc_port: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=uvloop.new_event_loop)
    draining: Draining = field(default_factory=lambda: Draining(1.0))

    def start(self) -> None:
        self._stop = asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run(ready)))
        self._thread.start()
        assert ready.wait(10)

    async def _run(self, ready: threading.Event) -> None:
        app = http_app(self.sink, self.config, self.draining)
        self.http = server = _Uvicorn(uvicorn.Config(app, host="127.0.0.1", port=0, **UVICORN | self.uvicorn))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
            await asyncio.sleep(0.01)
        self.http_port = server.servers[0].sockets[0].getsockname()[1]
        self.grpc = GrpcReceiver(self.sink, self.config, self.draining)
        self.grpc_port = await self.grpc.start("127.0.0.1", 0)
        ready.set()
        await self._stop.wait()
        await self.grpc.stop(0.2)
        server.should_exit = True
        await serving

    def on_loop(self, work: Callable[[], Any]) -> Any:
        """Run `work` on the event loop and wait for it."""

        async def run() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.loop.close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receivers]]:
    """Start receivers; without a config, of 64 KiB a request."""
    running: list[Receivers] = []

    def start(uvicorn: dict[str, Any] | None = None, **config: Any) -> Receivers:
        receivers = Receivers(ReceiverConfig(**{"max_bytes": 64 * KIB, **config}), uvicorn or {})
        receivers.start()
        running.append(receivers)
        return receivers

    yield start
    for each in running:
        each.stop()
