"""What is shown of items, kept in memory: what was asked for last, and no more than is allowed."""

from __future__ import annotations

import pytest
from made_queues import made_queue

from server.core import Core
from server.labelling import queues
from server.labelling.contents import Contents
from store import queue_items


@pytest.mark.parametrize(
    ("most", "longest", "left"),
    [
        pytest.param(9, 10_000, [1, 2, 3], id="all"),
        pytest.param(2, 10_000, [2, 3], id="the-last-two"),
        pytest.param(9, 0, [], id="none-is-short-enough"),
    ],
)
def test_what_was_asked_for_last_is_kept(core: Core, most: int, longest: int, left: list[int]) -> None:
    queue, kept = made_queue(core, 3), Contents(most, longest)
    with core.readers.read() as cursor:
        stored = {one.number: one.content for one in queue_items.targets(cursor, queue.queue_id, [1, 2, 3])}
        found = [kept.of(cursor, queue.queue_id, [number]) for number in (1, 2, 3)]
        assert kept.of(cursor, queue.queue_id, [4]) == {}
    shown = [one[number].content.model_dump_json(exclude_defaults=True) for number, one in enumerate(found, 1)]
    assert shown == list(stored.values())
    queues.delete(core, "default", queue.name, None)
    with core.readers.read() as cursor:
        assert sorted(kept.of(cursor, queue.queue_id, [1, 2, 3])) == left
