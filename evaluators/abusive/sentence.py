"""A sentence with what was found in it, and what is said of whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from evaluators.spelling import Word


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what something is said of: words [start, end) of a sentence."""

    start: int
    end: int
    kind: str  # group, pronoun, you, other (a person), thing
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of one of the lists: words [start, end) of a sentence."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A hostile phrase and what became of it. Characters [start, end) of the original text, target included."""

    kind: str
    state: str  # said, loose, negated, mentioned, reclaimed
    target: str  # group, pronoun, you, other (a person), thing, none
    group: str | None
    start: int
    end: int
    trigger: tuple[int, int]  # of the phrase alone


@dataclass(slots=True)
class Sentence:
    """Words of a sentence, phrases of the lists among them, and whom it speaks of."""

    words: list[Word]
    texts: list[str]
    hits: dict[str, list[Hit]]  # by kind
    targets: list[Target] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Hit]:
        """Phrases of these kinds."""
        return [hit for kind in kinds for hit in self.hits.get(kind, ())]


def phrase_of(sentence: Sentence, hit: Hit) -> str:
    """The words of the phrase."""
    return " ".join(sentence.texts[hit.start : hit.end])


def between_of(sentence: Sentence, target: Target, hit: Hit) -> list[str]:
    """The words between the target and the phrase."""
    first, last = min(target.end, hit.end), max(target.start, hit.start)
    return sentence.texts[first:last]
