"""What a span says of itself in metadata, whichever source tells it."""

from __future__ import annotations

from collectors.conventions.values import plain, stored_text
from collectors.conventions.view import View
from collectors.model import TextMap


def member(metadata: TextMap, *names: str) -> str | None:
    """The first of the members that is there, as text."""
    return next((value for name in names if (value := plain(metadata.get(name)))), None) if metadata else None


def metadata_texts(view: View) -> TextMap:
    """Metadata of all sources as one map; where two name the same member the better source counts."""
    found: TextMap = {}
    if not view.any(METADATA):
        return found
    for _, key, rest in view.slots("metadata"):
        value = plain(view.attributes[key])
        if value is not None:
            found.setdefault(rest, value)
    for key, _ in view.items("metadata_json"):
        held = view.json(key)
        for name, value in held.items() if isinstance(held, dict) else ():
            text = plain(stored_text(value))
            if text is not None:
                found.setdefault(str(name), text)
    return found


METADATA = frozenset({"metadata", "metadata_json"})
