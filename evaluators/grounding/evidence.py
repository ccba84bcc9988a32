"""What a set of contexts says, indexed once for all sentences that are held against it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evaluators.grounding.lexicon import STOP
from evaluators.text import Word, numbers, sentences, words

ROOT = 5  # letters
WRITTEN = 50_000  # characters that are searched for parts of words
COMMON = 200  # sentences; a stem in more of them points to none


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence of a context."""

    context: int
    start: int
    end: int
    stems: tuple[str, ...]  # of all words, in order
    norms: frozenset[str]
    at: Mapping[str, int]  # first place of each stem


@dataclass(frozen=True, slots=True)
class Evidence:
    """All contexts together. Their order says nothing, but to name where a passage stands."""

    passages: tuple[Passage, ...]
    where: Mapping[str, Sequence[int]]  # content stem -> its passages, in order
    stems: frozenset[str]
    norms: frozenset[str]
    bigrams: frozenset[tuple[str, str]]
    trigrams: frozenset[tuple[str, str, str]]
    pairs: frozenset[tuple[str, str]]  # neighbours among content words
    values: frozenset[float]
    roots: frozenset[str]  # the first letters of its longer content stems
    written: str  # all contexts, case-folded, without spaces: to find what is cut in two there


def content(word: Word) -> bool:
    """Whether the word says something by itself."""
    return word.norm not in STOP


@lru_cache(8)  # an index of 100,000 characters takes some 20 MB
def evidence(contexts: tuple[str, ...]) -> Evidence:
    """The index of contexts; the last ones are kept, since many answers share them."""
    passages: list[Passage] = []
    where: dict[str, list[int]] = {}
    norms: set[str] = set()
    bigrams: set[tuple[str, str]] = set()
    trigrams: set[tuple[str, str, str]] = set()
    pairs: set[tuple[str, str]] = set()
    values: set[float] = set()
    for i, context in enumerate(contexts):
        found = words(context)
        values.update(number.value for number in numbers(found, context))
        stems = [word.stem for word in found]
        bigrams.update(itertools.pairwise(stems))
        trigrams.update(zip(stems, stems[1:], stems[2:], strict=False))
        heavy = [word.stem for word in found if word.norm not in STOP]
        pairs.update(itertools.pairwise(heavy))
        at = 0
        for start, end in sentences(context):
            first = at
            while at < len(found) and found[at].start < end:
                at += 1
            if at > first:
                passages.append(_passage(i, start, end, found[first:at]))
        norms.update(word.norm for word in found)
    for j, passage in enumerate(passages):
        for one in passage.at:
            where.setdefault(one, []).append(j)
    written = "\n".join("".join(context.split()) for context in sorted(contexts)).casefold()[:WRITTEN]
    roots = frozenset(one[:ROOT] for one in where if len(one) >= ROOT)
    return Evidence(
        tuple(passages), where, frozenset(where), frozenset(norms), frozenset(bigrams), frozenset(trigrams),
        frozenset(pairs), frozenset(values), roots, written,
    )  # fmt: skip


def _passage(context: int, start: int, end: int, found: Sequence[Word]) -> Passage:
    stems = tuple(word.stem for word in found)
    at: dict[str, int] = {}
    for i, one in enumerate(stems):
        at.setdefault(one, i)
    return Passage(context, start, end, stems, frozenset(word.norm for word in found), at)
