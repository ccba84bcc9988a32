"""Is the process up, can it work, what has it done."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import psutil
from fastapi import Request, Response

from server.api.answers import json_response
from server.api.context import Context, Here
from server.api.rights import needs, router

routes = router()


@routes.get("/healthz", tags=["health"], dependencies=[needs("public")])
async def healthz() -> dict[str, str]:
    """The process runs and its event loop turns. Says nothing of the store: see `/readyz`."""
    return {"status": "ok"}


@routes.get(
    "/readyz",
    tags=["health"],
    dependencies=[needs("public")],
    responses={503: {"description": "Not ready; `reasons` says why."}},
)
def readyz(request: Request, here: Here) -> Response:
    """Whether ingest and reads work now: store, writer, queue and disk. 503 with the reasons when they do not."""
    reasons = faults(here)
    response = json_response(request, {"ready": not reasons, "reasons": reasons})
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return response


@routes.get("/api/status", tags=["health"], dependencies=[needs("read")])
def status(request: Request, here: Here) -> Response:
    """Counters since the process began, queue, disk, store, addresses and version. Sizes in bytes, times in UTC.

    `running` is false where the command line opened the file itself: then no counter of a server is told.
    """
    running = bool(here.running.api_url)
    return json_response(request, {"running": running, **_of_file(here), **(_of_server(here) if running else {})})


def _of_file(here: Context) -> dict[str, Any]:
    database = here.core.database
    return {
        "version": here.version,
        "now": datetime.now(UTC),
        "data_dir": str(here.core.settings.data_dir.resolve()),
        "store": {
            "file_bytes": database.file_bytes(),
            "wal_bytes": database.wal_bytes(),
            "free_bytes": database.free_bytes(),
        },
        "watermark": here.core.readers.watermark(),
        "reasons": faults(here),
    }


def _of_server(here: Context) -> dict[str, Any]:
    writer = here.core.writer.state()
    return {
        "pid": os.getpid(),
        "began_at": here.began,
        "addresses": {
            "api": here.running.api_url,
            "otlp_http": here.running.otlp_http_url,
            "otlp_grpc": here.running.otlp_grpc_address,
        },
        "ingest": here.intake.status(),
        "writer": {
            "queued_requests": writer.queued_requests,
            "queued_bytes": writer.queued_bytes,
            "commit_seq": writer.commit_seq,
        },
        "memory_bytes": psutil.Process().memory_info().rss,
    }


def faults(here: Context) -> list[str]:
    """Why the server cannot work now; empty when it can."""
    writer = here.core.writer.state()
    found = [
        "" if writer.alive else "The writer's thread has ended; restart the server.",
        "The store is being reopened after an error." if writer.reopening else "",
        writer.disk_low,
        "The queue of requests is full." if here.intake.overloaded() else "",
    ]
    return [reason for reason in [*found, _read_fault(here)] if reason]


def _read_fault(here: Context) -> str:
    try:
        here.core.readers.probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"The store cannot be read: {error}"
    return ""
