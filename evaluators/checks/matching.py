"""The answer against a text: equal, equal but for its writing, contained, or matched by a pattern."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args

from evaluators.case import Case
from evaluators.checks.outcome import MOST_SPANS, SHARE_CHECKED, checked, listed
from evaluators.protocol import Card
from evaluators.verdict import Highlight, Verdict, failed, not_applicable


@dataclass(frozen=True, slots=True)
class ExactMatch:
    """Whether the answer is the reference, character by character."""

    card: ClassVar[Card] = Card(
        "exact_match",
        "1",
        "checks",
        "The answer is the reference, character by character.",
        ("answer", "reference"),
        scale=SHARE_CHECKED,
    )

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail."""
        same = case.answer == case.reference
        return checked(same, "Equal." if same else "Not equal.")


# Articles are those of the SQuAD metric. Signs stay where they belong to a number: 3.5 is not 35, and -5 not 5.
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_INSIDE_NUMBERS = re.compile(r"(?<=\d)[.](?=\d)|(?<![\w)])-(?=[.]?\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


def normalised(text: str, *, case: bool = False, punctuation: bool = False, articles: bool = False) -> str:
    """The text without differences of writing; what is True is kept.

    Unicode NFKC; white space of any kind and length is one blank. Apart from signs in numbers, punctuation (Unicode P)
    is dropped, not replaced: `well-known` becomes `wellknown`, as in the SQuAD metric.
    """
    text = unicodedata.normalize("NFKC", text)
    if not case:
        text = unicodedata.normalize("NFKC", text.casefold())
    if not punctuation:
        text = _unpunctuated(text)
    if not articles:
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split())


def _unpunctuated(text: str) -> str:
    text = _THOUSANDS.sub("", text.replace("\N{MINUS SIGN}", "-"))
    kept = {found.start() for found in _INSIDE_NUMBERS.finditer(text)}
    return "".join(sign for at, sign in enumerate(text) if at in kept or not unicodedata.category(sign).startswith("P"))


@dataclass(frozen=True, slots=True)
class NormalisedMatch:
    """Whether the answer is the reference but for its writing."""

    case: bool = False  # True: capitals count
    punctuation: bool = False  # True: it counts
    articles: bool = False  # True: English a, an, the count

    card: ClassVar[Card] = Card(
        "normalised_match",
        "1",
        "checks",
        "The answer is the reference but for capitals, punctuation, articles, white space and forms of characters.",
        ("answer", "reference"),
        scale=SHARE_CHECKED,
        limits=("Articles are English ones only.", "An answer in a sentence is not equal to the bare reference."),
    )

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail; the reason shows both as they were compared."""
        answer, reference = (
            normalised(text or "", case=self.case, punctuation=self.punctuation, articles=self.articles)
            for text in (case.answer, case.reference)
        )
        if answer == reference:
            return checked(True, f"Both are {_short(answer)} when normalised.")
        return checked(False, f"When normalised, the answer is {_short(answer)}, the reference {_short(reference)}.")


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


How = Literal["all", "any", "none"]


@dataclass(frozen=True, slots=True)
class Contains:
    """Whether the answer has texts in it: all, any or none of them."""

    texts: Sequence[str] | str = ()  # (): the reference is looked for
    how: How = "all"
    case: bool = False  # True: capitals count
    words: bool = False  # True: whole words only, `cat` not in `category`

    card: ClassVar[Card] = Card(
        "contains",
        "1",
        "checks",
        "The answer has all, any or none of the given texts in it; without texts, the reference.",
        ("answer",),
        takes=("reference",),
        scale=SHARE_CHECKED,
    )

    def __post_init__(self) -> None:
        """Raises ValueError for options that do not do."""
        if self.how not in get_args(How):
            raise ValueError(f"`how` is all, any or none, not {self.how!r}.")
        if "" in self._looked_for():
            raise ValueError("An empty text is in every answer.")

    def _looked_for(self) -> tuple[str, ...]:
        if isinstance(self.texts, Sequence) and not isinstance(self.texts, str):
            return tuple(map(str, self.texts))
        return () if self.texts == "" else (str(self.texts),)  # from the shell a text of digits comes as a number

    def __call__(self, case: Case) -> Verdict:
        """The share of texts that are as they should be (with `any`, 1 or 0), with where they were found."""
        texts = self._looked_for() or ((case.reference,) if case.reference else ())
        if not texts:
            return not_applicable("No texts are given, and the row has no reference to look for.")
        found = {text: self._places(text, case.answer or "") for text in texts}
        here = [text for text in texts if found[text]]
        gone = [text for text in texts if not found[text]]
        spans = tuple(
            Highlight(start, end, f"Has {text!r}.") for text in here for start, end in found[text][:MOST_SPANS]
        )
        return checked(self._passes(here, gone), _told(here, gone), self._share(here, gone), spans=spans)

    def _places(self, text: str, answer: str) -> list[tuple[int, int]]:
        pattern = re.escape(text)
        if self.words:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        return [found.span() for found in re.finditer(pattern, answer, 0 if self.case else re.IGNORECASE)]

    def _passes(self, here: list[str], gone: list[str]) -> bool:
        return {"all": not gone, "any": bool(here), "none": not here}[self.how]

    def _share(self, here: list[str], gone: list[str]) -> float:
        if self.how == "any":
            return float(bool(here))
        return len(here if self.how == "all" else gone) / (len(here) + len(gone))


def _told(here: list[str], gone: list[str]) -> str:
    sides = (("Has", here), ("Has not", gone))
    return " ".join(f"{word}: {listed([_short(text) for text in texts])}." for word, texts in sides if texts)


@dataclass(frozen=True, slots=True)
class Regex:
    """Whether a pattern is found in the answer. The time for it is bounded, whatever the pattern."""

    pattern: str = ""
    whole: bool = False  # True: the whole answer must match
    absent: bool = False  # True: it passes when nothing matches
    ignore_case: bool = False
    timeout_s: float = 0.5

    card: ClassVar[Card] = Card(
        "regex",
        "1",
        "checks",
        "The pattern is found in the answer, or not found where it must be absent.",
        ("answer",),
        scale=SHARE_CHECKED,
        limits=("A pattern that takes longer than its timeout is an error, neither pass nor fail.",),
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a pattern that is none."""
        if not self.pattern:
            raise ValueError("The option `pattern` is needed.")
        _compiled(self.pattern, self.ignore_case)

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail, with what matched."""
        try:
            spans = self._found(case.answer or "")
        except TimeoutError:
            return failed("timeout", f"The pattern took longer than {self.timeout_s:g} s.")
        told = f"Matches of the pattern: {len(spans)}." if spans else "The pattern matches nothing."
        return checked(bool(spans) != self.absent, told, spans=tuple(spans[:MOST_SPANS]))

    def _found(self, answer: str) -> list[Highlight]:
        pattern = _compiled(self.pattern, self.ignore_case)
        if self.whole:
            whole = pattern.fullmatch(answer, timeout=self.timeout_s)
            matches = [whole] if whole else []
        else:
            matches = list(pattern.finditer(answer, timeout=self.timeout_s))
        return [Highlight(found.start(), found.end(), "Matches the pattern.") for found in matches]


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    """Of the library `regex`, since `re` cannot be stopped: `(a+)+$` on 30 letters takes minutes."""
    import regex  # noqa: PLC0415 - 30 ms, for who asks for it

    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}.") from error
