"""Stored spans out, and in again with other derived columns: what `assay renormalise` needs of the store."""

from __future__ import annotations

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.relations import registered

_ROWS, _DEFINITIONS = "assay_restated", "assay_restated_definitions"
_KEY = ("project_id", "trace_id", "span_id", "commit_seq")
_SAME = " and ".join(f"s.{column} = r.{column}" for column in _KEY)


def stored_spans(con: DuckDBPyConnection, after: int, upto: int) -> pa.Table:
    """All columns of the spans of the commits in (after, upto]."""
    query = "select * from spans where commit_seq > $after and commit_seq <= $upto order by commit_seq"
    return con.sql(query, params={"after": after, "upto": upto}).to_arrow_table()


def stored_origins(con: DuckDBPyConnection) -> pa.Table:
    """Every origin of every project."""
    return con.sql("select * from origins").to_arrow_table()


def restate_spans(con: DuckDBPyConnection, rows: pa.Table, definitions: pa.Table) -> int:
    """Put `rows` (all columns of `spans`) in the place of those of the same key and commit; run it in `Writer.call`.

    A row that a later version of its span has replaced meanwhile is left out. `definitions` (all columns of
    `tool_definitions`) are added where absent. Returns how many rows were replaced.
    """
    with registered(con, rows, _ROWS), registered(con, definitions, _DEFINITIONS):
        con.execute(
            f"insert into tool_definitions by name select * from {_DEFINITIONS} n "
            "where not exists (select 1 from tool_definitions o "
            "where o.project_id = n.project_id and o.tool_definitions_id = n.tool_definitions_id)"
        )
        # Set aside before the delete: afterwards nobody knows which of them were still there.
        con.execute(f"create temp table restating as select r.* from {_ROWS} r semi join spans s on {_SAME}")
        con.execute(f"delete from spans s using restating r where {_SAME}")
        con.execute("insert into spans by name select * from restating")
        counted = con.execute("select count(*) from restating").fetchall()
        con.execute("drop table restating")
    return int(counted[0][0])
