"""Items of a queue as they are listed and changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from duckdb import DuckDBPyConnection

from server import jobs
from server.core import Core
from server.labelling import telling
from server.labelling.adding import UnfitError, fitted_gold
from server.labelling.content import Content
from server.labelling.contents import contents
from server.labelling.queues import QueueError, terms_of
from server.labelling.refusals import UnknownItemError
from server.labelling.standing import Standing
from server.labelling.taking import read_standing
from server.when import utc_now
from store import labels as store_labels
from store import queue_items as store
from store.queues import Queue

State = Literal["all", "waiting", "started", "done", "skipped", "gold", "removed"]


class ItemError(QueueError):
    """A change of an item that cannot be."""


def listed(  # noqa: PLR0917 - what is asked
    cursor: DuckDBPyConnection, queue: Queue, state: State, search: str | None, limit: int, after: int
) -> dict[str, Any]:
    """Items by number, `limit` of them from the one after `after` on: `items` (I of the API), `total`, `cut`."""
    standing = read_standing(cursor, queue, "", utc_now())
    if state == "removed":
        numbers = np.array(store.removed(cursor, queue.queue_id), dtype=np.int64)
    else:
        numbers = standing.number if state == "all" else standing.number[standing.states() == state]
    if search:
        numbers = numbers[np.isin(numbers, store.search(cursor, queue.queue_id, search))]
    page = [int(one) for one in numbers[numbers > after][: limit + 1]]
    return {"items": rows(cursor, queue, standing, page[:limit]), "total": len(numbers), "cut": len(page) > limit}


def rows(cursor: DuckDBPyConnection, queue: Queue, standing: Standing, numbers: list[int]) -> list[dict[str, Any]]:
    """I of the API, of these items, in order."""
    items = store.items(cursor, queue.queue_id, numbers)
    decided = store_labels.decided(cursor, queue.queue_id, numbers)
    states, places = standing.states(), {int(number): place for place, number in enumerate(standing.number)}
    found = []
    for number in numbers:
        item, place = items[number], places.get(number)
        state = "removed" if place is None else str(states[place])
        labels = 0 if place is None else int(standing.labels[place])
        skips = 0 if place is None else int(standing.skips[place])
        told = telling.item_row(item, state, labels, item.needed or queue.labels, decided=number in decided)
        found.append(told | {"skips": skips})
    return found


def detail(cursor: DuckDBPyConnection, queue: Queue, number: int, labeller: str | None) -> dict[str, Any]:
    """One item whole. For a labeller of a blind queue, labels of others, scores, gold and names of variants are left
    out until they have saved a label of theirs.

    Raises:
        UnknownItemError: the queue never had it.
    """  # noqa: D205 - one thought
    found = store.whole(cursor, queue.queue_id, [number]).get(number)
    if found is None:
        raise UnknownItemError(queue.name, number)
    item, shown = found
    (told,) = rows(cursor, queue, read_standing(cursor, queue, "", utc_now()), [number])
    said = store_labels.of_items(cursor, queue.queue_id, [number])
    labels = telling.label_rows(said)
    content = Content.model_validate_json(shown.content)
    if labeller and terms_of(queue).blind and not _labelled(labels, labeller):
        return _hidden(told) | _untraced(told) | {
            "content": telling.blinded(content), "gold": None, "scores": [], "decisions": [],
            "labels": [one for one in labels if one["author"] == labeller], "hidden": True,
        }  # fmt: skip
    return (_hidden(told) if labeller else told) | {
        "content": content.model_dump(mode="json"), "gold": None if labeller else store.right_answers(shown.gold),
        "scores": telling.scores_of(cursor, queue.project_id, item, content), "labels": labels,
        "decisions": store_labels.decisions(cursor, queue.queue_id, [number]), "hidden": False,
    }  # fmt: skip


def _labelled(labels: list[dict[str, Any]], labeller: str) -> bool:
    return any(one["author"] == labeller and one["state"] == "saved" for one in labels)


def _hidden(told: Mapping[str, Any]) -> dict[str, Any]:
    """An item for a labeller: nothing tells whether it is gold, nor why it was chosen.

    A gold item gets more labels than an item needs, and is never done; it is told as any other would be.
    """
    labels = min(told["labels"], told["needed"])
    state = told["state"]
    if state == "gold":
        state = "waiting" if not labels else "started" if labels < told["needed"] else "done"
    return {
        **told, "gold": None, "state": state, "labels": labels, "origin": None, "why": None, "attributes": {},
        "key": None, "added_at": None, "added_by": None,
    }  # fmt: skip


def _untraced(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is compared, without the trace of its first side, which tells the variant."""
    compared = told["unit"] in {"pair", "ranking"}
    return dict.fromkeys(("trace_id", "span_id", "session_id")) if compared else {}


def change(core: Core, queue: Queue, number: int, told: Mapping[str, Any]) -> None:
    """Change an item: priority, needed, gold (right answers; null: none), removed, back (skips of before do not count).

    Raises:
        UnknownItemError: the queue never had it.
        ItemError: gold does not fit the form.
    """
    now, told = utc_now(), dict(told)
    with core.readers.read() as cursor:
        shown = contents.of(cursor, queue.queue_id, [number]).get(number)
    if shown is None:
        raise UnknownItemError(queue.name, number)
    if "gold" in told and told["gold"] is not None:
        try:
            gold = fitted_gold(told["gold"], shown.content, terms_of(queue))
        except UnfitError as error:
            raise ItemError(f"Item {number}: {error}.") from error
        told["gold"] = json.dumps(gold)
    if "removed" in told:
        told["removed_at"] = now if told["removed"] else None
    if told.get("back"):
        told["back_at"] = now
    core.writer.call(lambda cursor: store.change(cursor, queue.queue_id, number, told)).result(jobs.WRITE_S)
