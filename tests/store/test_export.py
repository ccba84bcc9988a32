"""Parquet copies hold what the store holds."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from store.errors import StoreError
from store.export import MANIFEST, TABLES, export

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
    assert (told["watermark"], told["schema_version"]) == ("2-0", 2)


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


def test_an_unknown_table_is_named(store: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No table 'span' can be exported"):
        export(store.database, tmp_path, tables=["span"])
