"""What differs between two traces, in sentences. Pure; the names in it are untrusted text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app import format as fmt

Row = Mapping[str, Any]

_WHAT = {
    "only_a": "it is only in the first trace", "only_b": "it is only in the second trace",
    "moved": "it stands at another place among its siblings", "kind": "it is of another kind",
    "name": "it has another name", "model": "another model answers", "prompt": "another prompt version is used",
    "system": "other instructions are given", "input": "what goes in differs", "output": "what comes out differs",
    "status": "one fails, the other does not", "error": "it fails in another way",
}  # fmt: skip
_SHORT = {
    "only_a": "only in A", "only_b": "only in B", "moved": "moved", "kind": "kind", "name": "name", "model": "model",
    "prompt": "prompt", "system": "instructions", "input": "input", "output": "output", "status": "status",
    "error": "error",
}  # fmt: skip


def short(differs: list[str]) -> str:
    """For a cell: `model, input, output`; `alike`."""
    return ", ".join(_SHORT[name] for name in differs) or "alike"


def step_name(step: Row) -> str:
    """Name and kind of a step: `search (tool)`."""
    side = step["a"] or step["b"]
    named = fmt.clip(side["name"], 60, "unnamed")
    return f"{named} ({side['kind']})" if side["kind"] != "other" else named


def parted(found: Row) -> str:
    """Where the traces part, in one sentence."""
    if found["first"] is None:
        same = fmt.plural(found["counts"]["steps"], "step")
        return f"The traces do not differ: {same}, with the same inputs, outputs and models."
    differs = found["first"]["differs"]
    told = " and ".join(_WHAT[name] for name in differs[:3])
    tail = "; what goes in is the same" if differs[0] == "output" else ""
    number, steps = found["first"]["number"], found["counts"]["steps"]
    return f"They part at step {number:,} of {steps:,}, {step_name(found['at_first'])}: {told}{tail}."


def summed(found: Row) -> str:
    """How much is alike, and what the second trace took more or less, in one sentence."""
    counts, a, b = found["counts"], found["a"], found["b"]
    said = [f"{counts['alike']:,} of {fmt.plural(counts['steps'], 'step')} are alike"]
    said += [f"{counts['changed']:,} differ"] if counts["changed"] else []
    said += [f"{counts['only_a']:,} only in A"] if counts["only_a"] else []
    said += [f"{counts['only_b']:,} only in B"] if counts["only_b"] else []
    return f"{', '.join(said)}. B took {took(a, b)}."


def took(a: Row, b: Row) -> str:
    """`1.2 s longer, 300 tokens more and $0.002 more than A`."""
    parts = [_apart(b["duration_ns"] - a["duration_ns"], fmt.duration, "longer", "shorter")]
    tokens = _tokens(a), _tokens(b)
    if None not in tokens:
        parts.append(_apart(tokens[1] - tokens[0], lambda n: f"{n:,.0f} tokens", "more", "less"))  # type: ignore[operator]  # none is null
    if a["cost_usd"] is not None and b["cost_usd"] is not None:
        parts.append(_apart(b["cost_usd"] - a["cost_usd"], fmt.mean_cost, "more", "less"))
    known = [part for part in parts if part]
    if not known:
        return "as long as A, and the same tokens and money as far as they are known"
    return f"{', '.join(known[:-1])}{' and ' if known[:-1] else ''}{known[-1]} than A"


def _apart(by: float, form: Any, more: str, less: str) -> str:
    return f"{form(abs(by))} {more if by > 0 else less}" if abs(by) > 1e-12 else ""


def _tokens(summary: Row) -> int | None:
    """Of both sides; null where a call told none of them."""
    if summary["input_tokens"] is None or summary["output_tokens"] is None or summary["unknown_usage_calls"]:
        return None
    return int(summary["input_tokens"] + summary["output_tokens"])


def totals(a: Row, b: Row) -> list[tuple[str, str, str, str]]:
    """Name, A, B, B less A of what both traces took; unknown where one of them does not tell."""
    rows: list[tuple[str, Any, Any, Callable[[float | None], str]]] = [
        ("Duration", a["duration_ns"], b["duration_ns"], fmt.duration)
    ]
    for name, column in (
        ("Spans", "spans"), ("Model calls", "model_calls_ok"), ("Failed model calls", "model_calls_failed"),
        ("Tool executions", "tool_executions"), ("Failed spans", "errors"), ("Input tokens", "input_tokens"),
        ("Output tokens", "output_tokens"),
    ):  # fmt: skip
        rows.append((name, a[column], b[column], fmt.count))
    rows.append(("Cost", a["cost_usd"], b["cost_usd"], fmt.mean_cost))
    return [(name, form(one), form(other), difference(one, other, form)) for name, one, other, form in rows]


def difference(one: float | None, other: float | None, form: Any) -> str:
    """B less A with its sign: `+1.2 s`, `0`; unknown where one is."""
    if one is None or other is None:
        return fmt.UNKNOWN
    by = other - one
    return f"{'+' if by > 0 else fmt.MINUS}{form(abs(by))}" if abs(by) > 1e-12 else "0"
