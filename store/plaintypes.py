"""Types that Arrow's readers get wrong, as text: the database knows best how to write its own.

An interval arrives as three numbers, a bit string and a time with a zone as bytes of storage, 24:00:00 as midnight, and
a type of one's own not at all. Columns of other types stay as they are, and so does what stands beside such a member.
"""

from __future__ import annotations

from duckdb import DuckDBPyRelation
from duckdb.sqltypes import DuckDBPyType

_KEPT = frozenset({
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "float",
    "double", "decimal", "varchar", "blob", "uuid", "enum", "null", "date", "timestamp", "timestamp_s", "timestamp_ms",
    "timestamp_ns", "timestamp with time zone",
})  # fmt: skip
_KEPT_ALONE = frozenset({"hugeint", "uhugeint"})  # a column of them is told as numbers by its reader
_NESTED = frozenset({"list", "array", "struct", "tuple", "map"})


def plainly(relation: DuckDBPyRelation) -> DuckDBPyRelation:
    """The same rows and names, with text for what only the database can write."""
    casts = [None if kind.id in _KEPT_ALONE else _cast(kind) for kind in relation.types]
    if not any(casts):
        return relation
    names = (name.replace('"', '""') for name in relation.columns)
    columns = (
        f'{f"cast(#{place} as {kind})" if kind else f"#{place}"} as "{name}"'
        for place, (name, kind) in enumerate(zip(names, casts, strict=True), 1)
    )
    return relation.project(", ".join(columns))


def _cast(kind: DuckDBPyType) -> str | None:
    """The type to cast to; null: it may stay."""
    if kind.id in _KEPT:
        return None
    if kind.id == "hugeint":
        return "decimal(38, 0)"
    if kind.id not in _NESTED:
        return "varchar"
    casts = [(name, member, _cast(member)) for name, member in _members(kind)]
    if not any(cast for _, _, cast in casts):
        return None
    return _nested(kind, [(name, cast or str(member)) for name, member, cast in casts])


def _members(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The types within a nested one, without the length of an array."""
    return [(name, member) for name, member in kind.children if isinstance(member, DuckDBPyType)]


def _nested(kind: DuckDBPyType, members: list[tuple[str, str]]) -> str:
    types = [member for _, member in members]
    match kind.id:
        case "struct":
            fields = (f'"{name.replace(chr(34), chr(34) * 2)}" {member}' for name, member in members)
            return f"struct({', '.join(fields)})"
        case "map" | "tuple":
            return f"{kind.id}({', '.join(types)})"
        case _:
            return f"{types[0]}[]"  # an array becomes a list, which readers tell alike
