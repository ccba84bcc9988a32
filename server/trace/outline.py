"""What one should know of a trace before its rows: how many there are, what failed, what repeats, what is odd."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow.compute as pc

from server.core import Core
from server.trace import findings
from server.trace.layout import NO_ROW, Layout
from server.trace.opened import Opened

Row = dict[str, Any]
MOST_ACTIONS = 20_000  # of a trace that are looked at for repeats


def outline(opened: Opened) -> Row:
    """The trace in one object; see `GET /api/traces/{trace_id}/outline`."""
    laid_out = opened.layout
    failed, count = findings.failures(laid_out)
    first = findings.first_row(laid_out)
    spans = laid_out.spans
    return {
        "version": opened.version, "rows": len(laid_out), "spans": spans.num_rows, "truncated": opened.truncated,
        "start_us": opened.start_us, "length_ns": max(findings.length_ns(spans), 1),
        "name": spans["name"][int(laid_out.source[laid_out.source != NO_ROW][0])].as_py(),
        "first": {"row": first, "span_id": f"{spans['span_id'][int(laid_out.source[first])].as_py():016x}"},
        "failures": failed, "failed": count, "orphans": laid_out.orphans, "looped": len(laid_out.looped),
        "uncounted": findings.uncounted(spans), "skews": [asdict(one) for one in opened.skews],
        "early": early(opened), "unknown": _unknown(laid_out), "never_ended": _true(spans["never_ended"]),
        "sample": bool(_true(spans["sample"])), "kinds": findings.kinds(spans), "retrieved": _true(spans["retrieved"]),
        "path_known": opened.path_ns is not None, "shifted": _shifted(opened),
    }  # fmt: skip


def evidence(core: Core, project: str, opened: Opened) -> Row:
    """What takes longer to find: the critical path by kind, repeated calls and rounds; see `.../findings`."""
    asked: dict[str, object] = {"trace_id": opened.trace_id, "since": opened.since, "until": opened.until}
    actions = core.run("trace_actions", project, asked, MOST_ACTIONS)
    repeated, rounds = findings.repeated(actions.table, opened.layout.row)
    return {
        "version": opened.version, "path": findings.path_by_kind(opened.layout, opened.path()),
        "repeated": repeated, "rounds": rounds, "actions": actions.table.num_rows, "actions_cut": actions.truncated,
    }  # fmt: skip


def early(opened: Opened) -> int:
    """Spans that start before their parent, and would also with their clocks shifted."""
    laid_out = opened.layout
    starts = laid_out.spans["start_us"].to_numpy()[laid_out.source] + opened.shift_ns // 1000
    rows = np.flatnonzero(laid_out.parent != NO_ROW)
    rows = rows[laid_out.source[laid_out.parent[rows]] != NO_ROW]
    return int(np.count_nonzero(starts[rows] < starts[laid_out.parent[rows]]))


def _shifted(opened: Opened) -> Row | None:
    """First start, after the trace's first as told, and length, both with shifted clocks; null: no clock is shifted."""
    if not opened.skews:
        return None
    real = opened.layout.source != NO_ROW
    spans, source = opened.layout.spans, opened.layout.source[real]
    starts = (spans["start_us"].to_numpy()[source] - opened.start_us) * 1000 + opened.shift_ns[real]
    ends = starts + np.maximum(spans["duration_ns"].fill_null(0).to_numpy()[source], 0)
    return {"start_ns": int(starts.min()), "length_ns": max(int(ends.max() - starts.min()), 1)}


def _unknown(laid_out: Layout) -> int:
    """Spans that seem to end before they began."""
    return int(laid_out.spans["duration_ns"].null_count) - _true(laid_out.spans["never_ended"])


def _true(column: Any) -> int:
    return int(pc.sum(column).as_py() or 0)
