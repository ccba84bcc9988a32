"""Parquet copies hold what the store holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from store.errors import StoreBusyError, StoreError
from store.export import MANIFEST, TABLES, export, may_hold_an_export, writing_alone

LATER = datetime(2026, 9, 22)  # noqa: DTZ001 - UTC without a zone, as the store holds it


def test_every_table_leaves_and_the_manifest_counts(store: Any, make: Any, tmp_path: Path) -> None:
    store.writer.submit(make.traces(make.span(), make.span(span=2, at=86_400))).result(10)
    store.writer.submit(make.logs("a")).result(10)
    manifest = export(store.database, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {MANIFEST, *(f"{table}.parquet" for table in TABLES)}
    assert {table: entry.rows for table, entry in manifest.tables.items() if entry.rows} == {
        "spans": 2, "logs": 1, "origins": 1, "ledger_entries": 2, "projects": 1,
    }  # fmt: skip
    told = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert (told["watermark"], told["schema_version"]) == ("2-0", 14)


def test_rows_come_back_as_they_were(store: Any, make: Any, tmp_path: Path) -> None:
    store.writer.submit(make.traces(make.span(attributes={"a": "1"}))).result(10)
    export(store.database, tmp_path, tables=["spans"])
    with store.readers.read() as cursor:
        assert pq.read_table(tmp_path / "spans.parquet").equals(cursor.sql("from spans").to_arrow_table())


def test_bounds_choose_rows_and_a_second_export_replaces_the_first(store: Any, make: Any, tmp_path: Path) -> None:
    store.writer.submit(make.traces(make.span(), make.span(span=2, at=86_400))).result(10)
    for bounds, rows in (({}, 2), ({"since": LATER}, 1), ({"until": LATER}, 1)):
        assert export(store.database, tmp_path, tables=["spans"], **bounds).tables["spans"].rows == rows
        assert pq.read_metadata(tmp_path / "spans.parquet").num_rows == rows


def part(folder: Path, pid: int, name: str = "spans.parquet") -> Path:
    """What an export that was killed leaves behind."""
    folder.mkdir(exist_ok=True)
    path = folder / f".{name}.{pid}.part"
    path.write_bytes(b"half of it")
    return path


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_what_a_killed_export_left_is_cleared_away(store: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # The number of a dead process may have gone to another one, such as this one.
    left = [part(out, ended_process()), part(out, os.getpid()), part(out, os.getppid(), MANIFEST)]
    os.utime(left[2], (1, 1))
    assert may_hold_an_export(out)
    export(store.database, out)
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_what_another_export_is_writing_is_left_alone(store: Any, tmp_path: Path) -> None:
    path = part(tmp_path / "out", os.getppid())
    assert not may_hold_an_export(path.parent)
    export(store.database, path.parent)
    assert path.exists()


@pytest.mark.parametrize("name", ["notes.txt", ".spans.parquet.part", ".spans.parquet.12x.part", ".other.12.part"])
def test_files_of_others_are_no_export(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert not may_hold_an_export(tmp_path)


def test_one_export_a_folder(store: Any, tmp_path: Path) -> None:
    with writing_alone(tmp_path / "out"), pytest.raises(StoreBusyError, match="being written"):
        export(store.database, tmp_path / "out")
    export(store.database, tmp_path / "out")


def test_an_unknown_table_is_named(store: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No table 'span' can be exported"):
        export(store.database, tmp_path, tables=["span"])
