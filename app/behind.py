"""The calls behind a figure of the Cost integrity page, each with the way to its trace, and the links to them."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app import calls, listing, state, widgets
from app import format as fmt
from app.listing import Cell, Column

PATH, PLACE = "views/cost_integrity.py", "cost_integrity"
SHOW, BEHIND = "show", "behind"  # of the URL: which part of the page, and which calls in its place
ROLES = {"duplicate": ("told once more", "duplicates"), "aggregate": ("sums up calls", "aggregates")}
"""Usage role -> what such a row does, and what several are called."""
SIDES = ("input", "output")

Row = dict[str, Any]


def here(**more: str | None) -> str:
    """A link to this page with the range and filters of now, and `more`."""
    kept = calls.in_url() | {name: st.query_params.get(name) for name in ("range", "from", "to", SHOW)} | more
    return f"{PLACE}?" + urlencode({name: text for name, text in kept.items() if text})


def link(what: str, model: str | None) -> str:
    """Where a row of a model leads: to the calls behind it. Of an unknown model nowhere: no filter names it."""
    return "" if model is None else here(behind=what, model=model)


WHAT = {
    "compared": "Calls with a reported and a computed cost, furthest apart first",
    "duplicate": "Rows that tell a call once more, newest first",
    "aggregate": "Rows that sum up calls, newest first",
    "untold": "Calls that ended well without telling all of their usage, newest first",
}
_MOST = 100


def listed(window: state.Window, what: str, found: pd.DataFrame) -> None:
    """Each call leads to its span within the trace."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{WHAT[what]}**", width="content")
        if len(found) >= _MOST:
            widgets.cut(_MOST, None, "calls")
        st.space("stretch")
        st.page_link(
            PATH, label="Back to the figures", icon=":material/arrow_back:",
            query_params={name: text for name in ("range", "from", "to", SHOW) if (text := st.query_params.get(name))},
        )  # fmt: skip
        if not found.empty:
            widgets.csv(found, f"calls-{what}")
    if found.empty:
        widgets.empty("Calls would be here.", f"There is no such call in {window.words} that the filters keep.")
        return
    zone = widgets.zone()
    rows = [_call(row, what, zone) for row in listing.records(found)]
    listing.listing("integrity-calls", WHAT[what], _call_columns(what), rows)
    st.caption("A row opens the call within its trace. Times in " + str(zone) + ".")


def _call_columns(what: str) -> tuple[Column, ...]:
    compared = (
        Column("Reported", "100px", "right"), Column("Computed", "100px", "right"), Column("Apart", "100px", "right"),
        Column("Deviation", "84px", "right"),
    )  # fmt: skip
    left_out = (
        Column("Would add", "92px", "right"),
        Column("Why", "minmax(130px, 1fr)", help="The rule that found it"),
        Column("Counted instead", "minmax(150px, 1fr)"),
    )
    return (
        Column("Started", "minmax(150px, 1fr)", link=True),
        Column("Model", "minmax(120px, 1fr)"),
        Column("Service", "minmax(90px, 0.8fr)"),
        Column("Tokens in → out", "minmax(110px, 0.8fr)", "right", "In with cache; ?: unknown"),
        *(compared if what == "compared" else left_out if what in ROLES else ()),
    )


def _instead(row: Row) -> Cell:
    """Which span is counted in place of this one."""
    if row["kept_span_id"] is None:
        return Cell("the calls that it sums up" if row["usage_role"] == "aggregate" else fmt.UNKNOWN, quiet=True)
    elsewhere = row["kept_trace_id"] != row["trace_id"]
    return Cell(f"span {row['kept_span_id']}", f"of trace {row['kept_trace_id']}" if elsewhere else "of this trace")


def _call(row: Row, what: str, zone: tzinfo) -> listing.Row:
    tokens = " → ".join("?" if row[f"{side}_tokens"] is None else fmt.count(row[f"{side}_tokens"]) for side in SIDES)
    cached = "" if row["cache_read_tokens"] is None else f"{fmt.count(row['cache_read_tokens'])} read from a cache"
    cells = [
        Cell(fmt.moment(row["start_time"], zone), fmt.utc(row["start_time"])),
        Cell(fmt.clip(row["model"] or fmt.UNKNOWN), quiet=row["model"] is None),
        Cell(fmt.clip(row["service"] or fmt.UNKNOWN), quiet=row["service"] is None),
        Cell(tokens, cached),
    ]
    ours, theirs = row["cost_usd"], row["reported_cost_usd"]
    if what == "compared":
        relative = None if not ours else theirs / ours - 1
        cells += [
            Cell(fmt.mean_cost(theirs), fmt.exact_money(theirs)), Cell(fmt.mean_cost(ours), fmt.exact_money(ours)),
            Cell(fmt.money_apart(theirs - ours), fmt.exact_money(theirs - ours)), Cell(fmt.percent_apart(relative)),
        ]  # fmt: skip
    elif what in ROLES:
        cells += [
            Cell(fmt.mean_cost(ours), fmt.exact_money(ours)),
            Cell((row["rule"] or "as it was sent").replace("_", " ")),
            _instead(row),
        ]
    return listing.Row(state.trace_path(row["trace_id"], span_id=row["span_id"]), cells)
