"""Stored calls priced anew: by the prices of now, the old figures kept.

Traces are looked at some thousand at a time, in order of their start. Those with a call that has another price now are
resolved again, which writes their calls, sums and the audit trail in one transaction; so a run that is cut off leaves
nothing half done, and the next one finds what is left.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.pricing.library import price_version
from server.core import LONG_READ_S, Core
from server.costs import with_costs
from server.prices import Prices
from store import prices as store
from store.batch import Batch
from store.prices import Order

log = logging.getLogger(__name__)
SLICE_TRACES = 2_000  # looked at in one read
WRITE_TRACES = 500  # resolved again in one transaction; requests wait for some hundredths of a second
SETTLE_S = 6 * 3600.0
SOURCE = "reprice"
NAMED = ("price_status", "price_source", "price_version", "price_model")


@dataclass(slots=True)
class Report(store.Tally):
    """What a run found, or would change."""

    repricing_id: int | None = None  # null: nothing was written
    traces: int = 0  # with a call that has another price
    unpriced_before: int = 0  # without a cost, among calls that count
    unpriced_after: int = 0
    own_version: int = 0  # of the project's own prices; 0: it has none
    list_version: str = field(default_factory=price_version)


def run(core: Core, project: str, order: Order, *, dry_run: bool = False) -> Report:
    """Price the calls of a project anew; `dry_run` only says what would change. Ingest goes on meanwhile.

    Raises:
        UnknownProjectNameError: there is no such project.
        StoreBusyError: the disk is low, or the file is being reopened; run it again, it changes what is left.
    """
    project_id, report = core.projects.id_of(project), Report()
    core.settle(SETTLE_S)
    for touched in _looked_at(core, project_id, order, report):
        if touched and not dry_run:
            _write(core, project_id, touched, order, report)
    if report.repricing_id is not None:
        _note(core, project_id, report, finished=True)
        # An empty request moves the watermark: without it pages would keep what they cached.
        core.writer.submit(Batch(project_id, SOURCE, "traces", {})).result()
        core.settle(SETTLE_S)
    return report


def _write(core: Core, project_id: int, traces: list[str], order: Order, report: Report) -> None:
    if report.repricing_id is None:
        versions = (report.own_version, report.list_version)
        report.repricing_id = core.writer.call(
            lambda con: store.start_repricing(con, project_id, order, *versions)
        ).result()
    for start in range(0, len(traces), WRITE_TRACES):
        core.resolver.resolve_again(project_id, traces[start : start + WRITE_TRACES], report.repricing_id)
    _note(core, project_id, report, finished=False)
    log.info("repriced %d of %d calls", report.changed, report.calls)


def _note(core: Core, project_id: int, report: Report, *, finished: bool) -> None:
    number, so_far = report.repricing_id, replace(report)
    if number is not None:
        core.writer.call(lambda con: store.note_repricing(con, project_id, number, so_far, finished=finished)).result()


def _looked_at(core: Core, project_id: int, order: Order, report: Report) -> Iterator[list[str]]:
    """Slice by slice, the traces that have a call with another price; counts them in `report`."""
    prices, last = Prices(), None
    while True:
        with core.readers.read(LONG_READ_S) as cursor:
            own = prices.of(cursor, project_id)
            part = store.repricing_traces(cursor, project_id, order, last, SLICE_TRACES)
            calls = None if part is None else store.repricing_calls(cursor, project_id, part)
        report.own_version = own.version
        if part is None or calls is None:
            return
        last = part.last
        yield _compare(calls, with_costs(calls.drop_columns([*NAMED, "cost_usd"]), own.entries), report)


def _compare(before: pa.Table, after: pa.Table, report: Report) -> list[str]:
    """Count what differs; returns the traces whose calls differ in cost or price."""
    costs = [_floats(table["cost_usd"]) for table in (before, after)]
    changed = ~((costs[0] == costs[1]) | (np.isnan(costs[0]) & np.isnan(costs[1])))
    other = changed.copy()
    for name in NAMED:
        pair = (pc.fill_null(table[name], "") for table in (before, after))
        other |= np.asarray(pc.not_equal(*pair))
    counted = np.asarray(pc.equal(before["usage_role"], "leaf"))
    touched: list[str] = pc.unique(before["trace_id"].filter(pa.array(other))).to_pylist()
    report.traces += len(touched)
    report.calls += before.num_rows
    report.changed += int(changed.sum())
    report.unpriced_before += int(np.isnan(costs[0][counted]).sum())
    report.unpriced_after += int(np.isnan(costs[1][counted]).sum())
    report.sum_before = _plus(report.sum_before, costs[0][counted])
    report.sum_after = _plus(report.sum_after, costs[1][counted])
    return touched


def _floats(column: pa.ChunkedArray) -> Any:
    """As numpy has them; null is NaN."""
    return pc.fill_null(column, math.nan).to_numpy()


def _plus(total: float | None, costs: Any) -> float | None:
    known = costs[~np.isnan(costs)]
    if not len(known):
        return total
    return math.fsum([total or 0.0, *known])
