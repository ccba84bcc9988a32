"""What a trace has that one should know of before reading it: failures, repeats, spans that do not count, its path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics import critical_path
from evaluators.agents.actions import Action, calls
from evaluators.agents.repetition import repeats, rounds
from evaluators.case import Case, Step
from server.trace.layout import NO_ROW, Integers, Layout

Row = dict[str, Any]
MOST_FAILURES = 100
MOST_REPEATS = 50  # groups
LEAST_ROUNDS, LONGEST_ROUND = 3, 10  # as the evaluator `loops` takes them


def failed_rows(layout: Layout) -> Integers:
    """Rows of spans that failed, none told again elsewhere."""
    spans = layout.spans
    told = pc.or_(pc.equal(spans["status"], "error"), pc.is_valid(spans["error_type"]))
    again = pc.fill_null(pc.equal(spans["usage_role"], "duplicate"), False)
    failed = pc.and_(told, pc.invert(again)).to_numpy(zero_copy_only=False).astype(bool)
    rows = np.zeros(len(layout), dtype=bool)
    real = layout.source != NO_ROW
    rows[real] = failed[layout.source[real]]
    return np.flatnonzero(rows)


def failures(layout: Layout) -> tuple[list[Row], int]:
    """Where failures began: failed spans without a failed child, the deepest first, then by start; and how many failed.

    At most `MOST_FAILURES`, each with the row, span, name, error_type, error_message.
    """
    failed = failed_rows(layout)
    passed_on = {int(layout.parent[row]) for row in failed.tolist()}
    began = [row for row in failed.tolist() if row not in passed_on]
    starts = layout.spans["start_us"].to_numpy()
    began.sort(key=lambda row: (-int(layout.depth[row]), int(starts[layout.source[row]]), row))
    names = ("name", "error_type", "error_message")
    return [_told(layout, row, names) for row in began[:MOST_FAILURES]], len(failed)


def _told(layout: Layout, row: int, names: Sequence[str]) -> Row:
    at = int(layout.source[row])
    told: Row = {name: layout.spans[name][at].as_py() for name in names}
    return {"row": row, "span_id": f"{layout.spans['span_id'][at].as_py():016x}", **told}


def first_row(layout: Layout) -> int:
    """The row worth reading first: where it failed, else the first call that told its usage, else the first span."""
    failed, _ = failures(layout)
    if failed:
        return int(failed[0]["row"])
    spans = layout.spans
    told = pc.and_(
        pc.and_(pc.equal(spans["kind"], "llm"), pc.equal(spans["usage_role"], "leaf")),
        pc.is_valid(spans["output_tokens"]),
    )
    calls_at = np.flatnonzero(pc.fill_null(told, False).to_numpy(zero_copy_only=False))
    if len(calls_at):
        return layout.row[spans["span_id"][int(calls_at[0])].as_py()]
    return int(np.flatnonzero(layout.source != NO_ROW)[0])


def uncounted(spans: pa.Table) -> list[Row]:
    """Spans that sums leave out: by role and rule, how many and what counting them would add. Null: not told."""
    left_out = spans.filter(pc.is_in(spans["usage_role"], pa.array(["duplicate", "aggregate"])))
    found: dict[tuple[str, str | None], Row] = {}
    columns = ("usage_role", "rule", "input_tokens", "output_tokens", "cost_usd")
    for role, rule, *amounts in zip(*(left_out[name].to_pylist() for name in columns), strict=True):
        one = found.setdefault((role, rule), {"role": role, "rule": rule, "spans": 0, "tokens": 0, "cost_usd": 0.0})
        one["spans"] += 1
        one["tokens"] += (amounts[0] or 0) + (amounts[1] or 0)
        one["cost_usd"] += float(amounts[2] or 0)
    return sorted(found.values(), key=lambda one: -one["spans"])


def path(layout: Layout) -> Integers:
    """Time of each row on the critical path, exclusive, in nanoseconds; see `analytics.critical_path`."""
    own = critical_path.path_ns(_times(layout.spans))
    rows = np.zeros(len(layout), dtype=np.int64)
    real = layout.source != NO_ROW
    rows[real] = own.to_numpy()[layout.source[real]]
    return rows


def path_by_kind(layout: Layout, path_ns: Integers) -> list[Row]:
    """Where the trace's time went: kind (null: between roots), path_ns, spans; the longest first."""
    real = layout.source != NO_ROW
    frame = pd.DataFrame({
        "kind": layout.spans["kind"].to_numpy(zero_copy_only=False)[layout.source[real]], "path_ns": path_ns[real],
    })  # fmt: skip
    frame = frame[frame["path_ns"] > 0]
    grouped = frame.groupby("kind")["path_ns"].agg(["sum", "count"]).sort_values("sum", ascending=False)
    told: list[Row] = [
        {"kind": str(kind), "path_ns": int(total), "spans": int(spans)}
        for kind, total, spans in zip(grouped.index, grouped["sum"], grouped["count"], strict=True)
    ]
    rest = length_ns(layout.spans) - sum(int(one["path_ns"]) for one in told)
    return [*told, {"kind": None, "path_ns": rest, "spans": 0}] if rest > 0 else told


def length_ns(spans: pa.Table) -> int:
    """Last end less first start; a span of unknown duration ends where it starts."""
    starts = spans["start_us"].to_numpy() * 1000
    ends = starts + np.maximum(spans["duration_ns"].fill_null(0).to_numpy(), 0)
    return int(ends.max() - starts.min())


def _times(spans: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({
        "trace_id": 0, "span_id": spans["span_id"].to_numpy(),
        "parent_span_id": pd.array(spans["parent_span_id"].to_pylist(), dtype="UInt64"),
        "start_ns": spans["start_us"].to_numpy() * 1000,
        "duration_ns": pd.array(spans["duration_ns"].to_pylist(), dtype="Int64"),
    })  # fmt: skip


def repeated(actions: pa.Table, rows: Mapping[int, int]) -> tuple[list[Row], list[Row]]:
    """Calls made again for the same result, and rounds: by the rules of `repeated_steps` and `loops`.

    `actions`: rows of the query `trace_actions`; `rows`: of a span's id. Of a repeat: name, times (the first counted),
    results (whether all of them were recorded, and so the same) and rows in order. Of a round: names (its pattern),
    times, rows. The most frequent first.
    """
    made = calls(Case(steps=tuple(_steps(actions)))) or []
    told = [_repeat(group, rows) for group in _groups(made)]
    told.sort(key=lambda one: -one["times"])
    found = rounds([one.signature for one in made], LEAST_ROUNDS, LONGEST_ROUND)
    loops: list[Row] = [
        {
            "names": [one.name for one in made[round_.start : round_.start + round_.period]], "times": round_.times,
            "rows": _rows(made[round_.start : round_.start + round_.period * round_.times], rows),
        }
        for round_ in found
    ]  # fmt: skip
    return told[:MOST_REPEATS], sorted(loops, key=lambda one: -len(one["rows"]))[:MOST_REPEATS]


def _groups(made: Sequence[Action]) -> list[list[Action]]:
    """Calls that gave the same in a row; of a call that gives another result later a group begins anew."""
    groups: list[list[Action]] = []
    newest: dict[str, list[Action]] = {}
    for earlier, again in repeats(made):
        group = newest.get(again.signature)
        if group is None or group[-1] is not earlier:
            group = newest[again.signature] = [earlier]
            groups.append(group)
        group.append(again)
    return groups


def _repeat(group: Sequence[Action], rows: Mapping[int, int]) -> Row:
    known = all(one.call is not None and one.call.result is not None for one in group)
    return {"name": group[0].name, "times": len(group), "results": known, "rows": _rows(group, rows)}


def _rows(actions: Sequence[Action], rows: Mapping[int, int]) -> list[int]:
    return [rows[int(one.span_id, 16)] for one in actions if one.span_id and int(one.span_id, 16) in rows]


def _steps(actions: pa.Table) -> Iterator[Step]:
    for row in actions.to_pylist():
        yield Step(
            kind=row["kind"], name=row["name"], span_id=f"{row['span_id']:016x}", input=row["arguments"],
            output=row["result"], error="failed" if row["failed"] else None,
        )  # fmt: skip


def kinds(spans: pa.Table) -> dict[str, int]:
    """How many spans are of each kind, the most frequent first."""
    return dict(Counter(spans["kind"].to_pylist()).most_common())
