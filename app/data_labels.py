"""Doors to labels: scores that people gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import data, data_traces, listing, state

Row = dict[str, Any]


def names() -> list[str]:
    """Names that scores have, those of most first; none while they do not come: a name can be typed."""
    try:
        return [str(name) for name in data.score_names(state.EVER[0])["name"]]
    except data.ApiError:
        return []


def add(scores: Sequence[Row]) -> None:
    """Store scores; see `POST /api/scores`. Raises ApiError."""
    data.client().add_scores(list(scores))


def of_trace(trace_id: str) -> list[Row]:
    """What people said of a trace, its spans and its calls, the newest first."""
    return [row for row in listing.records(data_traces.trace_scores(trace_id)) if row["source"] == "human"]
