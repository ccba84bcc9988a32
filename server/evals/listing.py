"""Stored suites and runs as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]


def run_row(run: Mapping[str, Any]) -> Row:
    """A run: what came of it, or how far it is."""
    brief = run["brief"] or {}
    gates = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in brief.get("gates", {}).items())
    return {
        "run": run["run_id"], "suite": run["suite"], "begun": run["started_at"] or run["created_at"],
        "outcome": run["outcome"] or run["state"], "gates": gates or "none", "items": brief.get("items"),
        "answers": run["answers_done"], "usd": run["cost_usd"], "from": run["source"],
    }  # fmt: skip


def suite_row(suite: Mapping[str, Any]) -> Row:
    """A suite, and what came of its newest run."""
    run = suite["run"]
    return {
        "suite": suite["name"], "from": suite["file"] if suite["source"] == "file" else f"version {suite['version']}",
        "newest_run": "none" if run is None else run["outcome"] or run["state"],
        "run": "none" if run is None else run["run_id"],
    }  # fmt: skip
