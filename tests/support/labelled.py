"""Labels of a queue as its queries tell them, without a store; and PandaLM's people as such labels."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from server.labelling.ratings import Decision, Told, text_of
from server.labelling.terms import Asked, Terms

BEGAN = datetime(2026, 3, 2)  # noqa: DTZ001 - UTC without a zone, as the store holds it
PANDALM = Path(__file__).resolve().parents[1] / "analytics/data/pandalm/labels.csv"
PEOPLE = ("annotator1", "annotator2", "annotator3")
BETTER = {"0": "tie", "1": "a", "2": "b"}
SCHEMA = pa.schema(
    {
        "number": pa.int32(), "author": pa.string(), "field": pa.string(), "answer": pa.string(),
        "saved_at": pa.timestamp("us"), "attributes": pa.map_(pa.string(), pa.string()),
    }
)  # fmt: skip

Row = tuple[Any, ...]
"""Number, author, answer; then the field, when (hours after the beginning) and attributes, where they matter."""


def told(
    fields: Sequence[Mapping[str, Any]], rows: Sequence[Row], *, golds: Mapping[int, Mapping[str, Any]] | None = None,
    decisions: Mapping[int, Any] | None = None, versions: Sequence[tuple[int, str]] = ((0, ""),),
) -> Told:  # fmt: skip
    """A queue with these labels. `decisions`: of its first field; `versions`: hours and guidelines of each."""
    terms = Terms.model_validate({"fields": list(fields)})
    first = terms.fields[0].name
    told_rows = [
        {
            "number": row[0], "author": row[1], "answer": text_of(row[2]), "field": row[3] if len(row) > 3 else first,
            "saved_at": BEGAN + timedelta(hours=row[4] if len(row) > 4 else at),
            "attributes": list((row[5] if len(row) > 5 else {}).items()),
        }
        for at, row in enumerate(rows)
    ]  # fmt: skip
    return Told(
        terms, pa.Table.from_pylist(told_rows, SCHEMA), golds or {},
        {(at, first): Decision(text_of(one) or "", None, "eve", BEGAN) for at, one in (decisions or {}).items()},
        [
            {"version": at, "set_at": BEGAN + timedelta(hours=hours), "says": (said,)}
            for at, (hours, said) in enumerate(versions, 1)
        ],
    )  # fmt: skip


def field(told_of: Told, name: str | None = None) -> Asked:
    """One of its fields; null: the first."""
    return next(one for one in told_of.terms.fields if name in {None, one.name})


def pandalm(most: int | None = None) -> list[tuple[int, str, str]]:
    """Number (from 1), author, answer to a preference: of so many of its pairs of answers, or of all 553."""
    with PANDALM.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rows = rows[:: len(rows) // most][:most] if most else rows
    return [(at, name, BETTER[row[name]]) for at, row in enumerate(rows, 1) for name in PEOPLE]
