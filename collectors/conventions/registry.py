"""All dialects joined: from an attribute key to the facts it may carry. A new dialect is a module and a line here."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from collectors.conventions import (
    braintrust,
    frameworks,
    langfuse,
    langsmith,
    litellm,
    mlflow,
    openinference,
    openllmetry,
    otel_genai,
    pydantic_ai,
    vercel,
)
from collectors.conventions.keys import Keys
from collectors.conventions.kinds import KIND_KEYS

DIALECTS: tuple[Keys, ...] = (  # newest convention first: of two keys for one fact the earlier dialect's wins
    otel_genai.KEYS,
    openinference.KEYS,
    openllmetry.KEYS,
    vercel.KEYS,
    langfuse.KEYS,
    pydantic_ai.KEYS,
    langsmith.KEYS,
    mlflow.KEYS,
    litellm.KEYS,
    braintrust.KEYS,
    *frameworks.FRAMEWORKS,
)

Slot = tuple[str, int, str]
"""A fact, the rank of the key among those that carry it (lower is better), and the part of the key after the prefix."""

FAMILIES = ("input_indexed", "output_indexed", "tools_indexed", "documents_indexed", "texts_indexed")


def joined(field: str) -> tuple[str, ...]:
    """The keys of one field over all dialects, best first, each once."""
    return tuple(dict.fromkeys(key for dialect in DIALECTS for key in getattr(dialect, field)))


def _exact() -> dict[str, tuple[Slot, ...]]:
    table: dict[str, list[Slot]] = {}
    for field in fields(Keys):
        if field.name in FAMILIES or field.name == "metadata_prefixes":
            continue
        for rank, key in enumerate(joined(field.name)):
            table.setdefault(key, []).append((field.name, rank, ""))
    for rank, key in enumerate(KIND_KEYS):
        table.setdefault(key, []).append(("kind", rank, ""))
    return {key: tuple(slots) for key, slots in table.items()}


_EXACT = _exact()
_METADATA = joined("metadata_prefixes")
_INDEXED = {family: joined(family) for family in FAMILIES}


@lru_cache(maxsize=1 << 15)
def classify(key: str) -> tuple[Slot, ...]:
    """The facts that an attribute key may carry; empty for a key that no dialect knows. Cached, as keys repeat."""
    return (*_EXACT.get(key, ()), *_in_metadata(key), *_in_family(key))


def _in_metadata(key: str) -> tuple[Slot, ...]:
    for rank, prefix in enumerate(_METADATA):
        if key.startswith(prefix) and len(key) > len(prefix):
            return (("metadata", rank, key[len(prefix) :]),)
    return ()


def _in_family(key: str) -> tuple[Slot, ...]:
    for family, prefixes in _INDEXED.items():
        for rank, prefix in enumerate(prefixes):
            rest = key[len(prefix) + 1 :]
            if key.startswith(prefix + ".") and rest[:1].isdecimal():
                return ((family, rank, rest),)
    return ()
