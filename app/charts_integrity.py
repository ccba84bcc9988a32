"""Figures of Cost integrity: reported against computed cost, what no sum counts."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app import format as fmt


def deviations(rows: pd.DataFrame, subtitle: str, theme: charts.Theme) -> go.Figure:
    """How far reports are off: a point per model with its interval around nothing, in percent; the first row on top.

    `rows`: value (model; null: unknown), deviation with _low and _high (shares; null bounds: none), compared (calls).
    """
    figure, shown = charts.figure("Reported against computed cost", subtitle, theme), rows.iloc[::-1]
    value, low, high = (shown[f"deviation{end}"].astype("float64") * 100 for end in ("", "_low", "_high"))
    names = [charts.label(name) for name in shown["value"]]
    inks = [charts.colour(None if fmt.absent(name) else name) for name in shown["value"]]
    figure.add_vline(x=0, line={"color": charts.PALE[theme], "width": 1})
    figure.add_scatter(
        x=value, y=names, mode="markers", marker={"size": 9, "color": inks},
        error_x={"type": "data", "array": high - value, "arrayminus": value - low, "symmetric": False,
                 "color": charts.INK[theme], "thickness": 1, "width": 4},
        customdata=list(zip(map(_percent, value), map(_percent, low), map(_percent, high), shown["compared"],
                            strict=True)),
        hovertemplate="%{y}: %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]})<br>"
        "n = %{customdata[3]:,} calls<extra></extra>",
    )  # fmt: skip
    for name, at, reach in zip(names, value, high.fillna(value), strict=True):
        figure.add_annotation(
            x=reach, y=name, text=_percent(at), showarrow=False, xanchor="left", xshift=8, font={"size": 12}
        )
    figure.update_layout(hovermode="closest", height=max(160, 96 + 28 * len(rows)))
    figure.update_xaxes(ticksuffix=" %", showgrid=True, range=_around(low.fillna(value), high.fillna(value)))
    return figure.update_yaxes(rangemode="normal", type="category", range=[-0.6, len(rows) - 0.4])


def _around(low: pd.Series, high: pd.Series) -> list[float]:
    """An axis that holds 0, all intervals and room for a word; a percent wide at least, so that noise looks small."""
    first, last = min(0.0, float(low.min())), max(0.0, float(high.max()))
    reach = max(last - first, 1.0)
    return [first - 0.06 * reach, last + 0.18 * reach]


def _percent(value: float) -> str:
    return fmt.UNKNOWN if fmt.absent(value) else f"{'+' if value > 0 else ''}{fmt.digits(value)} %"


def amounts(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """A bar per amount of US dollars, the first on top: `name`, `usd` (null: unknown, no bar), `ink`."""
    figure, shown = charts.figure(title, subtitle, theme), rows.iloc[::-1]
    usd = shown["usd"].astype("float64")
    figure.add_bar(
        x=usd, y=shown["name"], orientation="h", marker_color=list(shown["ink"]),
        customdata=list(map(fmt.money, usd)), hovertemplate="%{y}: %{customdata}<extra></extra>",
    )  # fmt: skip
    for name, value in zip(shown["name"], usd, strict=True):
        figure.add_annotation(
            x=0 if fmt.absent(value) else value, y=name, text=fmt.money(value), showarrow=False, xanchor="left",
            xshift=6, font={"size": 12},
        )  # fmt: skip
    figure.update_layout(hovermode="closest", bargap=0.4, height=max(150, 90 + 30 * len(rows)))
    most = usd.max()
    top = 1.0 if fmt.absent(most) or not most else float(most)
    figure.update_xaxes(tickprefix="$", showgrid=True, range=[0, 1.15 * top])
    return figure.update_yaxes(rangemode="normal")
