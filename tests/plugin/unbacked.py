"""An evaluator of somebody else's, as a package of theirs would bring it: words of the answer that no context has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from evaluators.case import Case
from evaluators.protocol import Card, Quality, missing
from evaluators.verdict import Highlight, Scale, Verdict, not_applicable, verdict


@dataclass(frozen=True, slots=True)
class Unbacked:
    """Share of the answer's words, from a length on, that a context has."""

    min_length: int = 4

    card: ClassVar[Card] = Card(
        "unbacked",
        "7",
        "hallucination",
        "The contexts have the answer's words.",
        ("answer", "contexts"),
        takes=("question",),
        scale=Scale(labels=("unbacked", "backed")),
        quality=(
            Quality("made-up rows", "AUROC", 0.81, 200, "always backed", 0.5, 0.75, 0.87),
            Quality("other rows", "F1", 0.4, 50),
        ),
        limits=("It knows words alone.", "It reads <b>no</b> meaning."),
    )

    def __post_init__(self) -> None:
        if self.min_length < 1:
            raise ValueError("min_length is at least 1")

    def __call__(self, case: Case) -> Verdict:
        if why := missing(self.card, case):
            return not_applicable(why)
        if "explode" in (case.answer or ""):
            raise RuntimeError("It exploded.")
        known = " ".join(case.contexts or ()).lower()
        said = [one for one in re.finditer(r"\w+", case.answer or "") if len(one[0]) >= self.min_length]
        lacking = [one for one in said if one[0].lower() not in known]
        share = 1 - len(lacking) / len(said) if said else 1.0
        spans = tuple(Highlight(one.start(), one.end(), f"No context says {one[0]!r}.") for one in lacking)
        reason = f"{len(lacking)} of {len(said)} words are in no context."
        return verdict(share, reason, label="unbacked" if lacking else "backed", spans=spans)
