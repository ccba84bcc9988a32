"""Figures of the page Feedback."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def course(
    series: pd.DataFrame, step: pd.Timedelta, title: str, scope: str, theme: charts.Theme, *, stars: bool
) -> go.Figure:
    """What users said per bucket, with its 95 % interval: of thumbs the share up, of stars the mean.

    `series` has every bucket, with calls (that have a value), share and mean, each with _low and _high; null: none.
    """
    name = "mean" if stars else "share"
    scale = 1 if stars else 100
    value, low, high = (series[f"{name}{end}"].astype("float64") * scale for end in ("", "_low", "_high"))
    n = int(series["calls"].sum())
    figure = charts.figure(title, f"n = {n:,}, 95 % interval, {scope}", theme)
    middle, ink = series["bucket"] + step / 2, charts.PALETTE[0]
    figure.add_scatter(
        x=middle, y=value, mode="markers", marker={"size": 7, "color": ink}, name=title,
        error_y={"type": "data", "symmetric": False, "array": high - value, "arrayminus": value - low,
                 "color": ink, "thickness": 1.5, "width": 0},
        customdata=list(zip(charts.times(series, step), series["calls"].tolist(), strict=True)),
        hovertemplate=f"%{{y:.3g}}{'' if stars else ' %'}, n = %{{customdata[1]}}<br>%{{customdata[0]}}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(range=[0.8, 5.2] if stars else [-2, 104], ticksuffix="" if stars else " %")
    return charts.over_time(figure, series, step, theme, ())


def spoken(value: float | None, low: float | None, high: float | None, *, stars: bool) -> str:
    """`78.1 % (73 to 82)`, of stars `4.2 (3.9 to 4.5)`; without an interval the value alone."""
    if fmt.absent(value):
        return fmt.UNKNOWN
    form = fmt.digits if stars else fmt.percent
    told = form(float(value or 0))
    if fmt.absent(low) or fmt.absent(high):
        return told
    return f"{told} ({form(float(low or 0))} to {form(float(high or 0))})"
