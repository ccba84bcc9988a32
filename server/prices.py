"""The prices that count in a project: its own, as YAML in the store, before the list prices of genai-prices."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from collectors.pricing.own import OwnPrice, PriceListError, parse_prices
from server.yaml_lines import line_in, parsed
from store.prices import NO_PRICES, own_prices

log = logging.getLogger(__name__)
MAX_DOCUMENT = 1_000_000  # letters


@dataclass(frozen=True, slots=True)
class Current:
    """A project's own prices of now; version 0 and no entries: it has none."""

    version: int
    entries: tuple[OwnPrice, ...]


class Prices:
    """The own prices of every project, each version parsed once. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._known: dict[int, Current] = {}

    def of(self, con: Any, project_id: int) -> Current:
        """The project's prices in the snapshot of the cursor."""
        stored = own_prices(con, project_id) or NO_PRICES
        known = self._known.get(project_id)
        if known is None or known.version != stored.version:
            known = self._known[project_id] = Current(stored.version, entries(stored.document))
        return known


def entries(document: str) -> tuple[OwnPrice, ...]:
    """The entries of a stored document; none where it cannot be read, which the log tells."""
    try:
        return tuple(parse_document(document, "The stored price list"))
    except PriceListError:  # written by a program whose rules were others
        log.exception("stored own prices cannot be read; list prices count until they are set anew")
        return ()


def parse_document(text: str, origin: str) -> list[OwnPrice]:
    """The entries of a YAML text `prices: [...]`, in the order in which they are asked; an empty text has none.

    Raises:
        PriceListError: it is too long, no YAML, or an entry breaks a rule; names the line, the key and the value.
    """
    document = parsed(text, origin, MAX_DOCUMENT, PriceListError)
    return [] if document is None else parse_prices(document, origin, lambda path: line_in(text, path))
