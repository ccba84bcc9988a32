"""Figures of agreement: frame in, figure out, no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from app import charts
from app.agreement_words import decimal

MOST_NUMBERED = 14  # rows of a heat map up to which each field says its number
CUSTOM = (0.667, 0.8)
HEAT = {
    "light": [[0, "#fbe3d3"], [0.5, "#e8edf3"], [0.8, "#a9c3df"], [1, "#5d8cc0"]],
    "dark": [[0, "#5a2c14"], [0.5, "#262e38"], [0.8, "#31567f"], [1, "#4a7cb0"]],
}
COUNTS = {
    "light": [[0, "#eef2f7"], [1, "#e0a37c"]],
    "dark": [[0, "#222a34"], [1, "#96512a"]],
}


def coefficients(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """A line for each row: name, value, low, high (null: none); dots where custom asks for .667 and .8."""
    figure = charts.figure(charts.label(title, 70), charts.label(subtitle, 120), theme)
    for at in CUSTOM:
        figure.add_vline(x=at, line={"color": charts.PALE[theme], "width": 1, "dash": "dot"})
    charts.estimates(figure, rows["name"], rows["value"], rows["low"], rows["high"], most=34, form=":.3f")
    shown = [float(value) for value in rows["value"].dropna()] + [float(value) for value in rows["low"].dropna()]
    figure.update_traces(marker={"color": charts.PALETTE[0]}, selector={"mode": "markers"})
    return figure.update_xaxes(showgrid=True, range=[min(0.0, *shown, 0.0) - 0.02, 1.03], title=None)


def pairs(
    of: Mapping[tuple[str, str], tuple[float | None, int]], people: Sequence[str], title: str, subtitle: str,
    theme: charts.Theme,
) -> go.Figure:  # fmt: skip
    """How far each two people agree, with the items that they share; blank where they share none. `of`: value and n."""
    both = {**of, **{(b, a): told for (a, b), told in of.items()}}
    told = [[both.get((row, column), (None, 0)) for column in people] for row in people]
    figure = charts.figure(charts.label(title, 70), charts.label(subtitle, 120), theme)
    figure.add_heatmap(
        z=[[value for value, _ in line] for line in told], zmin=0, zmax=1, showscale=False, colorscale=HEAT[theme],
        xgap=2, ygap=2, hoverongaps=False,
        text=[["" if value is None else f"{decimal(value)}<br>n {n:,}" for value, n in line] for line in told],
        texttemplate="%{text}" if len(people) <= MOST_NUMBERED else None,
        textfont={"size": 11, "color": charts.INK[theme]},
        customdata=[[(charts.label(row, 80), charts.label(column, 80)) for column in people] for row in people],
        hovertemplate="%{customdata[0]} and %{customdata[1]}: %{text}<extra></extra>",
    )  # fmt: skip
    return _squares(figure, people, people)


def confusion(
    counts: Mapping[tuple[str, str], int], categories: Sequence[str], axes: tuple[str, str], texts: tuple[str, str],
    theme: charts.Theme,
) -> go.Figure:  # fmt: skip
    """How often two labels of an item are row and column; the darker off the diagonal, the more often they differ.

    `axes`: who said the rows, and the columns; '': any two people. `texts`: title and subtitle.
    """
    figure = charts.figure(charts.label(texts[0], 70), charts.label(texts[1], 120), theme)
    unlike = max((n for (a, b), n in counts.items() if a != b), default=1)
    cells = [[counts.get((row, column)) for column in categories] for row in categories]
    figure.add_heatmap(
        z=[[None if n is None else 0 if row == column else n for column, n in zip(categories, line, strict=True)]
           for row, line in zip(categories, cells, strict=True)],
        zmin=0, zmax=unlike, showscale=False, colorscale=COUNTS[theme], xgap=2, ygap=2, hoverongaps=False,
        text=[["" if n is None else f"{n:,}" for n in line] for line in cells],
        texttemplate="%{text}" if len(categories) <= MOST_NUMBERED else None,
        textfont={"size": 12, "color": charts.INK[theme]},
        customdata=[[(charts.label(row, 80), charts.label(column, 80)) for column in categories] for row in categories],
        hovertemplate="%{customdata[0]} and %{customdata[1]}: %{text}<extra></extra>",
    )  # fmt: skip
    return _squares(figure, categories, categories, axes)


def _squares(
    figure: go.Figure, rows: Sequence[str], columns: Sequence[str], axes: tuple[str, str] = ("", "")
) -> go.Figure:
    figure.update_layout(hovermode="closest", height=max(charts.HEIGHT, 120 + 40 * min(len(rows), 20)))
    figure.update_xaxes(**charts.places(columns, 20), showgrid=False, ticks="", title=charts.label(axes[1], 40))
    return figure.update_yaxes(
        **charts.places(rows, 20), autorange="reversed", rangemode="normal", showgrid=False, ticks="",
        title=charts.label(axes[0], 40),
    )  # fmt: skip


def over_time(
    parts: pd.DataFrame, marks: Sequence[charts.Mark], title: str, subtitle: str, theme: charts.Theme
) -> go.Figure:
    """A point with its interval for each part: since, until, value, low, high (null: none), n. Marks: guidelines."""
    figure = charts.figure(charts.label(title, 70), charts.label(subtitle, 120), theme)
    middle = parts["since"] + (parts["until"] - parts["since"]) / 2
    value, low, high = (parts[name].astype("float64") for name in ("value", "low", "high"))
    for at in CUSTOM:
        figure.add_hline(y=at, line={"color": charts.PALE[theme], "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=middle, y=value, mode="lines+markers", line={"color": charts.PALETTE[0], "width": 2}, marker={"size": 9},
        error_y={"type": "data", "symmetric": False, "array": (high - value).fillna(0),
                 "arrayminus": (value - low).fillna(0), "color": charts.GREY, "thickness": 2, "width": 0},
        customdata=[[f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}", n]
                    for since, until, n in zip(parts["since"], parts["until"], parts["n"], strict=True)],
        hovertemplate="%{y:.2f}, %{customdata[0]}, %{customdata[1]:,} items<extra></extra>",
    )  # fmt: skip
    edges = parts["since"].iloc[0], parts["until"].iloc[-1]
    known = [float(one) for one in [*value.dropna(), *low.dropna()]]
    charts.markers(figure, marks, edges, theme).update_layout(hovermode="closest")
    return figure.update_xaxes(range=edges).update_yaxes(range=[min(0.0, *known, 0.0), 1.04], rangemode="normal")
