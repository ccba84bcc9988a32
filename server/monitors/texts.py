"""What is read of stored texts, one by one: whether an answer refuses, what language it is in, what was asked."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from analytics.columns import Floats
from server.cases import answer
from server.whatif.texts import wanted

READ = 2_000  # letters by which a language is told
HELD_BACK = "content_filter"
Row = dict[str, Any]
_ANSWER = ("failed", "finish_reason", "output", "output_key")


def refusal() -> str:
    """What tells refusals, and its version."""
    from evaluators.relevance.refusal import Refusal  # noqa: PLC0415 - its patterns, where no refusals are watched

    return f"{Refusal.card.name} {Refusal.card.version}"


def refused(table: pa.Table) -> Floats:
    """Of rows of `monitor_texts` with their outputs: 1 the model refused, or was held back; 0 it did not.

    NaN: unknown, as nobody told an answer or why it ended; or the call failed, and nothing was answered.
    """
    return np.array([_refused(row) for row in table.select(list(_ANSWER)).to_pylist()], dtype=np.float64)


def _refused(row: Row) -> float:
    if row["finish_reason"] == HELD_BACK:
        return 1.0
    if row["failed"] or (row["output"] is None and row["finish_reason"] is None):
        return float("nan")
    said = None if row["output"] is None else answer(row)
    return float(said is not None and _refuses(said))


@lru_cache(4_096)
def _refuses(text: str) -> bool:
    from evaluators.relevance.refusal import refuses  # noqa: PLC0415 - as `refusal`

    return refuses(text)


def answers(table: pa.Table) -> list[str | None]:
    """What was answered, in words; null: nothing was told, or tools alone were called."""
    return [None if row["output"] is None else answer(row) for row in table.select(list(_ANSWER)).to_pylist()]


def questions(table: pa.Table) -> list[str | None]:
    """What the user said last; null: unknown, or no user said anything."""
    rows = table.select(["input", "input_key"]).to_pylist()
    return [None if row["input"] is None else wanted(row["input"], row["input_key"]) for row in rows]


@lru_cache(4_096)
def language(text: str) -> str | None:
    """ISO 639-1 code of the likeliest language; null: the text is too short to tell."""
    from evaluators.checks.language import long_enough, prose, shares  # noqa: PLC0415 - its model is large

    own = prose(text[:READ])
    return next(iter(shares(own))) if long_enough(own) else None
