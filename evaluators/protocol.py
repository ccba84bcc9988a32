"""What an evaluator is: a small frozen object with a card, called with a case.

A plug-in needs no base class: an entry point of the group `assayline.evaluators` that names a `Maker`, most simply a
dataclass whose fields are the options and whose card is a class attribute. Importing and making it must be cheap: what
is large is loaded at the first call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Literal, Protocol, cast

from evaluators.case import Case, Part
from evaluators.verdict import Scale, Verdict

SHARE = Scale()

Family = Literal["hallucination", "relevance", "safety", "security", "checks", "agents", "judges", "custom"]
Cost = Literal["free", "embedding", "judge"]
"""free: nothing but this machine; embedding: a model of embeddings is asked; judge: a language model is asked."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One published figure, on rows that the evaluator was not made from, beside what a naive rule gets on them."""

    data: str  # which rows
    measure: str  # AUROC, F1, recall at 1 % false positives, ...
    value: float
    n: int  # rows
    naive: str | None = None  # the rule: always yes, length of the answer, ...; null: none is named
    naive_value: float | None = None
    low: float | None = None  # 95 % interval; null: not worked out
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What an evaluator measures, needs and costs, how good it is, and what it cannot do."""

    name: str
    version: str  # goes up whenever old scores stop being comparable
    family: Family
    measures: str  # a sentence: what a high value says
    needs: tuple[Part, ...]  # without one of them the verdict is `not_applicable`
    takes: tuple[Part, ...] = ()  # looked at where given
    scale: Scale = SHARE
    cost: Cost = "free"
    quality: tuple[Quality, ...] = ()
    limits: tuple[str, ...] = ()  # sentences; printed where its scores are shown


class Evaluator(Protocol):
    """Scores a case. What it does not catch becomes a row with its error, and ends no run."""

    @property
    def card(self) -> Card:
        """Cheap: nothing large is loaded for it."""

    def __call__(self, case: Case) -> Verdict | Awaitable[Verdict]:
        """The same case gives the same verdict, where the evaluator asks no model."""


class Maker(Protocol):
    """Makes an evaluator from its options, given by keyword. Most simply a class."""

    @property
    def card(self) -> Card:
        """Of what it makes."""

    def __call__(self, **options: Any) -> Evaluator:
        """Raises TypeError or ValueError, with a sentence, for options that do not do."""


def ruler(evaluator: Evaluator) -> str:
    """The version of the evaluator with its options: `2`, or `2+1f3a9c04` with others than the usual ones.

    Scores of the same name and ruler are comparable. Options are the fields of a dataclass; else there are none.
    """
    version, options = evaluator.card.version, unusual(evaluator)
    if not options:
        return version
    text = json.dumps(options, sort_keys=True, default=str, ensure_ascii=False)
    return f"{version}+{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def unusual(evaluator: Evaluator) -> dict[str, object]:
    """The options that differ from the defaults, by name; a field with the metadata `ruler=False` changes no score."""
    known = cast("Any", evaluator)
    if not is_dataclass(known):
        return {}
    return {
        one.name: value
        for one in fields(known)
        if one.init and one.metadata.get("ruler", True) and (value := getattr(known, one.name)) != _default(one)
    }


def _default(one: Field[Any]) -> object:
    return one.default if one.default_factory is MISSING else one.default_factory()


def missing(card: Card, case: Case) -> str | None:
    """The sentence of a case without what the evaluator needs; null: it has all."""
    lacking = [name for name in card.needs if not case.has(name)]
    return f"The row has no {' and no '.join(lacking)}." if lacking else None
