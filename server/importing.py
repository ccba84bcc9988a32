"""Carries the pieces of a file to a server, and goes on where an import of the same file broke off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from collectors.importers.pieces import Piece, packed
from collectors.importers.reading import How, read, size_of
from server.client import ApiError, Client
from server.client_base import Json

PATIENCE_S = 120.0  # for a server that is busy, or is started again
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Far:
    """How far an import is, for whoever waits."""

    read_bytes: int
    bytes: int
    steps: int
    resumed: int  # steps that were there before


Tell = Callable[[Far], None]


def about(path: Path, how: How, author: str | None, name: str | None = None) -> Json:
    """What an import reads, as `POST /api/imports` takes it. Another format or mapping of the file is other work."""
    mapping = orjson.dumps(dict(how.mapping)).decode() if how.mapping else None
    work = f"{how.fingerprint}-{how.format}" + (f"-{_short(mapping)}" if mapping else "")
    return {
        "work": work, "file": name or path.name or str(path), "bytes": size_of(path), "format": how.format,
        "mapping": mapping, "author": author,
    }  # fmt: skip


def _short(text: str) -> str:
    import hashlib  # noqa: PLC0415 - only plain calls have a mapping

    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def run(
    client: Client,
    path: Path,
    how: How,
    author: str | None = None,
    tell: Tell = lambda _: None,
    *,
    name: str | None = None,
) -> Json:
    """Import a file; the import as it then stands, see `GET /api/imports/{import_id}`.

    Pieces that an earlier import of the same work stored are passed over. The next piece is read while one is stored.

    Raises:
        ImportFileError: the file cannot be read, or is not of the format.
        ApiError: the server refuses, or did not answer for two minutes. Run it again: it goes on.
    """
    begun = client.begin_import(about(path, how, author, name))
    import_id, resumed = str(begun["import_id"]), int(begun["steps"])
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(lambda: True)
        for step, (piece, read_bytes) in _ahead(path, how, resumed):
            sent.result()
            tell(Far(read_bytes, int(begun["bytes"]), step, resumed))
            sent = sender.submit(_send, client, import_id, step, piece, read_bytes)
        sent.result()
    return client.end_import(import_id)


def _ahead(path: Path, how: How, resumed: int) -> Iterator[tuple[int, tuple[Piece, int]]]:
    """The steps that are not stored yet."""
    return (one for one in enumerate(read(path, how), 1) if one[0] > resumed)


def _send(client: Client, import_id: str, step: int, piece: Piece, read_bytes: int) -> bool:
    data, until, wait = packed(piece), time.monotonic() + PATIENCE_S, FIRST_WAIT_S
    while True:
        try:
            return client.import_step(import_id, step, data, read_bytes)
        except ApiError as error:
            if error.kind == "refused" or time.monotonic() + wait > until:
                raise
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)
