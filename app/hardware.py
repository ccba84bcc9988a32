"""Self-hosted hardware on the Cost page: what it costs against how long it takes. No price by the hour: nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import charts_hardware, data, data_hardware, listing, state, widgets
from app import format as fmt

KEY = "hardware"  # of the choice of the cost, and its name in the URL
COSTS = {"per 1,000 output tokens": "per_1k_output", "per call": "per_call"}
SHOWN = 10  # in the figure

Row = dict[str, Any]


def section(window: state.Window, filters: data.Filters) -> None:
    """Heading, figure and table; nothing where no call of the window has a price by the hour."""
    frame = data_hardware.hardware(window.since, window.until, filters)
    if frame.empty:
        return
    st.subheader("Hardware by the hour", anchor=False)
    rows = listing.records(frame)
    st.markdown(finding(rows))
    chosen = str(st.segmented_control("Cost", list(COSTS), default="per 1,000 output tokens", required=True, key=KEY,
                                      bind="query-params", label_visibility="collapsed"))  # fmt: skip
    _figure(rows, chosen)
    _table(frame)
    st.caption(
        "A call costs its duration's share of the hourly price, by what the price assumes of calls at once and of "
        "utilisation. Busy: share of the time from the first call's start to the last one's end in which at least one "
        "ran; idle time before and after is not known. Intervals: 95 %, Student, the trace is the cluster."
    )


def finding(rows: list[Row]) -> str:
    """Which model and hardware is cheapest for its output, and whether prices assume what is seen."""
    told = sorted((row for row in rows if row["per_1k_output"] is not None), key=lambda row: row["per_1k_output"])
    calls = fmt.plural(sum(row["calls"] for row in rows), "call")
    if not told:
        return f"{calls} were priced by the hour; none told its output tokens."
    best = told[0]
    said = f"{calls} were priced by the hour. {_bold(best)}: {_cost(best, 'per_1k_output')} for 1,000 output tokens"
    idle = [row for row in rows if row["utilisation"] is not None and row["utilisation"] < row["assumed_utilisation"]]
    return said + (", the least of all." if len(told) > 1 else ".") + (_idle(idle[0]) if idle else "")


def _idle(row: Row) -> str:
    seen, assumed = fmt.percent(row["utilisation"]), fmt.percent(row["assumed_utilisation"])
    return f" {_bold(row)} was busy {seen} of the time, and its price assumes {assumed}: it cost more than it says."


def _bold(row: Row) -> str:
    return f"**{fmt.plain(label(row), 100)}**"


def label(row: Row) -> str:
    """`llama-70b on 4 x H100, fp8`: untrusted text."""
    count = f"{row['gpus']:.0f} x " if row["gpus"] > 1 else ""
    where = f" on {count}{row['hardware'] or 'GPU'}" if row["hardware"] or row["gpus"] > 1 else ""
    how = f", {row['quantisation']}" if row["quantisation"] else ""
    return f"{row['model'] or fmt.UNKNOWN}{where}{how}"


def _cost(row: Row, name: str) -> str:
    interval = fmt.between(row[f"{name}_low"], row[f"{name}_high"])
    return fmt.plain(f"{fmt.mean_cost(row[name])} (95 %: {interval})")


def _figure(rows: list[Row], chosen: str) -> None:
    name = COSTS[chosen]
    told = [row for row in rows if row[name] is not None and row["p50"] is not None]
    if not told:
        st.caption("No call ended well and told what the figure needs.")
        return
    points = pd.DataFrame([
        {"name": label(row), "p50": row["p50"], "p95": row["p95"], "value": row[name], "low": row[f"{name}_low"],
         "high": row[f"{name}_high"], "told": _told(row, name)}
        for row in told[:SHOWN]
    ])  # fmt: skip
    st.plotly_chart(
        charts_hardware.hardware(points, f"Cost {chosen}", widgets.theme()), theme=None, key="hardware-figure",
        config={"displayModeBar": False}, alt=f"Cost {chosen} against the median and p95 of the duration",
    )  # fmt: skip
    if len(told) > SHOWN:
        widgets.cut(SHOWN, len(told), "models and prices")


def _told(row: Row, name: str) -> str:
    cost = f"{fmt.mean_cost(row[name])} (95 %: {fmt.between(row[f'{name}_low'], row[f'{name}_high'])})"
    text = (
        f"{fmt.clip(label(row), 100)}<br>{cost}, n = {fmt.plural(row['calls'], 'call')}<br>"
        f"median {fmt.duration(row['p50'])}, p95 {fmt.duration(row['p95'])}"
    )
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("&lt;br>", "<br>")


_COLUMNS = {
    "of": "Model, hardware", "calls": "Calls", "per_1k": "$ per 1,000 output tokens", "per_call": "$ per call",
    "p50": "Median", "p95": "p95", "busy": "Busy", "assumed": "Assumed", "at_once": "At once",
    "price": "$ per GPU hour",
}  # fmt: skip


def _table(frame: pd.DataFrame) -> None:
    shown = pd.DataFrame([_shown(row) for row in listing.records(frame)])
    st.dataframe(
        shown, hide_index=True, placeholder=fmt.UNKNOWN, height="content", alt="Hardware by the hour, most calls first",
        column_config=_COLUMNS,
    )  # fmt: skip
    widgets.csv(frame, "hardware")


def _shown(row: Row) -> Row:
    return {
        "of": label(row), "calls": row["calls"], "per_1k": _text(row, "per_1k_output"),
        "per_call": _text(row, "per_call"),
        "p50": fmt.duration(row["p50"]), "p95": fmt.duration(row["p95"]), "busy": fmt.percent(row["utilisation"]),
        "assumed": fmt.percent(row["assumed_utilisation"]),
        "at_once": None if row["at_once"] is None else round(row["at_once"], 2),
        "price": row["usd_per_hour"],
    }  # fmt: skip


def _text(row: Row, name: str) -> str:
    if row[name] is None:
        return fmt.UNKNOWN
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if low is None else f" ({fmt.between(low, high).removeprefix('$')})"
    return f"{fmt.mean_cost(row[name]).removeprefix('$')}{interval}"
