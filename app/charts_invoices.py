"""Figures of invoices: what was billed against what was computed."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def invoiced(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Invoiced and computed cost beside one another, per period: `period` (text), `invoiced_usd`, `computed_usd`."""
    figure = charts.figure("Invoiced and computed", subtitle, theme)
    for side, ink in (("invoiced", charts.PALETTE[1]), ("computed", charts.PALETTE[0])):
        usd = rows[f"{side}_usd"].astype("float64")
        figure.add_bar(
            x=rows["period"],
            y=usd,
            name=side,
            marker_color=ink,
            customdata=list(map(fmt.money, usd)),
            hovertemplate=f"{side} %{{customdata}}<extra></extra>",
        )
    gap = max(0.2, 1 - 0.1 * len(rows))  # a lone period is no wall
    figure.update_layout(barmode="group", bargap=gap, showlegend=True, legend=charts.LEGEND, height=charts.TALL)
    return figure.update_yaxes(tickprefix="$").update_xaxes(type="category", nticks=12)
