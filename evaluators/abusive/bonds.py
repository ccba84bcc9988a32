"""What each hostile phrase is said of, and whether it surely is."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.abusive.lexicon import LITTLE, lexicon
from evaluators.abusive.places import close, left, named_before, predicated, right
from evaluators.abusive.sentence import Hit, Sentence, Target, between_of, phrase_of
from evaluators.abusive.words import (
    BE,
    BEINGS,
    BREAKS,
    BY,
    COMPARES,
    DISEASES,
    ENDS_PHRASE,
    FOR,
    GAP,
    IDLE,
    LINK,
    OWN,
    PARTICIPLES,
    PAST,
    PEOPLE,
    SAYS,
    UNREAL,
    WISHES,
)


@dataclass(frozen=True, slots=True)
class Bond:
    """What a phrase is said of. Null: nobody. `strict`: it surely is."""

    target: Target | None
    strict: bool


_LOOSE = Bond(None, strict=False)


def bond_of(sentence: Sentence, hit: Hit) -> Bond:  # noqa: PLR0911 - a table of kinds
    """What a hostile phrase is said of, and whether surely."""
    if hit.kind == "emote_verb":
        return _object(sentence, hit)
    if hit.kind in {"harm", "exclude"}:
        return _deed(sentence, hit)
    if hit.kind == "doom":
        return _doom(sentence, hit)
    if hit.kind in {"bad", "bad_noun", "dehuman"}:
        return _predicate(sentence, hit)
    if hit.kind == "implicit":
        return _insinuation(sentence, hit)
    subject = left(sentence, hit)
    if phrase_of(sentence, hit) in IDLE:
        return Bond(subject, strict=subject is not None and named_before(sentence, subject, hit))
    if subject is not None:
        return Bond(subject, strict=True)
    return Bond(right(sentence, hit), strict=hit.kind == "emote_effect")


def _object(sentence: Sentence, hit: Hit) -> Bond:
    target = right(sentence, hit)
    if target is None:
        subject = left(sentence, hit, 3)
        passive = hit.start and sentence.texts[hit.start - 1] in BE
        return Bond(subject, strict=True) if passive and subject else _LOOSE
    subject = left(sentence, hit, 1)
    theirs = (subject is not None and subject.kind != "other") or (hit.start and sentence.texts[hit.start - 1] == "who")
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    if phrase_of(sentence, hit) in IDLE:
        own = hit.start <= 1 or bool(OWN & set(sentence.texts[: hit.start]))
        theirs = theirs or target.kind != "group" or not own
    return Bond(target, strict=close(sentence, hit, target, harsh) and not theirs)


def _deed(sentence: Sentence, hit: Hit) -> Bond:
    """Harm and exclusion: wanted, threatened or demanded; a report of it is loose."""
    word = sentence.texts[hit.start]
    before = sentence.texts[max(hit.start - 4, 0) : hit.start]
    passive = (word.endswith("ed") or word in PARTICIPLES) and bool(BE & set(before))
    wanted = _wanted(sentence, hit) and not (
        passive and PAST & set(before) and not UNREAL & set(sentence.texts[: hit.start])
    )
    if passive or sentence.texts[hit.start] in {"in", "behind", "out", "back", "not", "away"}:
        subject = left(sentence, hit)
        return Bond(subject or right(sentence, hit), strict=subject is not None and wanted)
    target = right(sentence, hit)
    if target is None:
        return Bond(left(sentence, hit), strict=False)
    if hit.kind == "exclude" and target.kind != "group" and not OWN & set(sentence.texts[: hit.start]):
        return Bond(target, strict=False)  # `police may arrest you`
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    return Bond(target, strict=wanted and close(sentence, hit, target, harsh))


def _wanted(sentence: Sentence, hit: Hit) -> bool:
    """A modal, a wish or an imperative stands before it."""
    if any(0 <= hit.start - one.end <= 6 for one in sentence.of("modal")):
        return True
    before = sentence.texts[hit.start - 1] if hit.start else ""
    return hit.start == 0 or before in {"please", "just", "go", "now", "then", ",", "lets", ":", "so"}


def _doom(sentence: Sentence, hit: Hit) -> Bond:
    subject = left(sentence, hit, 7)
    before = sentence.texts[max(hit.start - 6, 0) : hit.start]
    wanted = hit.start == 0 or bool(WISHES & set(before)) or ("will" in before and bool(OWN & set(sentence.texts)))
    target = subject or right(sentence, hit)
    return Bond(target, strict=wanted and target is not None)


def _predicate(sentence: Sentence, hit: Hit) -> Bond:  # noqa: PLR0911 - one way of saying it after the other
    texts = sentence.texts
    subject = left(sentence, hit)
    if _of_noun(sentence, hit):
        return Bond(subject, strict=False)  # `bad news`, `cancer screening`
    before = [one for one in texts[max(hit.start - 3, 0) : hit.start] if one not in {"a", "an", "the", "some", "these"}]
    if before and before[-1] in BY:
        return Bond(subject, strict=False)  # `was beaten by thugs`
    if subject is not None and predicated(sentence, hit, subject):
        return Bond(subject, strict=True)
    target = right(sentence, hit, 8)
    idle = phrase_of(sentence, hit) in IDLE
    harsh = sentence.of("bad", "bad_noun", "dehuman", "profanity")
    if target is not None and target.kind != "pronoun" and not idle and close(sentence, hit, target, harsh):
        return Bond(target, strict=not FOR & set(between_of(sentence, target, hit)))
    near = target or subject
    compared = hit.kind == "dehuman" and near is not None and near.kind == "group" and COMPARES & set(texts)
    if compared and (phrase_of(sentence, hit) not in DISEASES or "rather" in texts):
        return Bond(near, strict=True)
    if subject is not None:
        return Bond(subject, strict=not idle and hit.start == subject.end and hit.end == len(texts))
    return Bond(target, strict=False)


def _of_noun(sentence: Sentence, hit: Hit) -> bool:
    """Whether the word after it is a noun that it belongs to; a word of no list is taken for one."""
    if hit.end >= len(sentence.texts):
        return False
    after = sentence.texts[hit.end]
    hostile = sentence.of(
        "bad", "bad_noun", "dehuman", "insult", "insult_weak", "profanity", "group", "slur", "pronoun", "you", "other"
    )
    if (
        not after.isalpha()
        or after in LITTLE | GAP | LINK | PEOPLE | BEINGS | SAYS | ENDS_PHRASE
        or after.endswith("ly")
    ):
        return False
    return not any(one.start <= hit.end < one.end for one in hostile) and after not in lexicon().heads


def _insinuation(sentence: Sentence, hit: Hit) -> Bond:
    """It speaks of the group beside it: `too many women`, `women live on our taxes`."""
    after = right(sentence, hit)
    if after is not None and after.kind == "group" and close(sentence, hit, after):
        return Bond(after, strict=phrase_of(sentence, hit) not in IDLE or bool(sentence.of("dehuman", "you")))
    groups = [one for one in sentence.targets if one.kind == "group"]
    near = min(groups, key=lambda one: abs(one.start - hit.start), default=None)
    strict = (
        near is not None and phrase_of(sentence, hit) not in IDLE and not BREAKS & set(between_of(sentence, near, hit))
    )
    return Bond(near or after or left(sentence, hit), strict=strict)


def kindness(sentence: Sentence, hit: Hit) -> Bond:
    """What a kind word is said of."""
    target = right(sentence, hit, 3)
    if target is not None and target.kind == "group" and close(sentence, hit, target):
        return Bond(target, strict=True)
    subject = left(sentence, hit)
    return Bond(subject, strict=True) if subject else _LOOSE
