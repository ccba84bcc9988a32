"""What `assay queue` reads, sends and says of queues."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evaluators.documents import DocumentError
from server.client import Client
from server.labelling.terms import NAME, Asked, Terms
from server.told_entries import Told, read, set_each
from server.when import told_time

if TYPE_CHECKING:  # it takes a third of a second, which only who asks for labels pays
    import pandas as pd

Row = dict[str, Any]
AT_ONCE = 1_000  # what one request takes
BESIDE = ("number", "key", "item", "labeller", "answers", "comment", "seconds", "at")  # columns that are no fields
COLUMNS = ("item", "labeller", "label", "field", "value", "comment", "seconds", "time", "gold", "decided")
_LISTED = frozenset({"spans", "ranking"})


class Named(Terms):
    """A queue of a file."""

    name: str = Field(pattern=NAME)


def read_queues(path: Path) -> list[Told]:
    """The queues of a YAML file `queues: [...]`; see `told_entries.read`."""
    return read(path, "queues", Named)


def set_queues(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Set each; the queues as they are now. See `told_entries.set_each`."""
    return set_each(
        told,
        lambda one: client.set_queue(one.name, one.terms, author),
        lambda one: f"{one.where}, queue {one.name!r}",
    )


def row(queue: Mapping[str, Any]) -> Row:
    """A queue as a row of a table."""
    pace = queue["pace"] or {}
    return {
        "name": queue["name"], "state": "open" if queue["open"] else "closed", "items": queue["items"],
        "done": queue["done"], "started": queue["started"], "waiting": queue["waiting"], "skipped": queue["skipped"],
        "labels": f"{queue['labels']:,} of {queue['labels_needed']:,}", "in hand": queue["leased"],
        "deadline": told_time(queue["deadline"]) or "none", "ready": told_time(pace.get("ready_at")) or "unknown",
    }  # fmt: skip


def sentences(queue: Mapping[str, Any]) -> list[str]:
    """What a queue asks, how far it is, and when it will be ready."""
    terms = queue["terms"]
    asked = ", ".join(f"{one['name']} ({one['kind']})" for one in terms["fields"])
    people = "1 label" if terms["labels"] == 1 else f"{terms['labels']} labels by different people"
    said = [f"Queue {queue['name']} (version {queue['version']}) asks {asked}; {people} an item.", queue["sentence"]]
    if pace := queue["pace"]:
        said.append(f"At {pace['labels_per_hour']:.1f} labels an hour it is ready at {told_time(pace['ready_at'])}.")
    return said


def labeller_row(labeller: Mapping[str, Any]) -> Row:
    """A labeller as a row of a table."""
    gold = labeller["gold"]
    right = "none" if gold is None else f"{gold['right']:.0%} of {gold['n']} ({gold['low']:.0%} to {gold['high']:.0%})"
    return {
        "labeller": labeller["author"], "labels": labeller["labels"], "skipped": labeller["skipped"],
        "seconds (median)": labeller["seconds_median"], "gold right": right, "last": told_time(labeller["last_at"]),
    }  # fmt: skip


def item_row(item: Mapping[str, Any]) -> Row:
    """An item as a row of a table."""
    return {
        "number": item["number"], "key": item["key"] or "", "state": item["state"],
        "labels": f"{item['labels']} of {item['needed']}", "priority": item["priority"], "origin": item["origin"],
        "title": item["title"],
    }  # fmt: skip


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV (with a header) or of JSON lines; - is standard input.

    Raises:
        DocumentError: it cannot be read, or a line is no JSON object.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}") from error
    if text.lstrip().startswith(("{", "[")):
        return list(_json_rows(text, str(path)))
    return [{name: value for name, value in row.items() if name} for row in csv.DictReader(io.StringIO(text))]


def _json_rows(text: str, path: str) -> Iterator[Row]:
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except json.JSONDecodeError as error:
            raise DocumentError(f"{path}, line {place} is no JSON: {error}. Give one object a line.") from error
        if not isinstance(told, dict):
            raise DocumentError(f"{path}, line {place} is no JSON object. Give one object a line.")
        yield told


def label_of(row: Mapping[str, Any], fields: Sequence[Asked]) -> Row:
    """A row of a file as an import takes it: its answers are in `answers`, or in columns of the fields."""
    answers = row.get("answers")
    if not isinstance(answers, Mapping):
        answers = {one.name: _answer(one, row[one.name]) for one in fields if row.get(one.name) not in {None, ""}}
    number = row.get("number") or None
    return {
        "number": None if number is None else int(number), "key": row.get("key") or row.get("item") or None,
        "labeller": row.get("labeller") or "", "answers": answers, "comment": row.get("comment") or None,
        "seconds": float(row["seconds"]) if row.get("seconds") else None, "at": row.get("at") or None,
    }  # fmt: skip


def _answer(field: Asked, told: Any) -> Any:
    """A cell as an answer: a number, JSON of a list, else text."""
    if not isinstance(told, str):
        return str(told) if field.choices and not isinstance(told, list) else told
    if field.kind == "numeric":
        return float(told)
    return json.loads(told) if field.kind in _LISTED or field.several else told


def sent(rows: list[Row], send: Callable[[list[Row]], Row]) -> Row:
    """Send rows by the thousand; what became of them together, places counted over all."""
    found: Row = {"added": 0, "there": 0, "refused": []}
    for start in range(0, len(rows), AT_ONCE):
        done = send(rows[start : start + AT_ONCE])
        for name in ("added", "there"):
            found[name] += done[name] if isinstance(done[name], int) else len(done[name])
        found["refused"] += [one | {"at": one["at"] + start} for one in done["refused"]]
    return found


def outcome(found: Mapping[str, Any], what: str) -> Iterator[str]:
    """What became of rows, in words; the first ten refusals."""
    yield f"{found['added']:,} {what} added, {found['there']:,} there already, {len(found['refused']):,} refused."
    for one in found["refused"][:10]:
        yield f"Row {one['at'] + 1}: {one['why']}."


def label_rows(told: pd.DataFrame) -> Iterator[Row]:
    """Answers as `assay agreement` takes them: item (its key, else its number), labeller, label, and what is known.

    Attributes of items are columns of their own, by which labels can be told apart.
    """
    for one in told.astype(object).where(told.notna(), None).to_dict("records"):
        yield {
            "item": one["key"] or str(one["number"]), "labeller": one["author"], "label": one["answer"],
            "field": one["field"], "value": one["value"], "comment": one["comment"], "seconds": one["seconds"],
            "time": one["saved_at"], "gold": one["gold"], "decided": one["decided"],
            **{f"attribute.{name}": value for name, value in one["attributes"] or ()},
        }  # fmt: skip
