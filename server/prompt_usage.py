"""What became of prompts, in traffic that carries their names and versions: queries by prompt, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from server import parity

MOST = 1_000  # values of name and version that a query gives
SCORES = 6  # names of scores, those with most
COSTS = (
    "calls", "failed", "traces", "input_tokens", "output_tokens", "cost_usd", "unpriced", "per_call", "per_call_low",
    "per_call_high",
)  # fmt: skip
TIMES = ("error_rate", "error_rate_low", "error_rate_high", "p50", "p95", "p95_low", "p95_high")

Json = dict[str, Any]
Run = Callable[[str, Json], pa.Table]
"""Answers a query with these parameters."""


def usage(run: Run, window: Mapping[str, Any], name: str | None) -> Json:
    """`rows` by name and version, most calls first, and `cut`: there are more than 1,000; see `/api/prompt-usage`."""
    asked = {**window, "dimension": "prompt", "page_size": MOST}
    found = run("calls_cost_by", asked).to_pylist()
    rows = {
        one["value"]: split(one["value"]) | {key: one[key] for key in COSTS}
        for one in found
        if one["value"] is not None and name in {None, split(one["value"])["name"]}
    }
    if name is not None and rows:
        _time(run, asked, rows)
        _score(run, window, rows)
    ordered = sorted(rows.values(), key=lambda one: (-one["calls"], one["name"], one["version"] or ""))
    return {"rows": ordered, "cut": bool(found) and found[0]["total"] > len(found)}


def split(value: str) -> Json:
    """`answer@3` as `name` and `version`; no version: null. A name of ours has no `@`."""
    name, mark, version = value.rpartition("@")
    return {"name": name, "version": version} if mark else {"name": value, "version": None}


def _time(run: Run, asked: Json, rows: Mapping[str, Json]) -> None:
    for one in run("latency_by", asked).to_pylist():
        if one["value"] in rows:
            rows[one["value"]].update({key: one[key] for key in TIMES})


def _score(run: Run, window: Mapping[str, Any], rows: Mapping[str, Json]) -> None:
    """The mean of each score over the calls, traces and sessions of each version; the newest of a target counts."""
    for row in rows.values():
        row["scores"] = {}
    names = run("score_names", {"since": window["since"]})["name"].to_pylist()[:SCORES]
    for score in names:
        question = parity.Question("prompt", f"{parity.SCORE}{score}", cluster="trace")
        told = parity.answer(lambda query, params: run(query, {**window, **params, "most": MOST}), question)
        for group in told["groups"]:
            if group["group"] in rows:
                value = group["value"]
                rows[group["group"]]["scores"][score] = {"n": group["rows"]} | {
                    key: value[key] for key in ("value", "low", "high")
                }
