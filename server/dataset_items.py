"""Items of datasets: from rows as files, forms and traces have them, and as the API and exports tell them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa

from evaluators.case import Json
from evaluators.errors import UnreadableCaseError
from evaluators.kept import key_of
from evaluators.rows import NAMES, case_row, read_case, strict
from server.jsontext import dumps
from store.dataset_changes import ITEM_COLUMNS

FIELDS = tuple(name for name in NAMES if name != "id")
OWN = ("metadata", "tags", "split", "source")
"""What an item has beside the fields of a case."""
RAW = ("messages", "tools", "tool_calls", "reference_tool_calls")  # kept as they came: definitions, parts
IN_JSON = (*RAW, "conversation", "expected_tool_calls", "steps", "turns", "usage", "metadata")
LONGEST_ID, LONGEST_WORD, LONGEST_ROW = 500, 100, 4_000_000  # letters
MOST_TAGS = 50

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """An item as the store takes it."""

    id: str
    row: str  # JSON
    split: str | None  # null: not said; '': none
    tags: tuple[str, ...]
    trace_id: str | None  # with dashes
    span_id: int | None
    whole: str
    same: str


def item_of(told: Json, fields: Mapping[str, str] | None = None) -> Item:
    """An item of a row. `fields`: field <- column, where names differ; dots lead into objects.

    Without an id it gets one of what it holds, so that the same row twice is one item.

    Raises:
        UnreadableCaseError: it is none; says which field, with which value.
    """
    if not isinstance(told, dict):
        raise UnreadableCaseError(f"An item is an object, not {str(told)[:60]!r}.")
    row = {name: _parsed(name, value) for name, value in _renamed(told, fields or {}).items()}
    split, tags, source = (row.pop(name, None) for name in ("split", "tags", "source"))
    row.pop("since_version", None)  # which pages of items tell beside them
    case = read_case(row)
    held = {name: value for name, value in case_row(case).items() if name != "id"}
    for name in RAW:
        if name in held:
            held[name] = next(row[other] for other in NAMES[name] if row.get(other) is not None)
    if not held.keys() - {"metadata"}:
        raise UnreadableCaseError(_no_field(held.get("metadata")))
    trace_id, span_id = _source(source)
    kept = {name: held[name] for name in (*FIELDS, "metadata") if name in held}
    text = dumps(kept).decode()
    if len(text) > LONGEST_ROW:
        raise UnreadableCaseError(f"It has {len(text):,} letters; an item has at most {LONGEST_ROW:,}.")
    listed = _tags(tags)
    name = _id(case.id, text)
    whole = key_of(name, kept, listed, trace_id, span_id)[:32]
    return Item(name, text, _split(split), listed, trace_id, span_id, whole, same_of(kept))


def _no_field(told: Json) -> str:
    near = [(column, field) for column in told if (field := near_field(column))] if isinstance(told, dict) else []
    hint = "".join(f" {column!r} is none; did you mean {field!r}?" for column, field in near[:3])
    return (
        f"It has none of the fields {', '.join(FIELDS)}.{hint} Say which column is which field: "
        "`fields` over HTTP, --field question=COLUMN in the shell."
    )


def held_of(item: Item) -> list[str]:
    """What it holds beside its split, by the names of `store.datasets.keys`."""
    row = orjson.loads(item.row)
    inner = [f"metadata.{name}" for name in row.get("metadata", {})]
    return [*row, *inner, *(["tags"] if item.tags else []), *(["source"] if item.trace_id else [])]


def lost(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Names of what was held and is no more; of metadata that go whole no members."""
    gone = [name for name in before if name not in after]
    return [name for name in gone if not (name.startswith("metadata.") and "metadata" in gone)]


def losing(items: int, fields: Sequence[str]) -> str:
    """`1 item loses reference, tags.`; '' where none loses anything."""
    return f"{'1 item loses' if items == 1 else f'{items:,} items lose'} {', '.join(fields)}." if items else ""


def table_of(items: Sequence[Item]) -> pa.Table:
    """Items as the store takes them."""
    rows = [
        {
            "item": one.id, "row": one.row, "split": one.split, "tags": list(one.tags), "trace_id": one.trace_id,
            "span_id": one.span_id, "whole": one.whole, "same": one.same,
        }
        for one in items
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=ITEM_COLUMNS)


def shown(row: Mapping[str, Any]) -> Row:
    """An item of the store as it is told: `id`, the fields of a case, and `OWN`."""
    trace_id, span_id = row.get("trace_id"), row.get("span_id")
    source = None
    if trace_id is not None:
        source = {"trace_id": UUID(str(trace_id)).hex, "span_id": None if span_id is None else f"{int(span_id):016x}"}
    told: Row = {"id": row["item"], **orjson.loads(row["row"]), "tags": list(row["tags"]), "split": row["split"]}
    return told if source is None else told | {"source": source}


def asked(row: Mapping[str, Any]) -> str:
    """What an item asks: its question, else what its messages say, else the text that is to be judged."""
    if isinstance(row.get("question"), str):
        return str(row["question"])
    if isinstance(row.get("messages"), list):
        return "\n".join(one for one in map(_said, row["messages"]) if one)
    return str(row.get("answer") or "")


def folded(text: str) -> str:
    """Without what does not count in comparing: white space and case."""
    return " ".join(text.casefold().split())


def same_of(row: Mapping[str, Any]) -> str:
    """Hex digits that items share which ask the same with the same contexts, white space and case aside."""
    parts = [asked(row), str(row.get("system") or ""), *map(str, row.get("contexts") or ())]
    if row.get("question") is not None and isinstance(row.get("messages"), list):
        parts += ["", *map(_said, row["messages"])]
    if row.get("answer") is not None and "reference" not in row:
        parts += ["", str(row["answer"])]
    return hashlib.blake2b("\0".join(map(folded, parts)).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _said(message: Any) -> str:
    if not isinstance(message, dict):
        return ""
    held = message.get("content", message.get("parts"))
    if isinstance(held, str):
        return held
    return "\n".join(_texts(held)) if isinstance(held, list) else ""


def _texts(parts: Sequence[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and isinstance(held := part.get("content", part.get("text")), str):
            yield held


def _renamed(told: Mapping[str, Any], fields: Mapping[str, str]) -> Row:
    gone = {name for field in fields for name in NAMES.get(field, (field,))} | set(fields.values())
    kept = {name: value for name, value in told.items() if name not in gone and value is not None}
    return kept | {field: found for field, column in fields.items() if (found := _at(told, column)) is not None}


def _parsed(name: str, value: Any) -> Any:
    """Of a column of texts, as Parquet has them, the JSON of what is a list or an object."""
    if name not in IN_JSON or not isinstance(value, str) or value[:1] not in {"[", "{"}:
        return value
    try:
        return strict(value)
    except (ValueError, RecursionError):
        return value


def _at(row: Any, path: str) -> Any:
    if isinstance(row, dict) and path in row:
        return row[path]
    first, dot, rest = path.partition(".")
    return _at(row.get(first), rest) if dot and isinstance(row, dict) else None


def _id(told: str | int | None, text: str) -> str:
    if isinstance(told, str) and told and not told.strip():
        raise UnreadableCaseError(f"The id {told[:60]!r} is of blanks alone: write a name, or leave it out.")
    if told is None or told == "":
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    name = str(told)
    if len(name) > LONGEST_ID or not name.isprintable():
        raise UnreadableCaseError(f"The id {name[:60]!r} has more than {LONGEST_ID} letters, or some that do not show.")
    return name


def _split(told: Any) -> str | None:
    if told is None or (isinstance(told, str) and len(told) <= LONGEST_WORD and (told.isprintable() or not told)):
        return told.strip() if isinstance(told, str) else None
    raise UnreadableCaseError(f"'split' is a name of at most {LONGEST_WORD} letters, not {str(told)[:60]!r}.")


def _tags(told: Any) -> tuple[str, ...]:
    """A list of texts, or texts between commas; each once, sorted."""
    listed = told.split(",") if isinstance(told, str) and not told.startswith("[") else told
    if isinstance(listed, str):
        try:
            listed = orjson.loads(listed)
        except orjson.JSONDecodeError:
            listed = [listed]
    words = [] if listed is None else listed
    if not isinstance(words, list) or not all(isinstance(word, str) and len(word) <= LONGEST_WORD for word in words):
        raise UnreadableCaseError(
            f"'tags' is a list of texts of at most {LONGEST_WORD} letters, not {str(told)[:60]!r}."
        )
    found = tuple(sorted({word.strip() for word in words if word.strip()}))
    if len(found) > MOST_TAGS:
        raise UnreadableCaseError(f"It has {len(found):,} tags; an item has at most {MOST_TAGS}.")
    return found


def _source(told: Any) -> tuple[str | None, int | None]:
    """Trace and span: `{trace_id, span_id}`, or `TRACE/SPAN` as text."""
    if told is None or told == "":
        return None, None
    if isinstance(told, str) and not told.startswith("{"):
        trace, _, span = told.partition("/")
        told = {"trace_id": trace, "span_id": span or None}
    try:
        held = orjson.loads(told) if isinstance(told, str) else told
        span_id = held.get("span_id")
        return str(UUID(held["trace_id"])), None if span_id is None else int(span_id, 16)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        shape = "'source' is {trace_id: 32 hex digits, span_id: 16 hex digits}"
        raise UnreadableCaseError(f"{shape}, not {str(told)[:60]!r}.") from error


_KNOWN = {name: field for field, names in NAMES.items() for name in names} | {name: name for name in OWN}


def near_field(column: str) -> str | None:
    """A field whose name is much alike, which a slip may have meant; null: none is."""
    return next(iter(get_close_matches(column.strip().lower(), _KNOWN, n=1, cutoff=0.8)), None)


def columns_told(seen: Mapping[str, int], fields: Mapping[str, str]) -> list[Row]:
    """What becomes of each column: `column`, `field` (`metadata` for what is no field), `rows`, and `near`.

    `near`: a field whose name is much alike, which a slip may have meant.
    """
    by_column = {column: field for field, column in fields.items()}
    known = _KNOWN
    taken = {name for field in fields for name in NAMES.get(field, (field,))}
    found = []
    for column, rows in seen.items():
        field = by_column.get(column) or (known.get(column) if column not in taken else "not taken")
        near = None if field else near_field(column)
        found.append({"column": column, "field": field or "metadata", "rows": rows, "near": near})
    return found
