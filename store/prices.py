"""A project's own prices by version, and the runs that priced stored calls anew. Writes go through `Writer.call`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from duckdb import DuckDBPyConnection

from store import documents
from store.database import one_row
from store.documents import NOTHING, Document
from store.queries import sql

PriceList = Document
NO_PRICES = NOTHING


def own_prices(cursor: DuckDBPyConnection, project_id: int, version: int | None = None) -> PriceList | None:
    """A version of a project's own prices; null for `version`: the current one. Null: there is no such version."""
    return documents.read(cursor, "own_prices", project_id, version)


def add_own_prices(
    cursor: DuckDBPyConnection, project_id: int, document: str, entries: int, author: str | None
) -> PriceList:
    """Make a document the current version; the one that is current already is returned as it is."""
    return documents.add(cursor, "own_prices", project_id, document, entries, author)


@dataclass(frozen=True, slots=True)
class Order:
    """What to price anew: the traces that started in [since, until) (UTC without a zone; null: open)."""

    since: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    author: str | None = None


@dataclass(slots=True)
class Tally:
    """What a repricing found. Sums are over the calls that count, US dollars; null: none has a cost."""

    calls: int = 0  # looked at, of every usage role
    changed: int = 0  # whose cost is another one
    sum_before: float | None = None
    sum_after: float | None = None


def start_repricing(
    cursor: DuckDBPyConnection, project_id: int, order: Order, own_version: int, list_version: str
) -> int:
    """Book a run that begins now; returns its number in the project. `own_version` 0: the project has no prices."""
    (number,) = one_row(
        cursor, "select coalesce(max(repricing_id), 0) + 1 from repricings where project_id = ?", [project_id]
    )
    cursor.execute(
        "insert into repricings "
        "select ?, ?, now() at time zone 'utc', null, ?, ?, ?, ?, nullif(?, 0), ?, 0, 0, null, null",
        [project_id, number, order.since, order.until, order.reason, order.author, own_version, list_version],
    )
    return int(number)


def note_repricing(
    cursor: DuckDBPyConnection, project_id: int, repricing_id: int, tally: Tally, *, finished: bool
) -> None:
    """Note how far a run has come."""
    cursor.execute(
        "update repricings set calls = ?, changed = ?, sum_before = ?, sum_after = ?, "
        "finished_at = case when ? then now() at time zone 'utc' end where project_id = ? and repricing_id = ?",
        [tally.calls, tally.changed, tally.sum_before, tally.sum_after, finished, project_id, repricing_id],
    )


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk over the traces has come, in order of their start."""

    start_time: datetime
    trace_id: str


@dataclass(frozen=True, slots=True)
class TraceSlice:
    """Some traces, and the time within which their calls started (both ends inclusive)."""

    traces: Sequence[str]
    since: datetime
    until: datetime
    last: Place


def repricing_traces(
    cursor: DuckDBPyConnection, project_id: int, order: Order, after: Place | None, traces: int
) -> TraceSlice | None:
    """The next traces to look at, at most so many; null: there are no more."""
    params = {
        "project_id": project_id, "since": order.since, "until": order.until, "traces": traces,
        "after_start": after and after.start_time, "after_trace": after and after.trace_id,
    }  # fmt: skip
    rows = cursor.execute(sql("repricing_traces"), params).fetchall()
    if not rows:
        return None
    ids = [str(trace_id) for trace_id, _, _ in rows]
    return TraceSlice(ids, rows[0][1], max(end for _, _, end in rows), Place(rows[-1][1], ids[-1]))


def repricing_calls(cursor: DuckDBPyConnection, project_id: int, part: TraceSlice) -> pa.Table:
    """The calls of the traces, with what their price depends on and the price that they have; in no order."""
    params = {"project_id": project_id, "traces": part.traces, "since": part.since, "until": part.until}
    return cursor.sql(sql("repricing_calls"), params=params).to_arrow_table()
