"""The price entries by the hour that a project has or had: what calls may have been priced by."""

from __future__ import annotations

from functools import lru_cache

from collectors.pricing.own import OwnPrice, PriceListError
from server.prices import parse_document


def hourly(documents: list[str]) -> dict[str, OwnPrice]:
    """Entries by the hour, by their version; of several with one version, which differ in notes alone, the newest.

    `documents`: every version of the own prices, newest first. What cannot be read any more is left out.
    """
    found: dict[str, OwnPrice] = {}
    for document in documents:
        for entry in _parsed(document):
            if entry.gpu is not None:
                found.setdefault(entry.version, entry)
    return found


@lru_cache(maxsize=256)
def _parsed(document: str) -> tuple[OwnPrice, ...]:
    try:
        return tuple(parse_document(document, "A stored price list"))
    except PriceListError:  # written by other rules
        return ()
