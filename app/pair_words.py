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
    "error": "it fails in another way",
}  # fmt: skip
_SHORT = {
    "only_a": "only in A", "only_b": "only in B", "moved": "moved", "kind": "kind", "name": "name", "model": "model",
    "prompt": "prompt", "system": "instructions", "input": "input", "output": "output", "status": "failure",
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
    told = " and ".join(_what(name, found["at_first"]) for name in differs[:3])
    tail = "; what goes in is the same" if differs[0] == "output" else ""
    number, steps = found["first"]["number"], found["counts"]["steps"]
    return f"They part at step {number:,} of {steps:,}, {step_name(found['at_first'])}: {told}{tail}."


def _what(name: str, step: Row) -> str:
    if name == "status":
        return f"it fails only in the {'first' if step['a']['status'] == 'error' else 'second'} trace"
    return _WHAT[name]


def summed(found: Row) -> str:
    """How much is alike, and what the second trace took more or less, in one sentence."""
    counts, a, b = found["counts"], found["a"], found["b"]
    alike = "is" if counts["alike"] == counts["steps"] == 1 else "are"
    said = [f"{counts['alike']:,} of {fmt.plural(counts['steps'], 'step')} {alike} alike"]
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
    if None not in (a["cost_usd"], b["cost_usd"]) and not _unpriced(a) and not _unpriced(b):
        parts.append(_apart(b["cost_usd"] - a["cost_usd"], fmt.mean_cost, "more", "less"))
    known = [part for part in parts if part]
    if not known:
        return "as long as A, and the same tokens and money as far as they are known"
    return f"{', '.join(known[:-1])}{' and ' if known[:-1] else ''}{known[-1]} than A"


def _apart(by: float, form: Any, more: str, less: str) -> str:
    return f"{form(abs(by))} {more if by > 0 else less}" if abs(by) > 1e-12 else ""


def _tokens(summary: Row) -> int | None:
    """Of both sides; null where a call did not tell both of them."""
    if summary["input_tokens"] is None or summary["output_tokens"] is None or _untold(summary):
        return None
    return int(summary["input_tokens"] + summary["output_tokens"])


def _untold(summary: Row) -> int:
    """Calls that told no tokens, or one side of them."""
    return int(summary["unknown_usage_calls"] + (summary["half_told_calls"] or 0))


def _unpriced(summary: Row) -> int:
    return int(summary["unpriced_calls"] or 0)


def _called(summary: Row) -> int:
    return int(summary["model_calls_ok"] + summary["model_calls_failed"])


Form = Callable[[float | None], str]
NOTHING = "—"  # no model or embedding call: there is nothing to know


def totals(a: Row, b: Row) -> list[tuple[str, str, str, str]]:
    """Name, A, B, B less A of what both traces took. A sum that not all calls told is a least; B less A is unknown."""
    rows = [_line("Duration", (a["duration_ns"], b["duration_ns"]), fmt.duration)]
    rows.append(_line("Model calls", (_called(a), _called(b)), fmt.count))
    rows += [
        _line(name, (a[column], b[column]), fmt.count)
        for name, column in (
            ("Failed model calls", "model_calls_failed"), ("Tool executions", "tool_executions"), ("Spans", "spans"),
            ("Failed spans", "errors"),
        )
    ]  # fmt: skip
    for name, column, missing, form in (
        ("Input tokens", "input_tokens", _untold, fmt.count), ("Output tokens", "output_tokens", _untold, fmt.count),
        ("Cost", "cost_usd", _unpriced, fmt.mean_cost),
    ):  # fmt: skip
        rows.append(_of_calls(name, column, (a, b), missing, form))
    return rows


def _line(name: str, both: tuple[float, float], form: Form) -> tuple[str, str, str, str]:
    return name, form(both[0]), form(both[1]), difference(*both, form)


def _of_calls(
    name: str, column: str, both: tuple[Row, Row], missing: Callable[[Row], int], form: Form
) -> tuple[str, str, str, str]:
    told = [_least(side, side[column], missing(side), form) for side in both]
    if NOTHING in told:
        return name, told[0], told[1], NOTHING
    partial = any(missing(side) for side in both)
    return name, told[0], told[1], fmt.UNKNOWN if partial else difference(both[0][column], both[1][column], form)


def _least(side: Row, value: float | None, missing: int, form: Form) -> str:
    if value is None and not _called(side) and not side["embedding_calls"]:
        return NOTHING
    return f"≥ {form(value)}" if value is not None and missing else form(value)


def difference(one: float | None, other: float | None, form: Form) -> str:
    """B less A with its sign: `+1.2 s`, `0`; unknown where one is."""
    if one is None or other is None:
        return fmt.UNKNOWN
    by = other - one
    return f"{'+' if by > 0 else fmt.MINUS}{form(abs(by))}" if abs(by) > 1e-12 else "0"
