"""Texts by key in a SQLite file, for what must outlive the process: answers of judges, verdicts of a run."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

# WAL with `normal` survives a killed process whole. A power cut may lose the newest lines, and damages nothing.
_OPEN = """
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists kept (key text primary key, text text not null) without rowid;
"""


def key_of(*parts: object) -> str:
    """The key of what these parts say as JSON: equal for equal parts, whatever the order of their keys."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Kept:
    """Texts by key, in a file; safe in threads. A file that is damaged is told once, left as it is, and not used."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        self._con: sqlite3.Connection | None = None
        try:
            self._con = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._con.executescript(_OPEN)
        except sqlite3.Error as error:
            self._give_up(error)

    @property
    def usable(self) -> bool:
        """Whether the file is in use."""
        return self._con is not None

    def get(self, key: str) -> str | None:
        """The text of the key; null: none is kept."""
        row = self._run("select text from kept where key = ?", (key,))
        return None if row is None else str(row[0])

    def put(self, key: str, text: str) -> None:
        """Keep the text, also when this process is killed right after."""
        self._run("insert or replace into kept values (?, ?)", (key, text))

    def drop(self, prefix: str, keep: Sequence[str]) -> None:
        """Forget the texts whose keys begin so, but for those that begin as one of `keep`."""
        others = " and substr(key, 1, ?) <> ?" * len(keep)
        values = (len(prefix), prefix, *(part for one in keep for part in (len(one), one)))
        self._run(f"delete from kept where substr(key, 1, ?) = ?{others}", values)

    def close(self) -> None:
        """Close the file. Nothing is kept any more."""
        with self._lock:
            if self._con is not None:
                self._con.close()
            self._con = None

    def _run(self, sql: str, values: tuple[str | int, ...]) -> tuple[object, ...] | None:
        with self._lock:
            if self._con is None:
                return None
            try:
                row: tuple[object, ...] | None = self._con.execute(sql, values).fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
            return row

    def _give_up(self, error: sqlite3.Error) -> None:
        log.warning("%s is not used: %s.", self.path, error)
        if self._con is not None:
            self._con.close()
        self._con = None
