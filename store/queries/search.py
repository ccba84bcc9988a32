"""The search for traces by what their spans say: newest first, in steps, each as much as takes a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from store.finding.conditions import condition
from store.finding.grammar import parse
from store.finding.tree import TRUE, Node, relaxed
from store.queries import ask_few
from store.queries.explore import TraceFilters, filtered, with_words

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the store holds it
STEP_S = 0.1  # that one step should take
CALL_S = 0.2  # that one call works for, and the rest of its last step
LEAST, MOST = 4_000, 200_000  # spans of a step
_HOUR_US = 3_600_000_000
_LEAST_REACH_US = 6 * _HOUR_US
_LONGEST_US = 400 * 24 * _HOUR_US
_CANDIDATES = 5_000  # traces of a step


@dataclass(frozen=True, slots=True)
class Place:
    """How far a search has come: all before this trace, newest first, was looked at. Null: nothing was."""

    start_us: int | None = None
    trace_id: UUID | None = None
    room: int = 8_000  # spans that the next step may look at; the next: how far apart in time they may lie
    reach_us: int = 24 * _HOUR_US

    def text(self) -> str:
        """The form that `place_of` reads."""
        return f"{self.start_us}.{self.trace_id}.{self.room}.{self.reach_us}"


def place_of(text: str | None) -> Place:
    """Read `Place.text`; null: the beginning.

    Raises:
        ValueError: it is none.
    """
    if not text:
        return Place()
    try:
        start_us, trace_id, room, reach = text.split(".")
        place = Place(int(start_us), UUID(trace_id), int(room), int(reach))
        _ = EPOCH + timedelta(microseconds=int(start_us) + 1)  # within the calendar
    except (ValueError, OverflowError) as error:
        message = f"{text[:80]!r} is no place of a search; take the header x-assay-cursor of the answer before"
        raise ValueError(message) from error
    return replace(
        place, room=min(max(place.room, LEAST), MOST), reach_us=min(max(place.reach_us, _LEAST_REACH_US), _LONGEST_US)
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: traces that started in [since, until) and meet the filters and the tree."""

    project_id: int
    since: datetime
    until: datetime
    filters: TraceFilters  # without `q`
    tree: Node

    @classmethod
    def of(cls, project_id: int, since: datetime, until: datetime, filters: TraceFilters) -> Wanted:
        """Raises AskedError: `q` follows no rule. Raises ValueError: a bound of a score, and no score is named."""
        tree = parse(filters.get("q") or "") or TRUE
        return cls(project_id, since, until, {**filters, "q": None}, tree)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a call found, newest first, and how far it looked."""

    found: list[tuple[UUID, int]]  # ids and starts, in microseconds since 1970
    lengths_us: list[int]  # of these traces, rounded up
    place: Place
    seen: int  # traces that were looked at; the next: spans of them
    spans: int
    done: bool  # nothing is left

    def to(self, since: datetime) -> datetime:
        """All traces that started after it were looked at."""
        if self.done or self.place.start_us is None:
            return since
        return EPOCH + timedelta(microseconds=self.place.start_us)


def search(
    con: DuckDBPyConnection,
    wanted: Wanted,
    place: Place,
    most: int,
    *,
    seconds: float = CALL_S,
    stopped: Callable[[], bool] = lambda: False,
) -> Looked:
    """Look on from `place`, for `seconds` and the rest of the last step, or until `most` are found or `stopped`."""
    until = time.monotonic() + seconds
    asked = {"project_id": wanted.project_id, **filtered(wanted.filters)}
    asked |= {"q": condition(relaxed(wanted.tree)), "met": condition(wanted.tree, "met")}
    found: list[tuple[UUID, int]] = []
    lengths: list[int] = []
    seen = spans = 0
    while True:
        begun = time.monotonic()
        step = _step(con, wanted, asked, place)
        if step is None:
            return Looked(found, lengths, place, seen, spans, done=True)
        met, long = search_met(con, asked, step, most - len(found))
        lengths += long
        full = len(found) + len(met) >= most
        found, step = found + met, step.upto(met[-1]) if full else step
        place, seen, spans = step.last, seen + step.traces, spans + step.spans
        if not full:
            place = _paced(place, time.monotonic() - begun)
        if full or not step.more or time.monotonic() >= until or stopped():
            return Looked(found, lengths, place, seen, spans, done=not step.more)


@dataclass(frozen=True, slots=True)
class _Step:
    """Traces that a step looks at, newest first: rows of `search_candidates`."""

    rows: pa.Table
    place: Place  # before it
    more: bool  # others come after it

    @property
    def traces(self) -> int:
        return int(self.rows.num_rows)

    @property
    def spans(self) -> int:
        return int(self.rows["spans"].to_numpy().sum())

    @property
    def last(self) -> Place:
        """Where a search is that looked at all of it."""
        return replace(self.place, start_us=self.start_us(-1), trace_id=self.trace_id(-1))

    def start_us(self, row: int) -> int:
        return int(self.rows["start_us"][row].as_py())

    def trace_id(self, row: int) -> UUID:
        found: UUID = self.rows["trace_id"][row].as_py()
        return found

    def upto(self, last: tuple[UUID, int]) -> _Step:
        """The part of it that ends with this trace."""
        _, start_us = last
        row = int((self.rows["start_us"].to_numpy() >= start_us).sum()) - 1
        while self.trace_id(row) != last[0]:
            row -= 1
        return _Step(self.rows.slice(0, row + 1), self.place, self.more or row + 1 < self.traces)

    def bounds(self) -> dict[str, object]:
        """What `search_met` wants to know of it."""
        ends = self.rows["start_us"].to_numpy() + self.rows["duration_ns"].to_numpy() // 1000 + 1
        return {
            "found_since_us": self.start_us(-1), "found_last_us": self.start_us(0), "found_until_us": int(ends.max()),
            "first_trace": self.trace_id(0), "last_trace": self.trace_id(-1),
        }  # fmt: skip


def _step(con: DuckDBPyConnection, wanted: Wanted, asked: Mapping[str, object], place: Place) -> _Step | None:
    """The next step; null: nothing is left."""
    after = None if place.start_us is None else EPOCH + timedelta(microseconds=place.start_us + 1)
    upto = wanted.until if after is None else min(wanted.until, after)
    most = min(place.room, _CANDIDATES)
    bounds = {"since": wanted.since, "until": upto, "after_us": place.start_us, "after_trace": place.trace_id}
    rows = search_candidates(con, {**asked, **bounds, "most": most})
    if rows.num_rows == 0:
        return None
    fitting = _fitting(rows, place)
    return _Step(rows.slice(0, fitting), place, more=fitting < rows.num_rows or rows.num_rows == most)


def search_candidates(con: DuckDBPyConnection, asked: Mapping[str, object]) -> pa.Table:
    """trace_id, start_us, duration_ns, spans of traces that summaries do not rule out, newest first, `most` of them."""
    return ask_few(con, "search_candidates", asked)


def _fitting(rows: pa.Table, place: Place) -> int:
    """As many, from the first on, as there is room for; one at least."""
    starts, spans = rows["start_us"].to_numpy(), rows["spans"].to_numpy()
    ends = np.maximum.accumulate(starts + rows["duration_ns"].to_numpy() // 1000)
    fits = (spans.cumsum() <= place.room) & (ends - starts <= place.reach_us)
    return max(1, int(fits.argmin()) if not fits.all() else len(fits))


def search_met(
    con: DuckDBPyConnection, asked: Mapping[str, object], step: _Step, most: int
) -> tuple[list[tuple[UUID, int]], list[int]]:
    """Those of the step that meet the tree, newest first: ids with starts, and how long they took (microseconds)."""
    found = ask_few(con, "search_met", {**asked, **step.bounds(), "most": most})
    ids = list(zip(found["trace_id"].to_pylist(), found["start_us"].to_pylist(), strict=True))
    return ids, found["length_us"].to_pylist()


def _paced(place: Place, seconds: float) -> Place:
    """With room for a step of `STEP_S`, after one that took so long."""
    if seconds > 2 * STEP_S:
        return replace(place, room=max(LEAST, place.room // 2), reach_us=max(_LEAST_REACH_US, place.reach_us // 2))
    if seconds < STEP_S / 2:
        return replace(place, room=min(MOST, place.room * 2), reach_us=min(_LONGEST_US, place.reach_us * 2))
    return place


def search_rows(con: DuckDBPyConnection, project_id: int, looked: Looked) -> pa.Table:
    """The rows of what was found, as `traces` tells them, newest first; `total` is null, as more may be found."""
    times = [start_us for _, start_us in looked.found]
    bounds = {"since_us": min(times, default=0), "until_us": max(times, default=0)}
    traces = [trace_id for trace_id, _ in looked.found]
    rows = ask_few(con, "search_rows", {"project_id": project_id, "traces": traces} | bounds)
    return with_words(con, project_id, rows)
