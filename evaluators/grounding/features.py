"""What of a sentence the contexts do not carry, as findings that a reader can check and as numbers for a model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluators.grounding.evidence import COMMON, ROOT, Evidence, Passage, content
from evaluators.grounding.lexicon import (
    ADVICE,
    ANTONYMS,
    DETERMINERS,
    EXAMPLES,
    HEDGES,
    NEGATIONS,
    QUANTIFIERS,
    SOURCES,
    SYNONYMS,
)
from evaluators.text import Number, Word, numbers, sentences, words

CLOSE = 0.5  # share of the sentence that the best passage carries, from which on both speak of the same
LOOKED_AT = 120  # words of a sentence that are aligned with its evidence; what follows is compared by sets alone
GAP = 4  # words of the evidence between two neighbours of a word that is called swapped
NOTHING = Passage(0, 0, 0, (), frozenset(), {})
SUFFIXES = ("ing", "ed", "ly", "tion", "ment", "ness", "ity", "al", "ive", "ous", "ful", "able", "er", "s")


@dataclass(frozen=True, slots=True)
class Weights:
    """What training knows of single words (stems)."""

    idf: Mapping[str, float]
    rare: float  # the weight of a word that training never saw
    risk: Mapping[str, float]  # log odds, against the mean, that a word foreign to the contexts is in a labelled span

    def of(self, stem: str) -> float:
        """How much a word says: its inverse document frequency."""
        return self.idf.get(stem, self.rare)

    def risk_of(self, word: Word) -> float:
        """Of the word itself, or of words that look like it."""
        known = self.risk.get(word.stem)
        return self.risk.get(shape(word), 0.0) if known is None else known


def shape(word: Word) -> str:
    """What kind of word it looks like: `#` a number, `^` a capital, else its suffix."""
    if word.text[0].isdigit():
        return "#"
    if word.text[0].isupper():
        return "^"
    return next((f"-{suffix}" for suffix in SUFFIXES if word.norm.endswith(suffix)), "-")


@dataclass(slots=True)
class Findings:
    """One sentence against the contexts."""

    start: int
    end: int
    words: list[Word]
    heavy: list[Word] = field(default_factory=list)  # content words
    weight: dict[str, float] = field(default_factory=dict)  # of their stems
    foreign: list[Word] = field(default_factory=list)  # content words that no context has
    hard: list[Word] = field(default_factory=list)  # those for which no context has a like word either
    numbers: list[Number] = field(default_factory=list)
    lost_numbers: list[Number] = field(default_factory=list)  # that no context has
    names: list[Word] = field(default_factory=list)
    lost_names: list[Word] = field(default_factory=list)
    swaps: list[tuple[Word, str]] = field(default_factory=list)  # where the evidence has another word between the same
    opposites: list[tuple[Word, str]] = field(default_factory=list)  # where the evidence says the contrary
    negated: int = 0  # 1: the sentence denies what its evidence does not; -1: the other way round
    denied: bool = False  # the sentence denies what its evidence, which is close, says
    near: list[Passage] = field(default_factory=list)  # passages that carry it, best first
    copied: bool = False  # every word stands in the contexts in this order
    values: dict[str, float] = field(default_factory=dict)  # the features, by name


def findings(
    text: str, evidence: Evidence, weights: Weights, question: str | None = None, most: int | None = None
) -> list[Findings]:
    """One for each sentence that has words, in order; null: of all of them."""
    asked = {word.stem for word in words(question) if content(word)} if question else set()
    found = words(text)
    told: list[Findings] = []
    at = 0
    for start, end in sentences(text):
        first = at
        while at < len(found) and found[at].start < end:
            at += 1
        if at > first and (most is None or len(told) < most):
            told.append(_sentence(text, Findings(start, end, _said(text, found[first:at])), evidence, weights, asked))
    _together(told, _covered(asked, evidence, weights))
    return told


def _said(text: str, found: list[Word]) -> list[Word]:
    """Without the numbers of list items and of the passages that are cited."""
    kept = [
        word
        for i, word in enumerate(found)
        if not (word.text.isdigit() and len(word.text) < 3 and (_opens_item(text, found, i) or _cites(found, i)))
    ]
    return kept or found


def _opens_item(text: str, found: list[Word], i: int) -> bool:
    return i == 0 and len(found) > 1 and text[found[0].end : found[0].end + 1] in {".", ")", ":"}


def _cites(found: list[Word], i: int) -> bool:
    before = [word.norm for word in found[max(0, i - 3) : i]]
    return bool(before) and (before[-1] in SOURCES or (before[-1] in {"and", "or"} and before[0] in SOURCES))


def _covered(asked: Collection[str], evidence: Evidence, weights: Weights) -> float:
    """How much of the question the best passage has."""
    weight = {stem: weights.of(stem) for stem in sorted(asked)}
    best = _best(weight, evidence, 1)
    return sum(amount for stem, amount in weight.items() if stem in best[0].at) / sum(weight.values()) if best else 0.0


def _sentence(text: str, it: Findings, evidence: Evidence, weights: Weights, asked: Collection[str]) -> Findings:
    it.heavy = [word for word in it.words if content(word)]
    it.weight = {word.stem: weights.of(word.stem) for word in it.heavy}
    it.foreign = [word for word in it.heavy if not _known(word, evidence)]
    it.hard = [word for word in it.foreign if not _like(word, evidence)]
    it.near = _best(it.weight, evidence, 3)
    _novelty(it, weights, asked)
    _hard(it, weights)
    _grams(it, evidence)
    _carried(it)
    _numbers(it, text, evidence)
    _names(it, text)
    _polarity(it)
    _aligned(it, it.near[0] if it.near else NOTHING, weights)
    _style(it, text, asked)
    return it


def _known(word: Word, evidence: Evidence) -> bool:
    if word.stem in evidence.stems or word.norm in evidence.norms:
        return True
    return len(word.norm) > 4 and word.norm in evidence.written


def _like(word: Word, evidence: Evidence) -> bool:
    """Whether the contexts have a word of the same root, or one that can mean the same."""
    if len(word.stem) >= ROOT and word.stem[:ROOT] in evidence.roots:
        return True
    return not evidence.stems.isdisjoint(SYNONYMS.get(word.stem, ()))


def _best(weight: Mapping[str, float], evidence: Evidence, most: int) -> list[Passage]:
    """Passages, each the one that adds most to what the ones before it carry."""
    left = dict(weight)
    chosen: list[Passage] = []
    while len(chosen) < most:
        gains: dict[int, float] = {}
        for stem, amount in left.items():
            where = evidence.where.get(stem, ())
            if len(where) <= COMMON:
                for i in where:
                    gains[i] = gains.get(i, 0.0) + amount
        if not gains:
            break
        bound = max(gains.values()) - 1e-9
        # The shortest of equals, then by its words, so that the order of the contexts does not matter.
        passages = [evidence.passages[i] for i, gain in gains.items() if gain > bound]
        best = min(passages, key=lambda one: (len(one.stems), one.stems)) if len(passages) > 1 else passages[0]
        chosen.append(best)
        left = {stem: amount for stem, amount in left.items() if stem not in best.at}
    return chosen


def _novelty(it: Findings, weights: Weights, asked: Collection[str]) -> None:
    """How much is foreign to the contexts, and how often words like that were unsupported in training."""
    values, weight = it.values, it.weight
    total = sum(weight[word.stem] for word in it.heavy) or 1.0
    new = [weight[word.stem] for word in it.foreign]
    risks = [weights.risk_of(word) for word in it.foreign]
    values["new"] = sum(new) / total
    values["new_unasked"] = sum(weight[word.stem] for word in it.foreign if word.stem not in asked) / total
    values["new_count"] = math.log1p(len(new))
    values["new_weight"] = math.log1p(sum(new))
    values["new_max"] = max(new, default=0.0)
    values["risk_sum"] = sum(risks)
    values["risk_max"] = max(risks, default=-1.0)
    values["risk_weight"] = _danger(risks, new)
    foreign = {word.start for word in it.foreign}
    values["new_run"] = _longest_run(word.start in foreign for word in it.heavy)
    values["hard"] = sum(weight[word.stem] for word in it.hard) / total


def _danger(risks: Sequence[float], amounts: Sequence[float]) -> float:
    return sum(max(risk + 0.5, 0.0) * amount for risk, amount in zip(risks, amounts, strict=True))


def _longest_run(marks: Iterable[bool]) -> float:
    run = longest = 0
    for mark in marks:
        run = run + 1 if mark else 0
        longest = max(longest, run)
    return float(longest)


def _hard(it: Findings, weights: Weights) -> None:
    """The same of what is foreign even by its root and its synonyms, by kind."""
    values, hard = it.values, it.hard
    values["hard_count"] = math.log1p(len(hard))
    values["soft_count"] = len(it.foreign) - len(hard)
    values["hard_risk"] = _danger([weights.risk_of(word) for word in hard], [it.weight[word.stem] for word in hard])
    values["hard_capital"] = sum(word.text[0].isupper() for word in hard)
    values["hard_lower"] = sum(word.text[0].islower() for word in hard)
    values["hard_noun"] = _like_nouns(it.words, {word.start for word in hard})
    values["hard_other"] = len(hard) - values["hard_noun"]
    opens = next((word.start for word in it.words if word.norm in EXAMPLES), None)
    values["new_examples"] = 0 if opens is None else sum(word.start > opens for word in hard)


def _like_nouns(said: Sequence[Word], starts: Collection[int]) -> int:
    """How many stand where nouns do: after a determiner or preposition, or after a content word that follows one."""
    if not starts:
        return 0
    return sum(
        word.start in starts
        and not word.norm.endswith("ly")
        and (before.norm in DETERMINERS or (content(before) and i > 1 and said[i - 2].norm in DETERMINERS))
        for i, (before, word) in enumerate(itertools.pairwise(said), 1)
    )


def _grams(it: Findings, evidence: Evidence) -> None:
    """How much of the wording is the contexts', from pairs of words to the longest copied stretch."""
    values = it.values
    stems = [word.stem for word in it.words]
    heavy = [word.stem for word in it.heavy]
    two = [pair in evidence.bigrams for pair in itertools.pairwise(stems)]
    three = [one in evidence.trigrams for one in zip(stems, stems[1:], stems[2:], strict=False)]
    pairs = list(itertools.pairwise(heavy))
    lost = [pair for pair in pairs if pair not in evidence.pairs]
    values["new_bigrams"] = two.count(False) / max(1, len(two))
    values["new_trigrams"] = three.count(False) / max(1, len(three))
    values["new_pairs"] = len(lost) / max(1, len(pairs))
    values["new_pairs_count"] = math.log1p(len(lost))
    known = evidence.stems
    values["seen_words_new_pairs"] = sum(a in known and b in known for a, b in lost) / max(1, len(pairs))
    it.copied = len(stems) > 3 and all(two) and all(three)
    runs = _runs(two)
    values["run_longest"] = max(runs) / len(stems)
    values["run_longest_words"] = math.log1p(max(runs))
    values["in_runs_3"] = sum(run for run in runs if run >= 3) / len(stems)
    values["in_runs_5"] = sum(run for run in runs if run >= 5) / len(stems)


def _runs(linked: Sequence[bool]) -> list[int]:
    """Lengths in words of the stretches whose neighbours are all linked."""
    runs, run = [], 1
    for link in linked:
        if link:
            run += 1
        else:
            runs.append(run)
            run = 1
    return [*runs, run]


def _carried(it: Findings) -> None:
    """How much the best passage carries, the best two, the best three."""
    values, near = it.values, it.near
    total = sum(it.weight.values()) or 1.0
    carried = 0.0 if it.weight else total
    left = dict(it.weight)
    for k in range(3):
        if k < len(near):
            carried += sum(left.pop(stem) for stem in [stem for stem in left if stem in near[k].at])
        values[f"carried_{k + 1}"] = carried / total
    mine = {word.stem for word in it.words}
    values["best_used"] = sum(stem in mine for stem in near[0].at) / len(near[0].at) if near else 0.0
    values["distinct_contexts"] = len({passage.context for passage in near})
    values["spread"] = values["carried_3"] - values["carried_1"]


def _numbers(it: Findings, text: str, evidence: Evidence) -> None:
    """Numbers that are in no context, not in the evidence, or there beside other words."""
    values = it.values
    it.numbers = numbers(it.words, text)
    it.lost_numbers = [one for one in it.numbers if one.value not in evidence.values]
    norms = [it.words[one.first].norm for one in it.numbers]
    values["numbers"] = len(norms)
    values["lost_numbers"] = len(it.lost_numbers)
    values["lost_years"] = sum(one.kind == "year" for one in it.lost_numbers)
    values["odd_numbers"] = sum(not _beside(it, one, evidence) for one in it.numbers)
    values["far_numbers"] = sum(not _in(norm, it.near) for norm in norms)
    values["off_numbers"] = sum(not _in(norm, it.near[:1]) for norm in norms)


def _in(norm: str, passages: Sequence[Passage]) -> bool:
    return any(norm in passage.norms for passage in passages)


def _beside(it: Findings, number: Number, evidence: Evidence) -> bool:
    """Whether the contexts have the number next to one of its neighbours."""
    i, j = number.first, number.last
    before = i > 0 and (it.words[i - 1].stem, it.words[i].stem) in evidence.bigrams
    return before or (j + 1 < len(it.words) and (it.words[j].stem, it.words[j + 1].stem) in evidence.bigrams)


def _names(it: Findings, text: str) -> None:
    """Words with a capital that a sentence's beginning does not explain."""
    values = it.values
    it.names = [word for i, word in enumerate(it.words) if word.text[0].isupper() and _is_name(it.words, i, text)]
    foreign = {word.start for word in it.foreign}
    it.lost_names = [word for word in it.names if word.start in foreign]
    values["names"] = len(it.names)
    values["lost_names"] = len(it.lost_names)
    values["lost_names_share"] = len(it.lost_names) / max(1, len(it.names))
    values["far_names"] = sum(not _in(word.norm, it.near) for word in it.names)
    values["off_names"] = sum(not _in(word.norm, it.near[:1]) for word in it.names)


def _is_name(said: Sequence[Word], i: int, text: str) -> bool:
    word = said[i]
    if not content(word) or word.norm.isdigit():
        return False
    within = i > 0 and text[said[i - 1].end : word.start].strip(" ") in {"", ",", "'", "-", "&", "(", "’s"}
    return within or (word.text.isupper() and len(word.text) > 1)


def _polarity(it: Findings) -> None:
    """Negations, quantifiers and opposites that the sentence and its evidence do not share."""
    values, near = it.values, it.near
    first = near[0].norms if near else frozenset()
    mine, theirs = sum(word.norm in NEGATIONS for word in it.words), not NEGATIONS.isdisjoint(first)
    it.negated = 1 if mine and not theirs else -1 if theirs and not mine else 0
    values["negations"] = mine
    values["negation_added"] = float(it.negated == 1)
    values["negation_lost"] = float(it.negated == -1)
    kinds = [(QUANTIFIERS[word.norm], word.norm) for word in it.words if word.norm in QUANTIFIERS]
    values["universal_new"] = sum(kind == "universal" and not _in(norm, near) for kind, norm in kinds)
    values["partial_new"] = sum(kind == "partial" and not _in(norm, near) for kind, norm in kinds)
    limits = any(QUANTIFIERS.get(norm) == "partial" for norm in first)
    values["partial_lost"] = float(limits and not any(kind == "partial" for kind, _ in kinds))
    it.opposites = _opposites(it)
    values["opposites"] = len(it.opposites)
    close = values["carried_1"] >= CLOSE
    it.denied = it.negated == 1 and close and not any(word.stem in HEDGES for word in it.words)
    values["denied"] = float(it.denied)
    values["opposed"] = float(close and bool(it.opposites))


def _opposites(it: Findings) -> list[tuple[Word, str]]:
    found = []
    mine = {word.stem for word in it.words}
    for word in it.words:
        contrary = ANTONYMS.get(word.stem)
        if contrary and not any(word.stem in passage.at for passage in it.near):
            said = [one for one in contrary if one not in mine and any(one in passage.at for passage in it.near)]
            if said:
                found.append((word, min(said)))
    return found


def _aligned(it: Findings, best: Passage, weights: Weights) -> None:
    """The sentence word by word along the best passage: what it has in another order, or in another word's place."""
    values, at = it.values, best.at
    looked = it.words[:LOOKED_AT]
    places = [at.get(word.stem, -1) for word in looked]
    held = [place for place, word in zip(places, looked, strict=True) if place >= 0 and content(word)]
    values["order_falls"] = sum(b < a for a, b in itertools.pairwise(held)) / max(1, len(held) - 1)
    gaps = []
    for i, word in enumerate(looked):
        gap = _gap(places, i, best) if places[i] < 0 and content(word) else 0
        if gap:
            gaps.append((gap, word))
            if gap > 1 and i and places[i - 1] >= 0:
                it.swaps.append((word, best.stems[places[i - 1] + 1]))
    values["swaps_inserted"] = sum(gap == 1 for gap, _ in gaps)
    values["swaps_one"] = sum(gap == 2 for gap, _ in gaps)
    values["swaps_more"] = sum(gap > 2 for gap, _ in gaps)
    values["swaps_weight"] = sum(weights.of(word.stem) for _, word in gaps)
    values["swaps_close"] = len(gaps) * values["carried_1"]


def _gap(places: Sequence[int], i: int, best: Passage) -> int:
    """From the place of the word before to that of the word after it, in the best passage; 0: there is no such gap."""
    before = places[i - 1] if i else -2
    after = places[i + 1] if i + 1 < len(places) else -2
    if before == -1 or after == -1 or before == after == -2:
        return 0
    if before == -2:
        before = -1
    elif after == -2:
        after = len(best.stems)
    gap = after - before
    return gap if 1 <= gap <= GAP else 0


def _style(it: Findings, text: str, asked: Collection[str]) -> None:
    values, said = it.values, it.words
    values["words"] = math.log1p(len(said))
    values["content"] = math.log1p(len(it.weight))
    total = sum(it.weight.values()) or 1.0
    values["asked"] = sum(amount for stem, amount in it.weight.items() if stem in asked) / total
    values["hedges"] = sum(word.stem in HEDGES for word in said)
    values["advice"] = sum(word.stem in ADVICE for word in said)
    values["you"] = sum(word.norm in {"you", "your"} for word in said) / len(said)
    values["i"] = float(any(word.norm in {"i", "i'm", "i'd"} for word in said))
    head = text[it.start : it.start + 1]
    values["item"] = float(head.isdigit() or head in {"-", "*", "+", "•"})
    values["colon"] = float(text[it.end - 1] == ":")
    values["parens"] = float("(" in text[it.start : it.end])


def _together(told: Sequence[Findings], covered: float) -> None:
    """What the sentences around one say of it: places, novelty of the neighbours, refusals."""
    count = len(told)
    news = [-1.0, *(one.values["new_unasked"] for one in told), -1.0]
    mean_new = sum(news[1:-1]) / max(1, count)
    mean_bigrams = sum(one.values["new_bigrams"] for one in told) / max(1, count)
    refused = 0.0
    for i, one in enumerate(told):
        values = one.values
        values["index"] = float(i)
        values["place"] = i / (count - 1) if count > 1 else 0.5
        values["sentences"] = math.log1p(count)
        values["last"] = float(i == count - 1)
        values["before"], values["after"] = news[i], news[i + 2]
        values["mean_new"], values["mean_new_bigrams"] = mean_new, mean_bigrams
        values["refused_before"] = refused
        values["refuses"] = float(values["negations"] > 0 and values["hedges"] > 0)
        values["refuses_covered"] = values["refuses"] * covered
        values["asked_covered"] = covered
        refused = max(refused, values["refuses"])
