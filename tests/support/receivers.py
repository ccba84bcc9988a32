"""Receivers of messages on this machine that behave as real ones do on a bad day: each path has a behaviour of its own.

Plain sockets and a thread a connection, so that a receiver can hang in the middle of a header as no framework would.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Got:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Act = Callable[["Receivers", socket.socket, Got], None]


def answer(status: int, *headers: str) -> Act:
    """Answer by this status."""

    def act(_: Receivers, link: socket.socket, __: Got) -> None:
        told = "".join(f"{header}\r\n" for header in headers)
        link.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{told}\r\n".encode())

    return act


def in_turn(*acts: Act) -> Act:
    """The first request gets the first, ..., all from the last on get the last."""
    told = iter(range(len(acts)))

    def act(here: Receivers, link: socket.socket, got: Got) -> None:
        acts[next(told, len(acts) - 1)](here, link, got)

    return act


def hang(here: Receivers, link: socket.socket, got: Got) -> None:
    """Say nothing until the test is over."""
    here.over.wait(60)


def drip(here: Receivers, link: socket.socket, got: Got) -> None:
    """Headers a byte at a time, for ever."""
    link.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not here.over.wait(0.1):
        link.sendall(b"a")


def late(seconds: float) -> Act:
    """Answer by 200, but only then."""

    def act(here: Receivers, link: socket.socket, got: Got) -> None:
        here.over.wait(seconds)
        link.sendall(OK)

    return act


def endless_body(here: Receivers, link: socket.socket, got: Got) -> None:
    """200 at once, and a body that does not end."""
    link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not here.over.wait(0.1):
        link.sendall(b"a")


def hang_up(here: Receivers, link: socket.socket, got: Got) -> None:
    """Close without an answer."""


def ok(here: Receivers, link: socket.socket, got: Got) -> None:
    link.sendall(OK)


@dataclass
class Receivers:
    """The server: `acts` says what each path does; `got` what came to it."""

    acts: dict[str, Act] = field(default_factory=dict)
    got: dict[str, list[Got]] = field(default_factory=lambda: defaultdict(list))
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, name="receivers", daemon=True).start()

    def url(self, path: str, act: Act | None = None, scheme: str = "http") -> str:
        """The address of a path, which behaves so from now on."""
        if act is not None:
            self.acts[path] = act
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def wait(self, path: str, count: int = 1, seconds: float = 30.0) -> list[Got]:
        """What came to a path, once that is so many."""
        until = time.monotonic() + seconds
        while len(self.got[path]) < count:
            assert time.monotonic() < until, f"{path} got {len(self.got[path])} of {count} within {seconds:g} s"
            time.sleep(0.01)
        return self.got[path]

    def close(self) -> None:
        self.over.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), name="receiver", daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        with link, suppress(OSError):
            got = _read(link)
            if got is None:
                return
            self.got[got.path].append(got)
            self.acts.get(got.path, answer(404))(self, link, got)


def _read(link: socket.socket) -> Got | None:
    held = b""
    while b"\r\n\r\n" not in held:
        more = link.recv(65536)
        if not more:
            return None
        held += more
    head, _, body = held.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += link.recv(65536)
    method, path, _ = first.split(" ")
    return Got(method, path, headers, body, time.monotonic())


@contextmanager
def receiving() -> Iterator[Receivers]:
    made = Receivers()
    try:
        yield made
    finally:
        made.close()
