"""Which language a text is in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from evaluators.case import Case
from evaluators.checks.outcome import SHARE_CHECKED, checked
from evaluators.protocol import Card
from evaluators.verdict import Verdict, not_applicable

# The languages that are told apart, by their ISO 639-1 code. The library knows more, yet each one more costs short
# texts of the others: with all of them `Hello there` is Sesotho.
LANGUAGES = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "gu", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "ml", "mr", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "sw",
    "ta", "te", "th", "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip

LEAST_LETTERS = 20  # of an alphabet. Of 20 to 29 letters .93 are told right, of 16 to 19 .86, of 8 to 11 .70
_LEAST_SIGNS = 4  # of a script in which one sign is a syllable or a word
_DENSE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`]*`|https?://\S+", re.DOTALL)


def prose(text: str) -> str:
    """The text without code and addresses, which are in no language."""
    return _CODE.sub(" ", text)


def long_enough(text: str) -> bool:
    """Whether there are letters enough to tell its language."""
    letters = sum(1 for _ in islice(filter(str.isalpha, text), LEAST_LETTERS))
    return letters == LEAST_LETTERS or len(_DENSE.findall(text)) >= _LEAST_SIGNS


def shares(text: str) -> dict[str, float]:
    """How likely each language is, by its code; the likeliest first. Of a text that is long enough."""
    return {code: float(share) for code, share in _identifier().rank(text)}


@cache
def _identifier() -> Any:
    # Of three libraries on 3,373 strings of GNU translations in these languages it was right most often at every length
    # (20 to 29 letters: .93; langdetect .86, lingua .87, both over all their languages). It has 4.6 MB and needs numpy;
    # lingua has 96 MB, and langdetect had no release since 2021 and draws lots.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - its model is large

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


@dataclass(frozen=True, slots=True)
class Language:
    """Whether the answer is in the expected language."""

    expected: str = ""  # ISO 639-1 code; "": the row's `language`, else the question's language

    card: ClassVar[Card] = Card(
        "language",
        "1",
        "checks",
        "The answer is in the expected language, or in the question's; the value is how likely that is.",
        ("answer",),
        takes=("question", "metadata"),
        scale=SHARE_CHECKED,
        limits=(
            f"Texts with fewer than {LEAST_LETTERS} letters are not judged; code and addresses do not count.",
            f"It tells {len(LANGUAGES)} languages apart; a text in another one is taken for the nearest.",
            "Near languages, such as Danish and Norwegian or Croatian and Serbian, are mistaken for each other.",
            "A text in two languages counts as the one with more of it.",
        ),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a language that is not told apart."""
        if self.expected and self.expected not in LANGUAGES:
            raise ValueError(f"`expected` is one of {', '.join(LANGUAGES)}, not {self.expected!r}.")

    def __call__(self, case: Case) -> Verdict:
        """The share of the expected language; pass where it is the likeliest."""
        expected = self._expected(case)
        if expected is None:
            return not_applicable("No language is expected: no option, no `language`, no question long enough to tell.")
        if expected not in LANGUAGES:
            return not_applicable(f"{expected!r} is not one of the languages that are told apart.")
        answer = prose(case.answer or "")
        if not long_enough(answer):
            return not_applicable(f"The answer has fewer than {LEAST_LETTERS} letters: too short to tell its language.")
        found = shares(answer)
        likeliest = next(iter(found))
        reason = f"The answer is in {likeliest!r} ({found[likeliest]:.0%}); expected is {expected!r}."
        return checked(likeliest == expected, reason, found[expected], details={"language": likeliest})

    def _expected(self, case: Case) -> str | None:
        told = self.expected or case.metadata.get("language")
        if isinstance(told, str) and told:
            return told.casefold().split("-")[0]
        question = prose(case.question or "")
        return next(iter(shares(question))) if long_enough(question) else None
