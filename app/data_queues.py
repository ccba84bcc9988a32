"""Doors to queues and their items. What moves is never cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import data

Row = dict[str, Any]


def queues() -> list[Row]:
    """The project's queues, those of higher priority first; see `GET /api/queues`."""
    return data.client().queues()


def queue(name: str) -> Row:
    """One queue with its versions and labellers. Raises ApiError."""
    return data.client().queue(name)


def items(name: str, state: str, search: str, limit: int, after: int) -> Row:
    """Items by number: `items`, `total`, `cut`; see `GET /api/queues/{name}/items`."""
    return data.client().queue_items(name, state, search or None, limit, after)


def item(name: str, number: int) -> Row:
    """One item with what is shown, its labels, scores and decisions. Raises ApiError."""
    return data.client().queue_item(name, number)


def feeds(name: str) -> list[Row]:
    """The feeds of a queue, with what each put in and left out."""
    return data.client().queue_feeds(name)


def put(name: str, terms: Mapping[str, Any], author: str, upon: int) -> Row:
    """Set a queue. `upon`: the version that was edited; 0: a new queue. Raises ApiError, `refused`."""
    return data.client().set_queue(name, terms, author, upon)


def turn(name: str, author: str, *, opened: bool) -> Row:
    """Open or close it. Raises ApiError."""
    client = data.client()
    return client.open_queue(name, author) if opened else client.close_queue(name, author)


def delete(name: str, author: str) -> None:
    """Take a queue away with its items. Raises ApiError."""
    data.client().delete_queue(name, author)


def change(name: str, number: int, told: Mapping[str, Any], author: str) -> Row:
    """Change an item: priority, needed, gold, removed, back. Raises ApiError."""
    return data.client().change_item(name, number, told, author)


def fill(name: str, source: Mapping[str, Any], author: str, *, dry_run: bool) -> Row:
    """Put items in, or tell what would be; see `POST /api/queues/{name}/fill`. Raises ApiError."""
    return data.client().fill_queue(name, source, author, dry_run=dry_run)
