"""Items and labels as the API tells them, and what is hidden while labelling is blind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from duckdb import DuckDBPyConnection

from server.labelling.content import Content
from server.labelling.contents import contents
from server.labelling.label_scores import About
from server.labelling.queues import terms_of
from server.labelling.standing import sides_in_order
from store import labels as store_labels
from store import queue_items as store
from store.labels import Label, Own
from store.queue_items import Item, Lease
from store.queues import Queue
from store.target_scores import Target, scores


def handed(cursor: DuckDBPyConnection, queue: Queue, labeller: str, leases: Sequence[Lease]) -> list[dict[str, Any]]:
    """T of the API, an item each: what a labeller is shown of what they have before them."""
    numbers = [one.number for one in leases]
    if not numbers:
        return []
    shown = contents.of(cursor, queue.queue_id, numbers)
    drafts = store.drafts(cursor, queue.queue_id, labeller, numbers)
    own = store_labels.own(cursor, queue.queue_id, labeller, numbers)
    return [
        _handed(queue, one, shown[one.number].content, own.get(one.number), drafts.get(one.number))
        for one in leases if one.number in shown
    ]  # fmt: skip


def _handed(
    queue: Queue, lease: Lease, content: Content, mine: Own | None, draft: store.Draft | None
) -> dict[str, Any]:
    keys = [one.key for one in content.sides]
    return {
        "number": lease.number, "lease_id": str(lease.lease_id), "expires_at": lease.expires_at,
        "content": whole(content) if mine or not terms_of(queue).blind else blinded(content),
        "order": sides_in_order(keys, lease.number, lease.labeller) if len(keys) > 1 else keys,
        "answers": json.loads(mine.answers) if mine else None,
        "comment": mine.comment if mine else None,
        "fields_version": queue.fields_version,
        "draft": None if draft is None else {
            "answers": json.loads(draft.answers), "comment": draft.comment, "seconds": draft.seconds,
        },
    }  # fmt: skip


def whole(content: Content) -> dict[str, Any]:
    """Content with every field, as `server.labelling.content` names them."""
    return content.model_dump(mode="json")


def blinded(content: Content) -> dict[str, Any]:
    """Content without what tells which variant made it: names, and of what is compared the traces too."""
    told = whole(content)
    hidden = ("name", "trace_id", "span_id") if len(told["sides"]) > 1 else ("name",)
    return told | {"sides": [one | dict.fromkeys(hidden) for one in told["sides"]]}


def item_row(item: Item, state: str, labels: int, needed: int, *, decided: bool) -> dict[str, Any]:
    """I of the API."""
    return {
        "number": item.number, "key": item.key, "unit": item.unit, "state": state, "labels": labels, "needed": needed,
        "priority": item.priority, "origin": item.origin, "why": item.why, "title": item.title,
        "trace_id": item.trace_id.hex if item.trace_id else None,
        "span_id": f"{item.span_id:016x}" if item.span_id is not None else None, "session_id": item.session_id,
        "gold": item.gold, "attributes": dict(item.attributes), "added_at": item.added_at, "added_by": item.added_by,
        "decided": decided,
    }  # fmt: skip


def label_rows(told: Sequence[Label]) -> list[dict[str, Any]]:
    """L of the API, one an item and author with its earlier `edits`, the newest first; from `store.labels.of_items`."""
    found: dict[tuple[int, str], list[Label]] = {}
    for one in told:
        found.setdefault((one.number, one.author), []).append(one)
    return [label_row(edits[0]) | {"edits": [label_row(one) for one in edits[1:]]} for edits in found.values()]


def label_row(label: Label) -> dict[str, Any]:
    """One label without its earlier edits."""
    return {
        "label_id": str(label.label_id), "author": label.author, "edit": label.edit, "state": label.state,
        "answers": json.loads(label.answers) if label.answers else None, "comment": label.comment,
        "reason": label.reason, "seconds": label.seconds, "fields_version": label.fields_version,
        "queue_version": label.queue_version, "source": label.source, "saved_at": label.saved_at,
    }  # fmt: skip


def scores_of(
    cursor: DuckDBPyConnection, project_id: int, item: Item | About, content: Content
) -> list[dict[str, Any]]:
    """What judges and people scored of an item's target, the newest first; of what is compared each with its `side`.

    Of a call only scores of its span, of a trace those of the whole trace, of a session its own.
    """
    sides = [one for one in content.sides if one.trace_id] if item.unit in {"pair", "ranking"} else []
    if sides:
        targets = [(one.key, Target(UUID(hex=one.trace_id), _number(one.span_id))) for one in sides]
        return [score | {"side": key} for key, one in targets for score in scores(cursor, project_id, one)]
    if item.unit == "session" and item.session_id is not None:
        return scores(cursor, project_id, Target(session_id=item.session_id))
    return [] if item.trace_id is None else scores(cursor, project_id, Target(item.trace_id, item.span_id))


def _number(span_id: str | None) -> int | None:
    return None if span_id is None else int(span_id, 16)


def version_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Versions of a queue."""
    return [
        {
            "version": one.version, "set_at": one.set_at, "author": one.author,
            "document": None if one.document is None else json.loads(one.document),
        }
        for one in rows
    ]  # fmt: skip
