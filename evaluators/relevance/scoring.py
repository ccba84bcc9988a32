"""The answer to the question, and each context to the question, by a small lexical model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from evaluators.case import Case, Json
from evaluators.checks.outcome import counted, form, listed
from evaluators.english import outside
from evaluators.protocol import Card, Quality
from evaluators.relevance.features import CUT, MOST, NAMES, Query, artefact, beginning, features, has_cue, query
from evaluators.relevance.refusal import told
from evaluators.text import words
from evaluators.verdict import Highlight, Verdict, not_applicable, verdict

_ASKED = {
    "count": "a number",
    "who": "a name",
    "when": "a date or time",
    "where": "a place",
    "why": "a reason",
    "how": "steps",
}
RELEVANT = 0.5  # as likely of this question as of a near one


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression over the features."""

    weights: tuple[float, ...]
    offset: float
    length: float  # words of a usual text

    def __call__(self, asked: Query, text: str) -> float:
        """How likely the text belongs to this question rather than to a near one."""
        values = features(asked, text, self.length)
        z = self.offset + sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return 1 / (1 + math.exp(-z))


@cache
def model(name: str) -> Model:
    """The model `answer` or `context` of the artefact, read at the first call."""
    held = artefact()["models"][name]
    return Model(tuple(held["weights"][feature] for feature in NAMES), held["offset"], held["length"])


def _terms(asked: Query, text: str) -> tuple[list[str], list[str]]:
    """The question's stems that the text has, and those that it has not, rarest first."""
    there = {word.stem for word in words(text)}
    ranked = sorted(asked.terms, key=lambda term: -asked.terms[term])
    return [term for term in ranked if term in there], [term for term in ranked if term not in there]


@dataclass(frozen=True, slots=True)
class AnswerRelevance:
    """Whether the answer is one to this question."""

    card: ClassVar[Card] = Card(
        "answer_relevance",
        "1",
        "relevance",
        "How likely the answer, by its words, belongs to this question rather than to another one near to it.",
        ("question", "answer"),
        limits=(
            "English only, by words: an answer in words of its own scores low, one that repeats the question high.",
            "It says nothing of truth: a false answer on the subject is relevant.",
            "Refusals, evasions and answers too short to tell get no value but a label.",
            "Of answers that all are on the subject it tells irrelevant ones little better than their length does.",
            "Turns of a chat need not take up the words before them: there length tells more than this.",
        ),
        quality=(
            Quality("HaluQuestQA, half", "AUROC, marked irrelevant", 0.662, 662, "length", 0.552, 0.613, 0.711),
            Quality("Topical-Chat USR, half", "Pearson with coherence", 0.135, 192, "length", 0.431, 0.041, 0.304),
        ),
    )

    def __call__(self, case: Case) -> Verdict:
        """The likelihood, with the question's words that the answer lacks."""
        question, answer = beginning(case.question or ""), beginning(case.answer or "")
        asked = query(question)
        if not asked.terms:
            return not_applicable("The question has no words.")
        label, why, _ = told(answer, question)
        if label != "answer":
            return not_applicable(why, label=label)
        note = outside(answer)
        details = _cut(case.question, case.answer) | ({"outside": note} if note else {})
        return self._scored(asked, answer, details)

    def _scored(self, asked: Query, answer: str, details: Mapping[str, Json]) -> Verdict:
        there, gone = _terms(asked, answer)
        reason = f"It has {len(there)} of the question's {counted(len(asked.terms), 'word')}."
        if gone:
            reason += f" Not in it: {listed(gone)}."
        if asked.asked and not has_cue(asked.asked, answer):
            reason += f" It has nothing that looks like {_ASKED[asked.asked]}, which the question asks for."
        spans = () if there else (Highlight(0, len(answer), "None of the question's words is in it."),)
        return verdict(model("answer")(asked, answer), reason, spans=spans, details=details)


def _cut(*texts: str | None) -> dict[str, Json]:
    return {"cut": CUT} if any(len(text or "") > MOST for text in texts) else {}


def discounted(values: Sequence[float]) -> float:
    """The mean with weights 1 / log2(rank + 1): what stands first counts most. Of no values: 0."""
    weights = [1 / math.log2(rank + 1) for rank in range(1, len(values) + 1)]
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / (math.fsum(weights) or 1.0)


def gain(values: Sequence[float]) -> float:
    """The nDCG of values in the order given, against their own best order (Jarvelin and Kekalainen 2002). All 0: 1."""
    best = discounted(sorted(values, reverse=True))
    return discounted(values) / best if best else 1.0


@dataclass(frozen=True, slots=True)
class ContextRelevance:
    """Whether the contexts bear on the question, the first ones above all."""

    relevant: float = RELEVANT  # a context is counted as relevant from here

    card: ClassVar[Card] = Card(
        "context_relevance",
        "1",
        "relevance",
        "How likely the contexts, by their words, belong to this question: a mean in which first ranks weigh most.",
        ("question", "contexts"),
        limits=(
            "English only, by words: a passage that answers in other words scores low.",
            "Of passages that all are on the subject it tells those with the answer no better than BM25 does.",
            "Precision and nDCG in the details are by its own scores; by labels, `context_recall` has them.",
        ),
        quality=(Quality("NovelEval, 10 queries", "nDCG@10", 0.734, 200, "BM25", 0.574, 0.569, 0.859),),
    )

    def __call__(self, case: Case) -> Verdict:
        """The discounted mean, with each rank's relevance and the precision down to it."""
        asked = query(beginning(case.question or ""))
        contexts = [beginning(context) for context in case.contexts or ()]
        if not asked.terms:
            return not_applicable("The question has no words.")
        if not contexts:
            return not_applicable("Nothing was retrieved.")
        values = [model("context")(asked, context) for context in contexts]
        off = [rank for rank, value in enumerate(values, 1) if value < self.relevant]
        on = len(values) - len(off)
        reason = f"{on} of {counted(len(values), 'context')} {form(on, 'bears', 'bear')} on the question."
        if off:
            reason += f" Not those at rank {listed([str(rank) for rank in off])}."
        spans = tuple(
            Highlight(0, len(contexts[rank - 1]), "It does not bear on the question.", f"contexts.{rank - 1}")
            for rank in off
        )
        details = {**self._ranks(asked, contexts, values), **_cut(case.question, *(case.contexts or ()))}
        return verdict(discounted(values), reason, spans=spans, details=details)

    def _ranks(self, asked: Query, contexts: Sequence[str], values: Sequence[float]) -> Mapping[str, Json]:
        hits = [value >= self.relevant for value in values]
        ranks: list[Json] = [
            {
                "rank": at + 1, "relevance": value, "precision": sum(hits[: at + 1]) / (at + 1),
                "missing": [*_terms(asked, contexts[at])[1]],
            }
            for at, value in enumerate(values)
        ]  # fmt: skip
        return {"ranks": ranks, "order_ndcg": gain(values)}


@dataclass(frozen=True, slots=True)
class ContextRecall:
    """Whether the contexts that should have been retrieved were, and how high they stand."""

    least: float = 0.8  # share of the words of one text in the other, from which they are the same passage

    card: ClassVar[Card] = Card(
        "context_recall",
        "1",
        "relevance",
        "The share of the reference contexts that were retrieved, by their words.",
        ("contexts", "reference_contexts"),
        limits=("Passages are the same when nearly all words of one are in the other: rewordings are not seen.",),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a share that is none."""
        if not 0 < self.least <= 1:
            raise ValueError(f"`least` is above 0 and at most 1, not {self.least}.")

    def __call__(self, case: Case) -> Verdict:
        """The recall, with precision, reciprocal rank and nDCG in the details."""
        given, due = ([_stems(text) for text in texts or ()] for texts in (case.contexts, case.reference_contexts))
        if not due:
            return not_applicable("No context should have been retrieved.")
        hits = [any(self._same(one, other) for other in due) for one in given]
        found = [any(self._same(one, other) for one in given) for other in due]
        recall = sum(found) / len(due)
        ideal = discounted([1.0] * min(len(due), len(given)) + [0.0] * max(0, len(given) - len(due)))
        first = next((rank for rank, hit in enumerate(hits, 1) if hit), None)
        details: dict[str, Json] = {
            "precision": sum(hits) / len(hits) if hits else 0.0,
            "reciprocal_rank": 1 / first if first else 0.0,
            "ndcg": min(discounted([float(hit) for hit in hits]) / ideal, 1.0) if ideal else 0.0,
            "missing": [at for at, there in enumerate(found) if not there],
        }
        were = form(sum(found), "was", "were")
        reason = f"{sum(found)} of {counted(len(due), 'reference context')} {were} retrieved."
        return verdict(recall, reason, details=details)

    def _same(self, a: frozenset[str], b: frozenset[str]) -> bool:
        return len(a & b) >= self.least * max(min(len(a), len(b)), 1)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word.stem for word in words(text))
