"""Figures of Evaluators: what was published of one."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts


def quality(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Published figures of one evaluator, all shares of 1: a point with its interval, a diamond for the naive rule.

    `rows`: name, of (which data), value, low, high (null: no interval), naive_value (null: none), told (the hover); the
    first on top.
    """
    figure, shown = charts.figure("Quality", subtitle, theme), rows.iloc[::-1]
    value, low, high, naive = (shown[name].astype("float64") for name in ("value", "low", "high", "naive_value"))
    places = list(range(len(shown)))
    figure.add_scatter(
        x=naive, y=places, mode="markers", name="naive rule", hoverinfo="skip",
        marker={"size": 9, "symbol": "diamond-open", "color": charts.PALE[theme], "line": {"width": 1.5}},
    )  # fmt: skip
    figure.add_scatter(
        x=value, y=places, mode="markers", name="evaluator", customdata=list(shown["told"]),
        marker={"size": 9, "color": charts.PALETTE[0]},
        error_x={"type": "data", "array": (high - value).fillna(0), "arrayminus": (value - low).fillna(0),
                 "symmetric": False, "color": charts.PALETTE[0], "thickness": 1.5, "width": 5},
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    pairs = zip(shown["name"], shown["of"], strict=True)
    names = [f"{charts.label(name, 30)}<br>{charts.label(of, 30)}" for name, of in pairs]
    figure.update_layout(hovermode="closest", height=max(150, 90 + 40 * len(names)))
    figure.update_yaxes(
        tickvals=places, ticktext=names, range=[-0.6, len(names) - 0.4], rangemode="normal", ticklabelstandoff=8
    )
    return figure.update_xaxes(range=[0, 1.02], showgrid=True)
