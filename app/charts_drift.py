"""Figures of the drift explorer: inputs of both groups on a map, and categories whose shares moved."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app import charts

SIDES = {"reference": (charts.GREY, "circle-open"), "current": (charts.PALETTE[0], "circle")}
"""Side of a point -> its ink and its symbol: told apart without colour too."""


def embedding_map(points: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Inputs of both groups in the two directions in which they differ most. One trace a side, in the order of `SIDES`.

    `points`: x, y, side, text (of the input, untrusted).
    """
    figure = charts.figure("Meaning of inputs", subtitle, theme)
    for side, (ink, symbol) in SIDES.items():
        rows = points[points["side"] == side]
        figure.add_scatter(
            x=rows["x"], y=rows["y"], mode="markers", name=side,
            customdata=[charts.label(one, 90) for one in rows["text"]],
            marker={"size": 7, "color": ink, "symbol": symbol, "opacity": 0.65, "line": {"width": 1}},
            hovertemplate="%{customdata}<extra>" + side + "</extra>",
        )  # fmt: skip
    figure.update_layout(height=420, showlegend=True, legend=charts.LEGEND, hovermode="closest")
    figure.update_yaxes(rangemode="normal", showticklabels=False, zeroline=False)
    return figure.update_xaxes(showgrid=True, showticklabels=False, zeroline=False)


def moved(rows: Sequence[tuple[str, float]], title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """By how many points the share of each category moved, the largest first."""
    figure = charts.figure(charts.label(title, 60), subtitle, theme)
    points = [gap * 100 for _, gap in rows]
    figure.add_bar(
        x=points, y=list(range(len(rows))), orientation="h", marker_color=charts.PALETTE[0],
        customdata=[charts.label(name, 80) for name, _ in rows],
        hovertemplate="%{customdata}: %{x:+.3g} points<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest", height=max(150, 90 + 26 * len(rows)))
    figure.update_yaxes(**charts.places([name for name, _ in rows], 32), autorange="reversed", rangemode="normal")
    return figure.update_xaxes(ticksuffix=" points", showgrid=True, rangemode="tozero")
