"""The spans of one trace as rows of a waterfall: order, depth, place on the time axis, words. No Streamlit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import format as fmt

COUNTED_ELSEWHERE = "counted once elsewhere"
PARENT_MISSING = "parent never arrived"
_TICKS = 5
_NAME_LIMIT = 200  # letters; the full name stands in the details of the span


@dataclass(frozen=True, slots=True)
class Axis:
    """Start in microseconds since 1970 and length in nanoseconds, never 0."""

    start_us: int
    length_ns: float

    def ticks(self) -> list[dict[str, Any]]:
        """Marks at equal steps; `at` is a share of the length."""
        return [
            {"at": step / _TICKS, "label": fmt.duration(self.length_ns * step / _TICKS) if step else "0"}
            for step in range(_TICKS)
        ]


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
    records = {str(record["span_id"]): record for record in spans.to_dict("records")}
    span = axis(spans)
    parents = {record["parent_span_id"] for record in records.values()}
    return [
        _row(records[span_id], depth, span, has_children=span_id in parents, known=records)
        for span_id, depth in _ordered(records)
    ]


def doubts(spans: pd.DataFrame) -> list[str]:
    """Sentences on times that cannot be right; empty when all can."""
    starts = dict(zip(spans["span_id"], spans["start_us"], strict=True))
    early = sum(starts.get(parent, start) > start for parent, start in spans[["parent_span_id", "start_us"]].to_numpy())
    ended = sum(list(notes).count("never_ended") for notes in spans["notes"])
    unknown = int(spans["duration_ns"].isna().sum()) - ended
    said = (
        (early, "starts", "start", "before the parent: clocks disagree."),
        (unknown, "ends", "end", "before it began: the clock stepped back, so the duration is unknown."),
        (ended, "was never ended", "were never ended", "by the sender, so the duration is unknown."),
    )
    return [f"{fmt.plural(n, 'span')} {one if n == 1 else many} {rest}" for n, one, many, rest in said if n > 0]


def _ordered(records: dict[str, dict[Any, Any]]) -> Iterator[tuple[str, int]]:
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
    record: dict[Any, Any], depth: int, span: Axis, *, has_children: bool, known: dict[str, dict[Any, Any]]
) -> dict[str, Any]:
    length = 0.0 if fmt.absent(record["duration_ns"]) else float(record["duration_ns"])
    left = (record["start_us"] - span.start_us) * 1000 / span.length_ns
    return {
        "id": record["span_id"],
        "parent": _text(record["parent_span_id"]),
        "depth": depth,
        "children": has_children,
        "name": str(record["name"])[:_NAME_LIMIT],
        "kind": record["kind"],
        "detail": _detail(record),
        "note": _note(record, known),
        "error": record["status"] == "error",
        "duration": fmt.duration(record["duration_ns"]),
        "unended": fmt.absent(record["duration_ns"]),
        "left": min(max(left, 0.0), 1.0),
        "width": min(length / span.length_ns, 1.0),
        "title": f"{str(record['name'])[:_NAME_LIMIT]}, {record['kind']}, {fmt.duration(record['duration_ns'])}",
    }


def _detail(record: dict[Any, Any]) -> str:
    """The model or tool, unless the name says it already; tokens of model calls."""
    model = _text(record["response_model"]) or _text(record["request_model"]) or _text(record["tool_name"])
    parts = [model] if model and model not in str(record["name"]) else []
    if record["kind"] == "llm" and not fmt.absent(record["input_tokens"]) and not fmt.absent(record["output_tokens"]):
        parts.append(f"{fmt.short(record['input_tokens'])} → {fmt.short(record['output_tokens'])} tokens")
    return ", ".join(parts)


def _note(record: dict[Any, Any], known: dict[str, dict[Any, Any]]) -> str:
    if record["usage_role"] in {"duplicate", "aggregate"}:
        return COUNTED_ELSEWHERE
    parent = _text(record["parent_span_id"])
    return PARENT_MISSING if parent and parent not in known else ""


def _text(value: object) -> str:
    return "" if fmt.absent(value) else str(value)
