"""Texts without the tricks that hide words from a reader of characters: invisible and look-alike characters.

What is found in the folded text is told in characters of the original.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# Letters of other scripts that look like Latin ones (Unicode TR 39 calls them confusables); the common ones.
_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсухѵһԁԛԝкмтнвӏӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχɑɡıℓ",
    "ABESIJKMHOPCTXYaesijopcyxvhdqwkmthblIABEZHIKMNOPTYXaeikvoptuxagil",
)
_TAGS = range(0xE0020, 0xE007F)  # invisible copies of ASCII, which some models read


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it reads, and where each of its characters stood."""

    text: str
    starts: tuple[int, ...] | None  # of each character in the original; null: they are the same text
    ends: tuple[int, ...] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters [start, end) of `text`, as offsets of the original."""
        if self.starts is None or self.ends is None or start >= end:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str, *, latin: bool = True, words: Mapping[str, str] | None = None) -> Folded:
    """The text in compatible characters (NFKC), without invisible ones, and with hidden copies of ASCII made visible.

    With `latin` look-alike letters of other scripts become Latin ones, and accents go. `words` spells characters out,
    such as emoji.
    """
    if text.isascii():
        return Folded(text, None, None)
    spelled = words or {}
    made: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        shown = f" {spelled[character]} " if character in spelled else _shown(character, latin)
        for one in shown:
            made.append(one)
            starts.append(place)
            ends.append(place + 1)
    return Folded("".join(made), tuple(starts), tuple(ends))


@cache
def _shown(character: str, latin: bool) -> str:
    """What one character reads as; nothing for an invisible one."""
    if character.isascii():
        return character
    if ord(character) in _TAGS:
        return chr(ord(character) - 0xE0000)
    kind = unicodedata.category(character)
    if kind in {"Cf", "Cn"} or 0xFE00 <= ord(character) <= 0xFE0F:
        return ""
    if kind in {"Zs", "Zl", "Zp"}:
        return " "
    plain = _QUOTES.get(character) or unicodedata.normalize("NFKC", character)
    if not latin:
        return plain
    apart = unicodedata.normalize("NFD", plain.translate(_ALIKE))
    return "".join(one for one in apart if unicodedata.category(one) != "Mn")


_QUOTES = {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "−": "-"}


def hidden(text: str) -> tuple[int, int] | None:
    """Where invisible copies of ASCII stand: the first stretch of at least four; null: nowhere."""
    if text.isascii():
        return None
    begun: int | None = None
    for place, character in enumerate(f"{text}."):
        if ord(character) in _TAGS:
            begun = place if begun is None else begun
        elif begun is not None:
            if place - begun >= 4:
                return begun, place
            begun = None
    return None
