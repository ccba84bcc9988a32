"""What the receivers are told, how they bound what they read, and how they stop."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from collectors.errors import UnavailableError

MIB = 1024 * 1024
PROJECT_HEADER = "x-assayline-project"

# A body inflates up to 1000 times; in pieces of this size the event loop is never held for more than a few ms.
_PIECE = MIB
_GZIP = 31  # zlib's window bits for a gzip member


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Settings of both receivers."""

    max_bytes: int = 64 * MIB  # of one request, on the wire and after inflation
    prefixes: tuple[str, ...] = ()  # further path prefixes of OTLP/HTTP, such as /api/public/otel
    cors_origins: tuple[str, ...] = ()  # browser origins that may send; none: CORS is off
    retry_after_s: float = 1.0  # what senders are asked to wait when the receiver itself cannot take a request
    max_held_bytes: int = 512 * MIB  # bodies that OTLP/HTTP holds at once; beyond it senders are told to slow down
    # Waiting for a body that OTLP/HTTP grants, in seconds; what comes earns it back at the rate below. Exporters give
    # up after 10 s by themselves, unless told otherwise, and 16 KiB/s is a telephone line.
    stall_s: float = 15.0
    min_bytes_per_s: int = 16 * 1024


class TooLargeError(Exception):
    """A body passed the limit; `size` is how far it was read, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class BadCompressionError(Exception):
    """A body is not a whole gzip stream."""

    def __init__(self, detail: str, size: int) -> None:
        super().__init__(detail)
        self.size = size


class StalledError(UnavailableError):
    """A body stopped coming, or came too slowly.

    To be sent again, as its connection may have been at fault: exporters drop what is answered with 408.
    """


class Draining:
    """A switch shared by the receivers: what is in flight is finished, what comes after is refused."""

    def __init__(self, retry_after_s: float = 1.0) -> None:
        self.in_flight = 0  # requests that were admitted and not answered yet
        self.on = False
        self._retry_after_s = retry_after_s
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        """Refuse requests from now on; there is no way back."""
        self.on = True

    def error(self) -> UnavailableError:
        """What a sender is told whose request is not, or not any more, worked on."""
        return UnavailableError("The server is shutting down. Send again.", self._retry_after_s)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count one request while it is worked on. Raises UnavailableError when draining."""
        if self.on:
            raise self.error()
        self.in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()

    async def finished(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight; false when `timeout_s` ran out first."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True


class Held:
    """Bytes of bodies in memory, bounded over all requests at once."""

    def __init__(self, config: ReceiverConfig) -> None:
        self.bytes = 0
        self._config = config

    def add(self, size: int) -> None:
        """Count `size` more bytes. Raises UnavailableError beyond the bound; they are counted even so."""
        self.bytes += size
        if self.bytes > self._config.max_held_bytes:
            message = "Too many requests at once. Send again, slower."
            raise UnavailableError(message, self._config.retry_after_s, overloaded=True)

    def release(self, size: int) -> None:
        self.bytes -= size


async def capped(chunks: AsyncIterable[bytes], max_bytes: int, announced: int = 0) -> AsyncIterator[bytes]:
    """The chunks as they come. Raises TooLargeError as soon as their sum, or what was announced, passes `max_bytes`."""
    if announced > max_bytes:
        raise TooLargeError(announced)
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise TooLargeError(size)
        if chunk:
            yield chunk


async def inflated(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The content of a gzip stream of one or more members, in pieces of at most 1 MiB; zero padding is skipped.

    Raises:
        BadCompressionError: cut, damaged, or followed by something else.
    """
    stream = _Gunzip()
    async for chunk in chunks:
        for piece in stream.feed(chunk):
            yield piece
            await asyncio.sleep(0)
    stream.finish()


class _Gunzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._read = 0  # bytes fed
        self._open = False  # a member has begun and not ended

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._read += len(data)
        more = False  # zlib has output left though its input is used up
        while data or more:
            if not self._open:
                data = data.lstrip(b"\0") if self._member.eof else data
                if not data:
                    return
                self._member, self._open = zlib.decompressobj(_GZIP), True
            piece = self._inflate(data)
            self._open = not self._member.eof
            data = self._member.unconsumed_tail if self._open else self._member.unused_data
            more = self._open and len(piece) == _PIECE
            yield piece

    def finish(self) -> None:
        if self._open:
            raise BadCompressionError("it is cut", self._read)

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._member.decompress(data, _PIECE)
        except zlib.error as error:
            raise BadCompressionError("it is damaged, or followed by something else", self._read) from error
