"""Decisions: somebody says which answer counts where labels differ, with a reason, and may take it back."""

from __future__ import annotations

import json
from typing import Any

from server import jobs
from server.core import Core
from server.labelling import answers
from server.labelling.content import Content
from server.labelling.queues import terms_of
from server.labelling.refusals import RemovedError, UnknownItemError
from server.when import utc_now
from store import decisions as store
from store import queue_items
from store.decisions import Decision
from store.queues import Queue


def decide(  # noqa: PLR0917 - what is decided
    core: Core, queue: Queue, number: int, field: str, answer: Any, why: str | None, author: str
) -> Decision:
    """Say which answer of an item counts; `answer` null takes the decision back. The newest counts.

    Raises:
        UnknownItemError: the queue never had it.
        RemovedError: it was taken out of the queue.
        AnswerError: there is no such field, or the answer does not fit it.
    """
    with core.readers.read() as cursor:
        found = queue_items.whole(cursor, queue.queue_id, [number]).get(number)
    if found is None:
        raise UnknownItemError(queue.name, number)
    item, shown = found
    if item.removed_at is not None:
        raise RemovedError(number)
    sides = [one.key for one in Content.model_validate_json(shown.content).sides]
    held = answers.checked(terms_of(queue).fields, {field: answer}, sides, whole=False).get(field)
    text = None if held is None else json.dumps(held)
    made = Decision(queue.project_id, queue.queue_id, number, field, text, why or None, author, utc_now())
    core.writer.call(lambda cursor: store.add(cursor, made)).result(jobs.WRITE_S)
    return made
