"""Queues with items, made in a store."""

from __future__ import annotations

from itertools import count

from server.core import Core
from server.labelling import adding, queues
from server.labelling.adding import NewItem
from server.labelling.content import Content, Side
from server.labelling.terms import Asked, Terms
from store.queues import Queue

FIELDS = (Asked(name="correct", kind="binary"), Asked(name="note", kind="text", required=False))
_numbers = count()


def made_queue(core: Core, items: int, gold: int = 0, **terms: object) -> Queue:
    """A new queue with so many items, the last `gold` of them with a right answer (yes)."""
    told = Terms.model_validate({"fields": FIELDS, **terms})
    queue = queues.put(core, "default", f"queue-{next(_numbers)}", told, "boss")
    adding.add(core, queue, [item(at, gold=at >= items - gold) for at in range(items)], "boss")
    return queue


def item(at: int, *, gold: bool = False) -> NewItem:
    """An item of its own."""
    content = Content(question=f"What is {at}?", sides=(Side(answer=f"It is {at}."),))
    return NewItem(content, "own", gold={"correct": "yes"} if gold else None)
