"""Which of some options an answer chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evaluators.case import Case
from evaluators.checks.matching import normalised
from evaluators.checks.outcome import SHARE_CHECKED, checked
from evaluators.protocol import Card
from evaluators.verdict import Verdict, not_applicable

_LETTER = re.compile(
    r"\W*(?:(?:the\s+)?(?:correct\s+)?(?:answer|option|choice)(?:\s+is)?\W*)?\(?([A-Z])\)?(?![\w'])", re.IGNORECASE
)
CUT = 0.5  # of an option, from which its beginning stands for it


def chosen(answer: str, options: Sequence[str]) -> int | None:
    """The option that the answer is, names by its letter, has in it as the only one, or is the beginning of.

    Null where it is none of them or several. An option within a longer one that the answer has does not count.
    """
    said, known = normalised(answer), [normalised(option) for option in options]
    if said in known:
        return known.index(said) if known.count(said) == 1 else None
    lettered = _lettered(answer, len(options))
    return lettered if lettered is not None else _named(said, known)


def _lettered(answer: str, count: int) -> int | None:
    found = _LETTER.match(answer)
    if found is None or (found[1].islower() and len(answer.strip()) > 3):  # `a man` is no option A
        return None
    if found[1] in "AI" and re.match(r"\s+\w", answer[found.end() :]):  # nor is `A man`
        return None
    at = ord(found[1].upper()) - ord("A")
    return at if at < count else None


def _named(said: str, known: Sequence[str]) -> int | None:
    inside = [at for at, option in enumerate(known) if option and f" {option} " in f" {said} "]
    longest = [
        at for at in inside if not any(at != other and f" {known[at]} " in f" {known[other]} " for other in inside)
    ]
    if inside:
        return longest[0] if len(longest) == 1 else None
    begun = [at for at, option in enumerate(known) if said and option.startswith(said)]
    return begun[0] if len(begun) == 1 and len(said) >= CUT * len(known[begun[0]]) else None


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """Whether the answer chooses the right one of the row's options."""

    card: ClassVar[Card] = Card(
        "multiple_choice",
        "1",
        "checks",
        "The answer chooses the option that is right: by its words, its letter, or its beginning.",
        ("answer", "metadata"),
        takes=("reference",),
        scale=SHARE_CHECKED,
        limits=("An answer that weighs several options in words and names the one it rejects is read as naming both.",),
    )

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail; the details have the number of the option, null for none."""
        options, label = case.metadata.get("options"), case.metadata.get("label")
        if not isinstance(options, list) or not options:
            return not_applicable("The row has no list `options`.")
        texts = [str(option) for option in options]
        right = label if isinstance(label, int) and not isinstance(label, bool) else chosen(case.reference or "", texts)
        if right is None or not 0 <= right < len(texts):
            return not_applicable("The row says neither by `label` nor by its reference which option is right.")
        found = chosen(case.answer or "", texts)
        said = "none of the options, or several" if found is None else repr(texts[found])
        reason = f"The answer is {said}; right is {texts[right]!r}."
        return checked(found == right, reason, details={"chosen": found, "right": right})
