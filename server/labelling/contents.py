"""What is shown of items, kept in memory for a while: it never changes, and whoever saves a label was just shown it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from duckdb import DuckDBPyConnection

from server.labelling.content import Content
from store import queue_items as store

MOST = 256  # items
LONGEST = 65_536  # letters of one that is kept: together at most 16 MB
Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Showing:
    """What of one item never changes."""

    number: int
    unit: str
    trace_id: UUID | None
    span_id: int | None
    session_id: str | None
    content: Content


class Contents:
    """Items by queue and number, those that were asked for last. Safe in threads."""

    def __init__(self, most: int = MOST, longest: int = LONGEST) -> None:
        self._most, self._longest = most, longest
        self._kept: OrderedDict[Key, Showing] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, Showing]:
        """Items by number, read where they are not kept; those that there are not are left out."""
        with self._lock:
            found = {number: one for number in numbers if (one := self._kept.get((queue_id, number))) is not None}
            for number in found:
                self._kept.move_to_end((queue_id, number))
        missing = [number for number in numbers if number not in found]
        return found | self._read(cursor, queue_id, missing) if missing else found

    def _read(self, cursor: DuckDBPyConnection, queue_id: UUID, numbers: Sequence[int]) -> dict[int, Showing]:
        found = {}
        for one in store.targets(cursor, queue_id, numbers):
            content = Content.model_validate_json(one.content)
            found[one.number] = Showing(one.number, one.unit, one.trace_id, one.span_id, one.session_id, content)
            if len(one.content) <= self._longest:
                self._keep((queue_id, one.number), found[one.number])
        return found

    def _keep(self, key: Key, told: Showing) -> None:
        with self._lock:
            self._kept[key] = told
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


contents = Contents()
"""Of all stores that this process has open: ids of queues are unique, and no number is given to another item."""
