"""The prices that count in a project: its own, as YAML in the store, before the list prices of genai-prices."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from collectors.pricing.own import OwnPrice, PriceListError, parse_prices
from server.yaml_lines import line_of
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
            known = self._known[project_id] = Current(stored.version, _entries(stored.document, project_id))
        return known


def _entries(document: str, project_id: int) -> tuple[OwnPrice, ...]:
    try:
        return tuple(parse_document(document, "The stored price list"))
    except PriceListError:  # written by a program whose rules were others
        log.exception("own prices of project %d cannot be read; list prices count until they are set anew", project_id)
        return ()


def parse_document(text: str, origin: str) -> list[OwnPrice]:
    """The entries of a YAML text `prices: [...]`, in the order in which they are asked; an empty text has none.

    Raises:
        PriceListError: it is too long, no YAML, or an entry breaks a rule; names the line, the key and the value.
    """
    if not text.strip():
        return []
    import yaml  # noqa: PLC0415 - only for prices

    if len(text) > MAX_DOCUMENT:
        raise PriceListError(f"{origin} has {len(text)} letters; {MAX_DOCUMENT} are the most.")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that no calendar has
        raise PriceListError(f"{origin} is no YAML: {error}") from error
    if document is None:
        return []
    return parse_prices(document, origin, lambda path: line_of(yaml.compose(text, yaml.SafeLoader), path))
