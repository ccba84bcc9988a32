"""The spans of a trace in drawing order, each with its depth and how many are below it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NO_ROW = -1
"""In place of a row of the table (the synthetic root), or of a parent (a root)."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """A trace as rows from top to bottom. All arrays have an element a row; `spans` has one a span, by start.

    Spans whose parents never arrived stand under one synthetic row, of which `source` is NO_ROW. Spans that name one
    another as parents (a loop) are roots, so that none vanishes.
    """

    spans: pa.Table  # rows of the query `trace_outline`
    source: Integers  # row of `spans`; NO_ROW: the synthetic one
    depth: Integers
    size: Integers  # rows below, of all depths, which follow at once
    parent: Integers  # row; NO_ROW: a root
    row: dict[int, int]  # of a span's id
    orphans: int  # spans whose parents never arrived
    looped: frozenset[int]  # rows that are drawn as roots because their parents form a loop

    def __len__(self) -> int:
        """How many rows are drawn."""
        return len(self.source)

    def above(self, row: int) -> list[int]:
        """The rows from the root down to, and without, this one."""
        found: list[int] = []
        while (row := int(self.parent[row])) != NO_ROW:
            found.append(row)
        return found[::-1]


def layout(spans: pa.Table) -> Layout:
    """Each span before its children, siblings by start. `spans`: rows of the query `trace_outline`, at least one."""
    ids = spans["span_id"].to_pylist()
    parents = spans["parent_span_id"].to_pylist()
    place: dict[int, int] = {}
    for at, span_id in enumerate(ids):
        place.setdefault(span_id, at)
    children: list[list[int]] = [[] for _ in ids]
    roots, orphans = [], []
    for at, parent in enumerate(parents):
        above = None if parent is None else place.get(parent)
        if above is not None and above != at:
            children[above].append(at)
        elif parent is None or above == at:
            roots.append(at)
        else:
            orphans.append(at)
    return _Walk(children).layout(spans, roots, orphans, ids)


class _Walk:
    """Depth first, by a stack of our own: chains are as deep as a trace is long."""

    def __init__(self, children: Sequence[Sequence[int]]) -> None:
        self.children = children
        self.source: list[int] = []
        self.depth: list[int] = []
        self.parent: list[int] = []
        self.drawn = bytearray(len(children))

    def layout(self, spans: pa.Table, roots: list[int], orphans: list[int], ids: list[int]) -> Layout:
        tops = sorted([*roots, *orphans[:1]])  # the synthetic row stands where the first orphan would
        first = orphans[0] if orphans else None
        for top in tops:
            if top == first:
                self._synthetic(orphans)
            else:
                self._down(top, 0, NO_ROW)
        looped = self._loops()
        source = np.array(self.source, dtype=np.int64)
        depth = np.array(self.depth, dtype=np.int64)
        row = {ids[at]: number for number, at in enumerate(self.source) if at != NO_ROW}
        parent = np.array(self.parent, dtype=np.int64)
        return Layout(spans, source, depth, _sizes(self.depth), parent, row, len(orphans), frozenset(looped))

    def _synthetic(self, orphans: list[int]) -> None:
        top = len(self.source)
        self.source.append(NO_ROW)
        self.depth.append(0)
        self.parent.append(NO_ROW)
        for orphan in orphans:
            self._down(orphan, 1, top)

    def _loops(self) -> list[int]:
        """Draws what no root leads to: the first span of each loop as a root."""
        found = []
        if len(self.source) < len(self.children):
            for at in range(len(self.children)):
                if not self.drawn[at]:
                    found.append(len(self.source))
                    self._down(at, 0, NO_ROW)
        return found

    def _down(self, top: int, depth: int, above: int) -> None:
        stack = [(top, depth, above)]
        while stack:
            at, deep, parent = stack.pop()
            if self.drawn[at]:
                continue
            self.drawn[at] = 1
            row = len(self.source)
            self.source.append(at)
            self.depth.append(deep)
            self.parent.append(parent)
            stack.extend([(child, deep + 1, row) for child in reversed(self.children[at])])


def _sizes(depth: list[int]) -> Integers:
    """Rows below each: those that follow until its depth comes again."""
    size = np.zeros(len(depth), dtype=np.int64)
    open_rows: list[int] = []
    for row, deep in enumerate(depth):
        while open_rows and depth[open_rows[-1]] >= deep:
            closed = open_rows.pop()
            size[closed] = row - closed - 1
        open_rows.append(row)
    for closed in open_rows:
        size[closed] = len(depth) - closed - 1
    return size
