"""Files of records (JSON, JSON lines, CSV, Parquet) row by row, each with its number."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from collectors.importers import jsontext
from collectors.importers.opening import Opened
from collectors.importers.pieces import MIB, ImportFileError

PARQUET = b"PAR1"
_PARQUET_ROWS = 200
_NAMED_ROWS, _NAMED_BYTES = 2_000, 32 * MIB  # of JSON, that are looked at for the names of its members
_FIELD_CHARS = 64 * MIB  # csv's own limit of 128 KiB is less than a prompt may have

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One row; without one, why and how it begins."""

    number: int  # from 1: of CSV the row after the header
    row: Row | None
    fault: str = ""  # a code of `pieces.REASONS`
    text: str = ""


def records(file: Opened, members: Sequence[str] = ()) -> Iterator[Record]:
    """The rows of a file. Of a JSON object the elements of its lists of these names.

    Raises:
        ImportFileError: it is none of these.
    """
    head = file.head()
    if head.startswith(PARQUET):
        yield from _of_parquet(file)
    elif jsontext.is_json(head):
        for element in jsontext.elements(file.stream, members):
            yield _of_json(element)
    elif is_csv(head):
        yield from _of_csv(file.stream)
    else:
        raise ImportFileError("The file is neither JSON, CSV nor Parquet. Export it again, as one of these.")


def names(file: Opened, members: Sequence[str] = ()) -> list[str]:
    """The columns of a file, in order: all of CSV and Parquet; of JSON those that its first 2,000 records have."""
    head = file.head()
    if head.startswith(PARQUET):
        return list(_parquet(file).schema_arrow.names)
    if not jsontext.is_json(head) and is_csv(head):
        return list(dict.fromkeys(_csv_reader(file.stream)[2]))
    found: dict[str, None] = {}
    for record in records(file, members):
        found |= dict.fromkeys(record.row or ())
        if record.number >= _NAMED_ROWS or file.done() >= _NAMED_BYTES:
            break
    return list(found)


def is_csv(head: bytes) -> bool:
    """Whether text begins with a line of names, told apart by commas, semicolons or tabs."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    line = text.split("\n", 1)[0].strip()
    return "\x00" not in text and any(line.count(mark) for mark in ",;\t") and len(line) < 20_000


def _of_json(element: jsontext.Element) -> Record:
    text = element.data[:400].decode("utf-8", "replace")
    if element.fault:
        return Record(element.number, None, element.fault, text)
    value = jsontext.parsed(element.data)
    if not isinstance(value, dict):
        return Record(element.number, None, "not_json" if value is None else "not_a_record", text)
    return Record(element.number, value)


def _csv_reader(stream: io.BufferedReader) -> tuple[io.TextIOWrapper, Any, list[str]]:
    """The text of a file of CSV, the reader of its rows, and its columns."""
    csv.field_size_limit(min(_FIELD_CHARS, sys.maxsize))
    head = stream.peek(64 * 1024)[: 64 * 1024].decode("utf-8", "replace").split("\n", 1)[0]
    text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
    reader = csv.reader(text, delimiter=max(",;\t", key=head.count))
    return text, reader, [name.strip() for name in next(reader, [])]


def _of_csv(stream: io.BufferedReader) -> Iterator[Record]:
    text, reader, columns = _csv_reader(stream)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Record(number, None, "bad_value", str(error))
            continue
        if cells is None:
            text.detach()
            return
        if len(cells) > len(columns):
            yield Record(number, None, "bad_value", f"{len(cells)} cells under {len(columns)} names: {cells[0][:80]}")
        elif cells:
            yield Record(number, {name: cell for name, cell in zip(columns, cells, strict=False) if cell != ""})


def _parquet(file: Opened) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that other files save
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        return pq.ParquetFile(file.path)
    except (pa.ArrowException, OSError) as error:
        raise ImportFileError(f"{file.path.name} is no Parquet that can be read: {error}") from error


def _of_parquet(file: Opened) -> Iterator[Record]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    batches = _parquet(file).iter_batches(_PARQUET_ROWS)
    try:
        number = 0
        for batch in batches:
            for row in batch.to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield Record(number, {name: value for name, value in row.items() if value is not None})
    except pa.ArrowException as error:
        raise ImportFileError(f"{file.path.name} is no Parquet that can be read: {error}") from error
