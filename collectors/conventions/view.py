"""One span's attributes, indexed once by the facts they may carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from collectors.conventions.registry import classify
from collectors.conventions.values import Json, is_redacted, parse, plain
from collectors.model import TextMap

T = TypeVar("T")
Slots = dict[str, list[tuple[int, str, str]]]
MAX_KEY = 256  # longer keys are nobody's convention, and would fill the cache of `classify`
MAX_KNOWN = 64  # keys of a span whose index is remembered: spans of one instrumentation repeat their keys


class Index:
    """The keys of a span by the facts that they may carry. Spans with the same keys share one that nobody changes."""

    __slots__ = ("_worked_out", "found", "keys")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self.found: Slots = {}  # by fact, (rank, key, rest of the key), best first
        for key in keys:
            for name, rank, rest in classify(key) if len(key) <= MAX_KEY else ():
                self.found.setdefault(name, []).append((rank, key, rest))
        for entries in self.found.values():
            entries.sort()
        self._worked_out: dict[Any, Any] = {}

    def once(self, work: Callable[..., T], *given: object) -> T:
        """What `work(index, *given)` says of these keys: worked out once for all spans that have them."""
        try:
            result: T = self._worked_out[work, given]
        except KeyError:
            result = self._worked_out[work, given] = work(self, *given)
        return result

    def any(self, fields: frozenset[str]) -> bool:
        """Whether any of the facts has an attribute."""
        return not fields.isdisjoint(self.found)


_known_index = lru_cache(maxsize=1024)(Index)


def index_of(attributes: TextMap) -> Index:
    """The index of the attributes' keys."""
    keys = tuple(attributes)
    return _known_index(keys) if len(keys) <= MAX_KNOWN else Index(keys)


class View:
    """Reads facts from attributes by key priority. The order in which attributes arrived never matters."""

    __slots__ = ("_json", "attributes", "found", "index", "notes")

    def __init__(self, attributes: TextMap) -> None:
        self.attributes = attributes
        self.notes: list[str] = []
        self._json: dict[str, Json] = {}
        self.index = index_of(attributes)
        self.found = self.index.found

    def note(self, code: str) -> None:
        if code not in self.notes:
            self.notes.append(code)

    def any(self, fields: frozenset[str]) -> bool:
        """Whether any of the facts has an attribute."""
        return not fields.isdisjoint(self.found)

    def slots(self, field: str) -> list[tuple[int, str, str]]:
        """(rank, key, rest of the key) of every attribute that may carry the fact, best first."""
        return self.found.get(field, [])

    def items(self, field: str) -> Sequence[tuple[str, str]]:
        """(key, text) of the attributes that may carry the fact, best first, without unset and hidden ones."""
        slots = self.found.get(field)
        if slots is None:
            return ()
        if len(slots) == 1:  # by far the most frequent
            value = self._shown(slots[0][1])
            return ((slots[0][1], value),) if value else ()
        return [(key, value) for _, key, _ in slots if (value := self._shown(key))]

    def _shown(self, key: str) -> str | None:
        """The attribute's text; null when it is empty or was hidden by the sender, which is noted."""
        value = self.attributes[key]
        if value and value[0] in "_[" and is_redacted(value):
            self.note("content_redacted")
            return None
        return value

    def text(self, *names: str) -> str | None:
        """The first set text among the facts' attributes, JSON quotes removed."""
        for name in names:
            for _, key, _ in self.found.get(name, ()):
                text = plain(self._shown(key))
                if text is not None:
                    return text
        return None

    def read(self, field: str, reader: Callable[[Json], T | None]) -> T | None:
        """The first value that the reader accepts; an unreadable one is noted and passed over."""
        if field not in self.found:
            return None
        for key, value in self.items(field):
            found = reader(value)
            if found is not None:
                return found
            if plain(value) is not None:
                self.note(f"unreadable:{key}")
        return None

    def json(self, key: str) -> Json:
        """The parsed value of an attribute, parsed once; null if it is not JSON."""
        if key not in self._json:
            self._json[key] = parse(self.attributes.get(key))
        return self._json[key]
