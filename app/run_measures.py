"""What a run measured: cost, latency, tokens, answers that failed; tiles and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import format as fmt
from app import runs
from app.widgets import Tile

_NAMES = {
    "latency_ms": "Latency", "ttft_ms": "Time to first token", "cost_usd": "Cost", "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
}  # fmt: skip


def tiles(summary: Mapping[str, Any]) -> list[Tile]:
    """Gates, answers, cost, latency, flips."""
    lost = sum(summary["failed_answers"].values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary["failed_answers"].items())
    gates = summary["gates"]
    fails = sum(bool(gate["fails"]) for gate in gates)
    states = runs.gates_words(
        {"gates": pd.Series([gate["state"] for gate in gates], dtype=object).value_counts().to_dict()}
    )
    return [
        Tile("Gates that fail", f"{fails:,} of {len(gates):,}", fmt.plain(states), states if gates else "none", []),
        Tile(
            "Answers that failed", f"{lost:,} of {summary['answers']:,}", fmt.plain(kinds or "All answers came"),
            f"{summary['cut']:,} cut, {summary['held_back']:,} held back", [],
        ),
        _cost(summary["cost"]), _latency(summary["measured"]), _flips(summary),
    ]  # fmt: skip


def _cost(cost: Mapping[str, Any]) -> Tile:
    known = [cost[name] for name in ("target_usd", "judges_usd") if cost[name] is not None]
    told = f"target {fmt.money(cost['target_usd'])}, judges {fmt.money(cost['judges_usd'])}"
    note = f"unknown of {fmt.plural(cost['unknown'], 'answer')}" if cost["unknown"] else "of target and judges"
    value = f"{'≥ ' if cost['unknown'] and known else ''}{fmt.money(sum(known) if known else None)}"
    return Tile("Cost", value, fmt.plain(told), note, [])


def _latency(measured: Sequence[Mapping[str, Any]]) -> Tile:
    found = next((one for one in measured if one["name"] == "latency_ms"), None)
    if found is None:
        return Tile("Latency, p50", fmt.UNKNOWN, "No answer tells how long it took", "not measured", [])
    p50, p95 = (fmt.duration(_quantile(found, name) * 1e6) for name in ("p50", "p95"))
    return Tile("Latency, p50", p50, fmt.plain(f"Over {fmt.plural(found['known'], 'answer')}"), f"p95 {p95}", [])


def _flips(summary: Mapping[str, Any]) -> Tile:
    if summary["repeats"] < 2:
        return Tile("Flaky items", "—", "Ask for repeats to see whether answers flip", "one answer each", [])
    note = f"of {summary['items']:,}, {summary['repeats']:,} answers each"
    return Tile("Flaky items", f"{summary['flaky_count']:,}", "Verdicts that differ between repeats", note, [])


def table(summary: Mapping[str, Any]) -> None:
    """Latency, tokens, cost of an answer."""
    if not summary["measured"]:
        return
    rows = pd.DataFrame([_measure(one, summary["answers"]) for one in summary["measured"]])
    with st.expander("Latency, tokens and cost of an answer"):
        st.table(rows, border="horizontal", hide_index=True, alt="What was measured of the answers")


def _measure(one: Mapping[str, Any], answers: int) -> dict[str, str]:
    def told(value: float | None) -> str:
        if fmt.absent(value) or value is None:
            return fmt.UNKNOWN
        if one["name"].endswith("_ms"):
            return fmt.duration(value * 1e6)
        return fmt.mean_cost(value) if one["name"] == "cost_usd" else fmt.short(value)

    mean = one["mean"] or {}
    ends = [mean.get("low"), mean.get("high")]
    interval = "" if any(map(fmt.absent, ends)) else f"{told(ends[0])} to {told(ends[1])}"
    cells = {
        "Measure": _NAMES.get(one["name"], one["name"]), "Mean": told(mean.get("value")), "95 %": interval,
        "p50": told(_quantile(one, "p50")), "p95": told(_quantile(one, "p95")),
        "Known": f"{one['known']:,} of {answers:,} answers",
    }  # fmt: skip
    return {name: fmt.plain(text, 120) for name, text in cells.items()}


def _quantile(found: Mapping[str, Any], name: str) -> float:
    told = found[name]
    return float(told["value"] if isinstance(told, dict) else told)
