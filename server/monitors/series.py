"""Streams of values that monitors look at: one value a bucket of time, with what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.columns import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Buckets of one stream in order, without gaps."""

    since: datetime  # start of the first bucket; UTC without a zone, a whole multiple of `bucket`
    bucket: timedelta
    values: Floats  # in the signal's unit; NaN: the bucket has none
    weights: Floats  # what each counts, such as the hour's calls; 0 where there is no value
    rulers: Sequence[str | None]  # of each bucket: what gave the values (evaluator and version); null: of no importance
