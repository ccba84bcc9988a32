"""Where phrases and targets stand to each other."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.abusive.sentence import Hit, Sentence, Target, phrase_of
from evaluators.abusive.words import (
    ADVERBS,
    BREAKS,
    COMPLEMENTS,
    DEGREES,
    DETERMINERS,
    GAP,
    IDLE,
    IS,
    PARTS,
    PREPOSITIONS,
    QUANTITIES,
    STANDS_FOR,
    UNSURE,
)

_LEFT_MOST = 10  # words that a predicate may stand from its subject

_RIGHT_MOST = 6


def left(sentence: Sentence, hit: Hit, reach: int = _LEFT_MOST) -> Target | None:
    """The nearest target before the phrase; a thing's pronoun does not stand in the way of a group."""
    near = [one for one in sentence.targets if one.end <= hit.start and hit.start - one.end <= reach]
    groups = [one for one in near if one.kind == "group"]
    if groups and all(one.kind in {"other", "thing", "pronoun"} and one.start > groups[-1].start for one in near[-1:]):
        between = sentence.texts[groups[-1].end : hit.start]
        return near[-1] if BREAKS & set(between) else groups[-1]
    return near[-1] if near else None


def right(sentence: Sentence, hit: Hit, reach: int = _RIGHT_MOST) -> Target | None:
    """The nearest target after the phrase."""
    return next((one for one in sentence.targets if 0 <= one.start - hit.end <= reach), None)


def close(sentence: Sentence, hit: Hit, target: Target, extra: Iterable[Hit] = ()) -> bool:
    """Whether only little words and hostile ones stand between a phrase and the target after it."""
    spare = {place for one in extra for place in range(one.start, one.end)}
    gap = range(hit.end, target.start)
    return all(sentence.texts[place] in GAP or place in spare for place in gap)


def predicated(sentence: Sentence, hit: Hit, subject: Target) -> bool:
    """`are ...`, `look like ...`, `are nothing but ...`: a copula of the subject, and nothing that parts it from the hit."""
    between = sentence.texts[subject.end : hit.start]
    at = next((place for place in range(len(between) - 1, -1, -1) if between[place] in IS), None)
    if at is None:
        return False
    head, tail = between[:at], between[at + 1 :]
    if subject.kind != "group" and not set(head) <= ADVERBS:
        return False
    if phrase_of(sentence, hit) in IDLE:
        if hit.kind == "bad" and hit.end < len(sentence.texts) and sentence.texts[hit.end] in COMPLEMENTS:
            return False  # `entitled to a refund`
        unsure = subject.kind == "you" and UNSURE & set(sentence.texts[: subject.start])
        tight = len(head) <= 1 and set(tail) <= DEGREES and subject.kind in {"group", "you"}
        return tight and not unsure and may_be_subject(sentence, subject)
    return not _parted(tail)


def may_be_subject(sentence: Sentence, target: Target) -> bool:
    """Whether a target may be a subject: no preposition stands before it, but for that of `most of the ...`."""
    at = target.start - 1
    while at > 0 and sentence.texts[at] in DETERMINERS:
        at -= 1
    if at < 0 or sentence.texts[at] not in PREPOSITIONS:
        return True
    return sentence.texts[at] == "of" and at > 0 and sentence.texts[at - 1] in QUANTITIES


def _parted(tail: list[str]) -> bool:
    return any(
        word in PARTS
        and not (word == "that" and place == len(tail) - 1)
        and not (word == "of" and place and tail[place - 1] in QUANTITIES)
        for place, word in enumerate(tail)
    )


def named_before(sentence: Sentence, target: Target, hit: Hit) -> bool:
    """Whether a group is named as the subject right before a phrase that has an ordinary sense as well."""
    between = sentence.texts[target.end : hit.start]
    named = target.kind == "group" and sentence.texts[target.start] not in STANDS_FOR
    return named and set(between) <= ADVERBS and may_be_subject(sentence, target)


def aimed_at(sentence: Sentence, hit: Hit) -> bool:
    """Whether a word is pointed at somebody, or stands beside a hostile one."""
    if any(0 <= hit.start - one.end <= 3 for one in sentence.of("you")):
        return True
    near = {"you", *sentence.texts[max(hit.start - 4, 0) : hit.start]}
    if near & {"bunch", "typical", "another", "'re"} or sentence.texts[hit.start - 1 : hit.start] in (
        ["these"],
        ["those"],
    ):
        return True
    hostile = sentence.of("bad", "bad_noun", "profanity", "emote_verb", "insult", "implicit")
    apart = (one for one in hostile if one.end <= hit.start or one.start >= hit.end)
    return any(abs(one.start - hit.end) <= 3 or abs(hit.start - one.end) <= 3 for one in apart)
