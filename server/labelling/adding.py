"""Items put into a queue: what is shown of each, what it is about, and what is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from server import jobs
from server.core import Core
from server.labelling.answers import AnswerError, checked
from server.labelling.content import Content
from server.labelling.queues import UnknownQueueError, terms_of
from server.labelling.terms import SIDES, Terms
from server.when import utc_now
from store import queue_items as store
from store import queues as store_queues
from store.queues import Queue

AT_ONCE = 500  # items of one transaction: content is long, and ingest waits behind it
UNITS = ("call", "trace", "session", "pair", "ranking", "own")
TITLE = 160
LONGEST = 2_000_000  # bytes of JSON that one item may show


@dataclass(frozen=True, slots=True)
class NewItem:
    """One item as it is put into a queue."""

    content: Content
    unit: str  # call trace session pair ranking own
    trace_id: UUID | None = None  # of a pair or ranking that of its first side
    span_id: int | None = None
    session_id: str | None = None
    key: str | None = None  # whoever adds it may name it
    gold: Mapping[str, Any] | None = None  # right answers by field
    priority: float = 0.0
    needed: int | None = None  # null: as the queue says
    origin: str = "hand"
    why: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class UnfitError(Exception):
    """Why an item cannot stand in a queue, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of items."""

    added: list[int]  # numbers
    there: list[int]  # numbers of items of the same target or key, which stay as they are
    refused: list[dict[str, Any]]  # at (place among what was given, from 0), why


def add(core: Core, queue: Queue, items: Sequence[NewItem], author: str | None) -> Added:
    """Put items into a queue, in order. What has a target or key of one that is in it and not removed is not added.

    Raises:
        UnknownQueueError: the queue was taken away meanwhile.
    """
    now, terms, result = utc_now(), terms_of(queue), Added([], [], [])
    fit: list[NewItem] = []
    for at, item in enumerate(items):
        try:
            fit.append(fitted(item, terms))
        except UnfitError as error:
            result.refused.append({"at": at, "why": str(error).rstrip(".")})
    for start in range(0, len(fit), AT_ONCE):
        part = fit[start : start + AT_ONCE]
        rows = [row_of(item) for item in part]
        work = partial(write, queue=queue, rows=rows, now=now, author=author)
        added, there = core.writer.call(work).result(jobs.WRITE_S)
        result.added.extend(added)
        result.there.extend(there)
    return result


def write(
    cursor: DuckDBPyConnection, queue: Queue, rows: list[dict[str, Any]], now: datetime, author: str | None
) -> tuple[list[int], list[int]]:
    """Numbers of rows (of `row_of`) that are added, and of those that are there; within the caller's transaction.

    Raises:
        UnknownQueueError: the queue was taken away meanwhile.
    """
    if store_queues.by_id(cursor, queue.queue_id) is None:
        raise UnknownQueueError(queue.name, [one.name for one in store_queues.queues(cursor, queue.project_id)])
    keys = [row["key"] for row in rows if row["key"] is not None]
    targets = [row["target"] for row in rows if row["target"] is not None]
    by_key, by_target = store.known(cursor, queue.queue_id, keys, targets)
    there: list[int] = []
    again: list[int] = []  # places among the fresh ones that are told twice here
    fresh: list[dict[str, Any]] = []
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        number = by_key.get(row["key"]) or by_target.get(row["target"])
        names = [(name, row[name]) for name in ("key", "target") if row[name] is not None]
        place = next((seen[name] for name in names if name in seen), None)
        if number is not None:
            there.append(number)
        elif place is not None:
            again.append(place)
        else:
            seen |= dict.fromkeys(names, len(fresh))
            fresh.append(row)
    if not fresh:
        return [], there
    table = pa.Table.from_pylist(fresh, store.NEW)
    added = store.add(cursor, queue.project_id, queue.queue_id, table, now, author)
    return added, there + [added[place] for place in again]


def refusal(item: NewItem, terms: Terms) -> str | None:
    """Why an item cannot stand in a queue; null: it can."""
    try:
        fitted(item, terms)
    except UnfitError as error:
        return str(error)
    return None


def fitted(item: NewItem, terms: Terms) -> NewItem:
    """The item as it stands in a queue: its right answers written as labels are.

    Raises:
        UnfitError: it cannot stand there.
    """
    if why := _unlike(item, terms):
        raise UnfitError(why)
    return item if item.gold is None else replace(item, gold=fitted_gold(item.gold, item.content, terms))


def _unlike(item: NewItem, terms: Terms) -> str | None:  # noqa: PLR0911 - a table of rules
    """Why what is shown is not what the queue is about; null: it is."""
    sides = len(item.content.sides)
    if item.unit not in UNITS:
        return f"unit {item.unit!r} is none of {', '.join(UNITS)}"
    if terms.compares and sides < 2:
        return f"the queue compares answers and the item has {sides} side; give two or more"
    if not terms.compares and sides > 1:
        return f"the item has {sides} sides and the queue compares none; give one"
    keys = [one.key for one in item.content.sides]
    if keys != list(SIDES[:sides]):
        return f"the sides' keys are {', '.join(keys)}; they are {', '.join(SIDES[:sides])}, in this order"
    if any(one.kind == "preference" for one in terms.fields) and sides != 2:
        return f"a preference is between two sides and the item has {sides}; give two"
    if item.needed is not None and not 1 <= item.needed <= 20:
        return f"needed is {item.needed}; an item needs 1 to 20 labels"
    if (size := len(item.content.model_dump_json(exclude_defaults=True).encode())) > LONGEST:
        return f"it shows {size:,} bytes of JSON and {LONGEST:,} is the most; shorten it"
    return None


def fitted_gold(gold: Mapping[str, Any], content: Content, terms: Terms) -> dict[str, Any]:
    """Right answers written as labels are, so that the two can be compared.

    Raises:
        UnfitError: they cannot be those of an item that shows this.
    """
    try:
        told = checked(terms.fields, gold, [one.key for one in content.sides], whole=False)
    except AnswerError as error:
        raise UnfitError(f"gold: {error}") from error
    if not told:
        raise UnfitError("gold has no answer; give the right answer of one field or more, or leave it out")
    return told


def row_of(item: NewItem) -> dict[str, Any]:
    """An item as a row of `store.queue_items.NEW`."""
    return {
        "key": item.key, "unit": item.unit, "trace_id": None if item.trace_id is None else str(item.trace_id),
        "span_id": item.span_id, "session_id": item.session_id, "target": target_of(item),
        "content": item.content.model_dump_json(exclude_defaults=True), "same": same(item.content),
        "title": title_of(item.content), "gold": None if item.gold is None else json.dumps(dict(item.gold)),
        "priority": item.priority, "needed": item.needed, "origin": item.origin, "why": item.why,
        "attributes": list(item.attributes.items()),
    }  # fmt: skip


def target_of(item: NewItem) -> str | None:
    """What an item is about, as text; null: nothing that is stored. A pair is the same whichever side stands first."""
    if item.unit in {"pair", "ranking"}:
        sides = [f"{one.trace_id}/{one.span_id or ''}" for one in item.content.sides if one.trace_id]
        return f"{item.unit} {' '.join(sorted(sides))}" if len(sides) == len(item.content.sides) else None
    return target_text(item.unit, item.trace_id, item.span_id, item.session_id)


def target_text(unit: str, trace_id: UUID | None, span_id: int | None, session_id: str | None) -> str | None:
    """As `target_of`, of what is not compared."""
    if session_id is not None and unit == "session":
        return f"session {session_id}"
    if trace_id is None:
        return None
    span = "" if span_id is None else f"/{span_id:016x}"
    return f"{unit} {trace_id.hex}{span}"


def same(content: Content) -> int:
    """Hash of what is shown: alike items have the same, whatever variant made them."""
    hidden = {"sides": {"__all__": {"name", "trace_id", "span_id"}}}
    told = content.model_dump_json(exclude=hidden)
    return int.from_bytes(blake2b(told.encode(), digest_size=8).digest(), "big")


def title_of(content: Content) -> str:
    """The first words of what was asked, else of what was answered."""
    told = content.question or next((one.answer for one in content.sides if one.answer), None) or "(no text)"
    words = " ".join(told[: 4 * TITLE].split())
    return words if len(words) <= TITLE else f"{words[: TITLE - 1]}…"
