"""Figures of rankings: frame in, figure out, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app import charts

MOST_NUMBERED = 12  # variants up to which each field says its number


def strengths(rows: pd.DataFrame, title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """Each variant's strength with its interval, the strongest on top: variant, strength, low, high (null: none)."""
    figure = charts.figure(charts.label(title, 70), charts.label(subtitle, 120), theme)
    figure.add_vline(x=0, line={"color": charts.PALE[theme], "width": 1})
    charts.estimates(figure, rows["variant"], rows["strength"], rows["low"], rows["high"], most=32, form=":.3g")
    return figure.update_xaxes(showgrid=True, title="log odds of winning")


def matrix(pairs: pd.DataFrame, order: Sequence[str], title: str, subtitle: str, theme: charts.Theme) -> go.Figure:
    """How often rows won against columns, a tie as half a win, with the number of judgements: blue more, orange less.

    `pairs`: a, b, share (of a), n. `order`: the variants from the top. A pair that never met is blank.
    """
    figure = charts.figure(charts.label(title, 70), charts.label(subtitle, 120), theme)
    share = {(row["a"], row["b"]): (row["share"], row["n"]) for _, row in pairs.iterrows()}
    share |= {(b, a): (1 - value, n) for (a, b), (value, n) in list(share.items())}
    told = [[share.get((row, column), (None, 0)) for column in order] for row in order]
    numbered = len(order) <= MOST_NUMBERED
    figure.add_heatmap(
        z=[[value for value, _ in line] for line in told], zmin=0, zmax=1, showscale=False,
        colorscale=[[0, charts.BAD], [0.5, "rgba(127,136,148,0.12)"], [1, charts.GOOD]], xgap=2, ygap=2, opacity=0.75,
        text=[["" if value is None else f"{100 * value:.0f} %<br>of {n:,}" for value, n in line] for line in told],
        texttemplate="%{text}" if numbered else None, textfont={"size": 11, "color": charts.INK[theme]},
        customdata=[[(charts.label(row, 80), charts.label(column, 80)) for column in order] for row in order],
        hovertemplate="%{customdata[0]} against %{customdata[1]}: %{text}<extra></extra>", hoverongaps=False,
    )  # fmt: skip
    figure.update_layout(hovermode="closest", height=max(charts.HEIGHT, 110 + 40 * min(len(order), 20)))
    names = charts.places(order, 20)
    figure.update_xaxes(**names, showgrid=False, ticks="")
    return figure.update_yaxes(**names, autorange="reversed", rangemode="normal", showgrid=False, ticks="")
