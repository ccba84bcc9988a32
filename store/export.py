"""Parquet copies of the tables: a backup, and the way to other tools.

The store's own connection may not touch other files, so rows stream out as Arrow batches and pyarrow writes them.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from store.database import Database, one_row
from store.errors import StoreBusyError, StoreError
from store.readers import watermark

BATCH_ROWS = 10_000
MANIFEST = "manifest.json"
# Each table that leaves, with the column by which [since, until) chooses its rows; null: it always leaves whole.
TABLES: dict[str, str | None] = {
    "spans": "start_time",
    "logs": "time",
    "scores": "time",
    "trace_summaries": "start_time",
    "calls": "start_time",
    "span_derived": None,
    "origins": None,
    "tool_definitions": None,
    "ledger_entries": "hour",
    "refused_requests": "time",
    "projects": None,
    "own_prices": None,
    "budgets": None,
    "repricings": None,
    "invoices": None,
    "replaced_costs": "start_time",
    "suites": None,
    "runs": None,
    "run_rows": None,
    "datasets": None,
    "dataset_versions": None,
    "dataset_items": None,
    "queues": None,
    "queue_versions": None,
    "queue_items": None,
    "labels": None,
    "label_decisions": None,
}


_OURS = frozenset({MANIFEST, *(f"{table}.parquet" for table in TABLES)})
_PART = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d{1,9})\.part")  # see `_replacing`
_writing: set[Path] = set()
_writing_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """One file of an export."""

    file: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds; written last, so that a folder without it is not whole."""

    created_at: str  # ISO 8601, UTC
    schema_version: int  # the newest migration
    watermark: str
    since: str | None  # null: open
    until: str | None
    tables: dict[str, ExportedTable]


def export(
    database: Database,
    folder: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    tables: Sequence[str] = tuple(TABLES),
) -> Manifest:
    """Write one Parquet file per table into `folder`, of all projects, as of one moment; ingest goes on meanwhile.

    Rows are those in [since, until) (UTC without a zone; null: open) by the table's own time; tables without a time
    leave whole. Files of the same names are replaced, each at once; what a killed export left is removed.

    Raises:
        StoreError: a table is unknown.
        StoreBusyError: an export into the folder is being written.
        OSError: the folder cannot be written.
    """
    for table in tables:
        if table not in TABLES:
            message = f"No table {table!r} can be exported. There are: {', '.join(TABLES)}."
            raise StoreError(message)
    folder.mkdir(parents=True, exist_ok=True)
    with writing_alone(folder):
        return _export(database, folder, since, until, tables)


def may_hold_an_export(folder: Path) -> bool:
    """Whether nothing but an earlier export, whole or killed, is in the folder, or nothing at all.

    Raises:
        OSError, ValueError: the folder cannot be looked into, or no folder can have that name.
    """
    try:
        folder.stat()  # and not `exists`, which takes a name that cannot be for one that is free
    except (FileNotFoundError, NotADirectoryError):
        return True
    return folder.is_dir() and all(entry.name in _OURS or _is_left(entry) for entry in folder.iterdir())


@contextmanager
def writing_alone(folder: Path) -> Iterator[None]:
    """Keep other exports of this process out of the folder. Raises StoreBusyError when one is in it."""
    key = folder.resolve()
    with _writing_lock:
        if key in _writing:
            raise StoreBusyError(f"An export into {folder} is being written. Wait for its end.", retry_after_s=5.0)
        _writing.add(key)
    try:
        yield
    finally:
        with _writing_lock:
            _writing.discard(key)


def _export(
    database: Database, folder: Path, since: datetime | None, until: datetime | None, tables: Sequence[str]
) -> Manifest:
    for entry in folder.iterdir():
        if _is_left(entry):
            entry.unlink()
    (folder / MANIFEST).unlink(missing_ok=True)
    with database.lease() as cursor:
        cursor.execute("begin transaction read only")
        mark = watermark(cursor)
        (schema,) = one_row(cursor, "select max(version) from schema_migrations")
        files = {table: _write(cursor, folder, table, since, until) for table in tables}
        cursor.execute("rollback")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    bounds = [None if time is None else time.isoformat() for time in (since, until)]
    manifest = Manifest(now, int(schema), mark, bounds[0], bounds[1], files)
    with _replacing(folder / MANIFEST) as path:
        path.write_text(json.dumps(asdict(manifest), indent=2) + "\n", "utf-8")
    return manifest


def _is_left(path: Path) -> bool:
    """Whether a process that is no more wrote the file, or this one: `writing_alone` says that it does not now."""
    found = _PART.fullmatch(path.name)
    if found is None or found["name"] not in _OURS:
        return False
    pid = int(found["pid"])
    try:
        # A process that began after the last change has the number of the one that wrote.
        return pid == os.getpid() or psutil.Process(pid).create_time() > path.stat().st_mtime + 1.0
    except psutil.NoSuchProcess:
        return True


def _write(
    cursor: DuckDBPyConnection, folder: Path, table: str, since: datetime | None, until: datetime | None
) -> ExportedTable:
    reader = _rows(cursor, table, since, until)
    rows = 0
    with (
        _replacing(folder / f"{table}.parquet") as path,
        pq.ParquetWriter(path, reader.schema, compression="zstd") as out,
    ):
        for batch in reader:
            out.write_batch(batch)
            rows += batch.num_rows
    return ExportedTable(f"{table}.parquet", rows, (folder / f"{table}.parquet").stat().st_size)


def _rows(
    cursor: DuckDBPyConnection, table: str, since: datetime | None, until: datetime | None
) -> pa.RecordBatchReader:
    column, where, params = TABLES[table], [], {}
    if column and since:
        where.append(f"{column} >= $since")
        params["since"] = since
    if column and until:
        where.append(f"{column} < $until")
        params["until"] = until
    condition = f" where {' and '.join(where)}" if where else ""
    return cursor.sql(f"select * from {table}{condition}", params=params).to_arrow_reader(BATCH_ROWS)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` only when the block ends well."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        _sync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
