"""The note a server leaves in its data folder, by which the command line and the app find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

FILE_NAME = "server.json"


@dataclass(frozen=True, slots=True)
class Running:
    """One running server: who it is and where it listens."""

    pid: int
    started_at: float  # creation time of the process, Unix seconds: tells a pid that was given anew
    version: str
    ports: dict[str, int]  # api, otlp_http, otlp_grpc
    api_url: str
    otlp_http_url: str
    otlp_grpc_address: str  # host:port

    def write(self, data_dir: Path) -> None:
        """Leave the note; a reader sees the old one or the new one, never half of it."""
        draft = data_dir / f".{FILE_NAME}.{self.pid}"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
        draft.replace(data_dir / FILE_NAME)


def started_at() -> float:
    """When this process began, as `Running.started_at` holds it."""
    return float(psutil.Process().create_time())


def find(data_dir: Path) -> Running | None:
    """The server that runs on this folder; null when there is none, or the one that left the note is gone."""
    try:
        found = Running(**json.loads((data_dir / FILE_NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if _lives(found) else None


def _lives(found: Running) -> bool:
    try:
        return abs(psutil.Process(found.pid).create_time() - found.started_at) < 1.0
    except psutil.Error:
        return False


def remove(data_dir: Path) -> None:
    """Take this process's own note away; one of a successor stays."""
    found = find(data_dir)
    if found is not None and found.pid == os.getpid():
        (data_dir / FILE_NAME).unlink(missing_ok=True)
