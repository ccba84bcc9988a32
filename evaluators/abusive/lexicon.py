"""The lists of words and phrases, indexed, and read once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from evaluators.abusive.sentence import Hit
from evaluators.logistic import ARTEFACTS
from evaluators.spelling import Speller, words_of

_DOUBLED = {"stab", "club", "whip", "gut", "neuter", "ban", "hit", "stomp", "slap", "kick", "skin", "gas", "hang"}

LITTLE = frozenset(
    "a an the and or but if in on at to of for from by with without about as than then that which who whom whose when "
    "where while because since until before after between into over under again there here do does did has have had can "
    "could would may might very too also only any some all both each other one two".split()
)


class Lexicon:
    """The lists, indexed by first word."""

    def __init__(self, lists: dict[str, Any], vocabulary: dict[str, Any]) -> None:  # noqa: C901 - one loop a list
        told: dict[str, list[str]] = lists["words"]
        self.phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self.groups: dict[tuple[str, ...], str] = {}
        self.adjectives: dict[str, str] = {}
        self.slurs: dict[str, str] = {}
        self.homonyms: dict[str, list[str]] = lists["homonyms"]
        self.reclaim: list[str] = lists["reclaim"]
        self.reclaimable = frozenset(lists["reclaimable"])
        self.doubtful = frozenset(lists["doubtful"])
        self.heads = frozenset(lists["heads"])
        self.adjectival = frozenset(lists["adjectival"])
        self.emoji: dict[str, str] = lists["emoji"]
        for kind, phrases in told.items():
            for phrase in phrases:
                self._add(phrase, {"harm_phrase": "harm", "exclude_phrase": "exclude"}.get(kind, kind))
        for kind, verbs in (("harm", told["harm_verb"]), ("exclude", told["exclude_verb"])):
            for verb in verbs:
                for form in _forms(verb):
                    self._add(form, kind)
        for group, names in lists["groups"].items():
            for name in names:
                self._add(name, "group")
                self.groups[tuple(one.text for one in words_of(name))] = group
        for group, adjectives in lists["group_adjectives"].items():
            self.adjectives |= dict.fromkeys(adjectives, group)
        for group, slurs in lists["slurs"].items():
            self.slurs |= dict.fromkeys(slurs, group)
            for slur in slurs:
                self._add(slur, "slur")
                self.groups.setdefault(tuple(one.text for one in words_of(slur)), group)
        for listed in self.phrases.values():
            listed.sort(key=lambda one: -len(one[0]))
        self.known = (
            frozenset(part for listed in self.phrases.values() for parts, _ in listed for part in parts) | LITTLE
        )
        self.single = self._single(told)
        names = {part for parts in self.groups for part in parts}
        self.speller = Speller(self.single, (*told["profanity"], *self.slurs), vocabulary, names - set(self.slurs))

    def _add(self, phrase: str, kind: str) -> None:
        parts = tuple(one.text for one in words_of(phrase))
        listed = self.phrases.setdefault(parts[0], [])
        if (parts, kind) not in listed:
            listed.append((parts, kind))

    def _single(self, told: dict[str, list[str]]) -> dict[str, bool]:
        """Words worth finding when they are disguised; true: also with a letter left out or swapped."""
        quiet = {"negation", "modal", "copula", "pronoun", "you", "other", "thing", "speech", "positive_own"}
        found: dict[str, bool] = {}
        for listed in self.phrases.values():
            for parts, kind in listed:
                for part in parts:
                    found[part] = found.get(part, False) or (kind not in quiet and (len(parts) == 1 or len(part) > 4))
        found |= dict.fromkeys(self.adjectives, True) | dict.fromkeys(self.heads, True)
        return found | {
            word: False for words in told.values() for word in words if " " not in word and word not in found
        }

    def hits(self, texts: list[str]) -> list[Hit]:
        """Phrases of all kinds; of one kind the longest at a place, and none within another."""
        found: list[Hit] = []
        until: dict[str, int] = {}
        for place, text in enumerate(texts):
            for parts, kind in self.phrases.get(text, ()):
                if until.get(kind, 0) <= place and (end := _matched(texts, place, parts)):
                    found.append(Hit(place, end, kind))
                    until[kind] = end
        return found


_FILLERS = frozenset(
    "right fucking fuckin so really just absolutely damn goddamn ever even truly bloody all simply".split()
)

_MOST_FILLERS = 2


def _matched(texts: list[str], place: int, parts: tuple[str, ...]) -> int:
    """The end of the phrase from `place`, with fillers between its words; 0: it does not stand there."""
    at, spare = place + 1, _MOST_FILLERS
    for part in parts[1:]:
        while at < len(texts) and texts[at] != part and texts[at] in _FILLERS and spare:
            at, spare = at + 1, spare - 1
        if at >= len(texts) or texts[at] != part:
            return 0
        at += 1
    return at


@cache
def lexicon() -> Lexicon:
    """Read once, at the first text."""
    lists = json.loads((ARTEFACTS / "abuse_words.json").read_text("utf-8"))
    vocabulary = json.loads((ARTEFACTS / "vocabulary.json").read_text("utf-8"))
    return Lexicon(lists, vocabulary)


def _forms(verb: str) -> Iterator[str]:
    yield verb
    yield verb + ("es" if verb.endswith(("sh", "ch", "s", "x")) else "s")
    stem = verb[:-1] if verb.endswith("e") else verb + verb[-1] if verb in _DOUBLED else verb
    yield from (stem + "ed", stem + "ing")
    if verb in _DOUBLED:
        yield from (verb + "ed", verb + "ing")
