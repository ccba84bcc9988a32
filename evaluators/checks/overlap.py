"""Words and characters that the answer shares with the reference, by the measures' own libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, get_args

from evaluators.case import Case
from evaluators.protocol import Card
from evaluators.verdict import Verdict, not_applicable, verdict

_LIMITS = (
    "Overlap is not meaning: a right answer in other words scores low, a wrong one in the same words high.",
    "It is of one reference, sentence by sentence; figures of corpora are other figures.",
)

_SEEN = re.compile(r"[a-z0-9]", re.IGNORECASE | re.ASCII)
Kind = Literal["rouge1", "rouge2", "rougeL"]


@dataclass(frozen=True, slots=True)
class Rouge:
    """ROUGE of the answer by its reference (Lin 2004), by the library rouge-score."""

    kind: Kind = "rougeL"
    measure: Literal["f1", "precision", "recall"] = "f1"
    stem: bool = True

    card: ClassVar[Card] = Card(
        "rouge",
        "1",
        "checks",
        "The words (ROUGE-1), pairs of words (2) or the longest common order of words (L) shared with the reference.",
        ("answer", "reference"),
        limits=(*_LIMITS, "Only letters a to z and digits are words; stems are English.", "Its first call takes 1 s."),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"`kind` is one of {', '.join(get_args(Kind))}, not {self.kind!r}.")
        if self.measure not in {"f1", "precision", "recall"}:
            raise ValueError(f"`measure` is f1, precision or recall, not {self.measure!r}.")

    def __call__(self, case: Case) -> Verdict:
        """The chosen measure; the details have all of all three kinds."""
        unseen = [name for name in ("answer", "reference") if _is_unseen(getattr(case, name) or "")]
        if unseen:
            return not_applicable(
                f"The {' and the '.join(unseen)} is of letters that ROUGE does not see: it sees a to z."
            )
        if not _SEEN.search(case.reference or ""):
            return not_applicable("The reference has no words.")
        scores = {
            kind: {"f1": score.fmeasure, "precision": score.precision, "recall": score.recall}
            for kind, score in _scorer(self.stem).score(case.reference, case.answer).items()
        }
        value = scores[self.kind][self.measure]
        reason = f"ROUGE-{self.kind[5:]} has {_all_of(scores[self.kind])}."
        return verdict(value, reason, details={kind: {**one} for kind, one in scores.items()})


def _is_unseen(text: str) -> bool:
    """Whether most letters are of no word to rouge-score."""
    letters = [letter for letter in text if letter.isalpha()]
    return sum(not letter.isascii() for letter in letters) > len(letters) / 2


def _all_of(score: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in score.items())


@cache
def _scorer(stem: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - 1 s: it loads nltk

    return RougeScorer(list(get_args(Kind)), use_stemmer=stem)


@dataclass(frozen=True, slots=True)
class Bleu:
    """Sentence BLEU of the answer by its reference (Papineni 2002), by the library sacrebleu."""

    tokenize: str = "13a"  # as sacrebleu names them: 13a, intl, char, zh, none

    card: ClassVar[Card] = Card(
        "bleu",
        "1",
        "checks",
        "Runs of one to four words shared with the reference, less a penalty for short answers: sentence BLEU, 0 to 1.",
        ("answer", "reference"),
        limits=(
            *_LIMITS,
            "Of a sentence BLEU says little: it is smoothed, and has runs as long as the answer at most.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a tokenizer that is not there."""
        if self.tokenize not in {"13a", "intl", "char", "zh", "none"}:
            raise ValueError(f"`tokenize` is 13a, intl, char, zh or none, not {self.tokenize!r}.")

    def __call__(self, case: Case) -> Verdict:
        """The score of sacrebleu over 100, with effective order."""
        bleu = _bleu(self.tokenize)
        score = bleu.sentence_score(case.answer or "", [case.reference or ""])
        return _scored(score.score, f"BLEU is {score.score:.1f} of 100.", str(bleu.get_signature()))


@dataclass(frozen=True, slots=True)
class Chrf:
    """Sentence chrF of the answer by its reference (Popovic 2015), by the library sacrebleu."""

    word_order: int = 0  # 2: chrF++

    card: ClassVar[Card] = Card(
        "chrf",
        "1",
        "checks",
        "Runs of one to six characters shared with the reference: chrF2, 0 to 1; for any language.",
        ("answer", "reference"),
        limits=_LIMITS,
    )

    def __post_init__(self) -> None:
        """Raises ValueError for an order that is none."""
        if not 0 <= self.word_order <= 6:
            raise ValueError(f"`word_order` is from 0 to 6, not {self.word_order}.")

    def __call__(self, case: Case) -> Verdict:
        """The score of sacrebleu over 100."""
        if not (case.answer or "").strip() and not (case.reference or "").strip():
            return not_applicable("Neither the answer nor the reference has characters.")
        chrf = _chrf(self.word_order)
        score = chrf.sentence_score(case.answer or "", [case.reference or ""])
        return _scored(score.score, f"chrF is {score.score:.1f} of 100.", str(chrf.get_signature()))


def _scored(percent: float, reason: str, signature: str) -> Verdict:
    return verdict(min(max(percent / 100, 0.0), 1.0), reason, details={"signature": signature})


@cache
def _bleu(tokenize: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - 0.1 s, for who asks for it

    return BLEU(effective_order=True, tokenize=tokenize)


@cache
def _chrf(word_order: int) -> Any:
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - as above

    return CHRF(word_order=word_order)
