"""The server's end of the process that sends: orders go in, what became of each comes back as a future."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from server.child import OURS
from server.notify.telling import Message
from server.notify.vault import Secret
from server.when import utc_now
from store.deliveries import Try

LIMIT_S = 10.0  # of one try
PATIENCE_S = 10.0  # beyond it, for a process that starts, loads apprise and forks on a busy machine
IDLE_S = 60.0  # then the process ends: with apprise it holds some 100 MB
_END_S = 5.0

Kind = Literal["webhook", "apprise"]
LOST = "The process that sends was lost before it said what became of it."
_LOST = {"outcome": "failed", "detail": LOST, "took_ms": 0.0}


class AddressFaultError(Exception):
    """An address cannot be one of its kind; says why without it."""


@dataclass(slots=True)
class _Asked:
    future: Future[dict[str, Any]]
    until: float  # monotonic clock
    process: subprocess.Popen[bytes]


class Sender:
    """Starts the process with the first order, ends it when idle, and starts another one when it is lost."""

    def __init__(self, data_dir: Path, *, metadata: bool, limit_s: float = LIMIT_S, idle_s: float = IDLE_S) -> None:
        self._common = {"data_dir": str(data_dir.resolve()), "metadata": metadata, "limit_s": limit_s}
        self._limit_s, self._idle_s = limit_s, idle_s
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._used = time.monotonic()
        self._closed = False

    def send(self, kind: Kind, secret: Secret, message: Message, told: Callable[[Try], None]) -> None:
        """Try to deliver; `told` hears what became of it, on another thread. Never raises for a receiver's faults."""
        order = {
            "work": "send", "kind": kind, "url": secret.url, "key": secret.key, "message_id": str(message.message_id),
            "event": message.event, "severity": message.severity, "title": message.title, "text": message.text,
            "link": message.link, "body": message.body.decode(),
        }  # fmt: skip
        began = utc_now()
        self._order(order).add_done_callback(lambda future: told(_try(began, future.result())))

    def check(self, kind: Kind, url: str) -> str:
        """What may be shown of an address. Nothing is sent.

        Raises:
            AddressFaultError: it cannot be one of its kind.
        """
        said = self._order({"work": "check", "kind": kind, "url": url}).result()
        if "shown" not in said:
            raise AddressFaultError(str(said.get("fault") or said.get("detail")))
        return str(said["shown"])

    def tend(self) -> None:
        """To be called every few seconds: end the process when it is idle, or when it is stuck."""
        now = time.monotonic()
        with self._lock:
            stuck = any(one.until < now for one in self._asked.values())
            idle = not self._asked and now - self._used > self._idle_s
            if stuck or idle:
                self._drop()

    def close(self) -> None:
        """What is being sent is lost, and noted by nobody as sent."""
        with self._lock:
            self._closed = True
            self._drop()
        if self._reader is not None:
            self._reader.join(_END_S)

    def _order(self, order: dict[str, Any]) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._closed:
                future.set_result(dict(_LOST))
                return future
            process, number = self._started(), next(self._numbers)
            self._asked[number] = _Asked(future, time.monotonic() + self._limit_s + PATIENCE_S, process)
            self._used = time.monotonic()
            with suppress(OSError):  # it was just lost: its reader says so
                _write(process, json.dumps({"id": number, **self._common, **order}).encode() + b"\n")
        return future

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [*OURS, "server.notify.posting"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
            self._reader = threading.Thread(target=self._read, args=(self._process,), name="notify-sender", daemon=True)
            self._reader.start()
        return self._process

    def _drop(self) -> None:
        """It holds nothing, and its reader tells the rest."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Hand out answers until the process ends; what it was asked and did not answer is lost then."""
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout:
            for line in process.stdout:
                said = json.loads(line)
                with self._lock:
                    asked = self._asked.pop(said["id"], None)
                    self._used = time.monotonic()
                if asked is not None:
                    asked.future.set_result(said)
        self._ended(process)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        with self._lock:
            if self._process is process:
                self._process = None
            lost = {number: one for number, one in self._asked.items() if one.process is process}
            self._asked = {number: one for number, one in self._asked.items() if number not in lost}
        if process.stdin is not None:
            with suppress(OSError):  # of what was still to be written
                process.stdin.close()
        for one in lost.values():
            one.future.set_result(dict(_LOST))


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(line)
    process.stdin.flush()


def _try(began: datetime, said: dict[str, Any]) -> Try:
    return Try(began, float(said["took_ms"]), str(said["outcome"]), said.get("detail"))
