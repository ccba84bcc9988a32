"""Arrow tables as relations that SQL can name, for as long as a block runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

_numbers = itertools.count()
_FEW = 64  # values that are compared one by one


@contextmanager
def registered(con: DuckDBPyConnection, rows: pa.Table, name: str | None = None) -> Iterator[str]:
    """Show an Arrow table to SQL, under this name or a unique one: a stored table of one name wins silently."""
    name = name or f"assay_rows_{next(_numbers)}"
    con.register(name, rows)
    try:
        yield name
    finally:
        with suppress(duckdb.TransactionException):  # of an aborted transaction: the error itself is on its way up
            con.unregister(name)


def insert(con: DuckDBPyConnection, table: str, project_id: int, rows: pa.Table) -> None:
    """Add rows of a project to a table: they have its columns by name, but `project_id`."""
    if rows.num_rows == 0:
        return
    columns = ", ".join(rows.column_names)
    with registered(con, rows) as name:
        con.execute(f"insert into {table} (project_id, {columns}) select ?, {columns} from {name}", [project_id])


def among(column: str, values: Sequence[int]) -> tuple[str, list[object]]:
    """A condition that a column is one of these whole numbers, and its parameters.

    A subquery takes half a millisecond to plan, which is a third of a question about one row, so few have none.
    """
    if not values:
        return "false", []
    if len(values) == 1:
        return f"{column} = ?", [values[0]]
    if len(values) <= _FEW:
        return f"list_contains(?::bigint[], {column})", [list(values)]
    return f"{column} in (select unnest(?::bigint[]))", [list(values)]
