"""The way to a store for the command line: the running server's API, else the same API over the file, opened here."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx

from server import running
from server.client import Client
from server.settings import Settings
from store import FILE_NAME

PATIENCE_S = 3600.0  # a bill or a renormalisation of a large store takes minutes
STARTUP_S = 30.0


class NoServerError(Exception):
    """A server must run for this, and none does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"No server runs on {folder}. Start one with `assay up`, or name it with --api-url.")


class NoStoreError(Exception):
    """There is nothing to read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"No store in {folder}. Start one with `assay serve`, or name its folder with --data-dir or ASSAY_DATA_DIR."
        )


@contextmanager
def door(settings: Settings, project: str = "default") -> Iterator[Client]:
    """A client of the server that runs on the data folder; when none runs, of the file itself.

    Raises:
        NoStoreError: no server runs, and the folder holds no store.
        StoreLockedError: another process, which is no server, holds the file.
    """
    if url := address(settings):
        with Client(url, project, PATIENCE_S) as client:
            yield client
        return
    # A log without its file is no empty folder: the opening says what is wrong with it.
    if not any((settings.data_dir / name).exists() for name in (FILE_NAME, f"{FILE_NAME}.wal")):
        raise NoStoreError(settings.data_dir)
    with _opened_here(settings, project) as client:
        yield client


def address(settings: Settings) -> str | None:
    """Where the API of the running server is; null: none runs on the data folder."""
    if settings.api_url is not None:
        return str(settings.api_url)
    found = running.find(settings.data_dir)
    return found.api_url if found else None


@contextmanager
def _opened_here(settings: Settings, project: str) -> Iterator[Client]:
    """The API over the opened file, on a Unix socket that only this user can reach."""
    from server.api.app import create_api  # noqa: PLC0415 - half a second of imports that a running server saves
    from server.api.context import Context  # noqa: PLC0415
    from server.core import opened  # noqa: PLC0415
    from server.ingest import make_ingest  # noqa: PLC0415

    with opened(settings) as core, tempfile.TemporaryDirectory(prefix="assay-") as folder:
        note = running.Running(os.getpid(), running.started_at(), version("assayline"), {}, "", "", "")
        ingest = make_ingest(core)
        api = create_api(Context(core, ingest, note, note.version))
        path = str(Path(folder) / "api")
        with (
            closing(ingest),
            _served(api, path),
            Client("http://localhost", project, PATIENCE_S, _transport(path)) as client,
        ):
            yield client


def _transport(path: str) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(uds=path, verify=False)  # no certificate is looked at, and reading them takes 30 ms


@contextmanager
def _served(api: object, path: str) -> Iterator[None]:
    from server.process import http_server  # noqa: PLC0415

    server = http_server(api, 1.0)  # type: ignore[arg-type]  # an ASGI app, imported lazily
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
        thread = threading.Thread(target=server.run, args=([bound],), name="api", daemon=True)
        thread.start()
        until = time.monotonic() + STARTUP_S
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.005)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(STARTUP_S)
