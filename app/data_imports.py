"""Doors to imports of files. They move while a page shows them, so none is cached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from app import data

Row = dict[str, Any]
PART_BYTES = 8 * 1024 * 1024


def imports() -> list[Row]:
    """The newest imports of the project; see `GET /api/imports`."""
    return data.client().imports()


def one(import_id: str) -> Row:
    """One import and how far it went."""
    return data.client().one_import(import_id)


def upload(name: str, file: IO[bytes]) -> str:
    """Send a file to the server; its id there."""
    file.seek(0)
    return data.client().upload(name, _parts(file))


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(PART_BYTES):
        yield part


def preview(upload_id: str, kind: str | None, mapping: list[tuple[str, str]]) -> Row:
    """What an uploaded file looks like. Raises ApiError: `refused` says why it looks like nothing."""
    return data.client().preview_upload(upload_id, kind, mapping)


def begin(upload_id: str, preview: Row, author: str | None) -> str:
    """Have it imported; the id of the import."""
    return data.client().import_upload(upload_id, preview, author)
