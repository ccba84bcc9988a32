"""Items whose labels differ, and which answer the consensus gives them: the queue of who decides."""

from __future__ import annotations

from typing import Any

import numpy as np

from server.labelling.consensus import agreed
from server.labelling.ratings import TEXTUAL, Ask, Told, labels, read, without
from server.labelling.terms import Asked

Row = dict[str, Any]


def answer(ask: Ask, queue: str) -> list[Row]:
    """Of each field the items with labels that differ, by number: `number`, `field`, `consensus`, `by`, `probability`,
    `n`, `agreeing`, `decided`. Without gold items, and without fields of texts, which always differ.

    Raises:
        LookupError: there is no such queue.
    """  # noqa: D205 - one thought
    told = read(ask, queue)
    return [row for one in told.terms.fields if one.kind not in TEXTUAL for row in of_field(told, one)]


def of_field(told: Told, field: Asked) -> list[Row]:
    """The disputed items of one field, by number."""
    found = without(labels(told, field)[0], told.golds)
    if not found.size:
        return []
    numbers, firsts = np.unique(found.numbers, return_index=True)
    unlike = (
        np.add.reduceat((found.answers != np.repeat(found.answers[firsts], np.diff([*firsts, found.size]))), firsts) > 0
    )
    disputed = set(numbers[unlike].tolist())
    return [
        {
            "number": one.number, "field": one.field, "consensus": one.answer, "by": one.by,
            "probability": one.probability, "n": one.n, "agreeing": one.agreeing, "decided": one.by == "decision",
        }
        for one in agreed(told, field, found)
        if one.number in disputed
    ]  # fmt: skip
