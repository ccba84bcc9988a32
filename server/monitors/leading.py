"""What led up to an alert of a check that keeps no past: the stream before it, read when it is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from server.aside import Ask
from server.monitors import streams
from server.monitors.series import Series, Stream, series
from server.monitors.terms import DAY, Drift, Terms, length

WINDOWS = 7  # before the alert, at least
BEFORE = 7 * DAY  # at least, so that hours are compared with their likes
READ = DAY  # of signals whose texts are read one by one
LONGEST = 28 * DAY
_READ = frozenset({"refusal_rate", "input_length", "output_length", "retrieval_score", "retrieved_documents"})

Rows = Sequence[Mapping[str, Any]]


def led_up(ask: Ask, terms: Terms, kept: Rows, at: datetime) -> Rows:
    """The points of a monitor's stream up to `at`; of a plain check with as many before as tell when it changed.

    Args:
        ask: named queries of the project.
        terms: what the monitor says.
        kept: its points as they are kept, in order: of a plain check those of its windows alone.
        at: the end of the newest window, UTC without a zone.
    """
    source = _source(terms)
    if isinstance(terms.alert, Drift) or source is None:
        return kept
    usual = READ if source.signal in _READ else BEFORE
    first = streams.floored(at - min(max(WINDOWS * length(terms.window), usual), LONGEST), source.bucket)
    until = min(kept[0]["at"], at) if kept else at
    if until - first < source.bucket:
        return kept
    (found,) = series(ask, [source], first, until)
    return [*points(found), *kept]


def _source(terms: Terms) -> Stream | None:
    """The stream to look at; a burn of an error budget reads none, and is of errors."""
    if terms.alert.kind == "slo_burn":
        return Stream("error_rate", terms.where, bucket=terms.bucket)
    return streams.source(terms)


def points(found: Series) -> list[dict[str, Any]]:
    """A stream as explanations take it: at, value (null: none), n, ruler."""
    return [
        {
            "at": found.since + place * found.bucket, "value": None if np.isnan(value) else float(value),
            "n": float(found.weights[place]), "ruler": found.rulers[place],
        }
        for place, value in enumerate(found.values)
    ]  # fmt: skip
