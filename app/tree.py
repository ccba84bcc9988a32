"""The spans of one trace as rows of a waterfall: order, depth, place on the time axis, words. No Streamlit."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import format as fmt

COUNTED_ELSEWHERE = "counted once elsewhere"
PARENT_MISSING = "parent never arrived"
UNNAMED = "unnamed"
_TICKS = 6
_SECOND = 10**9
_STEPS: tuple[int, ...] = (
    *(factor * 10**power for power in range(10) for factor in (1, 2, 5)),
    *(_SECOND * step for step in (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)),  # clocks count by sixty
    *(_SECOND * 3600 * hours for hours in (2, 3, 6, 12, 24)),
    *(_SECOND * 86400 * factor * 10**power for power in range(5) for factor in (2, 5, 10)),
)
_NAME_LIMIT = 200  # letters; the full name stands in the details of the span


@dataclass(frozen=True, slots=True)
class Axis:
    """Start in microseconds since 1970 and length in nanoseconds, never 0."""

    start_us: int
    length_ns: float

    def ticks(self) -> list[dict[str, Any]]:
        """Marks at equal, round steps from 0 on, at most seven; `at` is a share of the length, below 0.95."""
        step = self._step()
        times = (step * number for number in range(_TICKS + 1))
        return [
            {"at": time / self.length_ns, "label": fmt.duration(time) if time else "0"}
            for time in times
            if time < 0.95 * self.length_ns  # the label of a later one would be cut off
        ]

    def _step(self) -> int:
        """The finest round step, in ns, that divides the length into at most `_TICKS` parts."""
        return next((step for step in _STEPS if step * _TICKS >= self.length_ns), _STEPS[-1])


def axis(spans: pd.DataFrame) -> Axis:
    """From the first start to the last end; a span of unknown duration ends where it starts."""
    start = int(spans["start_us"].min())
    ends = (spans["start_us"] - start) * 1000 + spans["duration_ns"].fillna(0)
    return Axis(start, max(float(ends.max()), 1.0))


def rows(spans: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry per span in drawing order: each span before its children, siblings by start.

    A span whose parent never arrived is drawn as a root and says so; spans that name one another as parents (a loop)
    are drawn as roots too, so that none vanishes.
    """
    records = {record["span_id"]: record for record in _records(spans)}
    span = axis(spans)
    parents = {record["parent_span_id"] for record in records.values()}
    return [
        _row(records[span_id], depth, span, has_children=span_id in parents, known=records)
        for span_id, depth in _ordered(records)
    ]


def _records(spans: pd.DataFrame) -> list[dict[str, Any]]:
    """Plain values, null as None. By way of numpy: `to_dict` over Arrow takes 1.5 s for 30,000 spans, this 0.1."""
    columns = [_values(spans[name]) for name in _DRAWN]
    return [dict(zip(_DRAWN, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    values: list[Any] = column.to_numpy(dtype=object, na_value=None).tolist()  # type: ignore[call-overload]  # None is allowed
    return values


_DRAWN = (
    "span_id", "parent_span_id", "name", "kind", "start_us", "duration_ns", "status", "error_type", "usage_role",
    "request_model", "response_model", "tool_name", "input_tokens", "output_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawing:
    """A trace laid out once: what the component draws, and where to look first."""

    rows: bytes  # JSON of `rows`, without what is false or empty
    ticks: list[dict[str, Any]]
    first: str  # the span worth reading first
    failed: str | None  # the deepest failed span


def drawing(spans: pd.DataFrame) -> Drawing:
    """`spans` has at least one row.

    First comes what failed, else the first model call that counts and told its usage, else the root.
    """
    laid_out = rows(spans)
    short = [{name: value for name, value in row.items() if value or name in {"left", "width"}} for row in laid_out]
    calls = spans[(spans["kind"] == "llm") & (spans["usage_role"] == "leaf") & spans["output_tokens"].notna()]
    failed = _deepest_failed(laid_out)
    return Drawing(
        json.dumps(short, separators=(",", ":")).encode(),
        axis(spans).ticks(),
        failed or str(laid_out[0]["id"] if calls.empty else calls["span_id"].iloc[0]),
        failed,
    )


def _deepest_failed(laid_out: list[dict[str, Any]]) -> str | None:
    """The failure that the trace's summary names: the deepest, of several the earliest, none told again elsewhere."""
    failed = [row for row in laid_out if row["error"] and row["note"] != COUNTED_ELSEWHERE]
    found = min(failed, key=lambda row: (-row["depth"], row["left"], row["id"]), default=None)
    return None if found is None else str(found["id"])


def doubts(spans: pd.DataFrame) -> list[str]:
    """Sentences on times that cannot be right; empty when all can."""
    ids, parents, began, notes = (_values(spans[name]) for name in ("span_id", "parent_span_id", "start_us", "notes"))
    starts = dict(zip(ids, began, strict=True))
    early = sum(starts.get(parent, start) > start for parent, start in zip(parents, began, strict=True))
    ended = sum(told is not None and "never_ended" in list(told) for told in notes)
    unknown = int(spans["duration_ns"].isna().sum()) - ended
    said = (
        (early, "starts", "start", "before the parent: clocks disagree."),
        (unknown, "ends", "end", "before it began: the clock stepped back, so the duration is unknown."),
        (ended, "was never ended", "were never ended", "by the sender, so the duration is unknown."),
    )
    return [f"{fmt.plural(n, 'span')} {one if n == 1 else many} {rest}" for n, one, many, rest in said if n > 0]


def _ordered(records: dict[str, dict[str, Any]]) -> Iterator[tuple[str, int]]:
    children: dict[str, list[str]] = defaultdict(list)
    roots: list[str] = []
    for span_id, record in records.items():
        parent = record["parent_span_id"]
        (children[parent] if parent in records and parent != span_id else roots).append(span_id)
    drawn: set[str] = set()
    for start in (*roots, *records):
        stack = [(start, 0)]
        while stack:
            span_id, depth = stack.pop()
            if span_id in drawn:
                continue
            drawn.add(span_id)
            yield span_id, depth
            stack.extend((child, depth + 1) for child in reversed(children[span_id]))


def _row(
    record: dict[str, Any], depth: int, span: Axis, *, has_children: bool, known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    duration = record["duration_ns"]
    left = (record["start_us"] - span.start_us) * 1000 / span.length_ns
    return {
        "id": record["span_id"],
        "depth": depth,
        "children": has_children,
        "name": fmt.clip(record["name"], _NAME_LIMIT, UNNAMED),
        "kind": record["kind"],
        "detail": _detail(record),
        "note": _note(record, known),
        "error": record["status"] == "error" or record["error_type"] is not None,
        "duration": fmt.duration(duration),
        "unended": duration is None,
        "left": round(min(max(left, 0.0), 1.0), 6),
        "width": round(min((duration or 0) / span.length_ns, 1.0), 6),
    }


def _detail(record: dict[str, Any]) -> str:
    """The model or tool, unless the name says it already; tokens of model calls."""
    model = record["response_model"] or record["request_model"] or record["tool_name"] or ""
    parts = [fmt.clip(model, _NAME_LIMIT)] if model not in record["name"] else []
    if record["kind"] == "llm" and record["input_tokens"] is not None and record["output_tokens"] is not None:
        parts.append(f"{fmt.short(record['input_tokens'])} → {fmt.short(record['output_tokens'])} tokens")
    return ", ".join(parts)


def _note(record: dict[str, Any], known: dict[str, dict[str, Any]]) -> str:
    if record["usage_role"] in {"duplicate", "aggregate"}:
        return COUNTED_ELSEWHERE
    parent = record["parent_span_id"]
    return PARENT_MISSING if parent and parent not in known else ""
