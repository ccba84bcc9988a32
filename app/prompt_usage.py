"""What became of each version in traffic that names it: calls, cost, tokens, time, failures, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import data_prompts, listing, prompts, state, widgets
from app import format as fmt
from app.listing import Cell, Column

Row = dict[str, Any]


def section(name: str, told: Mapping[str, Any]) -> None:
    """The table of versions; a row leads to their traces."""
    window = prompts.window()
    with st.skeleton(height=200):
        found = data_prompts.usage(window.since, window.until, name)
    rows = found["rows"]
    if not rows:
        widgets.empty(
            "Calls, cost and scores of each version would be here.",
            f"No model call in {window.words} carries this prompt's name. Put gen_ai.prompt.name and "
            "gen_ai.prompt.version on the span of the call; Text shows both, under Fetch it.",
        )
        return
    scores = score_names(rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(finding(rows, window.words), width="content")
        if found["cut"]:
            widgets.cut(1_000, None, "versions of all prompts")
        st.space("stretch")
        widgets.csv(_frame(rows), f"prompt-{name.replace('/', '-')}")
    newest = {str(one["version"]): one for one in told["versions"]}
    top = max(row["calls"] for row in rows)
    listing.listing("prompt-usage", "Usage by version", COLUMNS, [_line(name, row, newest, top) for row in rows])
    if scores:
        st.markdown("**Scores**")
        listing.listing(
            "prompt-scores", "Scores by version", score_columns(scores), [_scored(name, row, scores) for row in rows]
        )
    st.caption(
        f"Calls in {window.words}; means and shares with their 95 % interval: calls of one trace count as one cluster "
        "for cost and scores, p95 takes calls for independent. A row opens its traces."
    )


def score_names(rows: Sequence[Row]) -> list[str]:
    """Names of scores, those with most first."""
    counts: dict[str, int] = {}
    for row in rows:
        for name, one in (row.get("scores") or {}).items():
            counts[name] = counts.get(name, 0) + one["n"]
    return sorted(counts, key=lambda name: (-counts[name], name))


def finding(rows: Sequence[Row], words: str) -> str:
    """How many calls there were, and which version has most of them."""
    calls = sum(row["calls"] for row in rows)
    told = f"{fmt.plural(calls, 'call')} in {words} over {fmt.plural(len(rows), 'version')}"
    if len(rows) < 2:
        return f"{told}."
    return f"{told}; {fmt.plain(_version(rows[0]))} has {fmt.percent(rows[0]['calls'] / calls)} of them."


def _version(row: Row) -> str:
    return "no version" if row["version"] is None else f"version {row['version']}"


COLUMNS = (
    Column("Version", "minmax(120px, 1fr)", link=True),
    Column("Calls", "110px", "right"),
    Column("Failed", "minmax(140px, 0.8fr)", "right", "Share of calls, with its 95 % interval"),
    Column("Cost", "88px", "right", "≥: some calls have no price"),
    Column("$ per 1,000 calls", "minmax(160px, 1fr)", "right", "Mean of priced calls, with its 95 % interval"),
    Column("Tokens in / out", "minmax(110px, 0.6fr)", "right"),
    Column("p95", "minmax(170px, 1fr)", "right", "Of calls that ended well, with its 95 % interval"),
)


def score_columns(scores: Sequence[str]) -> tuple[Column, ...]:
    """A column a score, beside the version."""
    told = (
        Column(fmt.clip(name, 40), "minmax(140px, 1fr)", "right", f"{name}: mean, 95 % interval") for name in scores
    )
    return (Column("Version", "minmax(80px, 0.6fr)", link=True), *told)


def _scored(name: str, row: Row, scores: Sequence[str]) -> listing.Row:
    told = row.get("scores") or {}
    cells = [Cell(_score(told.get(score)), quiet=score not in told) for score in scores]
    return listing.Row(_traces(name, row), [Cell(fmt.clip(row["version"] or "none", 60)), *cells], anew=True)


def _traces(name: str, row: Row) -> str:
    value = name if row["version"] is None else f"{name}@{row['version']}"
    kept = {key: st.query_params.get(key) for key in (widgets.RANGE, "from", "to")}
    return state.traces_path(kept | {"prompt": value})


def _line(name: str, row: Row, known: Mapping[str, Any], top: int) -> listing.Row:
    held = known.get(row["version"] or "")
    labels = f" {', '.join(held['labels'])}" if held and held["labels"] else ""
    least = "≥ " if row["unpriced"] and row["cost_usd"] is not None else ""
    return listing.Row(
        _traces(name, row),
        [
            Cell(fmt.clip(f"{row['version'] or 'none'}{labels}", 80),
                 "" if held or row["version"] is None else "No version of this number is stored here"),
            Cell(fmt.count(row["calls"]), share=round(row["calls"] / top, 4)),
            Cell(_shared(row, "error_rate"), quiet=not row["failed"]),
            Cell(f"{least}{fmt.money(row['cost_usd'])}", fmt.exact_money(row["cost_usd"])),
            Cell(_per_call(row)), Cell(f"{fmt.short(row['input_tokens'])} / {fmt.short(row['output_tokens'])}"),
            Cell(_time(row)),
        ],
        anew=True,
    )  # fmt: skip


def _shared(row: Row, key: str) -> str:
    if row.get(key) is None:
        return fmt.UNKNOWN
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    return f"{fmt.percent(row[key])} ({fmt.digits(low * 100, 2)} to {fmt.digits(high * 100, 2)})"


def _per_call(row: Row) -> str:
    mean, low, high = row["per_call"], row["per_call_low"], row["per_call_high"]
    if mean is None:
        return fmt.UNKNOWN
    told = fmt.mean_cost(mean * 1000).removeprefix("$")
    return told if low is None else f"{told} ({fmt.between(low * 1000, high * 1000).removeprefix('$')})"


def _time(row: Row) -> str:
    if row.get("p95") is None:
        return fmt.UNKNOWN
    low, high = (None if row[key] is None else fmt.duration(row[key]) for key in ("p95_low", "p95_high"))
    ends = f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else "no interval"
    return f"{fmt.duration(row['p95'])} ({ends})"


def _score(one: Mapping[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "none"
    ends = "" if one["low"] is None else f" ({fmt.digits(one['low'], 2)} to {fmt.digits(one['high'], 2)})"
    return f"{fmt.digits(one['value'])}{ends}, n {one['n']:,}"


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    flat = [
        {key: value for key, value in row.items() if key != "scores"}
        | {f"{name}_{key}": value for name, one in (row.get("scores") or {}).items() for key, value in one.items()}
        for row in rows
    ]
    return pd.DataFrame(flat)
