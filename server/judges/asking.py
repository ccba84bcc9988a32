"""Which card is asked for, and what its figures are told by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Fields = Mapping[str, Sequence[str]]
"""Of fields of queues, by name, the scores that people's answers are for; none: that of the field's own name."""

SLICES = ("model", "prompt", "release", "variant", "service", "environment")
MOST_SLICES = 12
CALIBRATED = "_calibrated"
"""Ends the name of an evaluator that labels gave a threshold or examples: labels for it are those for the other."""


class NoCardError(Exception):
    """There is no such judge, or nobody labelled what it scored; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody states over what is guessed."""

    threshold: float | None = None  # of the judge
    positive: str | None = None  # the word that is a yes, of labels in words
    chosen: bool = False  # take items along that were drawn because they tell much of the judge


@dataclass(frozen=True, slots=True)
class Question:
    """Which card, and how it is reckoned."""

    score: str
    evaluator: str | None = None  # null: as the version
    version: str | None = None  # null: the one that scored last, of those that met labels
    label: str | None = None  # the name of labels; null: those for this score
    by: str | None = None  # of `SLICES`
    width: float | None = None  # of the interval that labels are planned for
    wanted: Wanted = field(default_factory=Wanted)
