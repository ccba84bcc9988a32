"""Where a trace's time goes: its critical path, the chain of spans that the end had to wait for.

The path is walked back from the trace's last end (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale
Microservice Architectures", USENIX ATC 2022, section 4). Within a span, at a moment t, it goes on
* into the child that ended at t (within a microsecond, the resolution of start times);
* else into a child that was running at t; of several into that which ended next;
* else back to the last child that ended before, and the gap is the span's own.
CRISP has no second rule, and gives such time to the parent; but models stream and tools start while they do.
A child's part ends where it started, and the parent goes on from there. Time that is on the path of no child is the
span's own, so what is told of each span is exclusive and adds up to the trace's duration, to the nanosecond.

What spans say of their times is mended first: a child cannot start before its parent (clocks disagree, and the
child's start is moved); one that ends after it, as a stream does whose caller has long returned, extends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from analytics.columns import Floats, numbers
from analytics.intervals import LEVEL, student

RESOLUTION_NS = 1000  # of start times; a child seems to end so much after the next one's start
NO_SPAN = -1

Integers = NDArray[np.int64]


def path_ns(spans: pd.DataFrame) -> pd.Series[int]:
    """Time of each span on the critical path of its trace, without that of its children: int64 nanoseconds.

    Same rows and index as `spans`, any number of traces, any order. Needs `trace_id`, `span_id`, `parent_span_id`
    (null: a root), `start_ns` (int64), `duration_ns` (null: unknown, taken for 0). Of spans with the same ids the first
    is the parent of what is below. A span whose parent is not there is a root; a cycle is cut above the
    span of it that started first.

    Raises:
        TypeError: the ids of parents are floats, which cannot hold 64 bits.
    """
    return pd.Series(_solve(spans).path, index=spans.index, name="path_ns", dtype="int64")


def breakdown(spans: pd.DataFrame, by: Sequence[str] = ("kind",)) -> pd.DataFrame:
    """The duration of each trace, taken apart. One row per (trace, values of `by`) with time on the path.

    Columns `trace_id`, those of `by` (such as `kind`, `name`, `service`; null stays null), `path_ns` (int64, above 0)
    and `unattributed` (bool). `path_ns` of a trace adds up to its last end less its first start. The row
    `unattributed`, with null in `by`, is time between the roots of a trace with several, or before its root started,
    when no span can be named. No spans give no rows. Columns as in `path_ns`, and those of `by`.
    """
    solved = _solve(spans)
    keys = ["trace_id", *by]
    rows = spans[keys].assign(path_ns=solved.path, unattributed=False)
    gaps = spans.loc[spans.index[:0], keys].reindex(range(len(solved.gaps)))
    gaps["trace_id"] = solved.traces
    rows = pd.concat([rows, gaps.assign(path_ns=solved.gaps, unattributed=True)], ignore_index=True)
    grouped = rows[rows["path_ns"] > 0].groupby([*keys, "unattributed"], dropna=False, sort=True, observed=True)
    return grouped["path_ns"].sum().reset_index()[[*keys, "path_ns", "unattributed"]]


def shares(parts: pd.DataFrame, by: Sequence[str] = ("kind",), level: float = LEVEL) -> pd.DataFrame:
    """Share of all time that each part has, over many traces; the largest first.

    `parts`: rows of `breakdown`. One row per (values of `by`, `unattributed`): `path_ns` (int64, sum), `share` (0 to 1,
    all add up to 1), `low`, `high` (within 0 and 1; null for a single trace), `traces` (that have the part),
    `n` (all traces: the interval's clusters, as the spans of one trace are not independent; see `intervals.ratio`).
    Long traces weigh more: it is the share of the time, not the mean share of a trace.
    """
    keys = [*by, "unattributed"]
    whole = parts.groupby("trace_id", sort=False)["path_ns"].sum().astype(float)
    rows = parts.groupby(["trace_id", *keys], dropna=False, sort=False, observed=True)["path_ns"].sum().reset_index()
    x, y = numbers(rows, "path_ns"), rows["trace_id"].map(whole).to_numpy(dtype=float)
    moments = rows[keys].assign(path_ns=rows["path_ns"], x=x, xx=x * x, xy=x * y, traces=1)
    found = moments.groupby(keys, dropna=False, sort=False, observed=True).sum().reset_index()
    n, total, squares = len(whole), float(whole.sum()), float(np.square(whole.to_numpy()).sum())
    share = numbers(found, "x") / total
    half = _half_width(n, total, numbers(found, "xx") - 2 * share * numbers(found, "xy") + share**2 * squares, level)
    found = found.drop(columns=["x", "xx", "xy"]).assign(
        share=share, low=np.maximum(share - half, 0), high=np.minimum(share + half, 1), n=n
    )
    columns = [*keys, "path_ns", "share", "low", "high", "traces", "n"]
    return found.sort_values("path_ns", ascending=False, kind="stable", ignore_index=True)[columns]


def _half_width(n: int, total: float, residuals: Floats, level: float) -> Floats:
    """Of the interval of a ratio of sums, as in `intervals.ratio`, from the sum of squared residuals; NaN for n = 1."""
    if n < 2:
        return np.full(residuals.shape, np.nan)
    error = np.sqrt(n / (n - 1) * np.maximum(residuals, 0)) / total
    return np.asarray(student(n - 1, level) * error, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Solved:
    path: Integers  # of each span
    traces: pd.Index  # ids
    gaps: Integers  # of each of these: what no span has


def _solve(spans: pd.DataFrame) -> _Solved:
    codes, traces = pd.factorize(spans["trace_id"])
    trace = np.asarray(codes, dtype=np.int64)
    path = np.asarray(_forest(spans, trace, len(traces)).walk(), dtype=np.int64)
    return _Solved(path[: len(spans)], pd.Index(traces), path[len(spans) :])


def _forest(spans: pd.DataFrame, trace: Integers, traces: int) -> _Forest:
    """The spans, and above the roots of each trace one more, that reaches from its first start to its last end."""
    start = spans["start_ns"].to_numpy(dtype=np.int64)
    end = start + np.maximum(spans["duration_ns"].fillna(0).to_numpy(dtype=np.int64), 0)
    first, last = np.full(traces, np.iinfo(np.int64).max), np.full(traces, np.iinfo(np.int64).min)
    np.minimum.at(first, trace, start)
    np.maximum.at(last, trace, end)
    top = len(spans) + trace
    parent = _parents(spans, trace)
    return _Forest(
        parent=[*np.where(parent == NO_SPAN, top, parent).tolist(), *([NO_SPAN] * traces)],
        top=top.tolist(),
        start=[*start.tolist(), *first.tolist()],
        end=[*end.tolist(), *last.tolist()],
    )


def _parents(spans: pd.DataFrame, trace: Integers) -> Integers:
    """Row of each span's parent; NO_SPAN: none."""
    own = pd.MultiIndex.from_arrays([trace, spans["span_id"]])
    rows = np.flatnonzero(~own.duplicated())
    if is_float_dtype(spans["parent_span_id"].dtype) and spans["parent_span_id"].notna().any():
        raise TypeError(
            "Ids in parent_span_id are floats and have lost digits: hand them in as 64-bit integers or text."
        )
    told = spans["parent_span_id"].notna().to_numpy(dtype=bool)
    asked = spans["parent_span_id"][told].astype(spans["span_id"].dtype)
    found = own[rows].get_indexer(pd.MultiIndex.from_arrays([trace[told], asked]))
    parents = np.full(len(spans), NO_SPAN, dtype=np.int64)
    parents[told] = np.where(found == -1, NO_SPAN, rows[found] if rows.size else NO_SPAN)
    return parents


@dataclass(frozen=True, slots=True)
class _Forest:
    """Nodes are rows of spans, then one a trace. Times are mended in place by `walk`."""

    parent: list[int]
    top: list[int]  # of each span: the node of its trace
    start: list[int]
    end: list[int]

    def walk(self) -> list[int]:
        """Time of each node on the critical path, exclusive."""
        children: list[list[int]] = [[] for _ in self.parent]
        for node, parent in enumerate(self.parent):
            if parent != NO_SPAN:
                children[parent].append(node)
        self._mend(self._ordered(children))
        own = [0] * len(self.parent)
        for node in range(len(self.top), len(self.parent)):
            self._walk(node, children, own)
        return own

    def _ordered(self, children: list[list[int]]) -> list[int]:
        """Every node, after its parent. Cycles are cut."""
        order = list(range(len(self.top), len(self.parent)))
        for node in order:  # grows
            order.extend(children[node])
        if len(order) == len(self.parent):
            return order
        placed = [False] * len(self.parent)
        for node in order:
            placed[node] = True
        for node in range(len(self.top)):
            if not placed[node]:
                self._place(self._cut(node, children), children, order, placed)
        return order

    def _cut(self, node: int, children: list[list[int]]) -> int:
        """Make a root of the span that started first, and lasted longest, in the cycle above this one."""
        met: set[int] = set()
        while node not in met:
            met.add(node)
            node = self.parent[node]
        cycle = [node]
        while self.parent[cycle[-1]] != node:
            cycle.append(self.parent[cycle[-1]])
        node = min(cycle, key=lambda one: (self.start[one], -self.end[one]))
        children[self.parent[node]].remove(node)
        self.parent[node] = self.top[node]
        children[self.top[node]].append(node)
        return node

    @staticmethod
    def _place(root: int, children: list[list[int]], order: list[int], placed: list[bool]) -> None:
        at = len(order)
        order.append(root)
        while at < len(order):
            placed[order[at]] = True
            order.extend(children[order[at]])
            at += 1

    def _mend(self, order: list[int]) -> None:
        """No child starts before its parent; a parent lasts as long as its children."""
        parent, start, end = self.parent, self.start, self.end
        for node in order:
            if parent[node] != NO_SPAN:
                start[node] = max(start[node], start[parent[node]])
        for node in reversed(order):
            end[node] = max(end[node], start[node])
            if parent[node] != NO_SPAN:
                end[parent[node]] = max(end[parent[node]], end[node])

    def _walk(self, root: int, children: list[list[int]], own: list[int]) -> None:
        stack = [_Cursor(root, self.end[root], self._by_end(children[root]))]
        while stack:
            cursor = stack[-1]
            child = self._step(cursor, own)
            if child is None:
                stack.pop()
                continue
            reached = min(self.end[child], cursor.at)
            own[cursor.node] += cursor.at - reached
            cursor.at = self.start[child]
            stack.append(_Cursor(child, reached, self._by_end(children[child])))

    def _by_end(self, nodes: list[int]) -> list[int]:
        return sorted(nodes, key=lambda node: (self.end[node], self.start[node]))

    def _step(self, cursor: _Cursor, own: list[int]) -> int | None:
        """The child that the path goes into next; null: from here to its start the time is the node's own."""
        children, start, end = cursor.children, self.start, self.end
        while cursor.at > start[cursor.node]:
            while cursor.split and end[children[cursor.split - 1]] >= cursor.at - RESOLUTION_NS:
                cursor.split -= 1
            place = cursor.next_alive(cursor.split)
            while place < len(children) and start[children[place]] >= cursor.at:
                cursor.skip[place] = place + 1  # the cursor only goes back: this child will never have started
                place = cursor.next_alive(place + 1)
            if place < len(children):
                return children[place]
            before = end[children[cursor.split - 1]] if cursor.split else start[cursor.node]
            own[cursor.node] += cursor.at - before
            cursor.at = before
        return None


class _Cursor:
    """How far back the path has come within a node."""

    __slots__ = ("at", "children", "node", "skip", "split")

    def __init__(self, node: int, at: int, children: list[int]) -> None:
        self.node, self.at, self.children = node, at, children  # children: by their ends
        self.split = len(children)  # from here on they ended at `at` or were running then
        self.skip = list(range(len(children) + 1))  # union-find: the next child that may have started before `at`

    def next_alive(self, place: int) -> int:
        skip = self.skip
        while skip[place] != place:
            skip[place] = skip[skip[place]]
            place = skip[place]
        return place
