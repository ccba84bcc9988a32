"""Tables of results from CSV, JSON lines or Parquet, told apart by their content; each row knows its place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import IO, TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from evaluators.errors import EvaluatorError

if TYPE_CHECKING:  # a fifth of a second, which small files are not worth
    import pyarrow as pa

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "missing", "-"})
FAILED = frozenset({"failed", "error", "timeout"})
TRUE = frozenset({"true", "yes", "pass", "passed", "correct", "y", "t"})
FALSE = frozenset({"false", "no", "fail", "incorrect", "n", "f"})
LARGEST, SMALLEST = 1e60, 1e-60
"""Of a metric's values: the fourth powers of what tests are made of stay numbers."""
_MANY = 20_000  # cells from which a column is read by Arrow
_LONG = 1 << 20  # characters from which CSV is

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_WHOLE = re.compile(r"(-?\d+)\.0+")  # of a column with a gap pandas writes whole numbers so


class ComparisonError(EvaluatorError):
    """The file or the options do not serve; the sentence says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length. Cells are as the file has them; a cell that a row lacks is null."""

    columns: Mapping[str, Sequence[Any]]
    places: Sequence[str]  # of each row: `line 7`, or `row 7` of Parquet

    def column(self, name: str) -> Sequence[Any]:
        """A column's cells.

        Raises:
            ComparisonError: there is none of this name.
        """
        if name not in self.columns:
            raise unknown(name, self.columns)
        return self.columns[name]


class Texts(Sequence[str]):
    """Cells of a column of a large CSV, as Arrow has read them: Python's strings are made where somebody asks for one.

    Two million strings of Python take longer than all that is worked out of them.
    """

    def __init__(self, arrow: pa.ChunkedArray) -> None:
        self.arrow = arrow
        self._cells: list[str] | None = None

    def __len__(self) -> int:
        return len(self.arrow)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return self._all()[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def _all(self) -> list[str]:
        if self._cells is None:
            self._cells = self.arrow.to_pylist()
        return self._cells


def followed(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    """The cells of one column and then of another."""
    if isinstance(first, Texts) and isinstance(second, Texts):
        import pyarrow as pa  # noqa: PLC0415 - loaded, as both are of it

        return Texts(pa.chunked_array([*first.arrow.chunks, *second.arrow.chunks], pa.string()))
    return [*first, *second]


def all_text(cells: Sequence[Any]) -> bool:
    """Whether each cell is a string."""
    return isinstance(cells, Texts) or set(map(type, cells)) <= {str}


def unknown(name: str, known: Iterable[str]) -> ComparisonError:
    """Of a column that is not there."""
    names = list(known)
    folded = {one.casefold(): one for one in names}
    close = get_close_matches(name.casefold(), folded, n=1)
    hint = f" Did you mean {folded[close[0]]!r}?" if close else ""
    return ComparisonError(f"There is no column {name!r}.{hint} Columns: {', '.join(names) or 'none'}.")


def read(file: IO[bytes]) -> Table:
    """The whole file; packed by gzip or not.

    JSON objects within objects are columns with dotted names, such as `scores.groundedness`.

    Raises:
        ComparisonError: it is empty, or cannot be read as any of the three.
    """
    data = file.read()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ComparisonError(f"The file cannot be unpacked: {error}.") from error
    if data[:4] == b"PAR1":
        return _parquet(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ComparisonError(f"The file is no Parquet, and no text in UTF-8: {error}.") from error
    if not text.strip():
        raise ComparisonError("The file is empty: it takes a header and a row for each variant and item.")
    return _json_lines(text) if text.lstrip()[0] in "{[" else _csv(text)


def _parquet(data: bytes) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - only where such a file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(pa.BufferReader(data))
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise ComparisonError(f"The file is no Parquet that can be read: {error}.") from error
    return Table(columns, [f"row {at}" for at in range(1, table.num_rows + 1)])


def _json_lines(text: str) -> Table:
    rows: list[dict[str, Any]] = []
    places = []
    for place, row in _objects(text):
        if not isinstance(row, dict):
            raise ComparisonError(f'{place} is no JSON object: a row is one, such as {{"variant": "a", "score": 1}}.')
        rows.append(dict(_flat(row, "")))
        places.append(place)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table({name: [row.get(name) for row in rows] for name in names}, places)


def _objects(text: str) -> Iterator[tuple[str, Any]]:
    if text.lstrip()[0] == "[":
        try:
            yield from ((f"row {at}", row) for at, row in enumerate(json.loads(text), 1))
        except (ValueError, RecursionError) as error:
            raise ComparisonError(f"The file is no JSON: {error}.") from error
        return
    for at, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {at}", json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ComparisonError(f"Line {at} is no JSON: {error}.") from error


def _flat(row: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _csv(text: str) -> Table:
    found = _unquoted(text) if len(text) >= _LONG else None
    if found is not None:
        return found
    csv.field_size_limit(1 << 27)  # the usual 128 KiB are less than a long answer
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows, places = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                places.append(f"line {reader.line_num}")
    except csv.Error as error:
        raise ComparisonError(f"Line {reader.line_num} is no CSV: {error}.") from error
    names = _names(rows[0])
    for row, place in zip(rows, places, strict=True):
        if len(row) != len(names):
            raise ComparisonError(
                f"{place.capitalize()} has {len(row)} cells, and the header has {len(names)} columns."
            )
    return Table({name: cells[1:] for name, cells in zip(names, zip(*rows, strict=True), strict=True)}, places[1:])


def _names(header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise ComparisonError(f"The header names the column {twice!r} twice: rename one of them.")
    return names


def _unquoted(text: str) -> Table | None:
    """A file in which a line is a row, in a quarter of the time; null: it asks for a closer look."""
    import pyarrow as pa  # noqa: PLC0415 - only where such a file is read
    from pyarrow import csv as arrow  # noqa: PLC0415

    text = text.replace("\r\n", "\n")
    if '"' in text or "\r" in text or "\n\n" in text or text[0] == "\n":
        return None
    mark = _delimiter(text)
    names = _names(text[: text.index("\n")].split(mark))
    try:
        table = arrow.read_csv(
            pa.BufferReader(text.encode()),
            arrow.ReadOptions(use_threads=False, skip_rows=1, column_names=names),
            arrow.ParseOptions(delimiter=mark, quote_char=False, newlines_in_values=False),
            arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    columns = {name: Texts(table.column(name)) for name in names}
    return Table(columns, [f"line {at}" for at in range(2, table.num_rows + 2)])


def _delimiter(text: str) -> str:
    """The mark that the header has most often outside of quotes; a comma where it has none."""
    header = _QUOTED.sub("", text.lstrip("\r\n")[: 1 << 16]).split("\n", 1)[0]
    return max(",\t;", key=header.count)


def labels(cells: Sequence[Any]) -> list[str | None]:
    """Names of variants, items, clusters or slices; null where a cell is empty. 1, 1.0, "1" and "1.0" are one."""
    if all_text(cells):
        found = {cell: _label(cell) for cell in set(cells)}
        return [found[cell] for cell in cells]
    return [_label(cell) for cell in cells]  # not by a dictionary: 1 and True are one key, and two names


def _label(cell: Any) -> str | None:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    text = str(cell).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text or None


def numbers(table: Table, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A metric's values, NaN where missing, and which of them are words for a failure, such as `error`.

    Such a cell has no value, as an empty one has none; its row did not fail, and other metrics keep theirs. Yes-or-no
    words are 1 and 0. In a column of yes-or-no words `failed` is a no, and a failure among numbers.

    Raises:
        ComparisonError: a cell is none of these, or of a size that figures cannot be made of.
    """
    cells = table.column(name)
    plain = _plain(cells)
    if plain is not None:
        return plain, np.zeros(len(cells), bool)
    texts = set(cells) if all_text(cells) else {cell for cell in cells if isinstance(cell, str)}
    said = {cell.strip().casefold() for cell in texts}
    words = said & (TRUE | FALSE | {"failed"})
    yes_or_no = bool(words) and said <= TRUE | FALSE | MISSING | FAILED and (words != {"failed"})
    values, failed = np.full(len(cells), np.nan), np.zeros(len(cells), bool)
    for at, cell in enumerate(cells):
        word = cell.strip().casefold() if isinstance(cell, str) else None
        if cell is None or word in MISSING:
            continue
        if word == "failed" and yes_or_no and "passed" in said:
            values[at] = 0.0
        elif word in FAILED:
            failed[at] = True
        else:
            values[at] = _number(cell, word, name, table.places[at])
    largest = float(np.abs(values[~np.isnan(values)]).max(initial=0.0))
    if 0 < largest < SMALLEST:
        raise ComparisonError(
            f"Column {name!r}: no value is larger than {largest:.3g}, and the largest takes {SMALLEST:g} or more. "
            "Use another unit, or logarithms."
        )
    return values, failed


def _plain(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """Values of a column whose cells are numbers or empty, in a tenth of the time; null: they ask for a closer look."""
    found = _of_texts(cells) if len(cells) >= _MANY else None
    found = _one_by_one(cells) if found is None else found
    if found is None:
        return None
    largest = float(np.abs(found[~np.isnan(found)]).max(initial=0.0))
    return found if largest == 0 or SMALLEST <= largest <= LARGEST else None


def _of_texts(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """Numbers that all stand as text, as CSV has them, in a third of the time again; null: one is no such text."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, which few cells are not worth
    import pyarrow.compute as pc  # noqa: PLC0415

    try:
        texts = cells.arrow if isinstance(cells, Texts) else pa.array(cells, pa.string())
        values = pc.if_else(pc.equal(texts, ""), None, texts).cast(pa.float64())
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    return np.array(values.to_numpy(zero_copy_only=False), np.float64)


def _one_by_one(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    try:
        found = np.array([math.nan if cell is None or cell == "" else float(cell) for cell in cells], np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if "_" in "".join([cell for cell in cells if isinstance(cell, str)]) else found


def _number(cell: Any, word: str | None, column: str, place: str) -> float:
    if word in TRUE or word in FALSE:
        return float(word in TRUE)
    try:
        found = float("" if isinstance(cell, str) and "_" in cell else cell)  # Python alone reads 1_000 as a number
    except (TypeError, ValueError):
        shown = str(cell)[:40]
        raise ComparisonError(
            f"Column {column!r}, {place}: {shown!r} is no number, nor true or false. "
            "Leave the cell empty where a value is missing."
        ) from None
    if math.isinf(found):
        raise ComparisonError(f"Column {column!r}, {place}: the value is infinite, and has no mean. Leave it empty.")
    if abs(found) > LARGEST:
        raise ComparisonError(
            f"Column {column!r}, {place}: {found:.3g} is beyond {LARGEST:g}, up to which values are compared. "
            "Leave it empty, or use another unit."
        )
    return found


def flags(table: Table, name: str) -> NDArray[np.bool_]:
    """A column that says which rows failed: true, 1, or a word for it; an empty cell is a row that did not."""
    said = [str(cell).strip().casefold() if cell is not None else "" for cell in table.column(name)]
    return np.array([one in TRUE | FAILED | {"1", "1.0"} for one in said], bool)


def numeric_columns(table: Table) -> list[str]:
    """Columns that could be metrics."""
    found = []
    for name in table.columns:
        try:
            values, _ = numbers(table, name)
        except ComparisonError:
            continue
        if not np.isnan(values).all():
            found.append(name)
    return found
