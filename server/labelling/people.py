"""Who labels: names as people give them, and one spelling for each person."""

from __future__ import annotations

from uuid import UUID

from duckdb import DuckDBPyConnection

from server.labelling.queues import terms_of
from server.labelling.terms import person
from store import labels as store
from store.queues import Queue

MOST = 10_000  # people who are remembered

_spelt: set[tuple[UUID, str]] = set()
"""Who has a label in a queue under exactly this name: labels stay, so that is their name for good."""


def known_as(cursor: DuckDBPyConnection, queue: Queue, told: str) -> str:
    """The name under which a queue knows somebody: `ann` is whom it lists, or knows already, as `Ann`.

    Otherwise one person who types their name in two ways could label an item twice. Somebody new is known as they say.
    """
    name = person(told)
    listed = terms_of(queue).labellers
    if not name or name in listed:
        return name
    if (same := next((one for one in listed if one.lower() == name.lower()), None)) is not None:
        return same
    if (queue.queue_id, name) in _spelt:
        return name
    found = store.alike(cursor, queue.queue_id, name)
    if found is None:
        return name
    if found.labelled and found.name == name:
        _remember(queue.queue_id, name)
    return found.name


def _remember(queue_id: UUID, name: str) -> None:
    if len(_spelt) >= MOST:
        _spelt.clear()
    _spelt.add((queue_id, name))
