"""What each project cost, below the Cost page of one: who pays for several looks at them side by side."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import calls, data, data_cost, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

SHOWN = 50  # projects; two questions each


def section(window: state.Window, filters: data.Filters) -> None:
    """Nothing where there is one project."""
    names = data.projects()
    if len(names) < 2:
        return
    frame = pd.DataFrame([_asked(name, window, filters) for name in names[:SHOWN]])
    frame = frame.sort_values(["cost_usd", "calls"], ascending=False, na_position="last")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**By project**", width="content")
        if len(names) > SHOWN:
            widgets.cut(SHOWN, len(names), "projects")
        st.space("stretch")
        widgets.csv(frame, "cost-by-project")
    top, whole = fmt.largest(frame["cost_usd"]), float(frame["cost_usd"].sum())
    rows = [
        listing.Row(_href(str(row["project"])), _cells(row, top, whole))
        for row in listing.records(frame.convert_dtypes())
    ]
    listing.listing("cost-projects", "Cost by project", COLUMNS, rows)
    kept = " The filters above hold for each." if filters else ""
    st.caption(f"A row opens the Cost page of its project.{kept} Means with their 95 % interval (Student).")


COLUMNS = (
    Column("Project", "minmax(140px, 1.5fr)", link=True),
    Column("Cost", "minmax(112px, 1fr)", "right", "≥: some calls have no price"),
    Column("Share", "64px", "right"),
    Column("Calls", "80px", "right"),
    Column("Failed", "64px", "right"),
    Column("No price", "72px", "right", "Calls without a cost, but for failed ones that told no usage"),
    Column("$ per 1,000 traces", "minmax(160px, 1fr)", "right", "Mean of the traces with a priced call"),
)


def _asked(name: str, window: state.Window, filters: data.Filters) -> dict[str, Any]:
    now = data_cost.calls_totals_of(name, window.since, window.until, filters)
    mean = data_cost.calls_cost_per_of(name, window.since, window.until, filters)
    sums = {column: now[column] for column in ("cost_usd", "calls", "failed", "unpriced")}
    return {"project": name} | sums | {f"per_trace_{column}": mean[column] for column in ("mean", "low", "high")}


def _cells(row: dict[str, Any], top: float, whole: float) -> list[Cell]:
    if not row["calls"]:
        return [Cell(fmt.clip(row["project"])), Cell("none", quiet=True), *(Cell("", quiet=True) for _ in COLUMNS[2:])]
    usd, unpriced = row["cost_usd"], row["unpriced"]
    least = "≥ " if unpriced else ""
    mean, low, high = (row[f"per_trace_{name}"] for name in ("mean", "low", "high"))
    each = fmt.UNKNOWN if mean is None else fmt.mean_cost(mean * 1000).removeprefix("$")
    if low is not None:
        each += f" ({fmt.between(low * 1000, high * 1000).removeprefix('$')})"
    return [
        Cell(fmt.clip(row["project"])),
        Cell(
            fmt.UNKNOWN if usd is None else f"{least}{fmt.money(usd)}",
            "" if usd is None else fmt.exact_money(usd),
            share=None if usd is None else round(usd / top, 4),
        ),
        Cell(fmt.percent(usd / whole) if usd is not None and whole else fmt.UNKNOWN),
        Cell(fmt.count(row["calls"])),
        Cell(fmt.count(row["failed"]), quiet=not row["failed"]),
        Cell(fmt.count(unpriced), quiet=not unpriced),
        Cell(each, quiet=mean is None),
    ]


def _href(name: str) -> str:
    here = calls.in_url() | {key: st.query_params.get(key) for key in ("range", "from", "to")}
    return "cost?" + urlencode({key: text for key, text in here.items() if text} | {state.PROJECT: name})
