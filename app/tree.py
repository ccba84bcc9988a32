"""Rows of one trace as a waterfall draws them: place on the time axis, words, marks. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import format as fmt

COUNTED_ELSEWHERE = "counted once elsewhere"
PARENT_MISSING = "parent never arrived"
PARENTS_MISSING = "Parents that never arrived"
LOOPED = "its parents form a loop"
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
_WHY_NOT = {
    "same_response_id": "another span told the same response",
    "nested": "a span inside it, or around it, told the same call",
    "same_call_other_scope": "another instrumentation told the same call",
    "tool_pair": "the same tool run is told twice",
    "mcp_pair": "its client and its server both tell the tool run",
    "retriever_pair": "the same retrieval is told twice",
    "from_logs": "its log records tell the call",
    "lowest_aggregate_estimated": "no call told its usage, so this sum stands in",
}
"""Rules of the resolver in words: why a span does not count, or does."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Start in nanoseconds after the trace's first start, and length in nanoseconds, never 0."""

    start_ns: int
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

    def left(self, start_ns: int) -> float:
        """A share of the length, between 0 and 1."""
        return round(min(max((start_ns - self.start_ns) / self.length_ns, 0.0), 1.0), 6)

    def width(self, duration_ns: int | None) -> float:
        """A share of the length; 0 for an unknown duration."""
        return round(min((duration_ns or 0) / self.length_ns, 1.0), 6)


@dataclass(frozen=True, slots=True)
class Axes:
    """The time axis as told, and with clocks shifted; null: none is."""

    told: Axis
    shifted: Axis | None


def axes(outline: Mapping[str, Any]) -> Axes:
    """Of `GET /api/traces/{trace_id}/outline`."""
    shifted = outline.get("shifted")
    told = Axis(0, float(outline["length_ns"]))
    return Axes(told, Axis(int(shifted["start_ns"]), float(shifted["length_ns"])) if shifted else None)


def lines(rows: pd.DataFrame, axes: Axes) -> list[dict[str, Any]]:
    """What the component draws of rows of `GET /api/traces/{trace_id}/rows`, without what is false or empty."""
    drawn = (_line(record, axes) for record in _records(rows))
    return [{name: value for name, value in line.items() if value or name in _KEPT} for line in drawn]


_KEPT = {"left", "width", "row", "parent"}


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Plain values, null as None. By way of numpy: `to_dict` over Arrow takes fifteen times as long."""
    columns = [_values(rows[name]) for name in rows]
    names = [str(name) for name in rows]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    values: list[Any] = column.to_numpy(dtype=object, na_value=None).tolist()  # type: ignore[call-overload]  # None is allowed
    return values


def _line(record: dict[str, Any], axes: Axes) -> dict[str, Any]:
    line = {"row": record["row"], "depth": record["depth"], "size": record["size"], "parent": record["parent"]}
    return line | (_synthetic(record) if record["span_id"] is None else _span(record, axes))


def _synthetic(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": PARENTS_MISSING, "kind": "other", "synthetic": True, "left": 0, "width": 0,
        "detail": f"{fmt.plural(record['size'], 'span')} below",
    }  # fmt: skip


def _span(record: dict[str, Any], axes: Axes) -> dict[str, Any]:
    duration, start = record["duration_ns"], record["start_ns"]
    line = {
        "id": record["span_id"],
        "name": fmt.clip(record["name"], _NAME_LIMIT, UNNAMED),
        "kind": record["kind"],
        "detail": _detail(record),
        "note": note(record),
        "again": record["usage_role"] in {"duplicate", "aggregate"},
        "error": record["status"] == "error" or record["error_type"] is not None,
        "duration": fmt.duration(duration),
        "unended": duration is None,
        "left": axes.told.left(start),
        "width": axes.told.width(duration),
        "path": round((record["path_ns"] or 0) / axes.told.length_ns, 6),
        "onpath": f"{fmt.duration(record['path_ns'])} on the critical path" if record["path_ns"] else "",
    }
    if axes.shifted is not None:
        shift = record["shift_ns"]
        line |= {"moved": [axes.shifted.left(start + shift), axes.shifted.width(duration)]}
        line |= {"shift": f"clock shifted by {fmt.duration(shift)}"} if shift else {}
    return line


def _detail(record: dict[str, Any]) -> str:
    """The model or tool, unless the name says it already; tokens of model calls."""
    model = record["model"] or record["tool_name"] or ""
    parts = [fmt.clip(model, _NAME_LIMIT)] if model not in record["name"] else []
    if record["kind"] == "llm" and record["input_tokens"] is not None and record["output_tokens"] is not None:
        parts.append(f"{fmt.short(record['input_tokens'])} → {fmt.short(record['output_tokens'])} tokens")
    return ", ".join(parts)


def note(record: Mapping[str, Any]) -> str:
    """Why a span does not count, or what is odd about its place; empty for most."""
    if record["usage_role"] in {"duplicate", "aggregate"}:
        return f"{COUNTED_ELSEWHERE}: {why_not(record['usage_role'], record['rule'])}"
    return LOOPED if record["looped"] else ""


def why_not(role: str, rule: str | None) -> str:
    """Why a span's usage is not counted, in words."""
    if rule in _WHY_NOT and (role == "duplicate" or rule == "lowest_aggregate_estimated"):
        return _WHY_NOT[rule]
    return "it sums up other spans" if role == "aggregate" else "another span tells the same call"
