"""Whom a sentence speaks of: groups, persons, things, and the words that stand for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from evaluators.abusive.lexicon import LITTLE, Lexicon
from evaluators.abusive.places import aimed_at, predicated
from evaluators.abusive.sentence import Hit, Sentence, Target, phrase_of
from evaluators.abusive.words import ADVERBS, BE, IDLE, LINK, PEOPLE, POSSESSIVE, SAYS, THIS
from evaluators.spelling import Word

_LONGEST = 60  # words; what a hit is compared with is bounded, and so is the time

_ENDS = re.compile(r"[.!?\n]")


def split_sentences(words: list[Word], text: str) -> Iterator[list[Word]]:
    """Sentences: their words, with commas and the like as words of their own."""
    sentence: list[Word] = []
    end = 0
    for word in words:
        between = text[end : word.start]
        if sentence and (_ENDS.search(between) or len(sentence) >= _LONGEST):
            yield sentence
            sentence = []
        mark = next((one for one in between if one in ",;:"), None)
        if sentence and mark:
            sentence.append(Word(mark, end, word.start, word.quoted))
        sentence.append(word)
        end = word.end
    if sentence:
        yield sentence


def sentence_of(known: Lexicon, words: list[Word]) -> Sentence:
    """The words with all that the lists find in them."""
    texts = [word.text for word in words]
    hits: dict[str, list[Hit]] = {}
    for hit in known.hits(texts):
        hits.setdefault(hit.kind, []).append(hit)
    made = Sentence(words, texts, hits)
    made.targets = _targets_of(known, made)
    hits["insult_weak"] = [
        hit for hit in made.of("insult_weak") if phrase_of(made, hit) not in IDLE or _called(made, hit)
    ]
    return made


def _called(sentence: Sentence, hit: Hit) -> bool:
    """Whether somebody is called an ordinary word: `you tool`, `he is sick`."""
    subject = next((one for one in reversed(sentence.targets) if one.end <= hit.start and one.kind != "thing"), None)
    return subject is not None and (subject.end == hit.start or predicated(sentence, hit, subject))


def _targets_of(known: Lexicon, sentence: Sentence) -> list[Target]:
    texts = sentence.texts
    found = [
        Target(hit.start, hit.end, "group", known.groups.get(tuple(texts[hit.start : hit.end])))
        for hit in sentence.of("group", "slur")
        if not (_ordinary if hit.kind == "slur" else _of_thing)(known, sentence, hit)
    ]
    nouns = {hit.start for hit in sentence.of("bad_noun", "dehuman", "insult", "harm")}
    for place, text in enumerate(texts[:-1]):
        if text in known.adjectives and place + 1 in nouns:
            found.append(Target(place, place + 1, "group", known.adjectives[text]))
        elif text in known.adjectives and texts[place + 1] in known.heads:
            found.append(Target(place, place + 2, "group", known.adjectives[text]))
        elif (
            text in known.adjectives
            and place
            and texts[place - 1] in {"the", "all", "being"}
            and texts[place + 1] in SAYS
        ):
            found.append(Target(place, place + 1, "group", known.adjectives[text]))
    taken = {place for one in found for place in range(one.start, one.end)}
    for hit in sentence.of("pronoun", "you", "other", "thing"):
        if taken.isdisjoint(range(hit.start, hit.end)):
            kind = "thing" if _belongings(known, texts, hit) else hit.kind
            found.append(Target(hit.start, hit.end, kind))
            taken |= set(range(hit.start, hit.end))
    return list(_merged(sorted(found, key=lambda one: one.start), texts, known))


def _belongings(known: Lexicon, texts: list[str], hit: Hit) -> bool:
    """`your inbox`, `their roots`: a thing of somebody's, not somebody."""
    if texts[hit.end - 1] not in POSSESSIVE or hit.end >= len(texts):
        return False
    return texts[hit.end].isalpha() and texts[hit.end] not in known.heads | LITTLE | BE | ADVERBS


def _merged(found: list[Target], texts: list[str], known: Lexicon) -> Iterator[Target]:
    """`trans` `women`, `Muslim` `people`, `people` with a `disability`: one target each."""
    held: Target | None = None
    for one in found:
        if held is None:
            held = one
        elif one.start < held.end:
            held = held if held.kind == "group" else one
        elif _belong(held, one, texts):
            group = one if one.kind == "group" else held
            held = Target(held.start, one.end, "group", (held if held.kind == "group" else group).group)
        else:
            yield _headed(held, texts, known)
            held = one
    if held is not None:
        yield _headed(held, texts, known)


def _belong(held: Target, one: Target, texts: list[str]) -> bool:
    between = texts[held.end : one.start]
    if not between:
        return held.kind == "group" and (one.kind == "group" or texts[one.start] in PEOPLE)
    person = held.kind == "other" and texts[held.start] in PEOPLE
    return person and one.kind == "group" and len(between) <= 4 and set(between) <= LINK


def _headed(one: Target, texts: list[str], known: Lexicon) -> Target:
    if one.kind == "group" and one.end < len(texts) and texts[one.end] in known.heads:
        return Target(one.start, one.end + 1, one.kind, one.group)
    return one


_SINGULAR = frozenset("she her he him it".split())


def stand_ins(sentences: list[Sentence]) -> dict[str, str | None]:
    """`women like you`, `they are all Muslims`: the words that stand for a group in all of the text."""
    found: dict[str, str | None] = {}
    for sentence in sentences:
        for one, after in pairwise(sentence.targets):
            between = set(sentence.texts[one.end : after.start])
            if one.kind == "group" and after.kind == "you" and between & {"like", "as"} and len(between) == 1:
                found["you"] = one.group
            elif (
                one.kind in {"you", "pronoun"}
                and after.kind == "group"
                and between <= _EQUAL
                and (between & {"are", "is", "'re", "'s", "as", "be", "being"} or (one.kind == "you" and not between))
            ):
                found[one.kind if one.kind == "you" else sentence.texts[one.start]] = one.group or after.group
        for one, after in pairwise(sentence.targets):
            between = set(sentence.texts[one.end : after.start])
            if one.kind == "you" and after.kind == "group" and {"being", "because"} & between:
                found["you"] = after.group
    return found


_EQUAL = frozenset(
    "are is 're 's be being as a an the all just also both such some of these those after only still".split()
)


def resolve_pronouns(sentence: Sentence, last: str | None, equated: Mapping[str, str | None]) -> None:
    """Set `they` for the group named before it, and what stands for one elsewhere in the text."""
    named = last
    for place, one in enumerate(sentence.targets):
        word = "you" if one.kind == "you" else sentence.texts[one.start]
        if one.kind == "group":
            named = one.group or named
        elif one.kind in {"you", "pronoun"} and word in equated:
            sentence.targets[place] = Target(one.start, one.end, "group", equated[word])
        elif one.kind == "pronoun" and named and word not in _SINGULAR:
            sentence.targets[place] = Target(one.start, one.end, "group", named)


def _of_thing(known: Lexicon, sentence: Sentence, hit: Hit) -> bool:
    """`Chinese restaurant`, `Muslim charity`: the name qualifies a thing, which no list knows."""
    if sentence.texts[hit.end - 1] not in known.adjectival or hit.end >= len(sentence.texts):
        return False
    after = sentence.texts[hit.end]
    if any(one.start == hit.end for one in sentence.of("thing")) and after not in THIS:
        return True
    return after not in known.known and not after.endswith(("ing", "ly")) and after.isalpha()


def _ordinary(known: Lexicon, sentence: Sentence, hit: Hit) -> bool:
    """Whether a slur may be the ordinary word that it is as well."""
    return homonym(known, sentence, hit) or (phrase_of(sentence, hit) in known.doubtful and not aimed_at(sentence, hit))


def homonym(known: Lexicon, sentence: Sentence, hit: Hit) -> bool:
    """Whether the words beside it show that an ordinary thing is meant."""
    company = known.homonyms.get(sentence.texts[hit.start], ())
    line = f" {' '.join(sentence.texts)} "
    return any(f" {one} " in line for one in company)
