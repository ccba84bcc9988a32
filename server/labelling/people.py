"""Who labels: names as people give them, and one spelling for each person."""

from __future__ import annotations

from server.core import Core
from server.labelling.queues import terms_of
from server.labelling.terms import person
from store import labels as store
from store.queues import Queue


def known_as(core: Core, queue: Queue, told: str) -> str:
    """The name under which a queue knows somebody: `ann` is whom it lists, or knows already, as `Ann`.

    Otherwise one person who types their name in two ways could label an item twice. Somebody new is known as they say.
    """
    name = person(told)
    listed = terms_of(queue).labellers
    if not name or name in listed:
        return name
    if (same := next((one for one in listed if one.lower() == name.lower()), None)) is not None:
        return same
    with core.readers.read() as cursor:
        return store.alike(cursor, queue.queue_id, name) or name
