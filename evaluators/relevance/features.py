"""What of a question stands in a text, as numbers from 0 to 1. Lexical: words by their rarity, nearness and kind."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from evaluators.text import Word, sentences, words

_STOP = """
a about above after again against all also am an and any are as at be because been before being below between both but
by can could did do does doing down during each few for from further get got had has have having he her here hers him
his how i if in into is it its itself just let me more most my no nor not now of off on once only or other our out over
own please same she should so some such tell than that the their them then there these they this those through to too
under until up us very was we were what whats when where which while who whom whose why will with would you your yours
i'm it's that's don't can't doesn't isn't what's
"""
STOP_WORDS = frozenset(_STOP.split())

_KIND = re.compile(
    r"\b(?:(?P<count>how (?:many|much|long|old|far|tall|big|large|often|high|deep|fast)|number of|cost|price|salary)"
    r"|(?P<who>who|whose|whom)|(?P<when>when|what (?:year|date|day|time))|(?P<where>where|what (?:city|country|place))"
    r"|(?P<why>why|causes? of|reasons? (?:for|of))|(?P<how>how (?:to|do|does|can|should)))\b",
    re.IGNORECASE,
)
_CUES: Mapping[str, re.Pattern[str]] = {
    "count": re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|dozen)\b"),
    "who": re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+\s+(?:[A-Z]\.?\s+)?[A-Z][a-z]+"),
    "when": re.compile(
        r"\b(?:1\d{3}|20\d\d)s?\b|\b(?:January|February|March|April|May|June|July|August|September|October|November"
        r"|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b|\b\d{1,2}(?::\d\d)?\s*[ap]\.?m\b"
    ),
    "where": re.compile(r"\b(?:in|at|near|from|on|of)\s+(?:the\s+)?[A-Z][a-z]+"),
    "why": re.compile(r"\b(?:because|due to|caus\w+|since|result\w*|reason\w*|so that|leads? to)\b", re.IGNORECASE),
    "how": re.compile(
        r"\b(?:first|then|next|step|by \w+ing|use|using|click|add|place|make|start|turn|press|open|select)\b",
        re.IGNORECASE,
    ),
}

MOST = 20_000  # characters of a text that are read; what follows takes time and tells little
CUT = f"Only the first {MOST:,} characters of each text were judged."
K1, B = 1.2, 0.75  # of BM25, as its authors have them


def beginning(text: str) -> str:
    """The text up to `MOST` characters, whole words only."""
    if len(text) <= MOST:
        return text
    end = max(text.rfind(space, 0, MOST) for space in " \n")
    return text[: end if end > 0 else MOST]


def kind(question: str) -> str | None:
    """What is asked for, count, who, when, where, why or how; null: nothing that leaves a mark in a text."""
    found = _KIND.search(question)
    return found.lastgroup if found else None


def has_cue(asked: str | None, text: str) -> bool:
    """Whether the text has what such a question asks for, by its looks."""
    return asked is None or _CUES[asked].search(text) is not None


@dataclass(frozen=True, slots=True)
class Table:
    """How rare stems are, as the artefact has it."""

    texts: int
    seen: Mapping[str, int]  # texts with the stem; those below the least are left out

    def rarity(self, stem: str) -> float:
        """The inverse document frequency of BM25; the same for all that were not seen."""
        count = self.seen.get(stem, 1)
        return math.log(1 + (self.texts - count + 0.5) / (count + 0.5))


def artefact() -> dict[str, Any]:
    """The numbers that `benchmarks/train_relevance.py` wrote."""
    held: dict[str, Any] = json.loads((files("evaluators") / "artefacts" / "relevance.json").read_text("utf-8"))
    return held


@cache
def table() -> Table:
    """The rarities, read at the first call."""
    held = artefact()["rarity"]
    return Table(held["texts"], held["seen"])


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is looked for."""

    terms: Mapping[str, float]  # content stems, in order, with their rarity
    asked: str | None  # see `kind`

    @property
    def weight(self) -> float:
        return sum(self.terms.values())


def content(found: Sequence[Word]) -> list[Word]:
    """The words that carry a meaning by themselves."""
    return [word for word in found if word.norm not in STOP_WORDS]


@lru_cache(maxsize=256)
def query(question: str) -> Query:
    """The terms of a question: its content words, or all of them where there are none."""
    return query_by(question, table())


def query_by(question: str, rarities: Table) -> Query:
    """The same by other rarities, for who makes them."""
    found = words(question)
    kept = content(found) or found
    return Query({word.stem: rarities.rarity(word.stem) for word in kept}, kind(question))


NAMES = ("coverage", "bm25", "sentence", "pairs", "rarest", "cue")


def features(asked: Query, text: str, length: float) -> tuple[float, ...]:
    """Numbers of the `NAMES`, in their order.

    Args:
        asked: the question; one without any term gives zeros.
        text: what may bear on it.
        length: words of a usual text.
    """
    found = words(text)
    weight = asked.weight
    if not weight or not found:
        return (0.0,) * len(NAMES)
    places = _places(asked, found)
    rarest = max(asked.terms, key=lambda term: asked.terms[term])
    best, where = _best_sentence(asked, found, text)
    return (
        sum(asked.terms[term] for term in places) / weight,
        _bm25(asked, places, len(found) / length) / weight,
        best / weight,
        _pairs(asked, places),
        float(rarest in places),
        float(has_cue(asked.asked, where)),
    )


def _places(asked: Query, found: Sequence[Word]) -> dict[str, list[int]]:
    """Where the terms stand, by the numbers of the words."""
    places: dict[str, list[int]] = {}
    for at, word in enumerate(found):
        if word.stem in asked.terms:
            places.setdefault(word.stem, []).append(at)
    return places


def _bm25(asked: Query, places: Mapping[str, list[int]], length: float) -> float:
    """Robertson's BM25 over K1 + 1, so that a term counts 1 at most."""
    damp = K1 * (1 - B + B * length)
    return sum(asked.terms[term] * len(at) / (len(at) + damp) for term, at in places.items())


def _best_sentence(asked: Query, found: Sequence[Word], text: str) -> tuple[float, str]:
    """The most weight of terms within one sentence and the next, and these."""
    best, where = -1.0, text
    bounds = sentences(text)
    ends = [*(end for _, end in bounds[1:]), bounds[-1][1]]
    for (start, _), end in zip(bounds, ends, strict=True):
        here = {word.stem for word in found if start <= word.start < end}
        weight = sum(rarity for term, rarity in asked.terms.items() if term in here)
        if weight > best:
            best, where = weight, text[start:end]
    return best, where


NEAR = 4  # words between two terms that stand together


def _pairs(asked: Query, places: Mapping[str, list[int]]) -> float:
    """The share, by weight, of neighbouring terms of the question that stand near each other; 0 for a single term."""
    terms = list(asked.terms)
    total = near = 0.0
    for one, other in pairwise(terms):
        weight = asked.terms[one] + asked.terms[other]
        total += weight
        if any(abs(a - b) <= NEAR for a in places.get(one, ()) for b in places.get(other, ())):
            near += weight
    return near / total if total else 0.0
