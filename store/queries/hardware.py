"""What self-hosted hardware costs, does and waits: over calls whose own price is by the hour."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from store.quantiles import quantiles_of
from store.queries import ask, ask_few, query
from store.queries.calls import CallFilters, bounded, by_trace, kept

Integers = NDArray[np.int64]
_STEP = 1 << 15  # calls whose times stay in the processor's cache: in a third of the time of all at once


@query(right="read")
def hardware_by(
    con: DuckDBPyConnection,
    project_id: int,
    since: datetime,
    until: datetime,
    versions: list[str],
    **filters: Unpack[CallFilters],
) -> pa.Table:
    """One row per model (null: unknown) and price entry, most calls first: calls that an entry among `versions` prices.

    `versions` are those of entries by the hour, as `price_version` of `calls` has them. calls, failed, traces,
    output_tokens (null: no call told any), cost_usd. per_call and per_1k_output (US dollars for 1,000 output tokens,
    over the calls that told theirs; null without) with Student's 95 % interval (_low at least 0, _high; the trace is
    the cluster; null with one). p50 and p95 of the duration (ns) of the n calls that ended well, with their intervals.

    Of the whole entry, whatever the model: wall_ns from the start of its first call to the end of its last, busy_ns of
    it while at least one ran (overlapping calls merged), utilisation of both (0 to 1), and at_once, the calls that ran
    on average while busy. They are of the calls that the filters keep.
    """
    end = until if versions else since  # without a price by the hour nothing is looked at
    asked = kept(project_id, since, end, filters) | {"versions": versions}
    rows = ask_few(con, "hardware_by", asked | by_trace(con, project_id, since, end, filters))
    for name, clusters in (("per_call", "traces"), ("per_token", "told_traces")):
        rows = bounded(rows, name, f"{name}_", rows[clusters])
    entries = rows["price_version"].unique().to_pylist()
    apart = rows["model"].drop_null().unique().to_pylist() if len(entries) < rows.num_rows else []
    slots = {"versions": entries, "models": apart, "width": len(apart) + 1}
    return _with_times(_per_thousand(rows), hardware_calls(con, asked | slots), entries, apart)


def hardware_calls(con: DuckDBPyConnection, asked: dict[str, object]) -> pa.Table:
    """One row per call: slot (of its entry and model), start_us, duration_ns, failed. `asked`: all parameters."""
    return ask(con, "hardware_calls", asked)


def _per_thousand(rows: pa.Table) -> pa.Table:
    for end in ("", "_low", "_high"):
        values = rows[f"per_token{end}"].to_numpy().astype(float) * 1000
        rows = rows.append_column(f"per_1k_output{end}", pa.array(values, from_pandas=True))
    return rows.drop_columns(["per_token", "per_token_low", "per_token_high"])


def _with_times(rows: pa.Table, calls: pa.Table, versions: list[str], models: list[str]) -> pa.Table:
    """`calls`: rows of hardware_calls.sql. Entries and models are found by their places, of which slots are made.

    `models` is empty where every entry has one alone.
    """
    slots, width = calls["slot"].to_numpy(), len(models) + 1
    entries = [versions.index(version) for version in rows["price_version"].to_pylist()]
    known = {model: place for place, model in enumerate(models, 1)}
    mine = [
        entry * width + known.get(model, 0) for entry, model in zip(entries, rows["model"].to_pylist(), strict=True)
    ]
    rows = _with_busy(rows, calls, slots, width, entries)
    return _with_quantiles(rows, calls, slots, mine, len(versions) * width)


def _with_busy(rows: pa.Table, calls: pa.Table, slots: Integers, width: int, entries: list[int]) -> pa.Table:
    """`entries`: the entry of each row; an entry has `width` slots."""
    starts, lengths = calls["start_us"].to_numpy(), calls["duration_ns"].to_numpy()
    told = {}
    for entry in set(entries):
        own = slice(None) if len(set(entries)) == 1 else slots // width == entry  # every call has one of the entries
        told[entry] = _busy(starts[own], lengths[own])
    names = (("busy_ns", pa.int64()), ("wall_ns", pa.int64()), ("utilisation", pa.float64()), ("at_once", pa.float64()))
    for number, (name, kind) in enumerate(names):
        rows = rows.append_column(name, pa.array([told[entry][number] for entry in entries], kind))
    return rows


def _busy(starts: Integers, lengths: Integers) -> tuple[int | None, int | None, float | None, float | None]:
    """busy_ns, wall_ns, utilisation, at_once of calls in any order; null: there is none, or no time passed.

    `starts` are microseconds, `lengths` nanoseconds.
    """
    if not len(starts):
        return None, None, None, None
    order = np.argsort(starts, kind="stable")  # which takes little time where they mostly lie in order, as in the store
    begun = reached = int(starts[order[0]]) * 1000
    idle = 0
    for at in range(0, len(order), _STEP):
        some = order[at : at + _STEP]
        first = starts[some] * 1000
        ends = lengths[some] + first
        ends[0] = max(ends[0], reached)
        np.maximum.accumulate(ends, out=ends)
        gaps = first[1:] - ends[:-1]  # between the last end so far and the next start
        idle += max(0, int(first[0]) - reached) + int(np.maximum(gaps, 0, out=gaps).sum())
        reached = int(ends[-1])
    wall = reached - begun
    busy = wall - idle
    return busy, wall, busy / wall if wall else None, float(lengths.sum()) / busy if busy else None


def _with_quantiles(rows: pa.Table, calls: pa.Table, slots: Integers, mine: list[int], count: int) -> pa.Table:
    """n, p50 and p95 of the calls that ended well; `mine`: the slot of each row."""
    well = ~calls["failed"].to_numpy().astype(bool)
    groups, amounts = slots[well] if count > 1 else slots, calls["duration_ns"].to_numpy()[well].astype(float)
    n, told = quantiles_of(groups, amounts, max(count, 1), (0.5, 0.95))
    rows = rows.append_column("n", pa.array(n[mine], pa.int64()))
    for name, sides in zip(("p50", "p95"), told, strict=True):
        for end, values in zip(("", "_low", "_high"), sides, strict=True):
            rows = rows.append_column(f"{name}{end}", pa.array(values[mine], pa.float64(), from_pandas=True))
    return rows
