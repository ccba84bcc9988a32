"""An evaluator whose number is a yes from a threshold on that people's labels chose."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace

from evaluators.case import Case
from evaluators.judges.rubric import NO, YES, words
from evaluators.protocol import Card, Evaluator, ruler
from evaluators.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Says what the evaluator says, with `yes` from the threshold on, else `no`; its own label is kept in details."""

    evaluator: Evaluator = field(metadata={"ruler": False})  # all that it is made of stands in the card's version
    card: Card = field(metadata={"ruler": False})
    threshold: float = field(metadata={"ruler": False})

    @staticmethod
    def card_of(of: Evaluator, name: str, version: str, measures: str, threshold: float) -> Card:
        """The card under another name; the version ends with a hash of what it is made of."""
        told = f"{of.card.name} {ruler(of)} {threshold!r}"
        return replace(
            of.card, name=name, version=f"{version}-{hashlib.sha256(told.encode()).hexdigest()[:8]}", family="custom",
            measures=measures, scale=replace(of.card.scale, labels=words(of.card.scale.better)), quality=(),
        )  # fmt: skip

    def __call__(self, case: Case) -> Verdict | Awaitable[Verdict]:
        """The verdict with its yes or no; what failed or did not apply stays as it is."""
        said = self.evaluator(case)
        return self._later(said) if inspect.isawaitable(said) else self._told(said)

    async def _later(self, said: Awaitable[Verdict]) -> Verdict:
        return self._told(await said)

    def _told(self, said: Verdict) -> Verdict:
        if said.status != "ok" or said.value is None:
            return said
        kept = {} if said.label is None else {"label": said.label}
        label = YES if said.value >= self.threshold else NO
        return replace(said, label=label, details={**said.details, **kept, "threshold": self.threshold})
