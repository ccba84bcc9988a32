"""How far a queue and a labeller are: worked out from rows whenever it is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from server.labelling.queues import terms_of
from server.labelling.standing import Standing, gold_ahead
from store.labels import Mine, mine_of
from store.queues import Queue


def progress(
    cursor: DuckDBPyConnection, queue: Queue, standing: Standing, labeller: str, now: datetime
) -> dict[str, Any]:
    """P of the API: the queue's items and labels, and what this person did.

    Gold items are left out, but for those that this person labelled and will be handed: these count as any other would,
    else a number that stands still after a label would tell which they are.
    """
    mine = mine_of(cursor, queue.queue_id, labeller, now, standing.number)
    had = int((standing.gold & standing.mine).sum())
    ahead = gold_ahead(standing, terms_of(queue), labeller, str(queue.queue_id)) if labeller else 0
    found = totals(standing)
    single = queue.labels == 1  # of several labels an item, one alone seldom makes it done
    return {
        "items": found["items"] + (had + ahead), "done": found["done"] + (had if single else 0),
        "labels": found["labels"] + had, "labels_needed": found["labels_needed"] + had + ahead,
        "mine": _told(mine), "can_undo": mine.can_undo,
        "left_for_me": int(standing.mine_to_do.sum()) + ahead,
    }  # fmt: skip


def totals(standing: Standing) -> dict[str, int]:
    """Items without gold ones, how many of them are done, their labels, and how many are needed in all."""
    regular, out = ~standing.gold, standing.out
    wanted = np.maximum(standing.needed, standing.labels)[regular & ~out]
    return {
        "items": int(regular.sum()), "done": int(standing.done.sum()), "labels": int(standing.labels[regular].sum()),
        "labels_needed": int(wanted.sum()),
    }  # fmt: skip


def _told(mine: Mine) -> dict[str, Any]:
    return {
        "labels": mine.labels, "skipped": mine.skipped, "seconds_median": mine.seconds_median, "today": mine.today,
        "last_hour": mine.last_hour,
    }  # fmt: skip
