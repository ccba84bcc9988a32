"""Both samples that an explanation compares: of the reference and of the time since the change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from server.aside import Ask
from server.monitors.onset import Window, cells
from server.monitors.sampled import Rows, Sampled, Wanted, column_of, paired, run_sample, sampled
from server.monitors.signals import Signal
from server.monitors.slicing import Side, Sides
from server.monitors.terms import DAY, Season, Terms, length

MOST = 8_000  # rows a side: slices of nine attributes are tested in a second or two
LONGEST = 92 * DAY  # of a reference that is no stretch of time
USUAL = 7 * DAY  # before the window, of a check that has no reference
_NAMES = {"tag": "tags"}
"""Filters whose attribute has another name."""
_OWN = {"model_mix": ("model", "provider"), "tool_mix": ("tool",)}


def drawn(  # noqa: PLR0917 - what is compared
    ask: Ask, terms: Terms, signal: Signal, reference: Window | None, season: Season, current: Window
) -> Sides:
    """Items of the reference and of the time since the change.

    Where the reference has a season and the current window is shorter than it, only those of the same hours of the day
    (or week) are kept of the reference, so that a night is not compared with a whole day.

    Raises:
        OtherRulerError: the scores of both are of different rulers.
    """
    wanted = Wanted(signal.name, terms.score)
    now = sampled(ask, [wanted], terms.where, *current, MOST)
    before, hours = _reference(ask, terms, wanted, reference, current)
    found = sides(before, now, wanted)
    return (_alike(found[0], found[1], season), found[1]) if hours else found


def _reference(
    ask: Ask, terms: Terms, wanted: Wanted, reference: Window | None, current: Window
) -> tuple[Sampled, bool]:
    """What is compared with, and whether it is a stretch of time before."""
    against = terms.against
    if against.run is not None:
        return run_sample(ask, against.run, str(terms.score)), False
    where, window = dict(terms.where), reference
    for name in ("release", "prompt"):
        if (told := getattr(against, name)) is not None:
            where[name], window = told, (current[1] - LONGEST, current[1])
    if window is None:
        window = current[0] - max(USUAL, length(terms.window)), current[0]
    return sampled(ask, [wanted], where, *window, MOST), against.in_time


def sides(reference: Sampled, current: Sampled, wanted: Wanted) -> Sides:
    """Both samples of one signal as they are compared. Raises OtherRulerError."""
    both = paired(reference, current, wanted)
    column = column_of(*both, wanted.signal)
    codes: dict[object, int] = {}
    first, second = (
        Side(
            values, failed, np.array([codes.setdefault(one, len(codes)) for one in rows.clusters], np.intp),
            rows.trace_ids, _times(rows), rows.labels, round(rows.total * len(rows) / max(len(whole.rows[wanted]), 1)),
        )
        for rows, values, failed, whole in zip(both, column.values, column.failed, (reference, current), strict=True)
    )  # fmt: skip
    return first, second


def _times(rows: Rows) -> Sequence[datetime | None]:
    found: list[datetime | None] = rows.times.astype("datetime64[us]").astype(object).tolist()
    return found


def _alike(reference: Side, current: Side, season: Season) -> Side:
    """The reference's rows of the hours that the current ones are of."""
    mine, own = ([one for one in side.times if one is not None] for side in (reference, current))
    if season == "none" or not own or len(mine) < len(reference.times):
        return reference
    here = np.isin(cells(mine, season), np.unique(cells(own, season)))
    if here.all():
        return reference
    return replace(reference.kept(here), total=round(reference.total * float(here.mean())), alike=True)


def apart(where: Mapping[str, Any], signal: Signal) -> Collection[str]:
    """Attributes that explain nothing: a filter fixes them, or they are what is watched."""
    return {*_OWN.get(signal.name, ()), *(_NAMES.get(name, name) for name, value in where.items() if value is not None)}
