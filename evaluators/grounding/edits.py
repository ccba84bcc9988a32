"""Changed sentences: to a contrary or another fact, and to other words for the same. For training only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from evaluators.grounding.evidence import content
from evaluators.grounding.lexicon import ANTONYM_WORDS, STOP, SYNONYM_WORDS
from evaluators.text import Word, words

AUXILIARIES = frozenset(
    (
        "is",
        "are",
        "was",
        "were",
        "can",
        "will",
        "should",
        "could",
        "would",
        "may",
        "must",
        "has",
        "have",
        "does",
        "do",
        "did",
    )
)
ENDINGS = ("ing", "ed", "s")


def changed(text: str, names: Sequence[str], draw: Random) -> Mapping[str, str]:
    """The sentence with one fact changed, by what was changed; what it does not have is left out."""
    found = words(text)
    told: dict[str, str] = {}
    if digits := [word for word in found if word.text.isdigit() and len(word.text) < 8]:
        told["number"] = _number(text, draw.choice(digits), draw)
    if own := [word for word in found[1:] if word.text[0].isupper() and content(word)]:
        told["name"] = put(text, draw.choice(own), draw.choice(names))
    if sided := [word for word in found if word.stem in ANTONYM_WORDS]:
        word = draw.choice(sided)
        told["opposite"] = put(text, word, like(word.text, draw.choice(ANTONYM_WORDS[word.stem])))
    if told_off := [word for word in found if word.norm in {"not", "no", "never"}]:
        told["affirmed"] = text[: told_off[0].start] + text[told_off[0].end :].lstrip()
    elif helping := [word for word in found if word.norm in AUXILIARIES]:
        at = draw.choice(helping).end
        told["denied"] = f"{text[:at]} not{text[at:]}"
    return told


def _number(text: str, word: Word, draw: Random) -> str:
    near = draw.random() < 0.6
    value = (
        int(word.text) + draw.choice((-3, -2, -1, 1, 2, 3, 5, 10)) if near else int(word.text) * draw.choice((2, 3, 10))
    )
    return put(text, word, str(abs(value)))


def reworded(text: str, most: int, draw: Random) -> str:
    """The sentence with up to `most` words in place of which others can stand."""
    found = [word for word in words(text) if word.stem in SYNONYM_WORDS and word.norm not in STOP]
    draw.shuffle(found)
    for word in sorted(found[:most], key=lambda one: -one.start):
        text = put(text, word, like(word.text, draw.choice(SYNONYM_WORDS[word.stem])))
    return text


def put(text: str, word: Word, other: str) -> str:
    """The text with another word in place of one, with a capital where it had one."""
    return (
        text[: word.start]
        + (other.capitalize() if word.text[0].isupper() and other.islower() else other)
        + text[word.end :]
    )


def like(word: str, base: str) -> str:
    """The base form with the ending of the word."""
    ending = next((one for one in ENDINGS if word.endswith(one) and not base.endswith(one)), "")
    return (base[:-1] if ending in {"ing", "ed"} and base.endswith("e") else base) + ending
