"""The figure of Traces: how many started when, how many failed, how long they took."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt

HEIGHT = 176


def histogram(series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: charts.Theme) -> go.Figure:
    """Traces per bucket, stacked: well and failed; over them median and 95th percentile of their duration, in seconds.

    `series` has every bucket (see `charts.filled`), each `step` long, with traces, errors, p50_ns and p95_ns; null
    quantiles leave a gap. The durations have the axis at the right.
    """
    failed = series["errors"]
    figure = charts.figure("Traces and their duration", scope, theme)
    for values, name, ink in ((series["traces"] - failed, "well", charts.GOOD), (failed, "failed", charts.BAD)):
        figure.add_bar(
            x=series["bucket"], y=values, name=name, marker_color=ink, opacity=0.75,
            customdata=charts.times(series, step), hovertemplate="%{y:,} traces<br>%{customdata}",
            **charts.over_bucket(series, step),
        )  # fmt: skip
    for column, name, dash in (("p95_ns", "p95", "solid"), ("p50_ns", "median", "dot")):
        seconds = series[column].astype("float64") / 1e9
        figure.add_scatter(
            x=series["bucket"], y=seconds, name=name, yaxis="y2", mode="lines+markers",
            line={"color": charts.PALE[theme], "width": 1.5, "dash": dash}, marker={"size": 4},
            customdata=[fmt.duration(value) for value in series[column]], hovertemplate="%{customdata}",
            **charts.over_bucket(series, step),
        )  # fmt: skip
    axis = {
        "overlaying": "y",
        "side": "right",
        "rangemode": "tozero",
        "showgrid": False,
        "ticksuffix": " s",
        "nticks": 4,
    }
    figure.update_layout(
        barmode="stack", showlegend=True, legend=charts.LEGEND, height=HEIGHT, dragmode="select", selectdirection="h",
        yaxis2=axis, margin={"l": 8, "r": 8, "t": 58, "b": 4},
    )  # fmt: skip
    return charts.over_time(figure, series, step, theme, ())
