"""Answers to whoever fetches prompts, kept in memory.

Applications ask all the time: what was asked before needs neither the writer nor a reader.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_BYTES = 16 << 20
Key = tuple[int, str, str | int | None]
"""Project, name, and label, version or neither."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer."""

    body: bytes
    etag: str  # with its quotes

    @classmethod
    def of(cls, body: bytes) -> Kept:
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class PromptCache:
    """Answers by key, those that were asked for last. Whoever changes a prompt says so by `forget`. Safe in threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._changes = 0
        self._lock = threading.Lock()

    def get(self, key: Key, read: Callable[[], bytes]) -> Kept:
        """The answer of the key, read where it is not kept. What changed while it was read is not kept."""
        with self._lock:
            found, changes = self._kept.get(key), self._changes
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = Kept.of(read())
        with self._lock:
            if changes == self._changes and key not in self._kept:
                self._kept[key] = made
                self._bytes += len(made.body)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return made

    def forget(self, project_id: int, name: str) -> None:
        """The prompt has changed."""
        with self._lock:
            self._changes += 1
            for key in [one for one in self._kept if one[:2] == (project_id, name)]:
                self._bytes -= len(self._kept.pop(key).body)
