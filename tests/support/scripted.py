"""An HTTP server on a free port that writes exactly what its script says, piece by piece."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from threads import in_a_thread

DROP = "drop"  # the connection
HOLD = "hold"  # until the client or the test is gone
ENDLESS = "endless"  # the piece before, for ever

Move = bytes | float | str
"""Bytes to write, seconds to wait, or one of the words above."""


@dataclass
class Seen:
    """One request, and what became of it."""

    line: str
    headers: dict[str, str]
    body: bytes
    wrote: list[tuple[float, int]] = field(default_factory=list)  # when, and how many bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def bytes_out(self) -> int:
        return sum(count for _, count in self.wrote)


Script = Callable[[Seen], Iterable[Move]] | Sequence[Iterable[Move]]


def head(status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    told = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode()


def whole(body: bytes | str | Any, status: int = 200, kind: str = "application/json", **headers: str) -> list[Move]:
    """A response with its length."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return [head(status, kind, content_length=str(len(raw)), **headers) + raw]


def chunk(data: bytes | str) -> bytes:
    raw = data if isinstance(data, bytes) else data.encode()
    return f"{len(raw):x}\r\n".encode() + raw + b"\r\n"


END = b"0\r\n\r\n"


def event(data: Any) -> bytes:
    """A server-sent event in a chunk of its own."""
    return chunk(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")


def streamed(*moves: Any, kind: str = "text/event-stream", end: bool = True) -> list[Move]:
    """A stream of events; bytes, waits and words go through as they are."""
    words = (DROP, HOLD, ENDLESS)
    told = [move if isinstance(move, bytes | float) or move in words else event(move) for move in moves]
    return [head(200, kind, transfer_encoding="chunked"), *told, *([END] if end else [])]


class Scripted:
    """Plays responses in order, the last one for ever; or asks a function for each."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[Seen] = []
        self.connections = self.busy = self.most_busy = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is gone
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        one = Seen(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))
        self.seen.append(one)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            return await self._play(one, reader, writer)
        finally:
            self.busy -= 1

    async def _play(self, one: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        moves = (
            self._script(one) if callable(self._script) else self._script[min(len(self.seen), len(self._script)) - 1]
        )
        last = b""
        for move in moves:
            if isinstance(move, float):
                await asyncio.sleep(move)
            elif move == DROP:
                return False
            elif move == HOLD:
                await reader.read()
                return False
            elif move == ENDLESS:
                while True:
                    await self._write(one, writer, last)
            else:
                assert isinstance(move, bytes)
                last = move
                await self._write(one, writer, move)
        return True

    async def _write(self, one: Seen, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        one.wrote.append((time.perf_counter(), len(piece)))
        await writer.drain()
        await asyncio.sleep(0)  # others get their turn, and the piece is one of its own


def beside(held: Scripted) -> AbstractContextManager[Scripted]:
    """The server in a thread of its own."""
    return in_a_thread(held)
