"""Files in and out of datasets. All of it is Python over every row, so the server has it done in another process."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from evaluators.errors import EvaluatorError, UnreadableCaseError
from evaluators.rows import NAMES
from evaluators.suites.items import DatasetError, file_rows
from evaluators.suites.suite import FORMATS
from server import finetuning
from server.dataset_items import OWN, Item, asked, columns_told, held_of, item_of, losing, lost, shown, table_of
from server.jsontext import dumps

Duplicates = Literal["ask", "keep", "skip", "replace"]
Format = Literal["jsonl", "csv", "parquet", "openai"]
NAMED = 20  # items that a report names of each kind
FAULTS = 5  # rows that an error tells
SAMPLES = 5
MOST_ITEMS = 1_000_000
_AT_ONCE = 5_000
MEDIA = {
    "jsonl": "application/x-ndjson", "csv": "text/csv", "parquet": "application/vnd.apache.parquet",
    "openai": "application/x-ndjson",
}  # fmt: skip
FIRST_COLUMNS = ("id", "question", "answer", "reference", "contexts")  # of a table


class ImportFileError(EvaluatorError):
    """A file that cannot be taken as it is; nothing of it was."""


@dataclass(frozen=True, slots=True)
class Order:
    """What of a file becomes items."""

    path: str  # its name ends as the format says
    called: str  # what errors call it
    keys: str  # Arrow file of what the dataset has: item, whole, same, held
    out: str  # Arrow file of what is to be set
    fields: Mapping[str, str] = field(default_factory=dict)
    duplicates: Duplicates = "ask"
    split: str | None = None  # of rows that name none
    tags: tuple[str, ...] = ()  # of all rows


@dataclass(slots=True)
class _Seen:
    """What is known of items while a file is read."""

    keys: pa.Table  # of the items that there are
    stored: dict[str, int]  # id -> row of `keys`
    asked: dict[str, str]  # what it asks -> id
    taken: dict[str, int] = field(default_factory=dict)  # id -> row of the file that is to be set
    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)
    losing: int = 0  # items that would hold less than before, where they are replaced
    lost: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, item: str) -> None:
        self.counts[what] += 1
        names = self.named.setdefault(what, [])
        if len(names) < NAMED:
            names.append(item)


def check_name(name: str) -> str:
    """The end of a file's name that says its format. Raises ImportFileError."""
    found = next((end for end in sorted(FORMATS, key=len, reverse=True) if name.lower().endswith(end)), None)
    if found is None:
        raise ImportFileError(
            f"{name!r} is of no format that can be read: name a file that ends in {', '.join(FORMATS)}."
        )
    return found


def check_fields(fields: Mapping[str, str]) -> None:
    """Raises ImportFileError: a field that there is not."""
    known = {*NAMES, *OWN}
    unknown = next((name for name in fields if name not in known), None)
    if unknown is not None:
        raise ImportFileError(f"{unknown!r} is no field of an item; they are: {', '.join(sorted(known))}.")


def prepared(order: Order) -> dict[str, Any]:
    """Read a file into `order.out`; returns what is to be told of it.

    `rows`, `items` (that are to be set), `new`, `changed`, `unchanged`, `left_out`, `columns`, `samples`, and of
    duplicates `taken` (their id is in the dataset, which holds something else under it), `repeated` (their id comes
    twice in the file), `same` (an item of another id asks the same), with up to twenty ids of each in `named`. `loses`
    says what items that are replaced, or would be, hold no more; '': nothing.

    Raises:
        ImportFileError: rows are none, each told with its line; there are too many, or there is none.
        EvaluatorError: the file cannot be read.
    """
    check_fields(order.fields)
    seen = _seen(order.keys)
    columns: Counter[str] = Counter()
    parts: list[pa.Table] = []
    dropped: set[int] = set()
    samples: list[dict[str, Any]] = []
    count = rows = 0
    waiting: list[Item] = []
    for item in _items(order, columns):
        rows += 1
        if rows > MOST_ITEMS:
            raise ImportFileError(f"{order.called} has more than {MOST_ITEMS:,} rows. Import it in parts.")
        kept = _decide(item, order.duplicates, seen, count, dropped)
        if kept is None:
            continue
        if len(samples) < SAMPLES:
            samples.append(_sample(kept))
        waiting.append(kept)
        count += 1
        if len(waiting) == _AT_ONCE:
            parts.append(table_of(waiting))
            waiting = []
    if not rows:
        raise ImportFileError(f"{order.called} holds no rows, so there is nothing to import.")
    parts.append(table_of(waiting))
    table = pa.concat_tables(parts)
    if dropped:
        table = table.filter(pa.array([place not in dropped for place in range(count)]))
    write(table, order.out)
    return {
        "rows": rows, "items": table.num_rows, **{name: seen.counts[name] for name in _TOLD}, "named": seen.named,
        "columns": columns_told(columns, order.fields), "samples": samples,
        "loses": losing(seen.losing, [name for name, _ in seen.lost.most_common(NAMED)]),
    }  # fmt: skip


_TOLD = ("new", "changed", "unchanged", "left_out", "taken", "repeated", "same")


def _seen(path: str) -> _Seen:
    keys = read(path)
    names = keys["item"].to_pylist()
    asks = keys["same"].to_pylist()
    # Of several that ask the same the first is named.
    return _Seen(
        keys,
        {name: place for place, name in enumerate(names)},
        dict(zip(reversed(asks), reversed(names), strict=True)),
    )


def _items(order: Order, columns: Counter[str]) -> Iterator[Item]:
    faults: list[str] = []
    faulty = 0
    for place, row in _rows(order):
        try:
            if isinstance(row, UnreadableCaseError):
                raise row
            if isinstance(row, dict):
                columns.update(name for name, value in row.items() if value is not None)
            yield item_of(_with(row, order) if isinstance(row, dict) else row, order.fields)
        except UnreadableCaseError as error:
            faulty += 1
            if len(faults) < FAULTS:
                faults.append(f"  {place}: {error}")
    if faulty:
        more = f" And {faulty - FAULTS:,} more." if faulty > FAULTS else ""
        rows = "row" if faulty == 1 else "rows"
        told = "\n".join(faults)
        raise ImportFileError(f"{order.called}: {faulty:,} {rows} cannot be taken, so none was.{more}\n{told}")


def _rows(order: Order) -> Iterator[tuple[str, Any]]:
    """The rows of the file. Raises ImportFileError, which names the file as who sent it does."""
    try:
        yield from file_rows(Path(order.path), order.fields)()
    except DatasetError as error:
        raise ImportFileError(str(error).replace(order.path, order.called)) from error


def _with(row: dict[str, Any], order: Order) -> dict[str, Any]:
    """With the split and tags that all rows are to have."""
    if order.split is not None and row.get(order.fields.get("split", "split")) is None:
        row = row | {order.fields.get("split", "split"): order.split}
    if order.tags and isinstance(row.get("tags"), list | None):
        row = row | {"tags": [*(row.get("tags") or []), *order.tags]}
    return row


def _decide(item: Item, how: Duplicates, seen: _Seen, place: int, dropped: set[int]) -> Item | None:
    """The item as it is to be set; null: it is not. `place`: of the row that it would be."""
    if item.id in seen.taken:
        seen.note("repeated", item.id)
        if how == "replace":
            dropped.add(seen.taken[item.id])
            return _taken(item, seen, place)
        return _as_other(item, seen, place) if how == "keep" else _out(seen)
    if item.id in seen.stored:
        return _of_stored(item, how, seen, place)
    if item.same in seen.asked:
        seen.note("same", item.id)
        if how != "keep":
            return _out(seen)
    seen.counts["new"] += 1
    return _taken(item, seen, place)


def _of_stored(item: Item, how: Duplicates, seen: _Seen, place: int) -> Item | None:
    """An item whose id the dataset has. One that holds the same is set for its split alone, if it names one."""
    place_there = seen.stored[item.id]
    if seen.keys["whole"][place_there].as_py() == item.whole:
        seen.counts["unchanged"] += 1
        return None if item.split is None else _taken(item, seen, place)
    seen.note("taken", item.id)
    if how == "keep":
        return _as_other(item, seen, place)
    if how != "skip" and (gone := lost(seen.keys["held"][place_there].as_py(), held_of(item))):
        seen.losing += 1
        seen.lost.update(gone)
    if how != "replace":
        return _out(seen)
    seen.counts["changed"] += 1
    return _taken(item, seen, place)


def _out(seen: _Seen) -> Item | None:
    seen.counts["left_out"] += 1
    return None


def _taken(item: Item, seen: _Seen, place: int) -> Item:
    seen.taken[item.id] = place
    seen.asked.setdefault(item.same, item.id)
    return item


def _as_other(item: Item, seen: _Seen, place: int) -> Item:
    """Under an id that is free."""
    number = 2
    while (name := f"{item.id}-{number}") in seen.stored or name in seen.taken:
        number += 1
    seen.counts["new"] += 1
    made = Item(name, item.row, item.split, item.tags, item.trace_id, item.span_id, item.whole, item.same)
    return _taken(made, seen, place)


def _sample(item: Item) -> dict[str, Any]:
    row = json.loads(item.row)
    return {
        "id": item.id, "asked": asked(row)[:300], "reference": str(row.get("reference") or "")[:300],
        "split": item.split, "tags": list(item.tags), "fields": [name for name in row if name != "metadata"],
        "metadata": sorted(row.get("metadata", {})),
    }  # fmt: skip


def write(table: pa.Table, path: str) -> None:
    """An Arrow file, which can be read without holding it in memory."""
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=_AT_ONCE)


def read(path: str) -> pa.Table:
    """The table of an Arrow file, mapped into memory."""
    return pa.ipc.open_file(pa.memory_map(path)).read_all()


@dataclass(frozen=True, slots=True)
class Leaving:
    """What of a dataset leaves, and how."""

    path: str  # Arrow file of items
    out: str
    format: Format
    answers: bool = False  # with openai: a recorded answer is trained on where there is no reference


def exported(order: Leaving) -> dict[str, Any]:
    """Write items to a file: `items` that were written; for `openai` those left out by reason, and what it demands."""
    items = _told(order.path)
    if order.format == "openai":
        return finetuning.write(items, Path(order.out), answers=order.answers)
    writer: dict[str, Callable[[Iterator[dict[str, Any]], Path], int]] = {
        "jsonl": _json_lines, "csv": _csv, "parquet": _parquet
    }  # fmt: skip
    return {"items": writer[order.format](items, Path(order.out)), "left_out": {}, "sentences": []}


def _told(path: str) -> Iterator[dict[str, Any]]:
    with pa.ipc.open_file(pa.memory_map(path)) as file:
        for number in range(file.num_record_batches):
            yield from map(shown, file.get_batch(number).to_pylist())


def _json_lines(items: Iterator[dict[str, Any]], out: Path) -> int:
    count = 0
    with out.open("wb") as file:
        for item in items:
            file.write(dumps({name: value for name, value in item.items() if value not in (None, [])}) + b"\n")
            count += 1
    return count


def _csv(items: Iterator[dict[str, Any]], out: Path) -> int:
    """Columns in a fixed order, of those that any item has; lists and objects as JSON."""
    spooled = [{name: _cell(value) for name, value in item.items()} for item in items]
    names = _columns(spooled)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(spooled)
    return len(spooled)


def _columns(items: list[dict[str, Any]]) -> list[str]:
    there = dict.fromkeys(name for item in items for name, value in item.items() if value not in (None, "", "[]"))
    return [*(name for name in FIRST_COLUMNS if name in there), *(name for name in there if name not in FIRST_COLUMNS)]


def _cell(value: Any) -> str:
    if value is None or value == []:
        return ""
    return value if isinstance(value, str) else dumps(value).decode()


def _parquet(items: Iterator[dict[str, Any]], out: Path) -> int:
    """Texts and lists of texts as such; what differs from item to item, such as metadata, as JSON."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only where such a file is written

    rows = list(items)
    names = _columns([{name: _cell(value) for name, value in item.items()} for item in rows])
    columns = {name: _column([item.get(name) for item in rows]) for name in names}
    pq.write_table(pa.table(columns), out)
    return len(rows)


def _column(values: list[Any]) -> pa.Array:
    if all(
        value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value)) for value in values
    ):
        return pa.array(values, pa.list_(pa.string()))
    return pa.array([None if value is None else _cell(value) for value in values], pa.string())
