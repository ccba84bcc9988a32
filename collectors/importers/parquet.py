"""The Parquet files of `assay export` back to rows: spans, logs and scores, column by column as they were.

What is derived of them (traces, calls, costs) is derived anew. A folder may hold several projects; one is imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collectors.importers.opening import fingerprint
from collectors.importers.pieces import (
    MAX_PIECE_BYTES,
    MIB,
    PIECE_ITEMS,
    ImportFileError,
    Piece,
    PieceSignal,
    refused,
)

TABLES: dict[str, PieceSignal] = {"spans": "traces", "logs": "logs", "scores": "scores"}
SHARED = ("origins", "tool_definitions")  # rows that those of the tables above refer to
_ROWS_BYTES = 2 * MIB  # of a piece, as its columns lie in memory


@dataclass(frozen=True, slots=True)
class Export:
    """A folder that `assay export` wrote, and the project of it that is meant."""

    folder: Path
    project_id: int | None  # null: it has no projects.parquet, and rows are taken whatever theirs is

    def file(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"


def is_export(path: Path) -> bool:
    """Whether a folder holds a table of an export."""
    return path.is_dir() and any((path / f"{table}.parquet").is_file() for table in TABLES)


def opened_export(folder: Path, source_project: str | None) -> Export:
    """The export in a folder, and which of its projects is read: the one named, else the only one that has rows.

    Raises:
        ImportFileError: it is no export, has no such project, or several and none is named.
    """
    if not is_export(folder):
        message = f"{folder} holds no export: no spans.parquet, logs.parquet or scores.parquet."
        raise ImportFileError(message)
    export = Export(folder, None)
    if not export.file("projects").is_file():
        return export
    rows = pq.read_table(export.file("projects"), columns=["project_id", "name"]).to_pylist()
    names = {int(row["project_id"]): str(row["name"]) for row in rows}
    filled = sorted(names.get(one, str(one)) for one in _with_rows(export))
    known = {name: project_id for project_id, name in names.items()}
    if source_project is None and len(filled) > 1:
        message = f"{folder} has rows of the projects {', '.join(filled)}. Name one with --from-project."
        raise ImportFileError(message)
    wanted = source_project or (filled[0] if filled else next(iter(known), ""))
    if wanted not in known:
        raise ImportFileError(f"{folder} has no project {wanted!r}. It has: {', '.join(sorted(known)) or 'none'}.")
    return Export(folder, known[wanted])


def _with_rows(export: Export) -> set[int]:
    found: set[int] = set()
    for table in TABLES:
        if export.file(table).is_file():
            for batch in pq.ParquetFile(export.file(table)).iter_batches(100_000, columns=["project_id"]):
                found |= set(pc.unique(batch.column(0)).to_pylist())
    return found


def hashed(export: Export) -> str:
    """Hash of the files that are read, and of which project of them."""
    made = hashlib.blake2b(str(export.project_id).encode(), digest_size=16)
    for table in (*TABLES, *SHARED):
        if export.file(table).is_file():
            made.update(f"{table} {fingerprint(export.file(table))}".encode())
    return made.hexdigest()


def size(export: Export) -> int:
    """Bytes of the files whose rows are read."""
    return sum(export.file(table).stat().st_size for table in TABLES if export.file(table).is_file())


def pieces(export: Export) -> Iterator[tuple[Piece, int]]:
    """The rows of spans, logs and scores in pieces, each with what its rows refer to, and bytes read so far.

    Raises:
        ImportFileError: a file is no Parquet, or lacks a column.
    """
    before = 0
    shared = {table: _shared(export, table) for table in SHARED}
    for table, signal in TABLES.items():
        path = export.file(table)
        if not path.is_file():
            continue
        try:
            for piece, share in _of_table(export, table, signal, shared):
                yield piece, before + round(share * path.stat().st_size)
        except (pa.ArrowException, KeyError) as error:
            raise ImportFileError(f"{path} cannot be read as a table of an export: {error}") from error
        before += path.stat().st_size


def _shared(export: Export, table: str) -> pa.Table | None:
    path = export.file(table)
    if not path.is_file():
        return None
    return _of_project(pq.read_table(path), export.project_id)


def _of_project(rows: pa.Table, project_id: int | None) -> pa.Table:
    if project_id is None:
        return rows
    return rows.filter(pc.equal(rows.column("project_id"), project_id))


def _of_table(
    export: Export, table: str, signal: PieceSignal, shared: dict[str, pa.Table | None]
) -> Iterator[tuple[Piece, float]]:
    file = pq.ParquetFile(export.file(table))
    total, read, first = max(file.metadata.num_rows, 1), 0, 1
    for group in range(file.num_row_groups):
        meta = file.metadata.row_group(group)
        rows = max(1, min(PIECE_ITEMS, _ROWS_BYTES * meta.num_rows // max(meta.total_byte_size, 1)))
        for batch in file.iter_batches(rows, row_groups=[group]):
            read += batch.num_rows
            kept = _of_project(pa.Table.from_batches([batch]), export.project_id)
            for piece in _bounded(table, signal, kept, shared, first):
                yield piece, read / total
            first += batch.num_rows


def _bounded(
    table: str, signal: PieceSignal, rows: pa.Table, shared: dict[str, pa.Table | None], first: int
) -> Iterator[Piece]:
    """Rows as one piece, or as several where one would be too large."""
    if not rows.num_rows:
        return
    body = packed_tables({table: rows, **_referred(table, rows, shared)})
    if len(body) <= MAX_PIECE_BYTES:
        yield Piece(signal, "rows", body, first)
    elif rows.num_rows == 1:
        yield Piece(signal, "rows", b"", first, (refused("too_large", first, f"of {table}", "row"),))
    else:
        half = rows.num_rows // 2
        yield from _bounded(table, signal, rows.slice(0, half), shared, first)
        yield from _bounded(table, signal, rows.slice(half), shared, first + half)


def _referred(table: str, rows: pa.Table, shared: dict[str, pa.Table | None]) -> dict[str, pa.Table]:
    found = {}
    for other, column in (("origins", "origin_id"), ("tool_definitions", "tool_definitions_id")):
        held = shared[other]
        if held is not None and column in rows.column_names and table != "scores":
            known = held.filter(pc.is_in(held.column(column), pc.unique(rows.column(column))))
            if known.num_rows:
                found[other] = known
    return found


def packed_tables(tables: dict[str, pa.Table]) -> bytes:
    """Tables as one body: a line of JSON with their sizes in bytes, then an Arrow stream of each."""
    streams = {}
    for name, rows in tables.items():
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, rows.schema) as writer:
            writer.write_table(rows)
        streams[name] = bytes(out.getvalue())
    head = orjson.dumps({name: len(data) for name, data in streams.items()})
    return head + b"\n" + b"".join(streams.values())


def unpacked_tables(body: bytes) -> dict[str, pa.Table]:
    """The tables of such a body. Raises ValueError, KeyError or pa.ArrowException when it is none."""
    head, _, rest = body.partition(b"\n")
    found, at = {}, 0
    sizes: dict[str, Any] = orjson.loads(head) if head else {}
    for name, length in sizes.items():
        found[name] = pa.ipc.open_stream(rest[at : at + int(length)]).read_all()
        at += int(length)
    return found
