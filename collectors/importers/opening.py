"""A file as a stream of bytes, inflated; what it is compressed with is read off its first bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from collectors.importers.pieces import ImportFileError

if TYPE_CHECKING:
    from typing_extensions import Buffer

BUFFER = 1024 * 1024
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Raw(io.RawIOBase):
    """A reader that fills what it is given, so that a buffer over it holds as much as there is."""

    def __init__(self, inner: _Readable, name: str) -> None:
        self._inner, self._name = inner, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        filled, view = 0, memoryview(buffer)
        while filled < len(view):
            try:
                data = self._inner.read(len(view) - filled)
            except (OSError, EOFError, zlib.error) as error:
                if filled:  # what could be read goes first; the next call meets the error again
                    break
                message = f"{self._name} cannot be inflated to its end: {error}. It may be cut; copy it again."
                raise ImportFileError(message) from error
            if not data:
                break
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled


class Opened:
    """One open file: `stream` has its bytes, inflated; `done` says how far it was read, in bytes as it lies."""

    def __init__(self, path: Path, stream: io.BufferedReader, raw: io.BufferedReader, size: int) -> None:
        self.path, self.stream, self._raw, self.size = path, stream, raw, size

    def done(self) -> int:
        """Bytes of the file that were read."""
        return min(self._raw.tell(), self.size)

    def head(self, size: int = 64 * 1024) -> bytes:
        """Its first bytes, or fewer; they stay to be read."""
        return self.stream.peek(size)[:size]


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """The file, for as long as the block runs.

    Raises:
        ImportFileError: it cannot be opened; while it is read: it cannot be inflated.
    """
    try:
        raw = path.open("rb")
        size = path.stat().st_size
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}.") from error
    with raw:
        yield Opened(path, io.BufferedReader(_Raw(_inflated(raw), path.name), BUFFER), raw, size)


def _inflated(raw: io.BufferedReader) -> _Readable:
    head = raw.peek(4)[:4]
    if head.startswith(GZIP):
        return gzip.GzipFile(fileobj=raw)
    if head == ZSTD:
        return zstd(raw)
    return raw


def zstd(raw: object) -> _Readable:
    """What a Zstandard stream holds."""
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that other files save

    inner: _Readable = pa.CompressedInputStream(raw, "zstd")
    return inner


def fingerprint(path: Path) -> str:
    """Hash of the file's bytes: what an import is known by, whatever the file is called. 1 s for 1 GB."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}.") from error
