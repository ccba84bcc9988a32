"""Which calls are read with their texts: all of a window while they are few, else random slices of its time.

Texts are slow to unpack, and what stands side by side in time stands side by side on disk. Repeats come in time too:
calls drawn one by one would have lost the calls that they repeat. So a slice is read with the calls just before it,
which are looked back at and not measured. Slices start at whole multiples of their length since 1970 and are drawn by a
hash, so that the same calls have the same sample, also while a window moves on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from collectors.pricing.own import OwnPrice
from server.aside import Ask
from server.prices import entries

MOST_CALLS = 24_000  # read for one answer, those looked back at included
MOST_TOKENS = 24_000_000  # of their input, as they told it: about 100 MB of text
LEAST_CALLS = 600
SLICES = 16
BATCHES = 24  # of consecutive calls, when all are read: between these the interval sees how traffic differs
BURST = 4  # a slice may have so many times the calls that it should; what is more is cut, and told
_BEFORE = 0.6  # of what is read of a slice may be looked back at
_TRIES = 3
_STEPS_S = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip
_SECOND = timedelta(seconds=1)
Filters = Mapping[str, Any]  # `CallFilters` of `store.queries.calls`
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without a zone is what the store holds


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about the calls that match the filters."""

    plain: Ask  # for queries that know no window
    filters: Filters = field(default_factory=dict)

    def __call__(self, name: str, since: datetime, until: datetime, **params: object) -> pa.Table:
        """The answer of a named query over calls, uncut."""
        return self.plain(name, since=since, until=until, **self.filters, **params)

    def own_prices(self) -> Sequence[OwnPrice]:
        """The project's own prices of now."""
        rows = self.plain("price_versions", max_rows=1).to_pylist()
        return entries(rows[0]["document"]) if rows else ()


@dataclass(frozen=True, slots=True)
class Whole:
    """All calls of the window: what a sample is scaled to. Sums are null where no call told it."""

    calls: int
    failed: int
    priced: int
    usd: float | None
    input_usd: float | None  # with what came from a cache or went into one
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Calls in order of their start, with `measured` (else only looked back at), `slice` and `stretch` (numbers).

    A stretch is what is replayed by itself, as if nothing had been before it; a slice what the interval takes for one
    observation. They are the same, but where all calls were read: that is one stretch.
    """

    calls: pd.DataFrame
    whole: Whole
    lookback_ns: int  # at least so far back was looked
    slices: int
    of_slices: int  # that there are; as many as `slices` when all calls are read
    cut: int = 0  # slices that had more calls than can be read
    census: bool = field(default=False)  # all calls were read


@dataclass(frozen=True, slots=True)
class _Plan:
    step: timedelta
    lookback: timedelta
    most: int  # calls of a slice


def read(ask: Asker, since: datetime, until: datetime, ttl: timedelta) -> Sample:
    """The calls of a window with their texts, or a sample of them; `ttl`: how far back a call can matter."""
    whole = totals(ask, since, until)
    room = _room(whole)
    if whole.calls <= room:
        return _census(ask, (since, until), ttl, whole)
    plan, cells = _plan(ask, (since, until), ttl, whole, room)
    tables, cut = [], 0
    for number, cell in enumerate(cells):
        opened = _EPOCH + timedelta(microseconds=cell["start_us"])
        found = ask("whatif_texts", opened - plan.lookback, min(opened + plan.step, until), most=plan.most)
        cut += found.num_rows >= plan.most
        started = found["start_time"].to_numpy()
        measured = started >= np.datetime64(max(opened, since))
        number_of_each = np.full(len(measured), number)
        tables.append(_marked(found, measured, number_of_each, number_of_each))
    calls = _frame(ask, pa.concat_tables(tables))
    of = cells[0]["cells"] if cells else 0
    return Sample(calls, whole, _ns(plan.lookback), len(cells), of, cut)


def slice_length(ask: Asker, since: datetime, until: datetime, whole: Whole, most: int) -> timedelta | None:
    """How long slices of time are of which `SLICES` have some `most` calls, or fewer of long prompts.

    Null: all calls can be read.
    """
    if whole.calls <= _room(whole):
        return None
    plan, _ = _plan(ask, (since, until), timedelta(0), whole, min(most, _room(whole)))
    return plan.step


def _room(whole: Whole) -> int:
    """How many calls can be read, by their number and the length of their prompts."""
    by_length = MOST_TOKENS * whole.calls // max(whole.input_tokens or 0, 1)
    return max(LEAST_CALLS, min(MOST_CALLS, by_length))


def totals(ask: Asker, since: datetime, until: datetime) -> Whole:
    """The sums over all calls of the window."""
    (row,) = ask("calls_totals", since, until).to_pylist()
    parts = [row[f"{name}_usd"] for name in ("input", "cache_read", "cache_write")]
    told = [part for part in parts if part is not None]
    return Whole(
        row["calls"], row["failed"], row["priced"], row["cost_usd"], sum(told) if told else None, row["input_tokens"],
        row["output_tokens"],
    )  # fmt: skip


def _census(ask: Asker, window: tuple[datetime, datetime], ttl: timedelta, whole: Whole) -> Sample:
    """All calls, and those before the window as far as they fit."""
    since, until = window
    before = _reach(ask, since, ttl)
    found = ask("whatif_texts", since - before, until, most=2 * MOST_CALLS)
    measured = found["start_time"].to_numpy() >= np.datetime64(since)
    order = np.maximum(np.cumsum(measured) - 1, 0)
    batches = min(BATCHES, max(int(measured.sum()), 1))
    slices = order * batches // max(int(measured.sum()), 1)
    marked = _marked(found, measured, slices, np.zeros(len(measured), np.int64))
    return Sample(_frame(ask, marked), whole, _ns(before), batches, batches, census=True)


def _reach(ask: Asker, since: datetime, ttl: timedelta) -> timedelta:
    """The `ttl`, or as much of it as has few enough calls."""
    reach = min(ttl, since - datetime.min)  # noqa: DTZ901 - as the store holds it
    while reach > _SECOND:
        earlier = totals(ask, since - reach, since)
        if earlier.calls <= _room(earlier) // 2:
            break
        reach /= 2
    return reach


def _plan(
    ask: Asker, window: tuple[datetime, datetime], ttl: timedelta, whole: Whole, room: int
) -> tuple[_Plan, list[dict[str, Any]]]:
    """How long slices are and how far before them is looked, so that all together have the calls that can be read.

    Traffic comes in bursts: what counts is how many calls a second there are where there are any.
    """
    a_slice = room / SLICES
    a_second = whole.calls / ((window[1] - window[0]) / _SECOND)
    for _ in range(_TRIES):
        lookback_s = min(ttl / _SECOND, _BEFORE * a_slice / a_second)
        step_s = _rounded((a_slice - lookback_s * a_second) / a_second)
        cells = _cells(ask, window, step_s)
        found = cells[0]["all_calls"] / cells[0]["cells"] / step_s if cells else a_second
        if found <= 1.5 * a_second:
            break
        a_second = found
    return _Plan(step_s * _SECOND, lookback_s * _SECOND, int(BURST * a_slice)), cells


def _rounded(seconds: float) -> float:
    """The longest of the steps that is not longer; the shortest, if none is."""
    return max((step for step in _STEPS_S if step <= seconds), default=_STEPS_S[0])


def _cells(ask: Asker, window: tuple[datetime, datetime], step_s: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("whatif_cells", *window, step_us=int(step_s * 1e6), cells=SLICES).to_pylist()
    return found


def _marked(found: pa.Table, measured: np.ndarray, slices: np.ndarray, stretches: np.ndarray) -> pa.Table:
    columns = {
        "measured": pa.array(measured),
        "slice": pa.array(slices, pa.int64()),
        "stretch": pa.array(stretches, pa.int64()),
    }
    for name, column in columns.items():
        found = found.append_column(name, column)
    return found


def _frame(ask: Asker, found: pa.Table) -> pd.DataFrame:
    """As a frame, with the texts of logs where the span told none."""
    frame: pd.DataFrame = found.to_pandas(types_mapper=pd.ArrowDtype)
    lacking = frame["input"].isna() | frame["output"].isna()
    if not lacking.any():
        return frame
    ids = frame.loc[lacking, "trace_id"].unique().tolist()
    told = ask.plain("whatif_told_texts", trace_ids=ids).to_pandas(types_mapper=pd.ArrowDtype)
    if told.empty:
        return frame
    beside = frame[["trace_id", "span_id"]].merge(told, how="left", on=["trace_id", "span_id"])
    for side in ("input", "output"):
        better = beside[side].notna().to_numpy() & frame[side].isna().to_numpy()
        frame.loc[better, side] = beside.loc[better, side].to_numpy()
        frame.loc[better, f"{side}_key"] = None
    better = beside["system_instructions"].notna().to_numpy() & frame["system_instructions"].isna().to_numpy()
    frame.loc[better, "system_instructions"] = beside.loc[better, "system_instructions"].to_numpy()
    return frame


def _ns(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1_000
