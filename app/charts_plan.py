"""Figures of the planner: frame in, figure out, no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

import pandas as pd
import plotly.graph_objects as go

from app import charts

INK = charts.GOOD


Heading = tuple[str, str]
"""Title and subtitle."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The difference that is worth knowing, and the items that it takes."""

    difference: float
    items: int
    unit: str  # of the difference; empty: none


def power(
    rows: pd.DataFrame, heading: Heading, marks: Mapping[str, int], wanted: float, theme: charts.Theme
) -> go.Figure:
    """The chance to see a difference by items, with the pilot's doubt as a band; lines at what is wanted.

    `rows`: items, power, power_low, power_high (null: beyond what is drawn). `marks`: words -> items.
    """
    figure = charts.figure(charts.label(heading[0], 70), charts.label(heading[1], 120), theme)
    items, chance, low, high = (rows[name].astype("float64") for name in ("items", "power", "power_low", "power_high"))
    charts.interval(figure, items, low.fillna(chance.min()).where(high.notna()), high, INK)
    figure.add_scatter(
        x=items, y=chance, mode="lines", line={"color": INK, "width": 2},
        hovertemplate="%{x:,.0f} a variant: %{y:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(y=wanted, line={"color": charts.PALE[theme], "width": 1, "dash": "dot"})
    _upright(figure, marks, theme)
    figure.update_layout(height=charts.TALL, hovermode="closest")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return _log(figure, "x")


def size(
    rows: pd.DataFrame, heading: Heading, factors: Sequence[float] | None, chosen: Chosen, theme: charts.Theme
) -> go.Figure:
    """Items by difference, both on a logarithmic axis, with the pilot's doubt as a band; a point at what is chosen.

    `rows`: items, difference. `factors`: of items, at the band's ends; null: no band.
    """
    figure = charts.figure(charts.label(heading[0], 70), charts.label(heading[1], 120), theme)
    told = rows.dropna(subset=["difference"]).sort_values("difference").reset_index(drop=True)
    x, items = told["difference"].astype("float64"), told["items"].astype("float64")
    if factors is not None:
        charts.interval(figure, x, items * factors[0], items * factors[1], INK)
    after = charts.label(chosen.unit, 20) if chosen.unit else ""
    figure.add_scatter(
        x=x, y=items, mode="lines", line={"color": INK, "width": 2},
        hovertemplate=f"%{{x:.3g}} {after}: %{{y:,.0f}} a variant<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[chosen.difference], y=[chosen.items], mode="markers+text", text=[f"{chosen.items:,}"], hoverinfo="skip",
        textposition="top right", marker={"size": 10, "color": INK},
    )  # fmt: skip
    figure.update_layout(height=charts.TALL, hovermode="closest")
    figure.update_xaxes(title=after or "difference", nticks=6)
    return _log(_log(figure, "x"), "y")


def _log(figure: go.Figure, axis: str) -> go.Figure:
    """A logarithmic axis with marks at 1, 2 and 5."""
    told = {"type": "log", "dtick": "D2", "showgrid": True, "rangemode": "normal"}
    return figure.update_layout(**{f"{axis}axis": told})


def _upright(figure: go.Figure, marks: Mapping[str, int], theme: charts.Theme) -> None:
    for at, (word, items) in enumerate(marks.items()):
        figure.add_vline(x=items, line={"color": charts.PALE[theme], "width": 1, "dash": "dot" if at else "solid"})
        # On a logarithmic axis Plotly takes an annotation's place as the exponent, and a shape's as the value.
        figure.add_annotation(
            x=log10(items), y=0.02 + 0.1 * at, yref="paper", yanchor="bottom", xanchor="left", xshift=4,
            text=f"{charts.label(word, 20)} {items:,}", showarrow=False,
            font={"size": 12, "color": charts.PALE[theme]},
        )  # fmt: skip
