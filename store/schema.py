"""What questions in SQL can ask of: the stable views with what is said of their columns, and the tables below them."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from store.database import CATALOG
from store.prompt import VIEWS

_COLUMNS = """
select schema_name, table_name, column_name, data_type, comment from duckdb_columns()
where database_name = $catalog and schema_name in ('main', $views) and not internal
order by schema_name = 'main', table_name, column_index
"""
_SAID = "select view_name, comment from duckdb_views() where database_name = $catalog and schema_name = $views"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str  # as the database writes it
    comment: str | None  # what it holds; null: of a table nothing is said here


@dataclass(frozen=True, slots=True)
class Relation:
    """A view or a table."""

    name: str  # as a question writes it: calls, main.spans
    stable: bool  # a view, whose columns stay
    comment: str | None  # what one row is
    columns: list[Column]


def relations(cursor: DuckDBPyConnection) -> list[Relation]:
    """Views first, then tables, each by name; columns in their order."""
    asked = {"catalog": CATALOG, "views": VIEWS}
    said = dict(cursor.execute(_SAID, asked).fetchall())
    found: dict[tuple[str, str], Relation] = {}
    for schema, name, column, kind, comment in cursor.execute(_COLUMNS, asked).fetchall():
        stable = schema == VIEWS
        one = Relation(name if stable else f"main.{name}", stable, said.get(name) if stable else None, [])
        found.setdefault((schema, name), one).columns.append(Column(column, kind, comment))
    return list(found.values())
