"""Abuse of people and groups, read by structure: a hostile word counts by what it is said of.

A sentence is looked through for targets (groups, persons, things) and hostile phrases, by word lists. Each phrase is
attached to a target by place and grammar's little words, and set aside when it is negated, quoted or denounced. The
mere name of a group says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.abusive.findings import findings_of
from evaluators.abusive.lexicon import lexicon
from evaluators.abusive.sentence import Finding, Sentence, phrase_of
from evaluators.abusive.targets import resolve_pronouns, sentence_of, split_sentences, stand_ins
from evaluators.abusive.words import HEAD
from evaluators.disguise import fold

KINDS = (*HEAD, "negated_positive", "profane", "slur")

_ABUSIVE = ("profanity", "insult", "insult_weak")


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was found in a text."""

    findings: tuple[Finding, ...]
    groups: tuple[str, ...]  # named, sorted
    positives: int  # kind words
    profanity: tuple[tuple[int, int], ...]  # characters
    insults: tuple[tuple[int, int], ...]  # characters
    weak: tuple[tuple[int, int], ...]  # insults that are also plain words
    aimed: int  # insults and profanity at the reader
    words: int
    capitals: float  # share of letters, in texts of some length
    marks: int  # exclamation marks
    said: Mapping[str, int]  # different phrases of `_ABUSIVE`: a text that repeats one speaks of a topic


def read(text: str) -> Reading:
    """What the text says of whom."""
    known = lexicon()
    folded = fold(text, words=known.emoji)
    words = known.speller.plain(folded.text)
    sentences = [sentence_of(known, listed) for listed in split_sentences(words, folded.text)]
    findings: list[Finding] = []
    last: str | None = None
    equated = stand_ins(sentences)
    for place, sentence in enumerate(sentences):
        resolve_pronouns(sentence, last, equated)
        last = next((one.group for one in reversed(sentence.targets) if one.group), None)
        findings += findings_of(known, sentences, place, folded)
    said = {kind: len({phrase_of(one, hit) for one in sentences for hit in one.of(kind)}) for kind in _ABUSIVE}
    spans = {
        kind: tuple(
            folded.original(one.words[hit.start].start, one.words[hit.end - 1].end)
            for one in sentences
            for hit in one.of(kind)
        )
        for kind in _ABUSIVE
    }
    letters = [one for one in text if one.isalpha()]
    return Reading(
        tuple(findings),
        tuple(sorted({one.group for sentence in sentences for one in sentence.targets if one.group})),
        sum(len(one.of("positive_own")) for one in sentences),
        spans["profanity"],
        spans["insult"],
        spans["insult_weak"],
        sum(_aimed(one) for one in sentences),
        len(words),
        sum(map(str.isupper, letters)) / len(letters) if len(letters) > 20 else 0.0,
        min(text.count("!"), 10),
        said,
    )


def _aimed(sentence: Sentence) -> int:
    you = [one.start for one in sentence.of("you")]
    return sum(any(abs(at - hit.start) <= 4 for at in you) for hit in sentence.of("insult", "insult_weak", "profanity"))
