"""Answers about queues' labels, kept in memory: each is worked out once for a state of the labels."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 32 << 20
LARGE = 20_000  # labels, from which an answer takes half a second and more of CPU
STALE_S = 60.0  # how old an answer about so many labels may be, while labels come in
_MOVING = frozenset({"labels", "labelled_at"})

State = Mapping[str, Any]
"""A row of the query `queue_state`."""


@dataclass(frozen=True, slots=True)
class _Kept:
    state: State
    at: float
    body: bytes

    def serves(self, state: State, now: float) -> bool:
        """Whether nothing changed, or so little that it need not be told at once: some of very many labels."""
        if self.state == state:
            return True
        same = all(self.state.get(name) == value for name, value in state.items() if name not in _MOVING)
        return same and int(state.get("labels", 0)) >= LARGE and now - self.at < STALE_S


class KeptAnswers:
    """Answers by what was asked, those that were asked for last. Safe in threads."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock, self._bytes = most_bytes, clock, 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, state: State, work_out: Callable[[], bytes]) -> bytes:
        """The answer to `key`; `state`: of the labels, read before they are."""
        began = self._clock()
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found.serves(state, began):
                self._kept.move_to_end(key)
                return found.body
        body = work_out()
        with self._lock:
            if (old := self._kept.pop(key, None)) is not None:
                self._bytes -= len(old.body)
            self._kept[key] = _Kept(state, began, body)
            self._bytes += len(body)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return body
