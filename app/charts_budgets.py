"""Figures of budgets: the spend of a month and its forecast."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def month(days: pd.DataFrame, budget_usd: float, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Spend cumulated over a calendar month, its forecast with the 95 % band, and the budget as a line.

    `days`: day, usd, low, high, over (known, else forecast); from the first of the month on.
    """
    figure, known, ahead = charts.figure("Spend of the month", subtitle, theme), days[days["over"]], days[~days["over"]]
    joined = pd.concat([known.tail(1), ahead])
    x = pd.to_datetime(joined["day"])
    if len(ahead):
        low, high = (joined[end].reset_index(drop=True) for end in ("low", "high"))
        charts.interval(figure, x.reset_index(drop=True), low, high, charts.PALETTE[0])
    for part, dash, said in ((joined, "dot", "forecast"), (known, "solid", "spent")):
        told = [
            f"{said} by the end of {day}: {fmt.money(usd)}" for day, usd in zip(part["day"], part["usd"], strict=True)
        ]
        figure.add_scatter(
            x=pd.to_datetime(part["day"]), y=part["usd"], mode="lines" if len(part) > 1 else "markers", customdata=told,
            line={"color": charts.PALETTE[0], "width": 2, "dash": dash}, hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=budget_usd, line={"color": charts.BAD, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=budget_usd, yanchor="bottom", showarrow=False,
        text=f"budget {fmt.money(budget_usd)}", font={"color": charts.BAD, "size": 12},
    )  # fmt: skip
    figure.update_layout(height=charts.TALL, hovermode="closest")
    top = max(float(days["high"].max()), budget_usd) * 1.1
    return figure.update_yaxes(tickprefix="$", range=[0, top]).update_xaxes(tickformat="%-d %b")
