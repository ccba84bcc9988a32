"""Figures of hardware by the hour: cost against latency."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def hardware(rows: pd.DataFrame, cost: str, theme: charts.Theme) -> go.Figure:
    """Cost against latency: of each row a line from median to p95 at its cost, with the interval of the cost.

    `rows`: name, p50 and p95 (nanoseconds; null: no call ended well), value, low, high (US dollars; null bounds: none),
    told (the hover). `cost`: what the axis says. Below and left is better.
    """
    figure = charts.figure(f"{cost} against latency", "line: median (full) to p95 (open); whiskers: 95 %", theme)
    axis = _cost_axis(rows["value"], rows["low"])
    for row, pattern in zip(rows.to_dict("records"), range(len(rows)), strict=True):
        ink = charts.PALETTE[pattern % len(charts.PALETTE)]
        reach = {} if fmt.absent(row["low"]) else {"error_y": {
            "type": "data", "array": [row["high"] - row["value"], 0], "arrayminus": [row["value"] - row["low"], 0],
            "symmetric": False, "color": ink, "thickness": 1.5, "width": 4,
        }}  # fmt: skip
        figure.add_scatter(
            x=[row["p50"] / 1e9, row["p95"] / 1e9], y=[row["value"]] * 2, mode="lines+markers", **reach,
            line={"color": ink, "width": 2}, marker={"size": 9, "symbol": ["circle", "circle-open"], "color": ink},
            customdata=[row["told"]] * 2, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        figure.add_annotation(
            x=row["p95"] / 1e9, y=np.log10(row["value"]) if "type" in axis else row["value"], showarrow=False,
            text=fmt.clip(row["name"], 44).replace("<", "&lt;"),
            xanchor="left", xshift=9, font={"color": ink, "size": 12},
        )  # fmt: skip
    figure.update_layout(hovermode="closest", height=charts.TALL, margin={"r": 260})
    figure.update_yaxes(tickprefix="$", **axis)
    return figure.update_xaxes(ticksuffix=" s", rangemode="tozero", showgrid=True)


def _cost_axis(values: pd.Series, lows: pd.Series) -> dict[str, object]:
    """From 0; logarithmic where the cheapest would lie on the axis."""
    known = values[values > 0].astype("float64")
    if known.empty or known.max() < _APART * known.min():
        return {"rangemode": "tozero"}
    least = min(known.min(), lows[lows > 0].astype("float64").min(skipna=True)) if (lows > 0).any() else known.min()
    return {"type": "log", "range": [np.log10(least / 2), np.log10(known.max() * 3)], "dtick": 1}


_APART = 20  # times the cheapest
