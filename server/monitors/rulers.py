"""Scores of one name that several rulers gave, by bucket of time: whose a stream shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Row = dict[str, Any]
"""Of `monitor_scores` or `monitor_agreement`: bucket, ruler, n, newest, and more."""

END_USERS = "an end user"
"""The ruler of what end users said: neither a judge's nor a reviewer's."""
LAST = timedelta(days=1)  # in which most scores are of the ruler that a stream shows


def by_name(table: pa.Table) -> dict[str, list[Row]]:
    """The rows of each name, in their order."""
    found: dict[str, list[Row]] = {}
    for row in table.to_pylist():
        found.setdefault(str(row["name"]), []).append(row)
    return found


def chosen(rows: Sequence[Row]) -> list[Row]:
    """One row a bucket: of the ruler with most scores of the last day that has any, where it has its share.

    A bucket in which it has less than half of what another has is the other's: before a change of rulers, or after one
    that was taken back. People's scores count only where no evaluator's are: those few that they look at are not the
    ones that a judge sees. End users' count only where there are no others.
    """
    reviewed = [row for row in rows if row["ruler"] != END_USERS]
    own = [row for row in reviewed if not row.get("of_person")] or reviewed or list(rows)
    if not own:
        return []
    ruler = usual(own)
    buckets: dict[datetime, list[Row]] = {}
    for row in own:
        buckets.setdefault(row["bucket"], []).append(row)
    return [_of_bucket(buckets[bucket], ruler) for bucket in sorted(buckets)]


def usual(rows: Sequence[Row]) -> str:
    """The ruler with most scores of the last day that has any; of equal ones the one that was used last."""
    since = max(row["bucket"] for row in rows) - LAST
    counts: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    for row in rows:
        if row["bucket"] > since:
            counts[row["ruler"]] += row["n"]
            newest[row["ruler"]] = max(row["newest"], newest.get(row["ruler"], row["newest"]))
    return max(counts, key=lambda one: (counts[one], newest[one], one))


def _of_bucket(rows: Sequence[Row], ruler: str) -> Row:
    most = max(rows, key=lambda row: (row["n"], row["newest"], row["ruler"]))
    return next((row for row in rows if row["ruler"] == ruler and 2 * row["n"] >= most["n"]), most)


def of_normaliser(places: NDArray[np.int64], versions: Sequence[int], count: int) -> list[str | None]:
    """Of each bucket the version of the normaliser that most of its rows have; null: it has no row."""
    counts: list[Counter[int]] = [Counter() for _ in range(count)]
    for place, version in zip(places.tolist(), versions, strict=True):
        counts[place][version] += 1
    return [f"normaliser {max(one, key=lambda at: (one[at], at))}" if one else None for one in counts]
