"""Figures of Online rules: verdicts by the hour."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts

VERDICTS = {"ok": "scored", "not_applicable": "not applicable", "failed": "failed"}


def verdicts(hours: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Verdicts by the hour, stacked by what came of them. `hours`: every hour as `bucket`, and the counts."""
    figure, step = charts.figure("Verdicts", subtitle, theme), pd.Timedelta(hours=1)
    for (column, name), ink in zip(VERDICTS.items(), (charts.GOOD, charts.GREY, charts.BAD), strict=True):
        figure.add_bar(
            x=hours["bucket"], y=hours[column], name=name, marker_color=ink, customdata=charts.times(hours, step),
            hovertemplate="%{y:,} " + name + "<br>%{customdata}<extra></extra>", **charts.over_bucket(hours, step),
        )  # fmt: skip
    return figure.update_layout(barmode="stack", showlegend=True, legend=charts.LEGEND).update_xaxes(
        range=charts.edges(hours, step)
    )
