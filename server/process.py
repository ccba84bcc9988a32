"""The server process: one event loop that receives, and the threads that write, resolve and read."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import uvicorn
from starlette.types import ASGIApp

from collectors.receivers.grpc import GrpcReceiver
from collectors.receivers.http import UVICORN, http_app
from collectors.receivers.limits import Draining, ReceiverConfig
from server import checking, running
from server.api.app import create_api, guarded
from server.api.context import Context
from server.aside import Aside
from server.core import Core
from server.ending import Ending
from server.ingest import make_ingest
from server.labelling.feeding import Feeding
from server.monitors.loop import Monitoring, beside
from server.notify.loop import Notifier
from server.ports import PortError, listen, port_of, reachable
from server.running import Running
from server.settings import Settings
from server.standing import Standing
from server.uploads import Uploads

if sys.platform != "win32":
    from uvloop import new_event_loop
else:
    from asyncio import new_event_loop

log = logging.getLogger(__name__)
DRAIN_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Requests make many objects that die young and no cycles.
GC_THRESHOLDS = (50_000, 20, 50)


class HttpServer(uvicorn.Server):
    """uvicorn on a socket of ours, without signal handlers of its own: one process, one answer to a signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(app: ASGIApp, drain_s: float) -> HttpServer:
    return HttpServer(uvicorn.Config(Ending(app), **UVICORN, timeout_graceful_shutdown=max(1, round(drain_s))))


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the process listens on with HTTP; gRPC binds its own port."""

    otlp: socket.socket
    api: socket.socket

    @classmethod
    def bind(cls, settings: Settings) -> Sockets:
        """Raises PortError."""
        otlp = listen(settings.host, settings.otlp_http_port, "otlp_http_port")
        try:
            return cls(otlp, listen(settings.host, settings.api_port, "api_port"))
        except PortError:
            otlp.close()
            raise

    def close(self) -> None:
        self.otlp.close()
        self.api.close()


def serve(settings: Settings, announce: Callable[[Running], None]) -> None:
    """Run until SIGTERM or SIGINT, then finish what is in flight; a second signal ends the process at once.

    `announce` is called once everything answers.

    Raises:
        PortError: a port cannot be listened on.
        StoreLockedError: another process holds the store.
        SchemaError: a newer program wrote it.
    """
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("uvicorn", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings quote the question
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(Process(settings, announce).run())


class Process:
    """The parts of a running server and the order in which they start and stop."""

    def __init__(self, settings: Settings, announce: Callable[[Running], None]) -> None:
        self._settings, self._announce = settings, announce
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start, serve, drain."""
        self._listen_to_signals()
        sockets = Sockets.bind(self._settings)
        try:
            core = await asyncio.to_thread(Core.open, self._settings)
        except BaseException:
            sockets.close()
            raise
        try:
            await self._serve(core, sockets)
        finally:
            running.remove(self._settings.data_dir)
            await asyncio.to_thread(core.close, self._settings.drain_s)
            gc.unfreeze()  # else DuckDB's binding reports what was frozen as leaked at exit

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in DRAIN_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            # What was acknowledged is on disk, so nothing needs to be tidied.
            os._exit(128 + number)
        log.info("%s: finishing what is in flight; again to stop at once", number.name)
        self._stop.set()

    async def _serve(self, core: Core, sockets: Sockets) -> None:
        settings = self._settings
        ingest, config = make_ingest(core), receiver_config(settings)
        ingest.warm_up()
        draining = Draining(settings.retry_after_s)
        receiver = GrpcReceiver(ingest, config, draining)
        note = self._note(sockets, await start_grpc(receiver, settings))
        aside = Aside(core.readers)
        checker = Aside(core.readers, checking.IDLE_S, checking.PLACES, checking.NICENESS)
        watcher = beside(core)
        monitoring = Monitoring(core, watcher)
        notifier = Notifier(core)
        uploads = Uploads(core, note.api_url)
        context = Context(core, ingest, note, note.version, aside, checker, monitoring, notifier, uploads)
        servers = {
            "OTLP/HTTP": (http_server(http_app(ingest, config, draining), settings.drain_s), sockets.otlp),
            "API": (http_server(guarded(create_api(context), context), settings.drain_s), sockets.api),
        }
        standing, feeding = Standing(core), Feeding(core)
        standing.start()
        feeding.start()
        monitoring.start()
        notifier.start()
        uploads.start()
        tasks = [asyncio.create_task(server.serve([bound]), name=name) for name, (server, bound) in servers.items()]
        try:
            await self._until_stopped([server for server, _ in servers.values()], tasks, note)
        finally:
            for server, _ in servers.values():
                server.should_exit = True
            await asyncio.gather(receiver.stop(settings.drain_s), *tasks)
            await asyncio.to_thread(standing.stop)
            await asyncio.to_thread(feeding.stop)
            await asyncio.to_thread(watcher.close)
            await asyncio.to_thread(monitoring.stop)
            await asyncio.to_thread(notifier.stop)
            await asyncio.to_thread(uploads.stop)
            await asyncio.to_thread(aside.close)
            await asyncio.to_thread(checker.close)
            await asyncio.to_thread(ingest.close)

    async def _until_stopped(self, servers: list[HttpServer], tasks: list[asyncio.Task[None]], note: Running) -> None:
        while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has a flag and no event
            await asyncio.sleep(0.01)
        note.write(self._settings.data_dir)
        tidy_memory()
        self._announce(note)
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if stop not in done:
            ended = ", ".join(task.get_name() for task in tasks if task in done)
            raise RuntimeError(f"{ended} ended by itself")

    def _note(self, sockets: Sockets, grpc_port: int) -> Running:
        host = reachable(self._settings.host)
        ports = {"api": port_of(sockets.api), "otlp_http": port_of(sockets.otlp), "otlp_grpc": grpc_port}
        return Running(
            pid=os.getpid(),
            started_at=running.started_at(),
            version=version("assayline"),
            ports=ports,
            api_url=f"http://{host}:{ports['api']}",
            otlp_http_url=f"http://{host}:{ports['otlp_http']}",
            otlp_grpc_address=f"{host}:{grpc_port}",
        )


def receiver_config(settings: Settings) -> ReceiverConfig:
    """What the receivers are told."""
    return ReceiverConfig(
        settings.otlp_max_bytes,
        settings.otlp_path_prefixes,
        settings.otlp_cors_origins,
        settings.retry_after_s,
        2 * settings.queue_max_bytes,
    )


async def start_grpc(receiver: GrpcReceiver, settings: Settings) -> int:
    """Listen for gRPC; returns the port. Raises PortError."""
    # Asked of the system first: gRPC says no more than that it failed.
    listen(settings.host, settings.otlp_grpc_port, "otlp_grpc_port").close()
    return await receiver.start(settings.host, settings.otlp_grpc_port)


def tidy_memory() -> None:
    """Leave what startup made out of every later collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
