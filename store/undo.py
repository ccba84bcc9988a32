"""Keeps a crash in the middle of a checkpoint from costing the store.

DuckDB 2.0 rewrites its live metadata blocks in place at every checkpoint (seen in a trace of its writes: the block at
offset 12,288, each time, before the new header). A SIGKILL or a power cut within such a write of 256 KiB leaves a torn
block, and the file cannot be opened again: "computed checksum does not match", once in about 750 kills. All other
blocks are written to free places and named by the header, which comes last.

So the metadata blocks and the headers are copied to a file beside the store before each checkpoint. At the next
opening, headers that are still the copied ones tell that the checkpoint did not come to its end: the blocks are put
back and DuckDB replays its log, which it removes only after the header. Other headers tell that the checkpoint is
complete, and the copy is dropped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from pathlib import Path

from duckdb import DuckDBPyConnection

from store.errors import StoreError

HEADER_BYTES = 3 * 4096  # the file's own header and the two that checkpoints write in turn
MAGIC = b"ASSAYUNDO1"
_COUNTS = struct.Struct("<QQ")  # block size, number of blocks
_ID = struct.Struct("<Q")
_DIGEST = 32
_BLOCK_SIZE = "select block_size from pragma_database_size() where database_name = current_database()"


class Undo:
    """The copy that belongs to one open store file.

    It keeps a descriptor of the file until `close`, which must come after DuckDB closed it: closing any descriptor
    gives up the process's lock on the file.
    """

    def __init__(self, path: Path) -> None:
        """`path`: the store file, which DuckDB has open."""
        self._copy = undo_path(path)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def arm(self, cursor: DuckDBPyConnection) -> None:
        """Copy what the coming checkpoint may tear. Call it where no other checkpoint can run.

        Raises:
            OSError: the copy could not be written; then there must be no checkpoint.
        """
        size = int(cursor.execute(_BLOCK_SIZE).fetchall()[0][0])
        ids = [int(row[0]) for row in cursor.execute("select block_id from pragma_metadata_info()").fetchall()]
        parts = [MAGIC, _COUNTS.pack(size, len(ids)), os.pread(self._file, HEADER_BYTES, 0)]
        for block in sorted(ids):
            parts += [_ID.pack(block), os.pread(self._file, size, HEADER_BYTES + block * size)]
        _write_durably(self._copy, b"".join(parts))

    def disarm(self) -> None:
        """The checkpoint is complete."""
        self._copy.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; the copy, if there is one, stays for the next opening."""
        os.close(self._file)


def undo_path(path: Path) -> Path:
    """Where the copy for a store file lies."""
    return path.with_name(path.name + ".undo")


def undo_torn_checkpoint(path: Path) -> bool:
    """Put the metadata blocks back if the last checkpoint did not come to its end; whether that was so.

    Call it before DuckDB opens the file. Does nothing while another process holds the file.

    Raises:
        StoreError: the copy does not fit the file.
    """
    copy = undo_path(path)
    if not copy.exists() or not path.exists():
        return False
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        copy.with_name(copy.name + ".new").unlink(missing_ok=True)  # half a copy, of a crash while it was written
        undone = _put_back(file, copy)
    except BlockingIOError:
        return False  # somebody works with the file, so it is not torn; DuckDB says who
    finally:
        os.close(file)
    copy.unlink()
    return undone


def _put_back(file: int, copy: Path) -> bool:
    data = copy.read_bytes()
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if not body.startswith(MAGIC) or hashlib.blake2b(body, digest_size=_DIGEST).digest() != digest:
        message = f"{copy} is damaged. Move it away if {copy.with_suffix('').name} opens without it."
        raise StoreError(message)
    at = len(MAGIC) + _COUNTS.size
    size, count = _COUNTS.unpack(body[len(MAGIC) : at])
    if os.pread(file, HEADER_BYTES, 0) != body[at : at + HEADER_BYTES]:
        return False
    at += HEADER_BYTES
    for number in range(count):
        start = at + number * (_ID.size + size)
        (block,) = _ID.unpack(body[start : start + _ID.size])
        os.pwrite(file, body[start + _ID.size : start + _ID.size + size], HEADER_BYTES + block * size)
    os.fsync(file)
    return True


def _write_durably(path: Path, body: bytes) -> None:
    """Whole or not at all, also when the power fails."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(body + hashlib.blake2b(body, digest_size=_DIGEST).digest())
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        new.unlink(missing_ok=True)  # half of it would only fill the disk further
        raise
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
