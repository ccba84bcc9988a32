"""All traces that a line finds, as a file that is made while it is sent: in memory there is a page of it at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from collectors.otlp.written import logs_request, spans_request
from server.api.explore import previewed
from server.api.plain import plain
from server.core import Core
from server.finding.selecting import Choice
from server.jsontext import dumps
from store.queries.search import Looked, Place, search, search_rows
from store.queries.sent import MOST, logs_sent, origins_sent, spans_sent

Format = Literal["csv", "jsonl", "parquet", "otlp"]
LINE_BYTES = 8 * 1024 * 1024  # of OTLP, unless one span alone has more: who reads it back takes 64 MiB
PAGE = 200  # traces that are read at once; of OTLP, with all their spans, a tenth
_OF_PAGING = ["sort_key", "start_us", "total"]


def pages(core: Core, project_id: int, choice: Choice, most: int) -> Iterator[Looked]:
    """What the choice finds, newest first, so many traces at a time; each page is a read of its own.

    A slow receiver so holds no place among the readers. What arrives meanwhile is not among it.
    """
    wanted, place = choice.wanted(project_id), Place()
    while True:
        with core.readers.read() as con:
            looked = search(con, wanted, place, most, seconds=1.0)
        if looked.found:
            yield looked
        if looked.done:
            return
        place = looked.place


def written(core: Core, project_id: int, choice: Choice, form: Format) -> Iterator[bytes]:
    """The file, piece by piece."""
    if form == "otlp":
        return _otlp(core, project_id, choice)
    tables = _tables(core, project_id, choice)
    return {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[form](tables)


def _tables(core: Core, project_id: int, choice: Choice) -> Iterator[pa.Table]:
    """Rows of `GET /api/traces`; without a trace one table without a row, for its columns."""
    nothing = Looked([], [], Place(), 0, 0, done=True)
    some = False
    for looked in pages(core, project_id, choice, PAGE):
        some = True
        yield _rows(core, project_id, looked)
    if not some:
        yield _rows(core, project_id, nothing)


def _rows(core: Core, project_id: int, looked: Looked) -> pa.Table:
    with core.readers.read() as con:
        rows = search_rows(con, project_id, looked)
    return plain(previewed(rows).drop_columns(_OF_PAGING))


def _csv(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    """Lists as JSON, times in ISO 8601; unknown is empty."""
    first = True
    for table in tables:
        text = io.StringIO()
        writer = csv.writer(text)
        if first:
            writer.writerow(table.column_names)
        writer.writerows([_cell(value) for value in row.values()] for row in table.to_pylist())
        first = False
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return dumps(value).decode()
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else value


def _jsonl(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    for table in tables:
        yield b"".join(dumps(row) + b"\n" for row in table.to_pylist())


def _parquet(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - a tenth of a second that only this pays

    sink = _Pieces()
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(pa.PythonFile(sink, mode="w"), table.schema, compression="zstd")
        writer.write_table(table)
        yield sink.taken()
    if writer is not None:
        writer.close()
    yield sink.taken()


class _Pieces(io.RawIOBase):
    """A file that is only written to; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held += piece
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        piece = bytes(self._held)
        self._held.clear()
        return piece


def _otlp(core: Core, project_id: int, choice: Choice) -> Iterator[bytes]:
    """Spans, then logs, of each page as requests, a line each."""
    for looked in pages(core, project_id, choice, PAGE // 10):
        for ask, request in ((spans_sent, spans_request), (logs_sent, logs_request)):
            after: dict[str, Any] | None = None
            while True:
                with core.readers.read() as con:
                    rows = ask(con, project_id, looked, after).to_pylist(maps_as_pydicts="lossy")
                    origins = origins_sent(con, project_id, sorted({row["origin_id"] for row in rows}))
                if rows:
                    after = rows[-1]
                    yield from _request_lines(request, rows, origins)
                if len(rows) < MOST:
                    break


def _request_lines(
    request: Callable[[Sequence[Any], Mapping[int, Any]], Any], rows: Sequence[Any], origins: Mapping[int, Any]
) -> Iterator[bytes]:
    """Rows as requests, a line each, of a size that is read back whole."""
    line = dumps(request(rows, origins)) + b"\n"
    if len(line) <= LINE_BYTES or len(rows) == 1:
        yield line
        return
    half = len(rows) // 2
    yield from _request_lines(request, rows[:half], origins)
    yield from _request_lines(request, rows[half:], origins)
