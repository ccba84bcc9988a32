"""Golden sets: items of a dataset whose reference is what people agreed on, with how far they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.errors import UnreadableCaseError
from server.aside import Aside
from server.core import Core
from server.dataset_changes import commit
from server.dataset_files import read as read_arrow
from server.dataset_files import write as write_arrow
from server.dataset_items import item_of, table_of
from server.dataset_work import elsewhere
from server.datasets import found_or_new, version_told
from server.labelling.terms import COMPARING, Asked
from server.training.examples import CUT
from server.training.fields import few
from server.training.labelled import Labelled, read
from server.training.redacting import Redactor
from server.training.wanted import OfQueue, Selected, TrainingDataError
from server.training.work import gather
from store.dataset_changes import Change

SAMPLES = 5
NO_REFERENCE = "labels of this kind are no reference"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Which items become items of a dataset."""

    items: str
    out: str  # Arrow file of what is to be set
    head: Row
    split: str | None = None
    redact: tuple[str, ...] = ()  # types of personal data; empty: texts stay as they are


def put(  # noqa: PLR0917 - as the request has it
    core: Core, aside: Aside | None, project: str, dataset: str, wanted: Selected, folder: Path, note: str,
    author: str | None, *, split: str | None, redact: tuple[str, ...], dry_run: bool,
) -> Row:  # fmt: skip
    """Make or change a dataset: `items`, `left_out` by reason, `samples`, `version` (null: a dry run, or no change).

    An item is named by queue, field and number, so the same again changes what changed and adds nothing.

    Raises:
        TrainingDataError: the field's kind makes no reference.
    """
    _, one = found_or_new(core, project, dataset)
    items, out = folder / "items", folder / "items.arrow"
    head = gather(core, aside, project, wanted, items)
    told: Row = elsewhere(aside, made, Order(str(items), str(out), head, split, redact))
    told |= {"dataset": dataset, "base": one.version, "version": None}
    if dry_run or not told["items"]:
        return told
    change = Change(one.version, note or _note(wanted, head), author, read_arrow(str(out)))
    version = commit(core, project, dataset, change, make=True)
    return told | {"version": None if version is None else version_told(version)}


def _note(wanted: Selected, head: Row) -> str:
    if isinstance(wanted.source, OfQueue):
        return f"Labels of queue {wanted.source.queue}, field {wanted.source.field}, until {head['labels_until']}."
    return f"Corrections of end users, until {head['labels_until']}."


def made(order: Order) -> Row:
    """Write the items; see `put`."""
    asked = Asked.model_validate(order.head["asked"])
    if asked.kind == "spans":
        raise TrainingDataError(f"Field {asked.name!r} marks spans, and {NO_REFERENCE}. Take another field.")
    left: Counter[str] = Counter(order.head["left_out"])
    redactor = Redactor(order.redact)
    rows: list[Row] = []
    for item in read(Path(order.items)):
        if item.content["cut"]:
            left[CUT] += 1
            continue
        rows.append(row_of(item, asked, order.head["source"], order.split, redactor if order.redact else None))
    table, refused = [], 0
    for row in rows:
        try:
            table.append(item_of(row))
        except UnreadableCaseError:
            refused += 1
    if refused:
        left["it has neither a question nor an answer"] += refused
    write_arrow(table_of(table), order.out)
    return {
        "items": len(table), "left_out": dict(sorted(left.items())), "samples": rows[:SAMPLES],
        "answers": dict(sorted(Counter(row["reference"] for row in rows).items())) if few(asked) else {},
        "redacted": dict(sorted(redactor.counts.items())),
    }  # fmt: skip


def row_of(
    item: Labelled, asked: Asked, source: Mapping[str, Any], split: str | None, redactor: Redactor | None
) -> Row:
    """An item as files of datasets have it."""
    content = item.content
    of = source.get("queue") or source["score"]
    within = source["field"] if source["kind"] == "queue" else item.trace_id
    row: Row = {
        "id": f"{of}/{within}/{item.name}",
        "question": content["question"], "reference": item.text,
        "contexts": [one["text"] for one in content["contexts"]] or None, "messages": _conversation(content),
    }  # fmt: skip
    row |= _answers(content, asked)
    row["metadata"] = dict(_metadata(item, source)) | row.pop("metadata", {})
    if redactor is not None:
        metadata = row.pop("metadata")
        row = {name: value if name == "id" else redactor.value(value) for name, value in row.items()}
        sides = {name: redactor.value(value) for name, value in metadata.items() if name.startswith("answer_")}
        row["metadata"] = metadata | sides
    if item.trace_id is not None:
        row["source"] = {"trace_id": item.trace_id, "span_id": item.span_id}
    row |= {"split": split, "tags": [str(of)[:100]]}
    return {name: value for name, value in row.items() if value is not None}


def _conversation(content: Row) -> list[Row] | None:
    """What was said before, where it is more than the question."""
    held: list[Row] = content["history"]
    said = [one for one in held if one.get("role") not in {"system", "developer"}]
    return held if len(said) > 1 or len(held) > len(said) else None


def _answers(content: Row, asked: Asked) -> Row:
    if asked.kind in COMPARING:
        return {"metadata": {f"answer_{side['key']}": side["answer"] for side in content["sides"]}}
    side = content["sides"][0]
    calls = [{name: step[name] for name in ("name", "arguments")} for step in side["steps"]]
    return {"answer": side["answer"], "tool_calls": calls or None}


def _metadata(item: Labelled, source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    names = ("queue", "queue_version", "field") if source["kind"] == "queue" else ("score",)
    yield from ((name, source[name]) for name in names)
    yield "consensus", item.by
    yield "votes", item.n
    yield "agreeing", item.agreeing
    if item.n:
        yield "agreement", round(item.agreeing / item.n, 6)
    if item.probability is not None:
        yield "probability", item.probability
    if session := next((one.removeprefix("session ") for one in item.groups if one.startswith("session ")), None):
        yield "session", session
    yield from item.attributes.items()
