"""Traces that are being looked at: laid out once for each state of them, and kept while somebody scrolls."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from server.api.plain import plain
from server.core import Core
from server.trace import clocks, findings
from server.trace.layout import NO_ROW, Integers, Layout, layout
from store.queries.explore import EVER, span_bounds

MOST_ROWS = 200_000  # kept, of all traces together: some 60 MB
KEPT_S = 600.0
PATH_AT_ONCE = 5_000  # spans, up to which the critical path takes less than 40 ms
Row = dict[str, Any]


@dataclass(slots=True)
class Opened:
    """One state of one trace."""

    trace_id: UUID
    version: str
    since: datetime  # bounds of its spans' starts
    until: datetime
    layout: Layout
    truncated: bool
    skews: list[clocks.Skew]
    shift_ns: Integers
    path_ns: Integers | None = None  # null: not worked out yet
    used: float = field(default_factory=time.monotonic)

    @property
    def start_us(self) -> int:
        """Of the first span, since 1970."""
        return int(self.layout.spans["start_us"][0].as_py())

    def path(self) -> Integers:
        """Of each row, worked out at the first call: 0.2 s of CPU for 30,000 spans."""
        if self.path_ns is None:
            self.path_ns = findings.path(self.layout)
        return self.path_ns

    def table(self, rows: Sequence[int] | Integers) -> pa.Table:
        """These rows: what is drawn of each. The synthetic row has nulls for a span.

        row, depth, size, parent (-1: a root), start_ns after the trace's first start, shift_ns, path_ns (null: not
        worked out), looped, and the columns of `trace_outline`, ids as 16 hex digits.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        source = self.layout.source[wanted]
        at = pa.array(source, mask=source == NO_ROW)
        table = self.layout.spans.take(at)
        starts = pc.multiply(pc.subtract(table["start_us"], self.start_us), 1000)
        table = table.drop_columns(["start_us"]).append_column("start_ns", starts)
        for name in ("span_id", "parent_span_id", "duplicate_of_span"):
            table = table.set_column(table.schema.get_field_index(name), name, _hex(table[name]))
        own = {
            "row": wanted, "depth": self.layout.depth[wanted], "size": self.layout.size[wanted],
            "parent": self.layout.parent[wanted], "shift_ns": self.shift_ns[wanted],
            "looped": np.isin(wanted, np.fromiter(self.layout.looped, np.int64, len(self.layout.looped))),
        }  # fmt: skip
        for name, values in own.items():
            table = table.append_column(name, pa.array(values))
        path = pa.nulls(len(wanted), pa.int64()) if self.path_ns is None else pa.array(self.path_ns[wanted])
        return table.append_column("path_ns", path)


def _hex(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if one is None else f"{one:016x}" for one in column.to_pylist()], pa.string())


class Traces:
    """The traces that were opened last. Safe in threads."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._most = most_rows
        self._kept: OrderedDict[tuple[str, UUID], Opened] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, core: Core, project: str, trace_id: UUID) -> Opened | None:
        """The trace as it is now; null: no span of it is stored."""
        summary = core.run("trace_summary", project, {"trace_id": trace_id})
        rows = summary.table.to_pylist()
        version = f"{crc32(repr(rows[0]).encode()):08x}" if rows else summary.watermark
        kept = self.kept(project, trace_id, version)
        if kept is None:
            since, until = span_bounds(rows[0]) if rows else EVER
            kept = _read(core, project, trace_id, version, since, until)
            if kept is not None:
                self._keep(project, kept)
        return kept

    def kept(self, project: str, trace_id: UUID, version: str) -> Opened | None:
        """The trace in this state, if it is still at hand."""
        with self._lock:
            found = self._kept.get((project, trace_id))
            if found is None or found.version != version:
                return None
            found.used = time.monotonic()
            self._kept.move_to_end((project, trace_id))
            return found

    def _keep(self, project: str, one: Opened) -> None:
        with self._lock:
            self._kept[project, one.trace_id] = one
            self._kept.move_to_end((project, one.trace_id))
            rows = sum(len(kept.layout) for kept in self._kept.values())
            while len(self._kept) > 1:
                key, oldest = next(iter(self._kept.items()))
                if rows <= self._most and time.monotonic() - oldest.used < KEPT_S:
                    break
                rows -= len(oldest.layout)
                del self._kept[key]


def _read(  # noqa: PLR0917 - what names one state
    core: Core, project: str, trace_id: UUID, version: str, since: datetime, until: datetime
) -> Opened | None:
    asked = {"trace_id": trace_id, "since": since, "until": until}
    found = core.run("trace_outline", project, asked)
    if found.table.num_rows == 0:
        return None
    laid_out = layout(plain(found.table.combine_chunks()))
    skews = clocks.skews(laid_out)
    shift = clocks.shifts(laid_out, skews)
    opened = Opened(trace_id, version, since, until, laid_out, found.truncated, skews, shift)
    if len(laid_out) <= PATH_AT_ONCE:
        opened.path()
    return opened
