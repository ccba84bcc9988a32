"""A checkpoint that a crash cuts short costs nothing. The cut is made by hand, as a kill hits it once in hundreds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.database import Database
from store.errors import StoreDamagedError, StoreError
from store.undo import HEADER_BYTES, undo_path, undo_torn_checkpoint

BLOCK = 262_144


def spans_in(folder: Path) -> int:
    database = Database.open(folder)
    try:
        with database.lease() as cursor:
            return int(cursor.execute("select count(*) from spans").fetchall()[0][0])
    finally:
        database.close()


def crashed_in_checkpoint(store: Any, make: Any, copy: Path) -> Path:
    """A copy of the folder as a crash leaves it that hits the rewriting of the metadata block."""
    store.writer.submit(make.traces(make.span(span=1))).result(10)
    store.database.checkpoint()
    store.writer.submit(make.traces(make.span(span=2))).result(10)
    with store.database.lease() as cursor:
        store.database._undo.arm(cursor)
    shutil.copytree(store.folder, copy)
    path = copy / store.database.path.name
    tear(path)
    return path


def tear(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES)
        half = file.read(BLOCK // 2)
        file.seek(HEADER_BYTES)
        file.write(bytes(255 - byte for byte in half))


def test_without_the_copy_the_file_is_lost(store: Any, make: Any, tmp_path: Path) -> None:
    """The fault is DuckDB's: when this fails, a new version has mended it and the copy can go."""
    path = crashed_in_checkpoint(store, make, tmp_path / "copy")
    undo_path(path).unlink()
    with pytest.raises(StoreDamagedError, match="checksum"):
        spans_in(path.parent)


def test_a_torn_checkpoint_is_undone(store: Any, make: Any, tmp_path: Path) -> None:
    path = crashed_in_checkpoint(store, make, tmp_path / "copy")
    assert spans_in(path.parent) == 2
    assert not undo_path(path).exists()
    assert spans_in(path.parent) == 2


def test_undoing_can_be_cut_short_too(store: Any, make: Any, tmp_path: Path) -> None:
    path = crashed_in_checkpoint(store, make, tmp_path / "copy")
    kept = undo_path(path).read_bytes()
    assert undo_torn_checkpoint(path)
    undo_path(path).write_bytes(kept)  # not removed yet, and a block half put back
    undo_path(path).with_name(undo_path(path).name + ".new").write_bytes(b"half a copy")
    tear(path)
    assert spans_in(path.parent) == 2


def test_the_copy_of_a_complete_checkpoint_is_dropped(open_store: Callable[..., Any], make: Any) -> None:
    store = open_store()
    store.writer.submit(make.traces(make.span(span=1))).result(10)
    store.database.checkpoint()
    store.writer.submit(make.traces(make.span(span=2))).result(10)
    with store.database.lease() as cursor:
        store.database._undo.arm(cursor)
    copy = undo_path(store.database.path)
    stale = copy.read_bytes()
    store.database.checkpoint()
    store.close()
    copy.write_bytes(stale)
    assert spans_in(store.folder) == 2
    assert not copy.exists()


def test_a_copy_that_is_damaged_is_told(store: Any, make: Any, tmp_path: Path) -> None:
    path = crashed_in_checkpoint(store, make, tmp_path / "copy")
    undo_path(path).write_bytes(b"nonsense")
    with pytest.raises(StoreError, match="damaged"):
        spans_in(path.parent)


def test_a_store_that_is_open_elsewhere_is_left_alone(store: Any, make: Any) -> None:
    with store.database.lease() as cursor:
        store.database._undo.arm(cursor)
    before = undo_path(store.database.path).read_bytes()
    with pytest.raises(StoreError, match="held by"):
        Database.open(store.folder)
    assert undo_path(store.database.path).read_bytes() == before


def test_a_half_made_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "assayline.duckdb.creating").write_bytes(b"half a header")
    assert spans_in(tmp_path) == 0
    assert not (tmp_path / "assayline.duckdb.creating").exists()
