"""Scores of one name that several rulers gave: those of one are compared, and the others told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from server.evals.figures import counted, verb

Counts = Mapping[str, Counter[str]]
"""Ruler -> variant -> how many values."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Which scores are compared."""

    ruler: str | None  # null: all, as there is one ruler
    notes: Sequence[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)  # variant -> why none of its scores is compared


def alike(told: pd.DataFrame, score: str, names: Sequence[str], baseline: str) -> Alike:
    """Scores of the ruler with most values in all variants, by the variant that has fewest of them.

    Where no ruler is in all, of those of the baseline and another variant. `told`: `value` (the variant), `ruler`,
    `amount` (null: failed, which counts for no ruler).
    """
    known = told[told["amount"].notna()]
    counts: dict[str, Counter[str]] = {}
    for ruler, variant in zip(known["ruler"], known["value"], strict=True):
        counts.setdefault(str(ruler), Counter())[str(variant)] += 1
    if len(counts) < 2:
        return Alike(None)
    first = max(sorted(counts), key=lambda ruler: _worth(counts[ruler], names, baseline))
    others = {ruler: counts[ruler] for ruler in sorted(counts) if ruler != first}
    lacking = [name for name in names if not counts[first][name] and any(one[name] for one in others.values())]
    return Alike(
        first, [_left_out(score, first, counts[first].total(), others)],
        {name: _lacking(score, first, name, others) for name in lacking},
    )  # fmt: skip


def _worth(counts: Counter[str], names: Sequence[str], baseline: str) -> tuple[int, int, int]:
    others = max(counts[name] for name in names if name != baseline)
    return min(counts[name] for name in names), min(counts[baseline], others), counts.total()


def _left_out(score: str, first: str, many: int, others: Counts) -> str:
    every = sum(one.total() for one in others.values())
    said = ", ".join(f"{one.total():,} of {ruler}" for ruler, one in others.items())
    return (
        f"{score}: {counted(many, 'score')} of {first} {verb(many, 'is', 'are')} compared; left out "
        f"{verb(every, 'is', 'are')} {said}, as values of different rulers are not compared."
    )


def _lacking(score: str, first: str, name: str, others: Counts) -> str:
    own = ", ".join(ruler for ruler, one in others.items() if one[name])
    return (
        f"{score} is of {first} in most variants and of {own} in {name}. Values of different rulers are not compared: "
        "score one of both again with the other's version."
    )
