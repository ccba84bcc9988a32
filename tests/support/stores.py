"""Empty stores, copied (to make one takes four times what it takes to open one), and rows put into them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import FILE_NAME, call_sums, relations
from store.database import Database
from store.resolved import Workbench
from store.writer import Writer


def put_empty(folder: Path) -> None:
    """Put a store with every table and no row into the folder, unless one is there."""
    if not any(folder.glob(f"{FILE_NAME}*")):
        shutil.copytree(_empty(), folder, dirs_exist_ok=True)


@cache
def _empty() -> Path:
    """The folder of the one that is copied, for as long as the process runs."""
    folder = Path(tempfile.mkdtemp(prefix="assay-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Database.open(folder).close()
    return folder


def add(writer: Writer, table: str, rows: pd.DataFrame) -> None:
    """Put rows into a table: columns by name, null where they say nothing, times aware."""
    told = rows.astype(object).where(rows.notna(), None)
    columns = ", ".join(told)
    shown = pa.table({name: pa.array([_plain(value) for value in told[name]]) for name in told})

    def insert(con: DuckDBPyConnection) -> None:
        with relations.registered(con, shown) as name:
            con.execute(f"insert into {table} ({columns}) select {columns} from {name}")

    writer.call(insert).result()


def add_calls(writer: Writer, rows: pd.DataFrame) -> None:
    """`add` to `calls`, with what the resolver writes beside: the sums by trace, and which quarters are stale."""
    add(writer, "calls", rows)

    def beside(con: DuckDBPyConnection) -> None:
        for project_id, starts in rows.groupby("project_id")["start_time"]:
            project, naive = int(str(project_id)), pa.chunked_array([pa.array(starts.dt.tz_convert(None))])
            call_sums.note_stale(con, project, naive)
            calls = con.sql("select * exclude (project_id) from calls where project_id = ?", params=[project])
            sums = bench.resolver_trace_calls(calls.to_arrow_table())
            con.execute("delete from trace_calls where project_id = ?", [project])
            relations.insert(con, "trace_calls", project, sums)

    with closing(Workbench()) as bench:
        writer.call(beside).result()


def _plain(value: Any) -> Any:
    """As Arrow takes it, and the store casts it."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime().replace(tzinfo=None)
    return str(value) if isinstance(value, UUID) else value
