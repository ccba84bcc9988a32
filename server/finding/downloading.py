"""All traces that a line finds, as a file that is made while it is sent: in memory there is a page of it at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, TypeVar

import pyarrow as pa
from duckdb import DuckDBPyConnection

from collectors.otlp.written import logs_request, spans_request
from server.api.explore import previewed
from server.api.plain import plain
from server.core import Core
from server.finding.selecting import Choice
from server.jsontext import dumps
from store.queries.search import Looked, Place, search, search_rows
from store.queries.sent import logs_sent, origins_sent, spans_sent

Told = TypeVar("Told")
Format = Literal["csv", "jsonl", "parquet", "otlp"]
LINE_BYTES = 8 * 1024 * 1024  # of OTLP, unless one span alone has more: who reads it back takes 64 MiB
PAGE = 200  # traces that are read at once; of OTLP, with all their spans, a tenth
_OF_PAGING = ["sort_key", "start_us", "total"]


def pages(
    core: Core, project_id: int, choice: Choice, most: int, read: Callable[[DuckDBPyConnection, Looked], Told]
) -> Iterator[Told]:
    """What `read` says of all that the choice finds, newest first, so many traces at a time; a page is a snapshot.

    A slow receiver so holds no place among the readers. What arrives meanwhile is not among it, but a trace whose first
    span arrives meanwhile begins earlier, and may be found again.
    """
    wanted, place = choice.wanted(project_id), Place()
    while True:
        with core.readers.read() as con:
            looked = search(con, wanted, place, most, seconds=1.0)
            told = read(con, looked) if looked.found else None
        if told is not None:
            yield told
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

    def rows(con: DuckDBPyConnection, looked: Looked) -> pa.Table:
        return plain(previewed(search_rows(con, project_id, looked)).drop_columns(_OF_PAGING))

    some = False
    for table in once(pages(core, project_id, choice, PAGE, rows)):
        some = True
        yield table
    if not some:
        with core.readers.read() as con:
            yield rows(con, Looked([], [], Place(), 0, 0, done=True))


def once(tables: Iterable[pa.Table], kept: int = 20_000) -> Iterator[pa.Table]:
    """The tables without traces that they had before, among so many: those that move do so by little."""
    told: dict[str, None] = {}
    for table in tables:
        ids = [str(one) for one in table["trace_id"].to_pylist()]
        fresh = [one not in told for one in ids]
        told.update(dict.fromkeys(ids))
        for one in list(islice(told, max(0, len(told) - kept))):
            del told[one]
        yield table.filter(pa.array(fresh, pa.bool_()))


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
    """Spans, then logs, of each page as requests, a line each. A trace that is found again is told whole again."""
    for looked in pages(core, project_id, choice, PAGE // 10, lambda _, looked: looked):
        for ask, request in ((spans_sent, spans_request), (logs_sent, logs_request)):
            after: dict[str, Any] | None = None
            more = True
            while more:
                with core.readers.read() as con:
                    rows = ask(con, project_id, looked, after).to_pylist(maps_as_pydicts="lossy")
                    origins = origins_sent(con, project_id, sorted({row["origin_id"] for row in rows}))
                more = bool(rows) and rows[-1]["more"]
                if rows:
                    after = rows[-1]
                    yield from _request_lines(request, rows, origins)


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
