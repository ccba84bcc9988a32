"""Figures of one user: traces and cost over time."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def activity(series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: charts.Theme) -> go.Figure:
    """Traces of a user per bucket, stacked: ended well, failed. `series` has every bucket, with traces and failed."""
    total, failed = int(series["traces"].sum()), series["failed"].astype("int64")
    figure = charts.figure("Traces", f"n = {fmt.plural(total, 'trace')}, {scope}", theme)
    for values, name, ink in (
        (series["traces"] - failed, "ended well", charts.GOOD), (failed, "failed", charts.BAD),
    ):  # fmt: skip
        figure.add_bar(
            x=series["bucket"], y=values, name=name, marker_color=ink, customdata=charts.times(series, step),
            hovertemplate="%{y:,} traces<br>%{customdata}", **charts.over_bucket(series, step),
        )  # fmt: skip
    figure.update_layout(barmode="stack", showlegend=bool(failed.sum()), legend=charts.LEGEND)
    return charts.over_time(figure, series, step, theme, ())


def cost(series: pd.DataFrame, step: pd.Timedelta, scope: str, theme: charts.Theme) -> go.Figure:
    """What the model calls of a user cost per bucket; a bucket of which no cost is known has no bar."""
    usd, unpriced = series["cost_usd"].astype("float64"), int(series["unpriced_calls"].fillna(0).sum())
    least = f", {fmt.plural(unpriced, 'call')} without a price left out" if unpriced else ""
    figure = charts.figure("Cost", f"{charts.label(fmt.money(float(usd.sum())))}{least}, {scope}", theme)
    figure.add_bar(
        x=series["bucket"], y=usd, marker_color=charts.PALETTE[0], name="cost",
        customdata=list(zip(map(fmt.exact_money, usd), charts.times(series, step), strict=True)),
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>", **charts.over_bucket(series, step),
    )  # fmt: skip
    figure.update_yaxes(tickprefix="$", exponentformat="none")
    return charts.over_time(figure, series, step, theme, ())
