"""Queues as the API tells them: what they say, how far they are, and when they will be ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from duckdb import DuckDBPyConnection

from server.labelling.queues import deadline_passed, terms_of
from server.labelling.standing import enough
from server.when import aware
from store import standings
from store.queues import Queue
from store.standings import Overview

FEW = 5  # labels of the last day, below which no pace is told
LONGEST_H = 24 * 365 * 10


def overviews(
    cursor: DuckDBPyConnection, project_id: int, queues: Sequence[Queue], now: datetime
) -> list[dict[str, Any]]:
    """Q of the API, a queue each: higher priority first, then the nearer deadline, then by name."""
    asked = [(one.queue_id, one.labels, enough(terms_of(one))) for one in queues]
    found = standings.overview(cursor, project_id, asked, now)
    told = [described(one, found[one.queue_id], now) for one in queues]
    return sorted(told, key=lambda one: (-one["terms"]["priority"], one["deadline"] or "9", one["name"]))


def described(queue: Queue, far: Overview, now: datetime) -> dict[str, Any]:
    """One queue: `terms` what it says, `pace` by the labels of the last 24 hours (null: fewer than 5, or ready)."""
    terms = terms_of(queue)
    deadline = None if terms.deadline is None else aware(terms.deadline).isoformat()
    late = deadline_passed(queue, now) and far.done + far.skipped < far.items
    waiting = far.items - far.done - far.started - far.skipped
    found = {
        "name": queue.name, "version": queue.version, "fields_version": queue.fields_version,
        "guidelines_version": queue.guidelines_version, "open": queue.open, "terms": terms.model_dump(mode="json"),
        "items": far.items, "done": far.done, "started": far.started, "waiting": waiting, "skipped": far.skipped,
        "gold_items": far.gold_items, "labels": far.labels, "labels_needed": far.labels_needed,
        "labellers": far.labellers, "leased": far.leased, "deadline": deadline, "overdue": late,
        "pace": pace(far, now), "set_at": queue.set_at, "author": queue.author, "created_at": queue.created_at,
    }  # fmt: skip
    return found | {"sentence": sentence(found)}


def pace(far: Overview, now: datetime) -> dict[str, Any] | None:
    """Labels an hour since the first of the last 24 hours, and when the rest will be there at this pace."""
    left = far.labels_needed - far.labels
    if far.newly < FEW or far.since is None or left <= 0:
        return None
    hours = max(1.0, (now - far.since) / timedelta(hours=1))
    rate = far.newly / hours
    ahead = min(left / rate, LONGEST_H)
    return {"labels_per_hour": rate, "hours_left": ahead, "ready_at": now + timedelta(hours=ahead)}


def sentence(told: Mapping[str, Any]) -> str:
    """How far a queue is, in words."""
    if not told["items"] and not told["gold_items"]:
        return "It has no items yet."
    if not told["items"]:
        return f"It has {told['gold_items']:,} gold items alone, which everybody may label once."
    done = f"{told['done']:,} of {told['items']:,} items are done"
    said = f"{done}, with {told['labels']:,} of {told['labels_needed']:,} labels"
    rest = f"; {told['skipped']:,} were skipped by everybody who got them" if told["skipped"] else ""
    late = " Its deadline has passed." if told["overdue"] else ""
    closed = "" if told["open"] else " It is closed."
    return f"{said}{rest}.{late}{closed}"
