"""Figures of a calibration card."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts


def reliability(
    bins: pd.DataFrame, line: float | None, best: float | None, subtitle: str, theme: charts.Theme
) -> go.Figure:
    """What people say of items by the judge's score: a point a bin with its interval, its size by the items in it.

    `bins`: judge, human, low, high (null: no interval), n. `line`: the score from which the judge says yes; `best`: the
    one that fits people best; null: none.
    """
    figure = charts.figure("What people say, by score", subtitle, theme)
    ink = charts.PALETTE[0]
    value, low, high = (bins[name].astype("float64") for name in ("human", "low", "high"))
    largest = max(float(bins["n"].max()), 1.0)
    ends = [float(min(bins["judge"].min(), 0.0)), float(max(bins["judge"].max(), 1.0))]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": charts.PALE[theme], "width": 1, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=bins["judge"], y=value, mode="lines+markers", line={"color": ink, "width": 1.5}, customdata=bins["n"],
        marker={"color": ink, "size": (8 + 14 * (bins["n"] / largest) ** 0.5).tolist()},
        error_y={"type": "data", "symmetric": False, "array": (high - value).fillna(0),
                 "arrayminus": (value - low).fillna(0), "color": ink, "thickness": 1.5, "width": 4},
        hovertemplate="score %{x:.3g}: people %{y:.3g}, n = %{customdata:,}<extra></extra>",
    )  # fmt: skip
    for at, word in ((line, "says yes"), (best, "best")):
        if at is not None:
            figure.add_vline(x=at, line={"color": charts.PALE[theme], "width": 1, "dash": "dash"})
            figure.add_annotation(
                x=at, y=1 if word == "best" else 0, yref="paper", text=word, showarrow=False, textangle=-90,
                xanchor="left", yanchor="top" if word == "best" else "bottom",
                font={"size": 11, "color": charts.PALE[theme]},
            )  # fmt: skip
    figure.update_layout(hovermode="closest", height=340)
    figure.update_xaxes(title="the judge's score", showgrid=True)
    return figure.update_yaxes(title="people", rangemode="tozero")


def slices(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Kappa of each slice with its interval. `rows`: name, value, low, high (null: no interval)."""
    figure = charts.figure("Kappa by slice", subtitle, theme)
    charts.estimates(figure, rows["name"], rows["value"], rows["low"], rows["high"], most=24, form=":.3g")
    for at in (0.4, 0.6):
        figure.add_vline(x=at, line={"color": charts.PALE[theme], "width": 1, "dash": "dot"})
    return figure.update_xaxes(rangemode="normal")
