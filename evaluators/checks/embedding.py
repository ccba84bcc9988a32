"""How alike two texts are to a model of embeddings: one that a judge of the user's file names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from evaluators.case import Case
from evaluators.protocol import Card
from evaluators.verdict import Scale, Verdict, failed, not_applicable, verdict

if TYPE_CHECKING:  # the clients of models, which only who asks one needs
    from evaluators.judges.judge import Asking, Judge


def cosine(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Of two vectors of one length, -1 to 1; null: one is of only zeros.

    Raises:
        ValueError: their lengths differ, they are empty, or a number is none.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"The vectors have {len(a)} and {len(b)} numbers.")
    if not all(math.isfinite(value) for value in (*a, *b)):
        raise ValueError("A vector has a number that is none.")
    lengths = math.hypot(*a), math.hypot(*b)
    if not all(lengths):
        return None
    shares = ((x / lengths[0]) * (y / lengths[1]) for x, y in zip(a, b, strict=True))  # x * y may be below all floats
    return max(-1.0, min(1.0, sum(shares)))


@dataclass(frozen=True, slots=True)
class EmbeddingSimilarity:
    """The cosine of the embeddings of answer and reference. Where the model runs stands in the file of judges alone."""

    judge: Judge

    card: ClassVar[Card] = Card(
        "embedding_similarity",
        "1",
        "checks",
        "How alike the answer and the reference are: the cosine of their embeddings, -1 to 1.",
        ("answer", "reference"),
        scale=Scale(low=-1.0),
        cost="embedding",
        limits=(
            "It needs a judge whose entry names a model of `embeddings`.",
            "Cosines of two models cannot be compared, and no level says alike for all models.",
            "Texts on one subject are alike whether or not they agree.",
        ),
    )

    async def __call__(self, case: Case) -> Verdict:
        """The cosine, or why there is none."""
        texts = [case.answer or "", case.reference or ""]
        if not all(text.strip() for text in texts):
            return not_applicable("The answer or the reference is empty.")
        return await self.judge.verdict(self.card, case, lambda asking: _compared(asking, texts))


async def _compared(asking: Asking, texts: Sequence[str]) -> Verdict:
    try:
        value = cosine(*await asking.embed(texts))
    except ValueError as error:
        return failed("bad_answer", str(error))
    if value is None:
        return failed("bad_answer", "A vector of only zeros came.")
    return verdict(value, f"The cosine is {value:.3f}.")
