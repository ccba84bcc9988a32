"""What takes the edge off a phrase: it is denied, quoted, reported or denounced."""

from __future__ import annotations

from itertools import islice

from evaluators.abusive.places import left
from evaluators.abusive.sentence import Hit, Sentence, Target
from evaluators.abusive.words import BREAKS, FOR, OBVIOUS, OWN, PAST


def negated(sentence: Sentence, hit: Hit, target: Target | None) -> bool:  # noqa: C901 - the exceptions of one loop
    """A negation stands before the phrase, in its clause; or the target is `no` woman."""
    if hit.kind in {"deny", "implicit", "slur", "profane"}:
        return False
    first = max(hit.start - 6, 0)
    for place in range(hit.start - 1, first - 1, -1):
        if sentence.texts[place] in BREAKS:
            first = place + 1
            break
    for one in sentence.of("negation"):
        if one.start in _fixed(sentence, hit) or (one.start and sentence.texts[one.start - 1] == "why"):
            continue  # `no better than rats`, `why don't they leave`
        if sentence.texts[one.end : one.end + 1] == ["doubt"]:
            continue
        if OBVIOUS & set(sentence.texts[one.end : min(one.end + 2, hit.start)]):
            continue  # `do they not realise that ...`
        if sentence.texts[one.start] == "stop" and hit.start - one.end > 2:
            continue
        if first <= one.start and one.end <= hit.start:
            return True
        if target is not None and one.end == target.start and sentence.texts[one.start] in {"no", "not", "none"}:
            return True
    return False


def _fixed(sentence: Sentence, hit: Hit) -> set[int]:
    """Negations that are part of a hostile phrase, and deny nothing after it."""
    kinds = ("deny", "emote_verb") if hit.kind != "emote_verb" else ("deny",)
    return {
        place
        for one in sentence.of(*kinds)
        if "deserve" not in sentence.texts[one.start : one.end]
        for place in range(one.start, one.end)
    }


def mentioned(sentences: list[Sentence], place: int, hit: Hit, others: list[Hit]) -> bool:
    """Quoted within a text that says more, or denounced beside it."""
    sentence = sentences[place]
    quoted = sentence.words[hit.start].quoted
    if quoted and sum(islice((1 for one in sentences for word in one.words if not word.quoted), 3)) == 3:
        return True
    near = sentences[max(place - 1, 0) : place + 2] if quoted else [sentence]
    if any(_denounces(one, hit if one is sentence else None) for one in near):
        return True
    if place + 1 < len(sentences) and _points_back(sentences[place + 1]):
        return True
    return _reported(sentence, hit, others)


def _denounces(sentence: Sentence, hit: Hit | None) -> bool:
    for one in sentence.of("denounce"):
        if hit is not None and one.start < hit.end and hit.start < one.end:
            continue
        subject = left(sentence, one, 4)
        aimed = subject is not None and subject.kind == "group"
        speech = any(found.start < one.start for found in _speech(sentence))
        if not aimed or speech:
            return True
    return False


def _points_back(sentence: Sentence) -> bool:
    """Whether it judges what was said before: `that is a vile thing to say`."""
    first = sentence.texts[0]
    said = sentence.of("denounce", "denounce_soft")
    return first in {"that", "this", "such", "what", "these", "those"} and bool(said) and bool(sentence.of("speech"))


def _speech(sentence: Sentence) -> list[Hit]:
    """Words of speech and thought that are not the writer's own."""
    return [
        one for one in sentence.of("speech")
        if not OWN & set(sentence.texts[max(one.start - 3, 0) : one.start])
    ]  # fmt: skip


def _reported(sentence: Sentence, hit: Hit, others: list[Hit]) -> bool:
    """`Saying that women are inferior is wrong`, `it is sick to say that ...`: speech with a judgement of it."""
    starts = [one.start for one in _speech(sentence)]
    if sentence.texts[0].endswith("ing") and len(sentence.texts[0]) > 4:
        starts.insert(0, 0)
    if not starts or starts[0] > hit.start:
        return False
    first = min(starts)
    judged = [one for one in sentence.of("denounce_soft") if one.end <= hit.start or one.start >= hit.end or one == hit]
    if any(one.end <= first + 1 for one in judged):
        return True
    said = [one for one in others if one.start >= first]
    return any(
        one.start >= attack.end and _verb(sentence.texts[attack.end : one.start])
        for one in sentence.of("denounce_soft") for attack in said
    )  # fmt: skip


def _verb(between: list[str]) -> bool:
    return bool(set(between) & _VERBS)


_VERBS = frozenset("is are should makes make 's was need needs can must deserve ,".split())


def denied(sentence: Sentence, hit: Hit, target: Target) -> bool:
    """Whether a kind word is denied of the group, in general: not of what was, and not many words away."""
    if not negated(sentence, hit, None) or PAST & set(sentence.texts[max(hit.start - 6, 0) : hit.start]):
        return False
    if target.start >= hit.end:
        return not (FOR | {"of"}) & set(sentence.texts[hit.end : target.start]) or "should" in sentence.texts
    negation = max((one for one in sentence.of("negation") if one.end <= hit.start), key=lambda one: one.start)
    if negation.end <= target.start:
        if sentence.texts[negation.start] not in {"no", "not", "none", "never"}:
            return False
        return target.start - negation.end <= 1 and sentence.texts[negation.start - 1 : negation.start] != ["or"]
    return negation.start - target.end <= 2


def spares(sentence: Sentence, hit: Hit) -> bool:
    """`do not deserve to die`: what is denied is harm."""
    if hit.kind != "deny" or sentence.texts[hit.end - 1] not in {"deserve", "have", "allowed", "be"}:
        return False
    harm = sentence.of("harm", "exclude", "doom", "bad", "bad_noun")
    return any(0 <= one.start - hit.end <= 3 for one in harm)


def across(sentence: Sentence, hit: Hit, target: Target | None) -> bool:
    """The target stands in a quotation that the phrase is no part of: the phrase judges what was said."""
    return target is not None and sentence.words[target.start].quoted and not sentence.words[hit.start].quoted
