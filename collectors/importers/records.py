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
from collectors.importers.pieces import ImportFileError

PARQUET = b"PAR1"
_PARQUET_ROWS = 200
_FIELD_CHARS = 64 * 1024 * 1024  # csv's own limit of 128 KiB is less than a prompt may have

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
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        for element in jsontext.elements(file.stream, members):
            yield _of_json(element)
    elif is_csv(head):
        yield from _of_csv(file.stream)
    else:
        raise ImportFileError("The file is neither JSON, CSV nor Parquet. Export it again, as one of these.")


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


def _of_csv(stream: io.BufferedReader) -> Iterator[Record]:
    csv.field_size_limit(min(_FIELD_CHARS, sys.maxsize))
    text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
    head = stream.peek(64 * 1024)[: 64 * 1024].decode("utf-8", "replace").split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    reader = csv.reader(text, delimiter=mark)
    names = [name.strip() for name in next(reader, [])]
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
        if len(cells) > len(names):
            yield Record(number, None, "bad_value", f"{len(cells)} cells under {len(names)} names: {cells[0][:80]}")
        elif cells:
            yield Record(number, {name: cell for name, cell in zip(names, cells, strict=False) if cell != ""})


def _of_parquet(file: Opened) -> Iterator[Record]:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that other files save
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        batches = pq.ParquetFile(file.path).iter_batches(_PARQUET_ROWS)
        number = 0
        for batch in batches:
            for row in batch.to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield Record(number, {name: value for name, value in row.items() if value is not None})
    except pa.ArrowException as error:
        raise ImportFileError(f"{file.path.name} is no Parquet that can be read: {error}") from error
