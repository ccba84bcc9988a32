"""Hostile phrases of a sentence, each with its target and its state."""

from __future__ import annotations

from evaluators.abusive.bonds import Bond, bond_of, kindness
from evaluators.abusive.denials import across, denied, mentioned, negated, spares
from evaluators.abusive.lexicon import Lexicon
from evaluators.abusive.places import aimed_at, close, right
from evaluators.abusive.sentence import Finding, Hit, Sentence, Target, phrase_of
from evaluators.abusive.targets import homonym
from evaluators.abusive.words import HEAD, PLURAL
from evaluators.disguise import Folded


def _reclaimed(known: Lexicon, sentence: Sentence, hit: Hit) -> bool:
    if sentence.texts[hit.start] not in known.reclaimable:
        return False
    line = f" {' '.join(sentence.texts)} ".replace(" 'm ", "'m ")
    return any(f" {one} " in line for one in known.reclaim)


def findings_of(known: Lexicon, sentences: list[Sentence], place: int, folded: Folded) -> list[Finding]:
    """What a sentence says of whom, and how."""
    sentence = sentences[place]
    hits = [hit for hit in sentence.of(*HEAD) if not spares(sentence, hit)]
    found = [_finding(sentences, place, hit, bond_of(sentence, hit), hits, folded) for hit in hits]
    slurs = [hit for hit in sentence.of("slur") if not homonym(known, sentence, hit)]
    found += [_slur(known, sentences, place, hit, hits, folded) for hit in slurs]
    for hit in sentence.of("positive"):
        bond = kindness(sentence, hit)
        if bond.target is not None and bond.target.kind == "group" and denied(sentence, hit, bond.target):
            one = Hit(hit.start, hit.end, "negated_positive")
            found.append(_finding(sentences, place, one, bond, hits, folded, free=True))
    for hit in sentence.of("profanity"):
        target = right(sentence, hit, 1)
        if target is not None and target.kind == "group" and close(sentence, hit, target):
            one = Hit(hit.start, hit.end, "profane")
            found.append(_finding(sentences, place, one, Bond(target, strict=True), hits, folded))
    return found


def _finding(  # noqa: PLR0917 - what a finding is made of
    sentences: list[Sentence],
    place: int,
    hit: Hit,
    bond: Bond,
    others: list[Hit],
    folded: Folded,
    *,
    free: bool = False,
) -> Finding:
    sentence, target = sentences[place], bond.target
    vague = target is not None and target.kind == "pronoun" and sentence.texts[target.start] in PLURAL
    vague = vague and hit.kind in {"harm", "doom", "emote_verb"}  # `they`: things as often as people
    state = "said" if bond.strict and not vague else "loose"
    if not free and negated(sentence, hit, target):
        state = "negated"
    if mentioned(sentences, place, hit, others) or across(sentence, hit, target):
        state = "mentioned"
    return _placed(sentence, hit, target, state, folded)


def _slur(  # noqa: PLR0917 - as above
    known: Lexicon, sentences: list[Sentence], place: int, hit: Hit, others: list[Hit], folded: Folded
) -> Finding:
    sentence = sentences[place]
    group = known.slurs.get(" ".join(sentence.texts[hit.start : hit.end]))
    state = (
        "reclaimed" if _reclaimed(known, sentence, hit) else "said" if _meant(known, sentence, hit, folded) else "loose"
    )
    if mentioned(sentences, place, hit, others):
        state = "mentioned"
    return _placed(sentence, hit, Target(hit.start, hit.end, "group", group), state, folded)


def _meant(known: Lexicon, sentence: Sentence, hit: Hit, folded: Folded) -> bool:
    """Whether a slur that is an ordinary word as well, or was read into a misspelt one, is said of somebody."""
    first, last = sentence.words[hit.start], sentence.words[hit.end - 1]
    exact = folded.text[first.start : last.end].lower() == phrase_of(sentence, hit)
    if exact and phrase_of(sentence, hit) not in known.doubtful:
        return True
    return aimed_at(sentence, hit)


def _placed(sentence: Sentence, hit: Hit, target: Target | None, state: str, folded: Folded) -> Finding:
    words = sentence.words
    trigger = folded.original(words[hit.start].start, words[hit.end - 1].end)
    first, last = hit.start, hit.end
    if target is not None:
        first, last = min(first, target.start), max(last, target.end)
    start, end = folded.original(words[first].start, words[last - 1].end)
    kind = target.kind if target else "none"
    return Finding(hit.kind, state, kind, target.group if target else None, start, end, trigger)
