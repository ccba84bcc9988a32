"""Files that cannot be opened: what is wrong and the way back are told, and nothing is made beside them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from store import FILE_NAME
from store.database import Database
from store.errors import StoreDamagedError, StoreError, StoreFolderError

HEADERS = 12_288  # bytes before the first block of the file


@pytest.fixture
def killed(open_store: Callable[..., Any], make: Any, tmp_path: Path) -> Callable[[], Path]:
    """A copy of the folder as a kill leaves it: spans in the file, and others in the log alone."""

    def copy() -> Path:
        store = open_store()
        store.writer.submit(make.traces(*(make.span(span=n) for n in range(1, 300)))).result(10)
        store.database.checkpoint()
        for trace in (2, 3):
            store.writer.submit(make.traces(make.span(trace=trace))).result(10)
        return Path(shutil.copytree(store.folder, tmp_path / "killed", ignore=shutil.ignore_patterns("killed")))

    return copy


def flip(path: Path, start: int, step: int) -> None:
    data = bytearray(path.read_bytes())
    for place in range(start, len(data), step):
        data[place] ^= 0xFF
    path.write_bytes(data)


def wal(folder: Path) -> Path:
    return folder / f"{FILE_NAME}.wal"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda folder: (folder / FILE_NAME).write_bytes(os.urandom(50_000)),
    "empty": lambda folder: (folder / FILE_NAME).write_bytes(b""),
    "cut": lambda folder: os.truncate(folder / FILE_NAME, 100_000),
    "blocks": lambda folder: flip(folder / FILE_NAME, HEADERS + 100, 4096),
    "log": lambda folder: flip(wal(folder), 1_000, 1 << 40),
    "log-of-another-file": lambda folder: shutil.copy(other(folder), folder / FILE_NAME),
    "log-without-its-file": lambda folder: (folder / FILE_NAME).unlink(),
}


def other(folder: Path) -> Path:
    Database.open(folder / "other").close()
    return folder / "other" / FILE_NAME


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_and_the_way_back_are_told(
    killed: Callable[[], Path], damage: Callable[[Path], object]
) -> None:
    folder = killed()
    damage(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(StoreDamagedError, match=r"backup copy.*assay export") as told:
        Database.open(folder)
    assert FILE_NAME in str(told.value)
    assert "ASSAY_DATA_DIR to a folder that can be written" not in str(told.value)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before, "it must stay as it is for whoever wants to mend it"


def test_a_damaged_block_is_told_by_the_read_that_meets_it(killed: Callable[[], Path]) -> None:
    folder = killed()
    database = Database.open(folder)
    with pytest.raises(StoreDamagedError, match="backup copy"), database.lease():
        raise duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2")
    database.close()


def test_a_folder_in_the_place_of_the_file_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StoreFolderError, match="ASSAY_DATA_DIR"):
        Database.open(tmp_path)


def test_too_little_memory_is_no_damage(killed: Callable[[], Path]) -> None:
    with pytest.raises(StoreError, match="ASSAY_MEMORY_LIMIT"):
        Database.open(killed(), memory_limit="100KB")
