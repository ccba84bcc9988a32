"""Arrow tables in types that readers of every language know."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

YEAR_1_S, YEAR_10000_S = -62_135_596_800, 253_402_300_800  # seconds since 1970
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY_S = 86_400
YEAR_1 = datetime(1, 1, 1)  # noqa: DTZ001 - UTC without a zone
YEARS_OF_CYCLE, CYCLE_S = 400, 146_097 * DAY_S  # after so many years the calendar repeats itself
INFINITE_DAY, INFINITE_TIME = 2**31 - 1, 2**63 - 1  # as the database stores them


def plain(table: pa.Table) -> pa.Table:
    """The table without extension types, of which readers of other languages see the storage: uuids as text.

    Dates and times that only the database can count (infinite, before the year 1, after 9999) make their column text.
    """
    for index, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            table = table.set_column(index, field.name, _plain_column(table.column(index), field.type))
        elif pa.types.is_date32(field.type) or pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, _countable(table.column(index)))
    return table


def _plain_column(column: pa.ChunkedArray, kind: pa.BaseExtensionType) -> pa.ChunkedArray | pa.Array:
    if kind == pa.uuid():
        return pa.array([None if value is None else value.hex for value in column.to_pylist()], pa.string())
    if isinstance(kind, pa.OpaqueType) and kind.type_name in ("hugeint", "uhugeint"):
        return _whole_numbers(column.cast(kind.storage_type).to_pylist(), signed=kind.type_name == "hugeint")
    return column.cast(pa.int8()).cast(pa.bool_()) if kind == pa.bool8() else column.cast(kind.storage_type)


def _whole_numbers(values: list[bytes | None], *, signed: bool) -> pa.Array:
    """What a sum of bigints is in DuckDB: 16 bytes a number. As int64 where all fit, else as decimals."""
    numbers = [None if value is None else int.from_bytes(value, "little", signed=signed) for value in values]
    fits = all(number is None or -(2**63) <= number < 2**63 for number in numbers)
    return pa.array(numbers, pa.int64() if fits else pa.decimal256(39))


def _countable(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Dates and times as they are; as text when one of them cannot be told by calendars that begin with the year 1."""
    unit = "D" if pa.types.is_date32(column.type) else str(column.type.unit)
    numbers = column.cast(pa.int32() if unit == "D" else pa.int64())
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (_tellable(ends["min"], unit) and _tellable(ends["max"], unit)):
        return column
    return pa.array([None if number is None else _written(number, unit) for number in numbers.to_pylist()], pa.string())


def _tellable(number: int, unit: str) -> bool:
    seconds = number * DAY_S if unit == "D" else number // PER_SECOND[unit]
    return not _infinite(number, unit) and YEAR_1_S <= seconds < YEAR_10000_S


def _infinite(number: int, unit: str) -> bool:
    return abs(number) == (INFINITE_DAY if unit == "D" else INFINITE_TIME)


def _written(number: int, unit: str) -> str:
    """As ISO 8601 writes it; a year before the year 1 has a sign (-0043 is 44 BC)."""
    if _infinite(number, unit):
        return "infinity" if number > 0 else "-infinity"
    seconds, part = (number * DAY_S, 0) if unit == "D" else divmod(number, PER_SECOND[unit])
    cycles, rest = divmod(seconds - YEAR_1_S, CYCLE_S)
    at = YEAR_1 + timedelta(seconds=rest)
    year = at.year + YEARS_OF_CYCLE * cycles
    day = f"{year:0{4 if year >= 0 else 5}d}{at:-%m-%d}"
    digits = len(str(PER_SECOND.get(unit, 1))) - 1
    return day if unit == "D" else f"{day}{at:T%H:%M:%S}{f'.{part:0{digits}d}' if part else ''}Z"
