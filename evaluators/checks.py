"""Plain checks: what can be told without reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluators.case import Case
from evaluators.protocol import Card
from evaluators.verdict import Scale, Verdict, verdict

PASS_FAIL = ("fail", "pass")


@dataclass(frozen=True, slots=True)
class ExactMatch:
    """Whether the answer is the reference, character by character."""

    card: ClassVar[Card] = Card(
        "exact_match",
        "1",
        "checks",
        "The answer is the reference, character by character.",
        ("answer", "reference"),
        scale=Scale(labels=PASS_FAIL),
    )

    def __call__(self, case: Case) -> Verdict:
        """1 and pass, or 0 and fail."""
        same = case.answer == case.reference
        return verdict(float(same), "Equal." if same else "Not equal.", label=PASS_FAIL[same])
