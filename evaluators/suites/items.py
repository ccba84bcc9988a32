"""The items of a suite: rows of a file, in order, each a case with an id, a cluster and hashes of what it holds."""

from __future__ import annotations

import csv
import gzip
import hashlib
import heapq
import io
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from evaluators.case import Case, Json, Message
from evaluators.errors import EvaluatorError, UnreadableCaseError
from evaluators.kept import key_of
from evaluators.rows import NAMES, case_row, parsed, read_case, strict
from evaluators.suites.suite import Dataset

NAMED = 5  # faults of rows that one error tells
SHOWN = 200  # letters of a file's name that an error tells
STRUCTURED = ("contexts", "reference_contexts", "messages", "tools", "tool_calls", "reference_tool_calls", "steps",
              "turns", "usage", "metadata")  # fmt: skip
OF_STORED = ("tags", "split", "source", "since_version")

Row = Mapping[str, Json]
Rows = Callable[[], Iterable[tuple[str, Json | UnreadableCaseError]]]
"""Begins reading anew: where each row stands (`line 3`), and the row, or why it is none."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Which metadata belong to what an item asks and expects, so that two runs have to share them to be compared."""

    counts: bool = False  # an evaluator looks at metadata
    outcomes: frozenset[str] = frozenset()  # members that tell what came about, and may differ


class DatasetError(EvaluatorError):
    """The dataset cannot be used as it is; nothing was asked."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the dataset."""

    place: int  # 0, 1, ... among the items of the run
    id: str
    cluster: str  # its own id where the suite names no cluster
    case: Case
    content: str  # 12 hex digits: equal for items that ask the same and expect the same
    whole: str  # sha256 of all that it holds, with a recorded answer


@dataclass(frozen=True, slots=True)
class Items:
    """The items that a run goes over: checked once, and read anew each time they are asked for."""

    count: int
    left_out: int  # rows that `where` or `sample` leave out
    clusters: int
    digest: str  # sha256 over ids, clusters and contents, in order
    _read: Callable[[], Iterator[Item]]

    def __iter__(self) -> Iterator[Item]:
        return self._read()


def items_of(rows: Rows, dataset: Dataset, seed: int, origin: str, metadata: Metadata = Metadata()) -> Items:
    """The dataset's items, checked whole: one that cannot be read is found before anything is asked.

    Args:
        rows: reads the rows.
        dataset: what of them is taken, and how.
        seed: of the sample.
        origin: what errors call the rows.
        metadata: what of it two runs have to share.

    Raises:
        DatasetError: a row is none, two have one id, a column is missing, or none is left.
    """
    return _Reading(rows, dataset, seed, origin, metadata).items()


@dataclass(slots=True)
class _Taken:
    """What is counted of the items that a run takes."""

    count: int = 0
    clusters: set[bytes] = field(default_factory=set)
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, item: Item) -> None:
        self.count += 1
        self.clusters.add(_short(item.cluster))
        self.digest.update(json.dumps([item.id, item.cluster, item.whole]).encode())

    def items(self, left_out: int, read: Callable[[], Iterator[Item]]) -> Items:
        return Items(self.count, left_out, len(self.clusters), self.digest.hexdigest(), read)


class _Reading:
    def __init__(self, rows: Rows, dataset: Dataset, seed: int, origin: str, metadata: Metadata) -> None:
        self._rows, self._dataset, self._seed, self._origin = rows, dataset, seed, origin
        self._metadata = metadata
        self._faults: list[str] = []
        self._faulty = 0

    def items(self) -> Items:
        seen: dict[bytes, str] = {}
        taken = _Taken()
        drawn: list[tuple[int, int, Item]] = []  # a heap with the highest hash first
        most, left_out = self._dataset.sample, 0
        for place, item in self._all():
            if item is None:
                left_out += 1
                continue
            self._once(place, item.id, seen)
            if most is None:
                taken.add(item)
                continue
            heapq.heappush(drawn, (-_draw(self._seed, item.id), item.place, replace(item, case=Case())))
            if len(drawn) > most:
                heapq.heappop(drawn)
                left_out += 1
        self._raise_faults()
        for _, _, item in sorted(drawn, key=lambda one: one[1]):
            taken.add(item)
        chosen = None if most is None else {item.id for _, _, item in drawn}
        if not taken.count:
            raise DatasetError(_nothing(self._origin, left_out))
        return taken.items(left_out, lambda: self._chosen(chosen))

    def _chosen(self, chosen: set[str] | None) -> Iterator[Item]:
        count = 0
        for _, item in self._all():
            if item is not None and (chosen is None or item.id in chosen):
                yield replace(item, place=count)
                count += 1

    def _all(self) -> Iterator[tuple[str, Item | None]]:
        """Each row's item; null: `where` leaves it out. Rows that are none are noted."""
        for number, (place, row) in enumerate(self._rows()):
            try:
                if isinstance(row, UnreadableCaseError):
                    raise row
                taken = self._item(number, row)
            except UnreadableCaseError as error:
                self._note(f"{place}: {error}")
            else:
                yield place, taken

    def _item(self, number: int, row: Json) -> Item | None:
        if not isinstance(row, dict):
            raise UnreadableCaseError(f"A row is an object, not {json.dumps(row)[:60]}.")
        if any(_column(row, path) != value for path, value in self._dataset.where.items()):
            return None
        case = read_case(_renamed(_of_case(row, self._dataset), self._dataset.fields))
        name = str(number) if case.id is None else str(case.id)
        case = replace(case, id=name)
        asked = case_row(_asked(case, self._metadata))
        return Item(number, name, self._cluster(row, name), case, key_of(asked)[:12], key_of(case_row(case)))

    def _cluster(self, row: Row, name: str) -> str:
        if self._dataset.cluster is None:
            return name
        found = _column(row, self._dataset.cluster)
        if found is None:
            raise UnreadableCaseError(f"It has no {self._dataset.cluster!r}, which the suite clusters by.")
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, sort_keys=True)

    def _once(self, place: str, name: str, seen: dict[bytes, str]) -> None:
        first = seen.setdefault(_short(name), place)
        if first != place:
            self._note(f"{place}: its id (its number, where it has none) {name!r} is that of {first}.")

    def _note(self, fault: str) -> None:
        self._faulty += 1
        if len(self._faults) < NAMED:
            self._faults.append(fault)

    def _raise_faults(self) -> None:
        if self._faulty:
            more = f" And {self._faulty - NAMED:,} more." if self._faulty > NAMED else ""
            rows = "row" if self._faulty == 1 else "rows"
            told = "\n".join(f"  {fault}" for fault in self._faults)
            raise DatasetError(f"{self._origin}: {self._faulty:,} {rows} cannot be used.{more}\n{told}")


def _nothing(origin: str, left_out: int) -> str:
    if not left_out:
        return f"{origin} has no rows."
    rows = "its one row" if left_out == 1 else f"all {left_out:,} rows"
    return f"{origin} has nothing that the suite takes: `where` leaves out {rows}."


def _asked(case: Case, metadata: Metadata) -> Case:
    """What two runs have to share for their answers to be compared; contexts may be what a system retrieved itself."""
    shared = {name: held for name, held in case.metadata.items() if name not in metadata.outcomes}
    return Case(
        question=case.question, reference=case.reference, reference_contexts=case.reference_contexts,
        reference_tool_calls=case.reference_tool_calls, system=case.system, tools=case.tools,
        messages=None if case.messages is None else _before(case.messages, case.question),
        metadata=shared if metadata.counts else {},
    )  # fmt: skip


def _before(messages: tuple[Message, ...], question: str | None) -> tuple[Message, ...]:
    """The conversation up to the question, else up to the user's last word: what comes after it is an answer."""
    asked = [place for place, one in enumerate(messages, 1) if one.role == "user"]
    same = [place for place in asked if messages[place - 1].text == question]
    return messages[: same[0] if same else asked[-1]] if asked and (same or question is None) else messages


def _draw(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _column(row: Row, path: str) -> Json:
    """The value of a column, which stored items have among their metadata."""
    found = _at(row, path)
    return _at(row.get("metadata"), path) if found is None else found


def _at(row: Any, path: str) -> Json:
    """The value of a column; dots lead into objects where no column has the whole name. Null: there is none."""
    if isinstance(row, dict) and path in row:
        found: Json = row[path]
        return found
    first, dot, rest = path.partition(".")
    return _at(row.get(first), rest) if dot and isinstance(row, dict) else None


def _of_case(row: Row, dataset: Dataset) -> Row:
    """Without what a stored dataset tells of an item beside its case: versions that differ in it alone still pair."""
    return row if dataset.stored is None else {name: held for name, held in row.items() if name not in OF_STORED}


def _renamed(row: Row, fields: Mapping[str, str]) -> dict[str, Json]:
    """The row with the suite's columns as the fields that they are; what stood there under the field's name goes."""
    if not fields:
        return dict(row)
    taken = {field: _at(row, column) for field, column in fields.items()}
    lacking = [column for field, column in fields.items() if field == "id" and taken[field] is None]
    if lacking:
        raise UnreadableCaseError(f"It has no {lacking[0]!r}, which the suite takes for its id.")
    gone = {name for field in fields for name in NAMES[field]} | set(fields.values())
    return {**{name: value for name, value in row.items() if name not in gone}, **taken}


def file_rows(path: Path, fields: Mapping[str, str]) -> Rows:
    """Reads a JSON lines, CSV or Parquet file, by the end of its name; the first two also packed, as `.gz`.

    In CSV an empty cell is no value, and what a case has as a list or an object is JSON (or text, where it may be).

    Raises:
        DatasetError: there is no such file.
    """
    _check_readable(path)
    kind = (path.with_suffix("") if _packed(path) else path).suffix.lower()
    if kind == ".csv":
        columns = {*STRUCTURED, *(column for field, column in fields.items() if field in STRUCTURED)}
        return lambda: _csv(path, columns)
    return lambda: (_parquet if kind == ".parquet" else _json_lines)(path)


def _check_readable(path: Path) -> None:
    shown = ascii(str(path))[1:-1] if "\0" in str(path) else str(path)
    shown = shown if len(shown) <= SHOWN else f"...{shown[-SHOWN:]}"
    try:
        if not path.is_file():
            raise DatasetError(f"The dataset {shown} is no file. Its path is relative to the suite's file.")
        path.open("rb").close()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else error
        raise DatasetError(f"The dataset {shown} cannot be read: {why}.") from error


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    """The file's content. Raises DatasetError: it is packed, and cannot be unpacked to its end."""
    if not _packed(path):
        with path.open("rb") as file:
            yield file
        return
    try:
        with gzip.open(path, "rb") as packed:
            yield cast("IO[bytes]", packed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be unpacked: {error}.") from error


def file_digest(path: Path) -> str:
    """The file's sha256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json_lines(path: Path) -> Iterator[tuple[str, Json | UnreadableCaseError]]:
    with _bytes(path) as file:
        for place, line in enumerate(file, 1):
            if line.strip():
                yield f"line {place}", _tried(line)


def _tried(line: bytes) -> Json | UnreadableCaseError:
    try:
        return parsed(line)
    except UnreadableCaseError as error:
        return error


def _csv(path: Path, columns: set[str]) -> Iterator[tuple[str, Json | UnreadableCaseError]]:
    csv.field_size_limit(1 << 27)  # the usual 128 KiB are less than a long context
    try:
        with _bytes(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            _check_header(path, reader.fieldnames or ())
            for row in reader:
                yield f"line {reader.line_num}", _cells(row, columns)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is no CSV in UTF-8: {error}.") from error


def _check_header(path: Path, names: Sequence[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DatasetError(f"{path}: its header names the column {twice!r} twice; rename one of them.")


def _cells(row: Mapping[Any, Any], columns: set[str]) -> Json | UnreadableCaseError:
    if None in row:
        return UnreadableCaseError("It has more cells than the header has columns.")
    if None in row.values():
        return UnreadableCaseError("It has fewer cells than the header has columns.")
    return {name: _cell(text) if name in columns else text for name, text in row.items() if text}


def _cell(text: str) -> Json:
    if text[0] not in "[{":
        return text
    try:
        return strict(text)
    except (ValueError, RecursionError):
        return text


def _parquet(path: Path) -> Iterator[tuple[str, Json | UnreadableCaseError]]:
    import pyarrow as pa  # noqa: PLC0415 - only where such a file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            place = 0
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    place += 1
                    yield f"row {place}", _plain(row)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # also times that Python cannot hold
        raise DatasetError(f"{path} is no Parquet file that can be read: {str(error).rstrip('.')}.") from error


def _plain(row: Mapping[str, Any]) -> Json | UnreadableCaseError:
    """With times and other values as JSON has them; NaN is null, as pandas means it."""
    endless = next((name for name, value in row.items() if any(map(math.isinf, _floats(value)))), None)
    if endless is not None:
        return UnreadableCaseError(f"Its {endless!r} holds an infinite number; null says that there is none.")
    found: Json = json.loads(json.dumps(row, default=str), parse_constant=lambda _: None)
    return found


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, list | tuple | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _floats(inner)
