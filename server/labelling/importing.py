"""Labels that were made elsewhere, put into a queue: each keeps its labeller and its time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid5

from duckdb import DuckDBPyConnection

from collectors.facts import ScoreFacts
from server.core import Core
from server.labelling import label_scores
from server.labelling.answers import AnswerError, checked, numbers, placed
from server.labelling.content import Content
from server.labelling.queues import terms_of
from server.labelling.saving import about_item, commit, dropped
from server.when import utc_now
from store import labels as store
from store import queue_items
from store.labels import Label
from store.queue_items import Item
from store.queues import Queue

TRIES = 3  # where somebody labels in the same moment


@dataclass(frozen=True, slots=True)
class Told:
    """One label of elsewhere."""

    labeller: str
    answers: Mapping[str, Any]
    number: int | None = None  # of the item; null: `key` names it
    key: str | None = None
    comment: str | None = None
    seconds: float | None = None
    at: datetime | None = None  # UTC; null: now


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of labels."""

    added: int = 0
    there: int = 0  # the same person says the same of the item already
    refused: list[dict[str, Any]] = field(default_factory=list)  # at (place among what was given, from 0), why


class _MeanwhileError(Exception):
    """Somebody labelled one of the items between the reading and the writing."""


@dataclass(slots=True)
class _Known:
    """What is known of the items that labels name."""

    items: dict[int, Item]
    contents: dict[int, Content]
    keys: dict[str, int]
    newest: dict[tuple[int, str], Label]


def bring(core: Core, queue: Queue, told: Sequence[Told]) -> Brought:
    """Put labels into a queue, as edits of what their labellers said before. The same again adds nothing.

    They need no place: an item may get more labels than it needs, since these exist. Scores follow as of any label.
    """
    for left in reversed(range(TRIES)):
        try:
            return _bring(core, queue, told)
        except _MeanwhileError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _bring(core: Core, queue: Queue, told: Sequence[Told]) -> Brought:
    known, now, refused, there = _known(core, queue, told), utc_now(), [], 0
    before = dict(known.newest)
    made: list[Label] = []
    for at, one in enumerate(told):
        try:
            label = _label(queue, one, known, now)
        except (AnswerError, LookupError, ValueError) as error:
            why = error.args[0] if isinstance(error, LookupError) else error  # whose text is in quotes else
            refused.append({"at": at, "why": str(why).rstrip(".")})
            continue
        last = known.newest.get((label.number, label.author))
        if last is not None and _alike(last, label):
            there += 1
            continue
        if last is not None and last.source != "import" and last.saved_at > label.saved_at:
            why = f"{label.author!r} labelled it here later, at {last.saved_at:%Y-%m-%d %H:%M} UTC, and that counts"
            refused.append({"at": at, "why": why})
            continue
        edit = (last.edit if last else 0) + 1  # in the id too: somebody may come back to what they said before
        label = replace(label, edit=edit, label_id=uuid5(label.label_id, str(edit)))
        label = store.counted(label, last.state if last else None)
        known.newest[label.number, label.author] = label
        made.append(label)
    if made:
        scores = _scores(core, queue, made, before, known)
        commit(core, queue, lambda cursor: _write(cursor, queue, made, before), scores)
    return Brought(len(made), there, refused)


def _known(core: Core, queue: Queue, told: Sequence[Told]) -> _Known:
    keys = [one.key for one in told if one.number is None and one.key is not None]
    with core.readers.read() as cursor:
        by_key = queue_items.numbers_of_keys(cursor, queue.queue_id, keys)
        named = sorted({one.number for one in told if one.number is not None} | set(by_key.values()))
        found = queue_items.whole(cursor, queue.queue_id, named)
        newest = store.newest(store.of_items(cursor, queue.queue_id, named))
    items = {number: item for number, (item, _) in found.items()}
    contents = {number: Content.model_validate_json(shown.content) for number, (_, shown) in found.items()}
    return _Known(items, contents, by_key, newest)


def _label(queue: Queue, told: Told, known: _Known, now: datetime) -> Label:
    """Raises LookupError for an item that is not there, AnswerError and ValueError for what does not fit."""
    number = told.number if told.number is not None else known.keys.get(told.key or "")
    item = known.items.get(number) if number is not None else None
    if item is None or item.removed_at is not None:
        name = f"number {told.number}" if told.number is not None else f"key {told.key!r}"
        raise LookupError(f"the queue has no item with {name}")
    if told.at is not None and told.at > now:
        raise ValueError(f"it was made at {told.at:%Y-%m-%d %H:%M} UTC, which is still to come")
    terms = terms_of(queue)
    content = known.contents[item.number]
    answers = checked(terms.fields, told.answers, [one.key for one in content.sides])
    placed(terms.fields, answers, content)
    text = json.dumps(answers)
    at = told.at or now
    label_id = uuid5(queue.queue_id, f"{item.number}/{told.labeller}/{text}/{told.comment}/{told.at or ''}")
    return Label(
        queue.project_id, queue.queue_id, item.number, label_id, told.labeller, 1, "saved", queue.version,
        queue.fields_version, text, numbers(terms.fields, answers), told.comment, None, told.seconds, "import", at,
    )  # fmt: skip


def _alike(last: Label, label: Label) -> bool:
    return (last.state, last.answers, last.comment) == ("saved", label.answers, label.comment)


def _write(
    cursor: DuckDBPyConnection, queue: Queue, made: Sequence[Label], before: Mapping[tuple[int, str], Label]
) -> bool:
    said = store.said(cursor, queue.queue_id, sorted({one.number for one in made}))
    for one in made:
        now = said[one.number].get(one.author)
        known = before.get((one.number, one.author))
        if (now.edit if now else 0) != (known.edit if known else 0):
            raise _MeanwhileError
    store.add_many(cursor, made)
    return True


def _scores(
    core: Core, queue: Queue, made: Sequence[Label], before: Mapping[tuple[int, str], Label], known: _Known
) -> list[ScoreFacts]:
    """Of each item and labeller those of the last label; of before, what has no follower is taken back."""
    fields, found = terms_of(queue).fields, []
    for one in {(one.number, one.author): one for one in made}.values():
        about = about_item(queue, known.items[one.number], known.contents[one.number], one.author)
        answers = json.loads(one.answers or "{}")
        found += label_scores.scores(about, fields, answers, one.comment, one.label_id, one.saved_at)
        last = before.get((one.number, one.author))
        found += dropped(core, about, queue, last, answers, one.label_id, one.saved_at)
    return found
