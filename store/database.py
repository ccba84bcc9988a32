"""The one DuckDB file: opened, migrated, locked, leased out as cursors, and reopened after a fatal error."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from store import FILE_NAME
from store.errors import (
    SchemaError,
    StoreBrokenError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFolderError,
    StoreLockedError,
)
from store.undo import Undo, undo_torn_checkpoint

log = logging.getLogger(__name__)
CATALOG = "assayline"
# What the system says of a place that cannot be used; anything else that is said of a file is said of its content.
_OF_THE_DISK = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR,
    errno.ENOTDIR, errno.ENOENT, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG,
)  # fmt: skip
# A checkpoint stalls commits while it writes and merges the last row groups, in proportion to their size. Measured at
# 7,500 spans/s over 100,000 to 200,000 stored: with groups of 30,720 rows and a checkpoint every 64 MiB of WAL up to
# 0.7 s (p99 of the answers 0.62 s), with these and 24 MiB at most 0.29 s (p99 0.28 s). The default is 122,880.
ROW_GROUP_ROWS = 10_240
REOPEN_WAIT_S = 5.0  # how long a lease waits for a reopening before it says "busy"

Config = dict[str, str | bool | int | float | list[str]]

_open_here: set[Path] = set()
_open_here_lock = threading.Lock()


class Database:
    """The open store. One process holds it, and within the process one object.

    All work goes through `lease()`, so that `reopen()` can wait until nobody uses a cursor of the broken instance.
    """

    def __init__(self, path: Path, config: Config) -> None:
        """Open and migrate; use `Database.open`."""
        self.path = path
        self.wal_path = path.with_name(path.name + ".wal")
        self._config = config
        self._state = threading.Condition()
        self._leases: set[DuckDBPyConnection] = set()
        self._interrupted: set[DuckDBPyConnection] = set()  # leases that a reopening or the end has cut short
        self._reopening = False
        self._closed = False
        self.newest_seq = 0  # the newest group commit of this process; 0: none yet
        self.generation = 0  # grows with every reopening
        self._undo: Undo | None = None
        self._root: DuckDBPyConnection | None = self._connect()  # null: a reopening failed

    @classmethod
    def open(cls, data_dir: Path, memory_limit: str = "512MB", threads: int = 2) -> Database:
        """Open the store of `data_dir`, creating and migrating it as needed.

        Raises:
            StoreLockedError: another process, or another object of this one, holds the file.
            StoreFolderError: the folder cannot be made or written, or there is too little memory.
            StoreDamagedError: the file in it is no store, or is damaged.
            SchemaError: a newer program wrote it, or a released migration was edited.
        """
        path = (data_dir / FILE_NAME).resolve()
        _claim(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(path, _config(path, memory_limit, threads))
        except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
            _release(path)
            way = "Set ASSAY_DATA_DIR to a folder that can be written."
            if isinstance(error, duckdb.OutOfMemoryException):
                way = "Raise ASSAY_MEMORY_LIMIT."
            message = f"No store can be opened in {data_dir}: {_first_line(error)}. {way}"
            raise StoreFolderError(message) from error
        except BaseException:
            _release(path)
            raise

    def _connect(self) -> DuckDBPyConnection:
        _create(self.path, self._config)
        if undo_torn_checkpoint(self.path):
            log.warning("a crash cut a checkpoint of %s short; it is undone, the log has everything", self.path)
        connection = duckdb.connect(config=self._config)
        try:
            connection.execute("pragma disable_checkpoint_on_shutdown")  # every checkpoint is ours: see store/undo.py
            with _damage_told(self.path):
                _attach(connection, self.path)
            self._undo = Undo(self.path)
            connection.execute("set global timezone = 'UTC'")
            connection.execute("set global enable_external_access = false")  # but for the attached file
            with _damage_told(self.path):
                migrate(connection)
            connection.execute("set lock_configuration = true")
        except BaseException:
            self._release_file(connection)
            raise
        return connection

    def _release_file(self, connection: DuckDBPyConnection) -> None:
        _close_quietly(connection)
        if self._undo is not None:  # after DuckDB: closing any descriptor gives up the lock
            self._undo.close()
            self._undo = None

    @contextmanager
    def lease(self) -> Iterator[DuckDBPyConnection]:
        """Lend a cursor of its own; an open transaction is rolled back at the end.

        Raises:
            StoreBusyError: the file is being reopened, or is closed.
            StoreDamagedError: a block that was read is not what was written.
            StoreBrokenError: DuckDB gave the file up, in the block or before it, or another thread did and interrupted
                the block; call `reopen` outside the block.
        """
        generation = self.generation
        try:
            cursor = self._take()
            generation = self.generation  # the taking may have waited for a reopening
            try:
                yield cursor
            except (duckdb.InterruptException, OSError) as error:  # OSError: how an Arrow stream tells it
                if cursor not in self._interrupted:
                    raise
                raise StoreBrokenError("The work was interrupted by a reopening.", generation) from error
            finally:
                self._give(cursor)
        except duckdb.Error as error:
            if is_broken(error):
                raise StoreBrokenError(str(error), generation) from error
            if "Corrupt database file" in str(error):
                raise _damaged(self.path, error) from error
            raise

    def _take(self) -> DuckDBPyConnection:
        with self._state:
            self._state.wait_for(lambda: not self._reopening or self._closed, timeout=REOPEN_WAIT_S)
            if self._reopening or self._closed:
                raise StoreBusyError("The store is being reopened or is closed. Try again.", retry_after_s=1.0)
            if self._root is None:
                raise StoreBrokenError("The store is not open: the last reopening failed.", self.generation)
            cursor = self._root.cursor()
            self._leases.add(cursor)
        try:
            cursor.execute(f"use {CATALOG}")
        except BaseException:
            self._give(cursor)
            raise
        return cursor

    def _give(self, cursor: DuckDBPyConnection) -> None:
        try:
            cursor.close()  # rolls back what was left open
        except duckdb.Error:  # an invalidated instance: reopen() is on its way
            pass
        finally:
            with self._state:
                self._leases.discard(cursor)
                self._interrupted.discard(cursor)
                self._state.notify_all()

    def reopen(self, seen: int) -> None:
        """Close the broken instance and open the file anew; nothing acknowledged is lost, the WAL is replayed.

        Call it without holding a lease. `seen` is the error's `generation`: whoever comes second finds the work done.

        Raises:
            StoreBusyError: the file could not be opened (the disk may be full), by this thread or by the one that is
                at it; calling again tries again.
        """
        with self._state:
            if self._closed or (self.generation != seen and not self._reopening):
                return
            if self._reopening:
                self._wait_for_other()
                return
            self._reopening = True
        try:
            self._wait_for_leases()
            if self._root is not None:
                self._release_file(self._root)
                self._root = None
            self._root = self._connect_again()
        finally:
            with self._state:
                self._reopening = False
                self._state.notify_all()

    def _wait_for_other(self) -> None:
        """Wait for the thread that reopens; called with the lock."""
        before = self.generation
        self._state.wait_for(lambda: not self._reopening or self._closed, timeout=REOPEN_WAIT_S)
        if self.generation == before and not self._closed:
            raise StoreBusyError("The store could not be reopened yet. Try again.", retry_after_s=5.0)

    def _connect_again(self) -> DuckDBPyConnection:
        try:
            root = self._connect()
        except (duckdb.Error, StoreError, OSError) as error:
            message = f"The store could not be reopened: {error}"
            raise StoreBusyError(message, retry_after_s=5.0) from error
        self.generation += 1
        return root

    def _wait_for_leases(self, timeout_s: float = 30.0) -> None:
        until = time.monotonic() + timeout_s
        with self._state:
            while self._leases and time.monotonic() < until:
                for cursor in self._leases:
                    self._interrupted.add(cursor)
                    with suppress(duckdb.ConnectionException):  # it was closed meanwhile
                        cursor.interrupt()
                self._state.wait(timeout=0.05)
            if self._leases:
                raise StoreBusyError("Reads do not end, so the store cannot be reopened yet.", retry_after_s=5.0)

    def wal_bytes(self) -> int:
        """Size of the write-ahead log; 0 when there is none."""
        try:
            return self.wal_path.stat().st_size
        except FileNotFoundError:
            return 0

    def file_bytes(self) -> int:
        """Size of the database file, without the WAL."""
        return self.path.stat().st_size

    def free_bytes(self) -> int:
        """What the disk of the store has left for this process."""
        room = os.statvfs(self.path.parent)
        return room.f_bavail * room.f_frsize

    def checkpoint(self) -> None:
        """Fold the WAL into the file. Readers go on; commits wait. One at a time: the writer's thread calls it."""
        with self.lease() as cursor:
            self._fold(cursor)

    def _fold(self, connection: DuckDBPyConnection) -> None:
        if self._undo is None:
            return
        self._undo.arm(connection)
        connection.execute(f"checkpoint {CATALOG}")
        self._undo.disarm()

    def close(self) -> None:
        """Interrupt what still reads, checkpoint, close. A second call does nothing."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            self._state.notify_all()
        try:
            self._wait_for_leases()
        finally:
            if self._root is not None:
                with suppress(duckdb.Error, OSError):  # the WAL keeps everything; the next open replays it
                    self._fold(self._root)
                self._release_file(self._root)
            _release(self.path)


def _config(path: Path, memory_limit: str, threads: int) -> Config:
    return {
        "temp_directory": f"{path}.tmp",  # where big reads spill
        "memory_limit": memory_limit,
        "threads": threads,
        # Never by itself: the writer checkpoints when its senders have their answer, and in a way that survives a kill.
        "checkpoint_threshold": "1000TB",
        "python_enable_replacements": "false",  # a Python variable is never a table
        "arrow_lossless_conversion": "true",  # uuid stays a uuid, not text
    }


def _create(path: Path, config: Config) -> None:
    """Make an empty store file, whole or not at all: one that was cut while it was made could never be opened."""
    new = path.with_name(path.name + ".creating")
    for left in (new, new.with_name(new.name + ".wal")):
        left.unlink(missing_ok=True)
    if path.exists():
        return
    if (log_file := path.with_name(path.name + ".wal")).exists():
        raise StoreDamagedError(
            f"{log_file} holds acknowledged spans, and {path.name}, which it belongs to, is gone. Put that file back, "
            "or a backup copy of both; what `assay export` wrote stays readable. To begin anew, move the log away."
        )
    with duckdb.connect(config=config) as connection:
        _attach(connection, new)
        connection.execute("use memory")
        connection.execute(f"detach {CATALOG}")
    new.rename(path)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """What DuckDB says of a file's content, and only that, as a sentence with the way back."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if any(os.strerror(number) in str(error) for number in _OF_THE_DISK):
            raise
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StoreDamagedError:
    message = f"{path} cannot be read as a store: {_first_line(error)}. "
    if "WAL" in message:
        message += f"Without {path.name}.wal it is as of the last checkpoint. "
    message += (
        "Put a backup copy of the data folder in its place; what `assay export` wrote stays readable. To begin anew, "
        "move all files of that name away."
    )
    return StoreDamagedError(message)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".! ")


def _attach(connection: DuckDBPyConnection, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    try:
        connection.execute(f"attach '{quoted}' as {CATALOG} (row_group_size {ROW_GROUP_ROWS})")
        connection.execute(f"use {CATALOG}")
    except duckdb.IOException as error:
        if "lock on file" not in str(error):
            raise
        raise _locked(path, str(error)) from error


def _locked(path: Path, message: str) -> StoreLockedError:
    holder = re.search(r"PID (\d+)", message)
    who = f"process {holder.group(1)}" if holder else "another process"
    return StoreLockedError(
        f"{path} is held by {who}. Ask the running server instead (its API answers the same questions), "
        "stop that process, or choose another folder with ASSAY_DATA_DIR."
    )


def _claim(path: Path) -> None:
    with _open_here_lock:
        if path in _open_here:  # DuckDB would share the instance, and two writers would race
            raise _locked(path, f"PID {os.getpid()}")
        _open_here.add(path)


def _release(path: Path) -> None:
    with _open_here_lock:
        _open_here.discard(path)


def is_broken(error: BaseException) -> bool:
    """Whether the open file is lost to this process until it is opened anew."""
    if isinstance(error, duckdb.FatalException | duckdb.InternalException):
        return True
    return isinstance(error, duckdb.Error) and "has been invalidated" in str(error)


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk took no more; DuckDB tells it as an error of the transaction, with the system's words."""
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def _close_quietly(connection: DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # invalidated: there is nothing left to close
        connection.close()


def migrations() -> list[tuple[int, str, str]]:
    """Number, file name and text of every migration that this program ships, in order."""
    folder = resources.files("store") / "migrations"
    files = sorted((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name.split("_", 1)[0]), name, text) for name, text in files]


def migrate(connection: DuckDBPyConnection, known: list[tuple[int, str, str]] | None = None) -> int:
    """Run the migrations that the file lacks, each in a transaction with the row that records it.

    Returns:
        The number of migrations run now.

    Raises:
        SchemaError: see `Database.open`.
    """
    known = migrations() if known is None else known
    connection.execute(
        "create table if not exists schema_migrations "
        "(version integer primary key, name varchar not null, checksum varchar not null, applied_at timestamp not null)"
    )
    applied = connection.execute("select version, name, checksum from schema_migrations order by version").fetchall()
    _compare(applied, known)
    missing = [entry for entry in known if entry[0] not in {version for version, _, _ in applied}]
    for version, name, text in missing:
        _apply(connection, version, name, text)
    return len(missing)


def _compare(applied: list[tuple[int, str, str]], known: list[tuple[int, str, str]]) -> None:
    shipped = {version: (name, _checksum(text)) for version, name, text in known}
    for version, name, checksum in applied:
        if version not in shipped:
            message = (
                f"The store has migration {name}, which this program does not know (it knows up to "
                f"{max(shipped, default=0)}). Run the newer version of the program that wrote it."
            )
            raise SchemaError(message)
        if shipped[version][1] != checksum:
            message = (
                f"Migration {shipped[version][0]} was edited after this store had run it. Restore the released file "
                "and put the change in a new migration; a store without data that matters can be deleted instead."
            )
            raise SchemaError(message)


def _apply(connection: DuckDBPyConnection, version: int, name: str, text: str) -> None:
    connection.execute("begin transaction")
    try:
        connection.execute(text)
        connection.execute(
            "insert into schema_migrations values (?, ?, ?, now() at time zone 'utc')", [version, name, _checksum(text)]
        )
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.TransactionException):  # a grave error has ended it already
            connection.execute("rollback")
        raise


def _checksum(text: str) -> str:
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def one_row(cursor: DuckDBPyConnection, query: str, params: object = None) -> tuple[Any, ...]:
    """The only row of a query, drained: after `fetchone` DuckDB 2 calls the result unfinished and refuses `sql()`."""
    (row,) = cursor.execute(query, params).fetchall()
    return tuple(row)
