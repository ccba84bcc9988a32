"""Whether the contexts support an answer, sentence by sentence: no model is asked, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from evaluators.case import Case, Json
from evaluators.english import outside
from evaluators.protocol import Card, Quality
from evaluators.text import sentences, words
from evaluators.verdict import Highlight, Scale, Verdict, not_applicable, verdict

if TYPE_CHECKING:  # its word lists and its model are loaded at the first call
    from evaluators.grounding.features import Findings

LABELS = ("unsupported", "refusal", "supported")
BARE = frozenset(("yes", "no", "yeah", "yep", "nope", "true", "false", "ok", "okay"))
SHOWN = 5  # words that a reason names
SORRY = 3  # words of a sentence that may stand beside a refusal
MOST = 2_000  # sentences that are judged
TOLD = 3  # sentences that a reason names

QUALITY = (
    Quality("RAGTruth QA, half of test", "AUROC", 0.894, 457, "words not in the contexts", 0.778, 0.850, 0.933),
    Quality("RAGTruth QA, half of test", "F1", 0.645, 457, "always unsupported", 0.307, 0.554, 0.733),
    Quality("BEGIN-WoW, dev", "AUROC", 0.932, 430, "words not in the contexts", 0.947, 0.907, 0.953),
    Quality("WiCE, claims of dev", "AUROC", 0.825, 349, "words not in the contexts", 0.726, 0.782, 0.867),
    Quality("QAGS-CNNDM", "AUROC", 0.723, 235, "1 - ROUGE-2 precision", 0.794, 0.651, 0.785),
    Quality("SummEdits, four domains", "AUROC", 0.622, 2562, "length of the answer", 0.519, 0.584, 0.661),
)
"""As `benchmarks/quality_groundedness.py` prints them. Two weights were chosen with the last four sets in view."""


@dataclass(frozen=True, slots=True)
class Groundedness:
    """Support of the answer by the contexts, by wording: 1 is supported, 0 is not.

    `threshold`: answers whose value is below it are called unsupported; null: as chosen in training, which differs
    between answers to a question and texts without one.
    """

    threshold: float | None = None
    card: ClassVar[Card] = Card(
        "groundedness",
        "1",
        "hallucination",
        "The contexts say what the answer says; a low value means unsupported by them, not false.",
        ("answer", "contexts"),
        ("question",),
        Scale(labels=LABELS),
        quality=QUALITY,
        limits=(
            "It compares wording: a faithful paraphrase in rare words can be called unsupported.",
            "A word swapped in copied text is mostly invisible, but for numbers, names and denials that it adds.",
            "A denial that the answer leaves out (the contexts say not) is not seen.",
            "An answer that only declines is labelled a refusal and keeps its value: leave that label out of means.",
            "On summaries that copy (QAGS-CNNDM) and on replies to one sentence (BEGIN) plain overlap is better.",
            "Its threshold is for answers of several sentences; few short unsupported replies and summaries reach it.",
            "Unsupported is not false: general knowledge that the contexts lack counts as unsupported.",
            "Learnt from English answers to web questions; for other languages its values mean little (see details).",
            "Values are probabilities where a quarter of the answers are unsupported; elsewhere read them as an order.",
        ),
    )

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"The threshold {self.threshold} is not between 0 and 1.")

    def __call__(self, case: Case) -> Verdict:
        """Not applicable to an answer without words, or a bare yes or no. Without contexts nothing is supported."""
        answer, contexts = case.answer or "", tuple(one for one in case.contexts or () if one.strip())
        said = words(answer)
        if not said:
            return not_applicable("The answer has no words.")
        if not contexts:
            spans = tuple(Highlight(a, b, "There is no context.", weight=1.0) for a, b in sentences(answer))
            return verdict(0.0, "No context was given, so nothing supports the answer.", label=LABELS[0], spans=spans)
        if all(word.norm in BARE for word in said):
            return not_applicable("The answer only says yes or no: there is no wording to look for in the contexts.")
        return self._judged(answer, contexts, case.question if case.question and case.question.strip() else None)

    def _judged(self, answer: str, contexts: tuple[str, ...], question: str | None) -> Verdict:
        from evaluators.grounding.evidence import evidence  # noqa: PLC0415 - loads word lists, see above
        from evaluators.grounding.features import findings  # noqa: PLC0415 - the same
        from evaluators.grounding.model import shipped  # noqa: PLC0415 - reads the artefact

        model = shipped()
        told = findings(answer, evidence(contexts), model.weights, question, MOST)
        judged, route = model.judge(told, asked=question is not None), model.route(asked=question is not None)
        value = 1 - judged.answer
        bound = 1 - route.threshold if self.threshold is None else self.threshold
        shares = [float(share) for share in judged.sentences]
        label = _label(told, asked=question is not None, supported=value >= bound)
        spans = _spans(told, shares, route.sentence, at_least_one=label == LABELS[0])
        details: dict[str, Json] = {
            "threshold": round(bound, 4),
            "route": "answer to a question" if question else "text without a question",
            "sentences": [[one.start, one.end, round(1 - share, 4)] for one, share in zip(told, shares, strict=True)],
        }
        if len(told) == MOST:
            details["cut"] = f"Only the first {MOST:,} sentences were judged."
        if note := outside(answer):
            details["outside"] = note
        return verdict(value, _reason(label, spans, answer), label=label, spans=spans, details=details)


def _label(told: Sequence[Findings], *, asked: bool, supported: bool) -> str:
    """Answers that only decline are a kind of their own: they claim nothing to support, though they may be wrong."""
    declined = [_declines(one) for one in told]
    if asked and any(declined) and all(no or len(one.words) <= SORRY for no, one in zip(declined, told, strict=True)):
        return LABELS[1]
    return LABELS[2] if supported else LABELS[0]


def _declines(one: Findings) -> bool:
    """Whether the sentence says that the contexts, or the speaker, cannot tell."""
    from evaluators.grounding.lexicon import DECLINES  # noqa: PLC0415 - loads word lists

    if not one.values["negations"]:
        return False
    speaks = one.values["i"] and any(word.stem in DECLINES for word in one.words)
    return bool(speaks or one.values["hedges"])


def _spans(
    told: Sequence[Findings], shares: Sequence[float], bound: float, *, at_least_one: bool
) -> tuple[Highlight, ...]:
    """The sentences that are likely unsupported; of an answer that is, at least the likeliest."""
    worst = max(shares)
    return tuple(
        Highlight(one.start, one.end, _why(one), weight=round(share, 4))
        for one, share in zip(told, shares, strict=True)
        if share >= bound or (at_least_one and share == worst)
    )


def _why(one: Findings) -> str:
    """What of the sentence no context has, most telling first."""
    parts = []
    if one.lost_numbers:
        numbers = [" ".join(word.text for word in one.words[n.first : n.last + 1]) for n in one.lost_numbers]
        parts.append(f"number not in the contexts: {_list(numbers)}")
    if one.lost_names:
        parts.append(f"name not in the contexts: {_list([word.text for word in one.lost_names])}")
    if one.opposites:
        parts.append(f"the contexts say the opposite: {_list([f'{w.text} / {other}' for w, other in one.opposites])}")
    if one.denied:
        parts.append("denies what the closest passage does not")
    named = {word.start for word in one.lost_names}
    if rest := [word.text for word in one.foreign if word.start not in named and not word.text[0].isdigit()]:
        parts.append(f"words not in the contexts: {_list(rest)}")
    return "; ".join(parts) or "its words are in the contexts, but not together"


def _list(items: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(items))
    more = len(distinct) - SHOWN
    return ", ".join(distinct[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _reason(label: str, spans: Sequence[Highlight], answer: str) -> str:
    if label == LABELS[1]:
        return "The answer only says that the contexts do not answer. Whether that is so was not judged."
    if not spans:
        return "No unsupported wording was found."
    worst = sorted(spans, key=lambda one: -(one.weight or 0))[:TOLD]
    told = " ".join(f"“{_short(answer[one.start : one.end])}”: {one.why}." for one in worst)
    return f"{'Unsupported' if label == LABELS[0] else 'Supported on the whole, least'}: {told}"


def _short(text: str, most: int = 80) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"
