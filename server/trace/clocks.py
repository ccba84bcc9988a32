"""Clocks that disagree: how far those of the services and hosts of a trace must be shifted for its tree to be possible.

A child that is another clock's cannot start before its parent. Where one does, its clock is behind. A shift `s` of it
makes every such child possible when s >= parent's start - child's start for each; and when none is to outlast its
parent, s <= parent's end - child's end. Within these bounds the middle is taken (Jaeger's adjuster does the same for
one span), else the smallest that lets no child start too early. It is for display only: nothing that is stored, summed
or scored changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from server.trace.layout import NO_ROW, Integers, Layout

RESOLUTION_NS = 1_000  # of start times
Clock = tuple[str | None, str | None]
"""Service and host."""


@dataclass(frozen=True, slots=True)
class Skew:
    """What is known of one clock, told by the one above it in the tree."""

    service: str | None
    host: str | None
    above: str | None  # service of the parents that it was told by
    shift_ns: int  # to add to its times so that they fit the root's clock
    early: int  # spans that start before the parent
    edges: int  # spans with a parent of the other clock
    spans: int  # that are drawn shifted


def skews(layout: Layout) -> list[Skew]:
    """Clocks that cannot be right, by shift, the largest first; none where all children can have started as told."""
    clock, clocks = _clocks(layout)
    if len(clocks) < 2:
        return []
    shifts: dict[int, int] = {}
    told: list[Skew] = []
    for (above, below), (least, most, early) in _edges(layout, clock).items():
        if below in shifts or below == clock[0]:
            continue
        shift = shifts.get(above, 0)
        if max(least) > RESOLUTION_NS:
            shift += _between(least, most)
            count = int(np.count_nonzero(clock == below))
            told.append(Skew(*clocks[below], clocks[above][0], shift, len(early), len(least), count))
        elif shift:
            told.append(Skew(*clocks[below], clocks[above][0], shift, 0, len(least), int((clock == below).sum())))
        shifts[below] = shift
    return sorted(told, key=lambda one: -abs(one.shift_ns))


def shifts(layout: Layout, found: Iterable[Skew]) -> Integers:
    """Nanoseconds to add to the start of each row for display; 0 for the root's clock and the synthetic row."""
    by_clock: Mapping[Clock, int] = {(one.service, one.host): one.shift_ns for one in found}
    shift = np.zeros(len(layout), dtype=np.int64)
    if by_clock:
        clock, clocks = _clocks(layout)
        known = np.array([by_clock.get(one, 0) for one in clocks] + [0], dtype=np.int64)
        shift = known[clock]
    return shift


def _clocks(layout: Layout) -> tuple[Integers, list[Clock]]:
    """The clock of each row, and which that is; the synthetic row has the number after the last."""
    services, hosts = layout.spans["service"].to_pylist(), layout.spans["host"].to_pylist()
    numbers: dict[Clock, int] = {}
    by_span = np.array([numbers.setdefault(one, len(numbers)) for one in zip(services, hosts, strict=True)], np.int64)
    clock = np.where(layout.source == NO_ROW, len(numbers), by_span[layout.source])
    return clock, list(numbers)


Bounds = tuple[list[int], list[int], list[int]]


def _edges(layout: Layout, clock: Integers) -> dict[tuple[int, int], Bounds]:
    """By (clock above, clock below), in order of the tree: least shift, most shift, and rows that start too early."""
    starts = layout.spans["start_us"].to_numpy() * 1000
    lengths = layout.spans["duration_ns"].to_pylist()
    found: dict[tuple[int, int], Bounds] = defaultdict(lambda: ([], [], []))
    under = layout.parent != NO_ROW
    rows = np.flatnonzero(under & (clock != clock[np.where(under, layout.parent, 0)]))
    for row in rows.tolist():
        parent = int(layout.parent[row])
        if layout.source[parent] == NO_ROW:
            continue
        at, above = int(layout.source[row]), int(layout.source[parent])
        least, most, early = found[int(clock[parent]), int(clock[row])]
        least.append(int(starts[above] - starts[at]))
        if lengths[at] is not None and lengths[above] is not None:
            most.append(int(starts[above] + lengths[above] - starts[at] - lengths[at]))
        if starts[at] < starts[above]:
            early.append(row)
    return found


def _between(least: list[int], most: list[int]) -> int:
    low = max(least)
    high = min(most, default=low)
    return (low + high) // 2 if high > low else low
