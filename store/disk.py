"""Whether the disk has room for what is to be written."""

from __future__ import annotations

import time

from store.database import Database

MIB = 1024 * 1024
DISK_CHECK_S = 0.5
RESERVE_FLOOR_BYTES = 16 * MIB  # of the room that is kept free; below it not even small work is written


class DiskGuard:
    """Says when the disk is too full to take more; looks at most every `DISK_CHECK_S`."""

    def __init__(self, database: Database, min_free_bytes: int) -> None:
        self._database, self._min_free = database, min_free_bytes
        self._looked = float("-inf")
        self._free = self._needed = 0

    def problem(self, *, reserve: bool = False) -> str:
        """`reserve`: for work that may use the room kept free, but for the last of it."""
        now = time.monotonic()
        if now - self._looked >= DISK_CHECK_S:
            self._free, self._looked = self._database.free_bytes(), now
            self._needed = max(self._min_free, 2 * self._database.wal_bytes())
        return self._told(min(self._needed, RESERVE_FLOOR_BYTES) if reserve else self._needed)

    def forget(self) -> None:
        self._looked = float("-inf")

    def _told(self, needed: int) -> str:
        if self._free >= needed:
            return ""
        return (
            f"The disk of {self._database.path.parent} has {self._free // MIB} MiB left and writing needs "
            f"{needed // MIB} MiB. Free some space, or lower ASSAY_MIN_FREE_BYTES; writing resumes by itself."
        )
